"""The retry policy by itself, as a table, and each loop that asks it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bindist import AdminClient, TransportError
from bindist.http.response import ApiResponse, failure
from bindist.http.retry import RetryPolicy
from bindist.sandbox import SandboxServer
from bindist.transfer.upload import LocalFile
from tests.sdk.canned import CannedServer

POLICY = RetryPolicy()
SUCCESS = ApiResponse(True, 200, {}, None, None, {})
NEVER, SAFE, ALWAYS = (False, False), (False, True), (True, True)
"""Whether a request is repeated: one that must not be carried out twice, and a repeatable one."""

RESPONSES = {
    (400, "BAD_REQUEST"): NEVER,
    (400, "RequestTimeout"): SAFE,
    (401, ""): NEVER,
    (403, "RequestTimeout"): NEVER,
    (404, ""): NEVER,
    (408, ""): SAFE,
    (409, ""): NEVER,
    (425, ""): ALWAYS,
    (429, ""): ALWAYS,
    (500, ""): NEVER,
    (501, ""): NEVER,
    (502, ""): SAFE,
    (503, ""): SAFE,
    (504, ""): SAFE,
}
STORE_ONLY = {(500, ""): SAFE, (501, ""): SAFE, (200, "INVALID_RESPONSE"): SAFE}
REFUSALS = {400, 401, 403, 404, 409, 412, 425, 429}
UNKNOWN = {200, 408, 500, 502, 503, 504}


def outcome(policy: RetryPolicy, response: ApiResponse, attempt: int = 0) -> tuple[bool, ...]:
    return tuple(
        policy.retries_response(attempt, response, repeatable=repeatable)
        for repeatable in (False, True)
    )


@pytest.mark.parametrize(("response", "expected"), RESPONSES.items())
def test_the_policy_for_the_api(response: tuple[int, str], expected: tuple[bool, bool]) -> None:
    status, code = response
    assert outcome(POLICY, failure(status, "x", code=code)) == expected


@pytest.mark.parametrize(("response", "expected"), {**RESPONSES, **STORE_ONLY}.items())
def test_the_policy_for_the_object_store(
    response: tuple[int, str], expected: tuple[bool, bool]
) -> None:
    status, code = response
    assert outcome(POLICY.for_object_store(), failure(status, "x", code=code)) == expected


@pytest.mark.parametrize("attempt", range(6))
def test_three_retries_are_four_attempts(attempt: int) -> None:
    assert RetryPolicy(retries=3).attempts == 4
    expected = ALWAYS if attempt < 3 else NEVER
    assert outcome(RetryPolicy(retries=3), failure(429, "x"), attempt) == expected


def test_a_success_is_never_repeated() -> None:
    assert outcome(POLICY, SUCCESS) == NEVER


@pytest.mark.parametrize("status", sorted(REFUSALS | UNKNOWN))
def test_which_responses_say_that_nothing_was_carried_out(status: int) -> None:
    assert POLICY.is_refusal(failure(status, "x")) is (status in REFUSALS)


@pytest.mark.parametrize(
    ("ambiguous", "transient", "expected"),
    [
        (True, True, SAFE),
        (False, True, ALWAYS),
        (True, False, NEVER),
        (False, False, NEVER),
    ],
)
def test_a_request_without_a_response_is_repeated_where_that_is_safe(
    ambiguous: bool, transient: bool, expected: tuple[bool, bool]
) -> None:
    error = TransportError("x", ambiguous=ambiguous, transient=transient)
    found = tuple(POLICY.retries_error(0, error, repeatable=each) for each in (False, True))
    assert found == expected
    assert not POLICY.retries_error(3, error, repeatable=True)


# Each loop


def get(admin: AdminClient, application: str) -> None:
    admin.list_applications().raise_for_error()


def presign(admin: AdminClient, application: str) -> None:
    admin.get_large_upload_url(application, "2.0", "a.bin", 5).raise_for_error()


def put(admin: AdminClient, application: str) -> None:
    with LocalFile.opened(io.BytesIO(b"bytes"), "a.bin") as file:
        admin._put_file(application, "2.0", file)


def read(admin: AdminClient, application: str) -> None:
    assert admin.download_file(application, "1.0", test_channel=True)[0] == b"bytes"


def publish(admin: AdminClient, application: str, path: Any) -> None:
    from bindist.release.files import local_files
    from tests.publishing import publish as release

    files = local_files([path])
    assert release(admin, application, "3.0", files, enable=True, settle=0.2).is_enabled


LOOPS: dict[str, tuple[Callable[..., None], str]] = {
    "a call": (get, "method=GET,path=/v1/applications"),
    "a repeatable POST": (presign, "method=POST,path=/v1/management/upload/large-url"),
    "an upload": (put, "method=PUT,path=/store/*"),
    "a download": (read, "method=GET,path=/store/*"),
    "a completion": (publish, "method=POST,path=/v1/management/upload/large-complete"),
    "enabling": (publish, "method=PATCH"),
}


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("status", [408, 425, 418])
def test_every_loop_repeats_the_statuses_of_the_policy(
    loop: str,
    status: int,
    server: SandboxServer,
    connect: Callable[..., AdminClient],
    application: str,
    tmp_path: Any,
) -> None:
    """418 stands for a status that is added to the policy in one line."""
    admin = connect(server.url)
    admin.upload_small_file(application, "1.0", "a.bin", b"bytes").raise_for_error()
    transport = admin._transport
    known = transport.retry_policy.statuses
    transport.retry_policy = replace(transport.retry_policy, statuses=known | {418})
    run, where = LOOPS[loop]
    server.faults.add(f"status:{status},{where},times=3")
    before = len(server.requests)
    if run is publish:
        path = tmp_path / "a.bin"
        path.write_bytes(b"bytes")
        run(admin, application, path)
    else:
        run(admin, application)
    failed = [record for record in server.requests[before:] if record.status == status]
    assert len(failed) == 3


@pytest.mark.parametrize("loop", ["a call", "a repeatable POST", "an upload", "a download"])
def test_every_loop_makes_as_many_attempts(
    loop: str, server: SandboxServer, connect: Callable[..., AdminClient], application: str
) -> None:
    admin = connect(server.url, retries=3)
    admin.upload_small_file(application, "1.0", "a.bin", b"bytes").raise_for_error()
    run, where = LOOPS[loop]
    server.faults.add(f"status:503,{where},times=0")
    with pytest.raises(Exception, match="Service Unavailable"):
        run(admin, application)
    assert sum(record.status == 503 for record in server.requests) == 4


def test_an_upload_that_the_store_calls_too_slow_is_repeated(
    canned: CannedServer, asker: AdminClient
) -> None:
    from bindist.transfer.presigned import PresignedUpload

    canned.answer("<Error><Code>RequestTimeout</Code><Message>idle</Message></Error>", 400)
    canned.answer(headers={"ETag": '"opaque"'})
    presigned = PresignedUpload("u1", f"{canned.url}/put")
    with LocalFile.opened(io.BytesIO(b"bytes"), "a.bin") as file:
        asker._put_file("tool", "1.0", file, presigned=presigned)
    assert [asked.body for asked in canned.asked] == [b"bytes", b"bytes"]
