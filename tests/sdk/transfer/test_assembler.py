"""A file put together from blocks in any order: the right bytes, the right checksum, no hanging."""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bindist.transfer.assembler import BlockWriter, FileAssembler, block_size
from bindist.transfer.block_file import PAGE, BlockFile
from bindist.transfer.concurrency import Cancelled
from bindist.transfer.config import MAX_CONNECTIONS, TransferConfig
from bindist.transfer.ranges import Range, merge, missing

BLOCK = block_size(1)
SIZE = 3 * BLOCK + 5 * PAGE + 17
CONTENT = random.Random(3).randbytes(SIZE)
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()
POINTS = st.integers(0, SIZE) | st.integers(0, SIZE // PAGE).map(lambda page: page * PAGE)


def opener(path: Path) -> Callable[..., BinaryIO]:
    def open_(*, write: bool = False, extra_flags: int = 0) -> BinaryIO:
        flags = (os.O_RDWR | os.O_CREAT if write else os.O_RDONLY) | getattr(os, "O_BINARY", 0)
        return os.fdopen(os.open(path, flags | extra_flags), "r+b" if write else "rb", buffering=0)

    return open_


@pytest.fixture(params=[False, True], ids=["through the cache", "past the cache"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BlockFile]:
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, SIZE)
    with closing(BlockFile(opener(path), direct=request.param)) as found:
        yield found


def nobody(written: Range, done: list[Range]) -> None:
    pass


def write(writer: BlockWriter, content: bytes) -> None:
    """Puts bytes where the writer wants them, as much at a time as it takes."""
    while content:
        buffer = writer.get_buffer()[: len(content)]
        buffer[:] = content[: len(buffer)]
        writer.buffer_updated(len(buffer))
        content = content[len(buffer) :]


def content_of(file: BlockFile) -> bytes:
    view = memoryview(bytearray(SIZE))
    file.read(0, view)
    return bytes(view)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.sets(POINTS, max_size=6), st.randoms(use_true_random=False))
def test_pieces_in_any_order_are_the_whole_file(file, points, chance) -> None:
    edges = sorted({0, SIZE, *points})
    pieces = list(itertools.pairwise(edges))
    chance.shuffle(pieces)
    assembler = FileAssembler(file, [], 1, nobody)
    for start, end in pieces:
        writer = assembler.block_writer(start)
        write(writer, CONTENT[start:end])
        writer.flush()
    assert assembler.finish() == CHECKSUM
    assert content_of(file) == CONTENT


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.tuples(POINTS, POINTS).map(sorted), max_size=4))
def test_existing_bytes_are_hashed_and_not_written_again(file, there) -> None:
    done = merge((start, end) for start, end in there)
    for start, end in done:
        file.write(start, [memoryview(CONTENT)[start:end]])
    told: list[Range] = []
    assembler = FileAssembler(file, done, 1, lambda written, _: told.append(written))
    for start, end in missing(done, SIZE):
        writer = assembler.block_writer(start)
        write(writer, CONTENT[start:end])
        writer.flush()
    assert assembler.finish() == CHECKSUM
    assert merge(told) == missing(done, SIZE)


