"""One cancellation token ends uploads and downloads; what has arrived stays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from bindist.transfer.concurrency import CancellationToken, Cancelled
from bindist.transfer.download import Download, to_file, to_stream
from bindist.transfer.upload import LocalFile

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * (8 * MIB // 256)


@pytest.fixture
def stored(admin: AdminClient, application: str) -> AdminClient:
    """A client of a server that has version 1.0 with one file of 8 MiB."""
    admin.upload_large_file(application, "1.0", "a.bin", CONTENT).raise_for_error()
    return admin


def cancelling(token: CancellationToken) -> Callable[[int, int], None]:
    """A progress callback by which another thread's decision to cancel comes in the middle."""
    return lambda done, _: token.cancel() if done >= 2 * MIB else None


def download(client: AdminClient, target: Path, token: CancellationToken) -> Download:
    return to_file(
        client._source("tool", "1.0", None, True),
        target,
        None,
        verify=True,
        resume=True,
        connections=1,
        progress=cancelling(token),
        token=token,
    )


def test_a_cancelled_download_raises_and_is_resumed_by_the_next(
    stored: AdminClient, server: SandboxServer, connect_slowly: AdminClient, tmp_path: Path
) -> None:
    target = tmp_path / "a.bin"
    server.faults.add("cut:5000000,path=/store/*,method=GET")
    with pytest.raises(Cancelled):
        download(connect_slowly, target, CancellationToken())
    assert not target.exists()
    done = stored.download_to_file("tool", "1.0", target, test_channel=True)
    assert (done.status, target.read_bytes()) == ("resumed", CONTENT)


def test_a_download_with_a_cancelled_token_makes_no_file(
    stored: AdminClient, tmp_path: Path
) -> None:
    token = CancellationToken()
    token.cancel()
    with pytest.raises(Cancelled):
        download(stored, tmp_path / "a.bin", token)
    assert not (tmp_path / "a.bin").exists()


def test_a_cancelled_stream_raises_in_the_middle(stored: AdminClient, tmp_path: Path) -> None:
    token = CancellationToken()
    with (tmp_path / "out").open("wb") as stream, pytest.raises(Cancelled):
        source = stored._source("tool", "1.0", None, True)
        to_stream(source, stream, verify=True, progress=cancelling(token), token=token)
    assert 2 * MIB <= (tmp_path / "out").stat().st_size < len(CONTENT)


def test_a_cancelled_upload_raises_in_the_middle_and_is_not_repeated(
    admin: AdminClient, application: str, server: SandboxServer, tmp_path: Path
) -> None:
    path, token, sent = tmp_path / "a.bin", CancellationToken(), list[int]()
    path.write_bytes(CONTENT)

    def report(done: int, size: int) -> None:
        sent.append(done)
        cancelling(token)(done, size)

    with LocalFile.opened(path) as file, pytest.raises(Cancelled):
        admin._put_file(application, "1.0", file, report, token=token)
    assert 2 * MIB <= max(sent) < len(CONTENT)
    assert sent == sorted(sent)


@pytest.mark.parametrize("direction", ["upload", "download"])
def test_cancelling_ends_the_pause_before_the_next_attempt(
    direction: str,
    stored: AdminClient,
    server: SandboxServer,
    connect_slowly: AdminClient,
    tmp_path: Path,
) -> None:
    token, started = CancellationToken(), time.monotonic()
    server.faults.add("status:503,path=/store/*,times=0")
    threading.Timer(0.3, token.cancel).start()
    with pytest.raises(Cancelled):
        if direction == "download":
            download(connect_slowly, tmp_path / "b.bin", token)
        else:
            (tmp_path / "c.bin").write_bytes(b"bytes")
            with LocalFile.opened(tmp_path / "c.bin") as file:
                connect_slowly._put_file("tool", "2.0", file, token=token)
    assert time.monotonic() - started < 10


@pytest.fixture
def connect_slowly(server: SandboxServer, connect: Callable[..., AdminClient]) -> AdminClient:
    """A client that pauses for 15 to 30 seconds before it tries again."""
    return connect(server.url, backoff=60)
