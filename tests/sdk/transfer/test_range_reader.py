"""The bytes of one range of a file, whatever the object store does meanwhile."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3

from bindist.http.transport import Transport
from bindist.transfer.concurrency import CancellationToken
from bindist.transfer.config import TransferConfig
from bindist.transfer.presigned import ChangedError, DownloadSource, PresignedDownload
from bindist.transfer.range_reader import _Body, next_read, receive
from tests.sdk.canned import CannedServer

MIN_READ, MAX_READ = TransferConfig.min_read, TransferConfig.max_read
CONTENT = bytes(range(256)) * (MAX_READ // 64)


class Memory:
    """A receiver that keeps what it is given, and can have somebody told of it."""

    def __init__(self, told: Callable[[int], None] = lambda _: None) -> None:
        self.received = bytearray()
        self._told = told
        self._buffer = memoryview(bytearray(MAX_READ))

    def get_buffer(self) -> memoryview:
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        self.received += self._buffer[:count]
        self._told(count)


@pytest.fixture
def source(canned: CannedServer) -> Iterator[DownloadSource]:
    transport = Transport(canned.url, "key", timeout=(5, 5), retries=2, backoff=0.001, verify=None)
    yield DownloadSource(
        transport, lambda: PresignedDownload(f"{canned.url}/k", "a.zip", len(CONTENT), "0" * 64)
    )
    transport.close()


def partial(start: int, end: int, **headers: str) -> dict[str, Any]:
    """A partial answer that says it holds those bytes."""
    given = {"Content-Range": f"bytes {start}-{end - 1}/{len(CONTENT)}", **headers}
    return {"status": 206, "headers": given}


@pytest.mark.parametrize("status", [412, 416])
def test_an_object_that_was_replaced_is_a_change(
    status: int, canned: CannedServer, source: DownloadSource
) -> None:
    canned.answer(b"", status)
    with pytest.raises(ChangedError, match="has been replaced"):
        receive(source, (0, len(CONTENT)), Memory())


@pytest.mark.counts("faults")
def test_a_truncated_response_without_a_length_is_resumed(
    canned: CannedServer, source: DownloadSource
) -> None:
    whole = len(CONTENT)
    canned.answer((CONTENT[:1000],), 200)
    canned.answer((CONTENT[1000:5000],), **partial(1000, whole))
    canned.answer((CONTENT[5000:],), **partial(5000, whole))
    memory = Memory()
    receive(source, (0, whole), memory)
    assert memory.received == CONTENT
    assert [sent.headers.get("range") for sent in canned.asked] == [
        None,
        f"bytes=1000-{whole - 1}",
        f"bytes=5000-{whole - 1}",
    ]


def test_a_cancelled_token_ends_receive(canned: CannedServer, source: DownloadSource) -> None:
    canned.answer(CONTENT)
    token = CancellationToken()
    memory = Memory(lambda _: token.cancel())
    receive(source, (0, len(CONTENT)), memory, token)
    assert memory.received == CONTENT[:MIN_READ]
    receive(source, (0, len(CONTENT)), memory, token)
    assert memory.received == CONTENT[:MIN_READ]
    assert len(canned.asked) == 1


def test_read_sizes_follow_the_rate() -> None:
    quick = itertools.accumulate([0.01] * 6, next_read, initial=MIN_READ)
    assert list(quick) == [*(MIN_READ << n for n in range(5)), MAX_READ, MAX_READ]
    assert next_read(MAX_READ, 0.1) == MAX_READ
    slow = itertools.accumulate([0.5] * 5, next_read, initial=MAX_READ)
    assert list(slow) == [*(MAX_READ >> n for n in range(5)), MIN_READ]


def test_no_read_exceeds_the_range(canned: CannedServer, source: DownloadSource) -> None:
    canned.answer(CONTENT)
    counts: list[int] = []
    receive(source, (0, len(CONTENT)), Memory(counts.append))
    assert counts[0] == MIN_READ and max(counts) <= MAX_READ
    assert sum(counts) == len(CONTENT)


def test_one_connection_serves_one_range_after_the_other(
    canned: CannedServer, source: DownloadSource
) -> None:
    whole = len(CONTENT)
    edges = [0, 1, MIN_READ, MIN_READ + 7, whole]
    memory = Memory()
    for start, end in itertools.pairwise(edges):
        canned.answer(CONTENT[start:end], **partial(start, end))
    for wanted in itertools.pairwise(edges):
        receive(source, wanted, memory)
    assert memory.received == CONTENT
    assert len({sent.connection for sent in canned.asked}) == 1


def test_without_access_to_the_socket_urllib3_reads(source: DownloadSource) -> None:
    answer = requests.Response()
    answer.raw = urllib3.HTTPResponse(io.BytesIO(CONTENT), preload_content=False)
    body, received = _Body(source.transport, answer), bytearray()
    buffer = memoryview(bytearray(MAX_READ))
    while count := body.read_into(buffer):
        received += buffer[:count]
    body.release()
    assert received == CONTENT