def test_many_block_writers_write_at_once(file) -> None:
    assembler = FileAssembler(file, [], 4, nobody)

    def work(start: int) -> None:
        writer = assembler.block_writer(start)
        for position in range(start, min(start + BLOCK, SIZE), 1000):
            write(writer, CONTENT[position : min(position + 1000, start + BLOCK)])
        writer.flush()

    threads = [threading.Thread(target=work, args=(at,)) for at in range(0, SIZE, BLOCK)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert assembler.finish() == CHECKSUM


def test_bytes_are_reported_only_after_they_are_written(file) -> None:
    seen: list[bool] = []

    def look(written: Range, done: list[Range]) -> None:
        start, end = written
        view = memoryview(bytearray(end - start))
        os.preadv(file._reading.fileno(), [view], start)
        seen.append(bytes(view) == CONTENT[start:end])

    assembler = FileAssembler(file, [], 1, look)
    writer = assembler.block_writer(0)
    write(writer, CONTENT)
    writer.flush()
    assembler.finish()
    assert seen and all(seen)


class FullDisk(BlockFile):
    """A disk with space for one block."""

    def write(self, offset: int, blocks: object) -> None:
        if offset >= BLOCK:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_stops_the_writers_and_finish_raises_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with closing(FullDisk(opener(path), direct=False)) as file:
        assembler = FileAssembler(file, [], 1, nobody)
        writer = assembler.block_writer(BLOCK)
        with pytest.raises(Cancelled):
            for _ in range(100):
                write(writer, bytes(BLOCK))
        with pytest.raises(OSError, match="space"):
            assembler.finish()


def test_a_raising_callback_stops_the_writers_and_finish_raises_it(file) -> None:
    def refuse(written: Range, done: list[Range]) -> None:
        raise LookupError("no")

    assembler = FileAssembler(file, [], 1, refuse)
    writer = assembler.block_writer(0)
    with pytest.raises(Cancelled):
        for _ in range(100):
            write(writer, CONTENT[:BLOCK])
    with pytest.raises(LookupError):
        assembler.finish()


def test_flushed_bytes_are_written_even_after_an_abort(file) -> None:
    told: list[Range] = []
    assembler = FileAssembler(file, [], 1, lambda written, _: told.append(written))
    writer = assembler.block_writer(0)
    write(writer, CONTENT[: BLOCK + 5])
    writer.flush()
    assembler.abandon()
    assert merge(told) == [(0, BLOCK + 5)]
    with pytest.raises(Cancelled):
        write(writer, CONTENT[:1])


class HungDisk(BlockFile):
    """A disk that does not answer before it is told to."""

    def write(self, offset: int, blocks: object) -> None:
        assert self.released.wait(60)

    released = threading.Event()


def test_an_abort_does_not_wait_for_a_hanging_disk(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with closing(HungDisk(opener(path), direct=False)) as file:
        assembler = FileAssembler(file, [], 1, nobody)
        writer = assembler.block_writer(0)
        write(writer, CONTENT[:BLOCK])
        assert assembler.abandon() is False, "the file is still in use"
        file.released.set()
        assert assembler.abandon() is True


def test_a_file_that_ends_too_soon_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT[:100])
    with closing(BlockFile(opener(path), direct=False)) as file:
        assembler = FileAssembler(file, [(0, 200)], 1, nobody)
        with pytest.raises(OSError, match="ended"):
            assembler.finish()


@pytest.mark.parametrize("writers", [1, 4, 8, 16, MAX_CONNECTIONS])
def test_the_number_of_buffers_is_bounded(writers: int) -> None:
    block = block_size(writers)
    assert block % PAGE == 0
    assert TransferConfig.memory // block >= writers + 8


def test_on_a_slow_connection_partial_buffers_are_written(file) -> None:
    told: list[Range] = []
    assembler = FileAssembler(file, [], 1, lambda written, _: told.append(written))
    writer = assembler.block_writer(0)
    write(writer, CONTENT[:100])
    deadline = time.monotonic() + 30
    position = 100
    while not told and time.monotonic() < deadline:
        time.sleep(0.05)
        write(writer, CONTENT[position : position + 1])
        position += 1
    assert told and position < BLOCK
    write(writer, CONTENT[position:])
    writer.flush()
    assert assembler.finish() == CHECKSUM


def test_a_block_writer_without_bytes_submits_nothing(file) -> None:
    told: list[Range] = []
    assembler = FileAssembler(file, [], 1, lambda written, _: told.append(written))
    writer = assembler.block_writer(0)
    writer.get_buffer()
    writer.flush()
    write(writer, CONTENT)
    writer.flush()
    assert assembler.finish() == CHECKSUM
    assert all(start < end for start, end in told)
