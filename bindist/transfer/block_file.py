"""Reading and writing a file in large blocks, past the page cache where that can be had.

What is written past the cache costs neither the memory for it nor the copy into it, and is on the
disk at once, so that nothing is left to flush. The price: who reads the file next reads the disk.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import BinaryIO, Protocol

PAGE = 4096
"""What offsets, lengths and addresses must be multiples of to go past the cache."""


class Opener(Protocol):
    """Opens the file, unbuffered, for reading and writing."""

    def __call__(self, *, write: bool = False, extra_flags: int = 0) -> BinaryIO: ...


class BlockFile:
    """A file that one thread writes and another reads, each block where it belongs.

    `direct` asks for the way past the page cache; where the system or the file system has none, the
    usual one is taken. To be closed.
    """

    def __init__(self, open_: Opener, *, direct: bool) -> None:
        self._writing = open_(write=True)
        self._reading = open_()
        self._direct = _open_direct(open_) if direct else None
        self._is_direct = self._direct is not None

    def close(self) -> None:
        for file in (self._writing, self._reading, self._direct):
            if file is not None:
                file.close()

    def write(self, offset: int, blocks: Sequence[memoryview]) -> None:
        """Writes blocks one after the other from `offset` on; raises OSError where that fails."""
        if self._is_direct:
            offset, blocks = self._write_direct(offset, blocks)
        for block in blocks:
            _write_at(self._writing, offset, block)
            offset += len(block)

    def _write_direct(
        self, offset: int, blocks: Sequence[memoryview]
    ) -> tuple[int, Sequence[memoryview]]:
        """Writes whole pages past the cache; returns what is left to be written the usual way.

        All blocks but the first and the last begin and end on a page.
        """
        assert self._direct is not None
        blocks = list(blocks)
        head = -offset % PAGE
        if head:
            head = min(head, len(blocks[0]))
            _write_at(self._writing, offset, blocks[0][:head])
            offset += head
            blocks[0] = blocks[0][head:]
        whole = len(blocks[-1]) // PAGE * PAGE
        tail = blocks[-1][whole:]
        blocks[-1] = blocks[-1][:whole]
        while waiting := [block for block in blocks if block]:
            try:
                count = os.pwritev(self._direct.fileno(), waiting, offset)
            except OSError:
                # This file system wants larger pages, or none; or the disk has failed, which the
                # usual way is told, too.
                self._is_direct = False
                return offset, [*waiting, tail]
            offset += count
            blocks = _after(waiting, count)
            if count % PAGE:  # a disk that is nearly full, or a signal
                return offset, [*blocks, tail]
        return offset, [tail]

    def read(self, offset: int, view: memoryview) -> None:
        """Fills `view` from `offset` on; raises OSError where the file ends before that."""
        end = offset + len(view)
        while view:
            count = self._read_direct(offset, view)
            if count is None:
                self._reading.seek(offset)
                count = self._reading.readinto(view)  # type: ignore[attr-defined]
            if not count:
                raise OSError(errno.EIO, f"the file ended at byte {offset} of {end}")
            offset += count
            view = view[count:]

    def _read_direct(self, offset: int, view: memoryview) -> int | None:
        """How many bytes were read past the cache; None where that way cannot be taken."""
        if not self._is_direct or self._direct is None or offset % PAGE or len(view) % PAGE:
            return None
        try:
            return os.preadv(self._direct.fileno(), [view], offset)
        except OSError:
            self._is_direct = False
            return None


def _after(blocks: Sequence[memoryview], count: int) -> list[memoryview]:
    """`blocks` without their first `count` bytes."""
    left = []
    for block in blocks:
        left.append(block[count:])
        count = max(0, count - len(block))
    return left


def _open_direct(open_: Opener) -> BinaryIO | None:
    flag = getattr(os, "O_DIRECT", 0)
    if not flag or not hasattr(os, "pwritev"):
        return None
    try:
        return open_(write=True, extra_flags=flag)
    except OSError:  # of the flag: the file has just been opened without it
        return None


def _write_at(file: BinaryIO, offset: int, block: memoryview) -> None:
    file.seek(offset)
    while block:
        block = block[file.write(block) :]
