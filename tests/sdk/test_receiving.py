"""The bytes of one range of a file, whatever the object store does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bindist.download import READ_BLOCK, blocks
from bindist.source import ChangedError, Grant, Source
from bindist.transport import Transport
from tests.sdk.canned import CannedServer

CONTENT = bytes(range(256)) * (READ_BLOCK // 64)  # four blocks


@pytest.fixture
def source(canned: CannedServer) -> Iterator[Source]:
    transport = Transport(canned.url, "key", timeout=(5, 5), retries=2, backoff=0.001, verify=None)
    yield Source(transport, lambda: Grant(f"{canned.url}/k", "a.zip", len(CONTENT), "0" * 64))
    transport.close()


def partial(start: int, end: int, **headers: str) -> dict[str, Any]:
    """A partial answer that says it holds those bytes."""
    given = {"Content-Range": f"bytes {start}-{end - 1}/{len(CONTENT)}", **headers}
    return {"status": 206, "headers": given}


@pytest.mark.parametrize("status", [412, 416])
def test_an_object_that_was_replaced_is_a_change(
    status: int, canned: CannedServer, source: Source
) -> None:
    canned.answer(b"", status)
    with pytest.raises(ChangedError, match="has been replaced"):
        list(blocks(source, (0, len(CONTENT))))


def test_an_answer_without_length_that_ends_too_soon_is_gone_on_with(
    canned: CannedServer, source: Source, tally: Callable[..., None]
) -> None:
    whole = len(CONTENT)
    canned.answer((CONTENT[:1000],), 200)
    canned.answer((CONTENT[1000:5000],), **partial(1000, whole))
    canned.answer((CONTENT[5000:],), **partial(5000, whole))
    assert b"".join(blocks(source, (0, whole))) == CONTENT
    assert [sent.headers.get("range") for sent in canned.asked] == [
        None,
        f"bytes=1000-{whole - 1}",
        f"bytes=5000-{whole - 1}",
    ]
    tally("faults")


def test_who_is_told_to_stop_gets_no_more_bytes_and_asks_for_none(
    canned: CannedServer, source: Source
) -> None:
    canned.answer(CONTENT)
    stop = threading.Event()
    running = blocks(source, (0, len(CONTENT)), stop)
    first = next(running)
    stop.set()
    assert 0 < len(first) < len(CONTENT)
    assert list(running) == []
    assert list(blocks(source, (0, len(CONTENT)), stop)) == []
    assert len(canned.asked) == 1
