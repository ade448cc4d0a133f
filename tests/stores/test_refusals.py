"""What a refusal of a real store or gateway says, and what is done about it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, ApiError, TransferConfig, TransportError
from bindist.sandbox import SandboxServer
from bindist_cli.output.error_output import to_cli_error
from tests.conftest import ADMIN_KEY
from tests.stores.conftest import LISTED
from tests.stores.odd_server import OddServer

Odd = Callable[..., OddServer]
Connect = Callable[..., AdminClient]
GIB = 1024**3


def shown(caught: pytest.ExceptionInfo[Exception]) -> str:
    told = to_cli_error(caught.value)
    return f"{told.message}\n{told.hint}"


# Refused while the body is sent


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("mode", ["early400", "early400-reset", "early400-linger"])
def test_an_early_refusal_is_heard_at_once(
    odd: Odd, connect: Connect, local_file: Path, mode: str, tls: bool
) -> None:
    server = odd(mode, tls=tls)
    with pytest.raises(ApiError, match="exceeds the maximum") as caught:
        connect(server.url).publish("tool", "3.0", local_file, settle=0)
    assert (caught.value.status_code, caught.value.code) == (400, "EntityTooLarge")
    assert sum(method == "PUT" for method, _ in server.asked) == 1


def test_no_more_is_sent_than_until_the_refusal(odd: Odd, connect: Connect, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    sent = []
    server = odd("early400-linger")
    with pytest.raises(ApiError, match="exceeds"):
        connect(server.url).upload_file(
            "tool", "3.0", path, progress=lambda done, _: sent.append(done)
        ).raise_for_error()
    assert max(sent) < path.stat().st_size // 2


@pytest.mark.parametrize("mode", ["100", "102", "103"])
def test_an_interim_answer_does_not_end_the_sending(
    odd: Odd, connect: Connect, local_file: Path, mode: str
) -> None:
    server = odd(mode)
    assert connect(server.url).upload_file("tool", f"3.1-{mode}", local_file).success


# The limit of one PUT


@pytest.fixture
def too_large(tmp_path: Path) -> Path:
    path = tmp_path / "huge.bin"
    with path.open("wb") as file:
        file.truncate(5 * GIB + 1)
    return path


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_file_over_the_limit_of_one_put_is_refused_before_any_request(
    too_large: Path, invoke: Callable[..., Any], at_server: SandboxServer, options: tuple[str, ...]
) -> None:
    at_server.requests.clear()
    result = invoke("versions", "upload", "tool", "3.2", str(too_large), *options)
    assert result.exit_code == 2
    assert "5368709121 bytes: the object store takes 5 GiB in one request" in result.stderr
    assert at_server.requests == []


def test_every_upload_keeps_to_the_limit(
    too_large: Path, connect: Connect, server: SandboxServer, local_file: Path
) -> None:
    client = connect(server.url)
    with pytest.raises(ValueError, match="5 GiB"):
        client.upload_file("tool", "3.2", too_large)
    small = connect(server.url, transfer_config=TransferConfig(inline_limit=9, upload_limit=9))
    with pytest.raises(ValueError, match="10 bytes"):
        small.upload_large_file("tool", "3.2", "a.bin", bytes(10))
    with pytest.raises(ValueError, match="in one request"):
        small.publish("tool", "3.2", local_file)
    assert server.requests == []


# Redirects and limits of gateways


@pytest.mark.parametrize(
    ("mode", "again"), [("put301", False), ("put307", True), ("put308", False)]
)
def test_a_redirected_upload_says_what_the_store_says_and_where_to(
    odd: Odd, connect: Connect, local_file: Path, mode: str, again: bool
) -> None:
    with pytest.raises(ApiError) as caught:
        connect(odd(mode).url).publish("tool", "3.3", local_file, settle=0)
    said = shown(caught)
    assert "the object store redirects to bucket.eu-south-1.example: Please re-send this" in said
    assert ("run the command again" in said) is again
    assert "s=1" not in said, "what the address grants is not told"


def test_a_gateway_that_limits_bodies_is_not_a_quota(
    odd: Odd, connect: Connect, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(bytes(1 << 21))
    with pytest.raises(ApiError) as caught:
        connect(odd("nginx413").url).publish("tool", "3.4", path, file_type="MAIN", settle=0)
    assert type(caught.value) is ApiError
    said = shown(caught)
    assert "HTTP 413 with an HTML page" in said
    assert "nginx: client_max_body_size" in said
    assert "storage" not in said


# Only a handshake decides on trust


@pytest.fixture(params=["reset", "end"])
def closing(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that hangs up in the middle of a handshake, with what it was sent read or not."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.recv(1 if request.param == "reset" else 65536)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_broken_handshake_is_no_distrust(closing: str, connect: Connect) -> None:
    with pytest.raises(TransportError, match=f"no TLS connection to {closing}: ") as caught:
        connect(f"https://{closing}", retries=0).list_applications()
    assert not caught.value.ambiguous


def test_a_port_without_tls_says_so(catalogue: SandboxServer, connect: Connect) -> None:
    url = catalogue.url.replace("http:", "https:")
    with pytest.raises(TransportError, match="speaks http without TLS, not https") as caught:
        connect(url).list_applications()
    assert not caught.value.transient


# A store that says nothing


def transfers(client: AdminClient, folder: Path) -> dict[str, Callable[[], object]]:
    paths = [folder / f"{name}.bin" for name in "ab"]
    for path in paths:
        path.write_bytes(b"some bytes")
    return {
        "upload": lambda: client.publish("tool", "3.5", paths[0], settle=0),
        "uploads": lambda: client.publish("tool", "3.6", paths, settle=0),
        "upload_file": lambda: client.upload_file("tool", "3.7", paths[0]),
        "file": lambda: client.download_to_file(*LISTED, folder / "got", connections=4),
        "memory": lambda: client.download_file(*LISTED),
        "folder": lambda: client.download_version(*LISTED, folder / "all"),
        "first bytes": lambda: client.check_stored_version(*LISTED),
    }


WHAT = ["upload", "uploads", "upload_file", "file", "memory", "folder", "first bytes"]


@pytest.mark.parametrize("what", WHAT)
def test_a_silent_store_is_tried_as_often_whatever_is_done(
    odd: Odd, connect: Connect, tmp_path: Path, what: str
) -> None:
    server = odd("silent")
    client = connect(server.url, retries=1, timeout=(5, 0.2))
    with pytest.raises(TransportError, match=r"did not respond within 0\.2 s") as caught:
        transfers(client, tmp_path)[what]()
    tried = sum(path.startswith("/store/") for _, path in server.asked)
    assert tried == 2 * (2 if what == "uploads" else 1)
    assert shown(caught).endswith("\ncheck the address and the network, then run it again")


def test_all_files_of_a_silent_store_are_tried_as_often(
    odd: Odd, connect: Connect, catalogue: SandboxServer, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.bin" for number in range(4)]
    for path in paths:
        path.write_bytes(path.name.encode())
    with AdminClient(catalogue.url, ADMIN_KEY) as admin:
        admin.publish("tool", "3.8", paths, enable=True, settle=0)
    server = odd("silent")
    with pytest.raises(Exception, match="4 of 4 files"):
        connect(server.url, retries=1, timeout=(5, 0.2)).download_version(
            "tool", "3.8", tmp_path / "got", parallel=2
        )
    assert sum(path.startswith("/store/") for _, path in server.asked) == 4 * 2


def test_a_change_that_got_no_answer_is_to_be_checked(odd: Odd, connect: Connect) -> None:
    server = odd("silent-api")
    with pytest.raises(TransportError) as caught:
        connect(server.url, timeout=(5, 0.2)).create_customer("New")
    assert "may have carried it out: check before" in shown(caught)
    with pytest.raises(TransportError) as caught:
        connect(server.url, timeout=(5, 0.2)).list_customers()
    assert "carried" not in shown(caught)
