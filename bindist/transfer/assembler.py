"""A file put together from blocks that come in any order: written in one thread, hashed in another.

The threads that fetch fill buffers and never touch the disk or the hash, so that the network, the
disk and the hash are busy at the same time. A buffer goes to the writer, from there to the hash if
it is the next one in order, and back into the pool; what comes out of order, or is there from an
earlier run, is read from the file again when its turn comes. The pool is bounded, and so is memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .block_file import BlockFile
from .concurrency import Cancelled, start_thread
from .config import DEFAULTS, TransferConfig
from .ranges import Range, merge, prefix


@dataclass
class _FilledBuffer:
    """A buffer that holds the bytes of the file from `start` to `end`."""

    buffer: memoryview
    start: int
    end: int

    @property
    def view(self) -> memoryview:
        first = self.start % len(self.buffer)
        return self.buffer[first : first + self.end - self.start]


def block_size(writers: int, config: TransferConfig = DEFAULTS) -> int:
    """Bytes of a buffer: as many as leave some to spare where so many write at once, and no more
    than lie between the points where pieces begin."""
    block = config.block_size
    while config.memory // block < writers + config.spare_buffers:
        block //= 2
    return block


class FileAssembler:
    """Assembles `file`, of which the ranges `done` are there already.

    `writers` is how many write at once. `written` is called, in the writing thread, with each
    range that has reached the file and with all that is there by then.
    """

    def __init__(
        self,
        file: BlockFile,
        done: list[Range],
        writers: int,
        written: Callable[[Range, list[Range]], None],
        config: TransferConfig = DEFAULTS,
    ) -> None:
        self._file = file
        self._done = done
        self._written = written
        self._sha256 = hashlib.sha256()
        self.config = config
        self.block = block_size(writers, config)
        self._hash_buffer = self._new_buffer()
        self._free = self._new_buffers(config.memory // self.block)
        self._to_write: deque[_FilledBuffer] = deque()
        self._to_hash: deque[_FilledBuffer] = deque()
        self._hash_end = 0  # where what is hashed, or handed over to be hashed, ends
        self._ended = self._all_written = self._abandoned = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._running = 2
        self._writes_alone = threading.Lock()
        self._writer = start_thread(partial(self._guarded, self._write), "bindist-write")
        self._hasher = start_thread(partial(self._guarded, self._hash), "bindist-hash")
        # What no thread does is done by those who hand over, and at the end.
        self._left = [self._write] * (not self._writer) + [self._hash] * (not self._hasher)

    def _new_buffer(self) -> memoryview:
        return memoryview(mmap.mmap(-1, self.block))  # on a page; takes memory when it is filled

    def _new_buffers(self, count: int) -> list[memoryview]:
        """So many buffers, or as many as a limit of memory (ulimit -v) leaves, but one at least."""
        buffers = [self._new_buffer()]
        with contextlib.suppress(OSError, MemoryError):
            while len(buffers) < count:
                buffers.append(self._new_buffer())
        return buffers

    def block_writer(self, start: int) -> BlockWriter:
        """What writes the bytes of the file from `start` on; use each in one thread only."""
        return BlockWriter(self, start)

    def finish(self) -> str:
        """Waits until all is written and hashed; returns the SHA-256 of the file from its start to
        the first gap. Raises OSError where the disk failed."""
        self._end()
        if self._error:
            raise self._error
        return self._sha256.hexdigest()

    def abandon(self) -> bool:
        """Ends both threads; what the writers have flushed is written all the same. False where a
        disk that hangs keeps one of them: the file is still in use then."""
        with self._changed:
            self._abandoned = True
        return self._end(self.config.interrupt_seconds)

    def _end(self, limit: float | None = None) -> bool:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._write in self._left:  # before the hash, which waits for it
            self._left.remove(self._write)
            self._guarded(self._write)
        # Not by joining: a join that is interrupted takes its thread for ended ever after.
        with self._changed:
            is_over = self._changed.wait_for(lambda: self._running <= len(self._left), limit)
        while self._left:
            self._guarded(self._left.pop())
        return is_over

    def _take(self) -> memoryview:
        """A free buffer; raises Cancelled, or what went wrong, where there will be none."""
        with self._changed:
            while not self._free and not self._error and not self._ended:
                self._changed.wait()
            if self._error or self._ended:
                raise Cancelled
            return self._free.pop()

    def _give_back(self, buffer: memoryview) -> None:
        with self._changed:
            self._free.append(buffer)
            self._changed.notify_all()

    def _hand_over(self, filled: _FilledBuffer) -> None:
        with self._changed:
            self._to_write.append(filled)
            self._changed.notify_all()
        if self._writer is None:
            with self._writes_alone:
                self._write_waiting()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            with self._changed:
                self._error = self._error or error
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _write(self) -> None:
        while filled := self._next_to_write():
            self._write_run(filled)
        with self._changed:
            self._all_written = True
            self._changed.notify_all()

    def _write_waiting(self) -> None:
        """Writes all that waits, in the thread that has handed it over."""
        try:
            while self._to_write and (filled := self._next_to_write()):
                self._write_run(filled)
        except OSError as error:
            with self._changed:
                self._error = self._error or error
                self._changed.notify_all()

    def _write_run(self, filled: list[_FilledBuffer]) -> None:
        start, end = filled[0].start, filled[-1].end
        self._file.write(start, [each.view for each in filled])
        done = merge([*self._done, (start, end)])
        with self._changed:
            self._done = done
            for each in filled:
                is_next = each.start == self._hash_end and not self._abandoned
                if is_next and self._hasher is not None:
                    self._hash_end = each.end
                    self._to_hash.append(each)
                else:
                    self._free.append(each.buffer)
            self._changed.notify_all()
        self._written((start, end), done)

    def _next_to_write(self) -> list[_FilledBuffer]:
        """What waits to be written, as far as it is one piece of the file; nothing at the end."""
        with self._changed:
            while not self._to_write and not self._ended and not self._error:
                self._changed.wait()
            if not self._to_write or self._error:
                return []
            run = [self._to_write.popleft()]
            while (
                self._to_write
                and self._to_write[0].start == run[-1].end
                and len(run) < self.config.max_write_buffers
            ):
                run.append(self._to_write.popleft())
            return run

    def _hash(self) -> None:
        while found := self._next_to_hash():
            if isinstance(found, _FilledBuffer):
                self._sha256.update(found.view)
                with self._changed:
                    self._free.append(found.buffer)
                    self._changed.notify_all()
            else:
                start, end = found
                view = self._hash_buffer[: end - start]
                self._file.read(start, view)
                self._sha256.update(view)

    def _next_to_hash(self) -> _FilledBuffer | Range | None:
        """The next block in memory, or the next range that only the file has; None at the end."""
        with self._changed:
            while not self._abandoned and not self._error:
                if self._to_hash:
                    return self._to_hash.popleft()
                start, there = self._hash_end, prefix(self._done)
                if there > start:
                    self._hash_end = min(there, start + self.block - start % self.block)
                    return start, self._hash_end
                if self._all_written:
                    return None
                self._changed.wait()
        return None


class BlockWriter:
    """What one connection puts its bytes into: one buffer after the other, each handed over when it
    is full, or when its bytes have waited for long.

    A buffer holds what lies between two multiples of its size in the file, and holds it as far from
    its own start: so what is aligned in memory is aligned on the disk.
    """

    def __init__(self, assembler: FileAssembler, start: int) -> None:
        self._assembler = assembler
        self._start = self._position = start
        self._buffer: memoryview | None = None
        self._since = 0.0

    def get_buffer(self) -> memoryview:
        """Where the next bytes go; waits where all buffers are full. Raises Cancelled where the
        assembler has ended or failed: its `finish` tells why."""
        if self._buffer is None:
            self._buffer = self._assembler._take()
            self._start = self._position
            self._since = time.monotonic()
        return self._buffer[self._position % len(self._buffer) :]

    def buffer_updated(self, count: int) -> None:
        """So many bytes are there now, from the start of the last `get_buffer` on."""
        self._position += count
        whole = self._position % self._assembler.block == 0
        if whole or time.monotonic() - self._since > self._assembler.config.max_held_seconds:
            self.flush()

    @property
    def position(self) -> int:
        """Where in the file the next bytes go."""
        return self._position

    def close(self) -> None:
        """Hands over what has been collected, and gives back a buffer that nothing came into."""
        self.flush()
        if self._buffer is not None:
            self._assembler._give_back(self._buffer)
            self._buffer = None

    def flush(self) -> None:
        """Hands over what has been collected, if anything."""
        if self._buffer is not None and self._position > self._start:
            filled = _FilledBuffer(self._buffer, self._start, self._position)
            self._buffer = None
            self._assembler._hand_over(filled)
