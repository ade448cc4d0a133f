"""Other processes: forked with a client in use, or sent what an SDK raises."""

from __future__ import annotations

import copy
import json
import multiprocessing
import os
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from bindist import AdminClient, CustomerClient, errors
from bindist.http.response import failure
from bindist.http.sessions import KeyAuth
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY

ROUNDS = 25
CHILDREN = 4


def child_of(work: Callable[[], Any]) -> tuple[int, int]:
    """Forks; the child does the work and writes its result as JSON. Returns its id and a pipe."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    try:
        result = json.dumps(work())
    except BaseException:
        result = json.dumps(traceback.format_exc())
    os.write(writing, result.encode())
    os._exit(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_children_get_their_own_responses(server: SandboxServer, admin: AdminClient) -> None:
    for number in range(CHILDREN + 1):
        admin.create_application(f"app-{number}", "App").raise_for_error()
    content = {n: bytes([65 + n]) * 5000 for n in range(CHILDREN + 1)}
    for number, data in content.items():
        admin.upload_large_file(f"app-{number}", "1", "a.bin", data).raise_for_error()

    def ask(number: int) -> int:
        """How often an answer was another's."""
        wrong = 0
        for _ in range(ROUNDS):
            found = admin.get_application(f"app-{number}").require()["applicationId"]
            bytes_found, _ = admin.download_file(
                f"app-{number}", "1", test_channel=True, verify_checksum=False
            )
            wrong += found != f"app-{number}" or bytes_found != content[number]
        return wrong

    assert ask(0) == 0, "both of its connections are open"
    children = [child_of(lambda n=n: ask(n)) for n in range(1, CHILDREN + 1)]  # type: ignore[misc]
    assert ask(0) == 0
    for process, reading in children:
        with os.fdopen(reading) as pipe:
            assert json.load(pipe) == 0
        os.waitpid(process, 0)
    assert ask(0) == 0, "the parent's connections are still its own"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_that_closes_its_client_leaves_the_parents_connection_open(
    server: SandboxServer, admin: AdminClient
) -> None:
    assert admin.list_customers().success
    before = admin._transport._sessions

    def close() -> bool:
        admin.close()
        return admin._transport._sessions is not before

    process, reading = child_of(close)
    with os.fdopen(reading) as pipe:
        assert json.load(pipe) is True
    os.waitpid(process, 0)
    assert admin._transport._sessions is before
    assert admin.list_customers().success


# Exceptions

ANSWER = failure(418, "no coffee", code="TEAPOT", raw={"error": {"message": "no coffee"}})
DIFFERENCES = [("a.zip", "00", "11"), ("b.zip", None, "22")]


class OwnError(errors.TransportError):
    """As somebody who builds on the SDK may have one."""

    def __init__(self, place: str) -> None:
        super().__init__(f"not at {place}", ambiguous=True, transient=False)
        self.place = place


ARGUMENTS: dict[type[errors.BinDistError], tuple[tuple[Any, ...], dict[str, Any]]] = {
    errors.BinDistError: (("something",), {}),
    errors.TransportError: (("no answer",), {"ambiguous": True, "transient": False}),
    errors.IntegrityError: (("other bytes",), {}),
    errors.DifferentContentError: (
        ("other files", DIFFERENCES),
        {"incomplete": True, "mixed": True},
    ),
    errors.SignatureError: (("not signed",), {}),
    errors.MissingExtraError: (("signatures", "signing"), {}),
    errors.FileNameError: (("names", {"–.exe": "-.exe"}), {}),
    errors.BusyError: (("another process",), {}),
    errors.TargetExistsError: (("a file appeared",), {}),
    errors.TargetConflictError: (("two files of one name",), {}),
    errors.IncompleteDownloadError: (([], {"a.bin": errors.BusyError("busy")}), {}),
    OwnError: (("home",), {}),
}
API_ERRORS = [errors.ApiError, *errors.ApiError.__subclasses__()]
KINDS = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, errors.BinDistError)
]
COPIES: dict[str, Callable[[Any], Any]] = {
    **{
        f"pickle {protocol}": lambda error, protocol=protocol: pickle.loads(
            pickle.dumps(error, protocol)
        )
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("kind", [*KINDS, OwnError], ids=lambda kind: kind.__name__)
def test_every_exception_can_be_pickled_and_copied(
    kind: type[errors.BinDistError], how: str
) -> None:
    arguments, named = ((ANSWER,), {}) if kind in API_ERRORS else ARGUMENTS[kind]
    error = kind(*arguments, **named)
    found = COPIES[how](error)
    assert type(found) is kind and found is not error
    assert (str(found), found.args) == (str(error), error.args)
    assert vars(found) == vars(error) or repr(vars(found)) == repr(vars(error))


def fail(address: str, kind: str) -> None:
    """A worker's job, that fails as the SDK does."""
    with AdminClient(address, ADMIN_KEY, retries=0) as client:
        if kind == "api":
            client.get_application("nothing").raise_for_error()
        client.download_file("nothing", "1")


@pytest.mark.parametrize("start", multiprocessing.get_all_start_methods())
def test_a_process_pool_passes_an_exception_on(server: SandboxServer, start: str) -> None:
    with multiprocessing.get_context(start).Pool(1) as pool:
        with pytest.raises(errors.NotFoundError) as caught:
            pool.apply_async(fail, (server.url, "api")).get(60)
        assert caught.value.status_code == 404 and caught.value.request_id
        with pytest.raises(errors.TransportError) as lost:
            pool.apply_async(fail, ("http://127.0.0.1:1", "transport")).get(60)
        assert not lost.value.ambiguous


# Clients


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("kind", [AdminClient, CustomerClient])
def test_a_client_is_neither_pickled_nor_copied(kind: type[CustomerClient], how: str) -> None:
    with kind("https://api.example", ADMIN_KEY) as client:
        match = f"{kind.__name__} cannot be pickled or copied: make a new one"
        with pytest.raises(TypeError, match=match) as caught:
            COPIES[how](client)
    assert ADMIN_KEY not in str(caught.value)


@pytest.mark.parametrize("how", COPIES)
def test_objects_with_the_key_are_neither_pickled_nor_copied(how: str) -> None:
    with AdminClient("https://api.example", ADMIN_KEY) as client:
        for part in (client._transport, client._transport._sessions, KeyAuth(ADMIN_KEY)):
            with pytest.raises(TypeError, match="pickled"):
                COPIES[how](part)
