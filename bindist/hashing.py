"""Checksums: comparing them, and computing them beside a transfer."""

from __future__ import annotations

import hashlib
import queue
import re
import threading
from pathlib import Path
from typing import BinaryIO

BLOCK = 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MD5_BACKLOG = 8 * BLOCK


def normalize_checksum(checksum: object) -> str:
    """Lower case, without the `sha256:` that the hosted documentation puts before it."""
    text = checksum.strip().lower() if isinstance(checksum, str) else ""
    return text.removeprefix("sha256:")


def is_sha256(checksum: object) -> bool:
    """Whether it can be the SHA-256 of anything; the server itself takes any 32 to 128 letters."""
    return _SHA256.fullmatch(normalize_checksum(checksum)) is not None


def checksums_match(one: object, other: object) -> bool:
    """Whether both are the same SHA-256, whatever their case and prefix."""
    return is_sha256(one) and normalize_checksum(one) == normalize_checksum(other)


def sha256_bytes(content: bytes) -> str:
    """The SHA-256 of bytes in memory, in hex."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(BLOCK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


class FollowingHash:
    """The SHA-256 of a file, computed in a thread of its own behind those who read it.

    It reads the file again, out of the page cache, only as far as `advance` has said, so that
    nobody ever waits for it. With `md5=True` the MD5 is computed too, but given up as soon as that
    would hold the SHA-256 back.
    """

    def __init__(self, file: BinaryIO, *, md5: bool = False) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if md5 else None
        self._allowed = 0
        self._ended = False
        self._error: Exception | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="bindist-hash", daemon=True)
        self._thread.start()

    def advance(self, upto: int, block: bytes = b"") -> None:  # noqa: ARG002  read from the file
        """Allows the bytes before the offset `upto`, of which `block` is the last, to be hashed."""
        with self._changed:
            if upto > self._allowed:
                self._allowed = upto
                self._changed.notify()

    def finish(self) -> str:
        """Waits for all that was allowed and returns the SHA-256 in hex.

        Raises OSError where the file could not be read, or ended before that.
        """
        self._end()
        if self._error:
            raise self._error
        return self._sha256.hexdigest()

    def md5(self) -> str | None:
        """After `finish`: the MD5 in hex, or None where it was not asked for or given up."""
        return self._md5.hexdigest() if self._md5 else None

    def abandon(self) -> None:
        """Ends the thread without a result; the file can be closed then."""
        with self._changed:
            self._allowed = 0
        self._end()

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._follow()
        except (OSError, ValueError) as error:
            self._error = error

    def _follow(self) -> None:
        buffer = memoryview(bytearray(BLOCK))
        position = 0
        while True:
            with self._changed:
                while self._allowed <= position and not self._ended:
                    self._changed.wait()
                allowed = self._allowed
            if allowed <= position:
                return
            if self._md5 and allowed - position > _MD5_BACKLOG:
                self._md5 = None
            count = self._file.readinto(buffer[: min(BLOCK, allowed - position)])  # type: ignore[attr-defined]
            if not count:
                raise OSError(f"the file ended at byte {position} of {allowed}")
            self._sha256.update(buffer[:count])
            if self._md5:
                self._md5.update(buffer[:count])
            position += count


class StreamHash:
    """The SHA-256 of blocks handed over one by one, in a thread behind a bounded queue."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._blocks: queue.Queue[bytes | None] = queue.Queue(maxsize=8)
        self._thread = threading.Thread(target=self._run, name="bindist-hash", daemon=True)
        self._thread.start()

    def update(self, block: bytes) -> None:
        """Hands over a block; waits where too many are waiting already."""
        self._blocks.put(block)

    def finish(self) -> str:
        """Waits for the rest and returns the SHA-256 in hex."""
        self._blocks.put(None)
        self._thread.join()
        return self._sha256.hexdigest()

    def _run(self) -> None:
        while (block := self._blocks.get()) is not None:
            self._sha256.update(block)
