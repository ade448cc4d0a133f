"""Checksums: comparing them, and computing them beside a transfer."""

from __future__ import annotations

import hashlib
import queue
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ..file_system import naming
from .concurrency import start_thread
from .config import DEFAULTS

if TYPE_CHECKING:
    from ..types import StrPath

_SHA256 = re.compile(r"[0-9a-f]{64}")


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


def sha256_file(path: StrPath) -> str:
    """The SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(DEFAULTS.block_size))
    with naming(Path(path)), Path(path).open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
    return digest.hexdigest()


class StreamHash:
    """The SHA-256 of blocks handed over one by one, and with `md5=True` their MD5 too.

    Each is computed in a thread of its own behind a bounded queue; with `threads=False`, which is
    for few bytes, by the caller's thread. It must be let go with `finish`, which may be called
    again.
    """

    def __init__(
        self, *, md5: bool = False, queue_size: int = DEFAULTS.hash_queue, threads: bool = True
    ) -> None:
        self._sha256 = _Worker(hashlib.sha256(), queue_size, threads)
        self._md5 = (
            _Worker(hashlib.md5(usedforsecurity=False), queue_size, threads) if md5 else None
        )
        self._workers = [worker for worker in (self._md5, self._sha256) if worker]

    def update(self, block: bytes) -> None:
        """Hands over a block; waits where too many are waiting already."""
        for worker in self._workers:
            worker.add(block)

    def finish(self) -> str:
        """Waits for the rest and returns the SHA-256 in hex."""
        for worker in self._workers:
            worker.end()
        return self._sha256.digest.hexdigest()

    def md5(self) -> str | None:
        """After `finish`: the MD5 in hex, or None where it was not asked for."""
        return self._md5.digest.hexdigest() if self._md5 else None


class _Worker:
    """One digest, and the thread that computes it, if any."""

    def __init__(self, digest: hashlib._Hash, queue_size: int, has_thread: bool) -> None:
        self.digest = digest
        self.blocks: queue.Queue[bytes | None] = queue.Queue(maxsize=queue_size)
        self.thread = start_thread(self._run, "bindist-hash") if has_thread else None

    def add(self, block: bytes) -> None:
        if self.thread is None:
            self.digest.update(block)
        else:
            self.blocks.put(block)

    def end(self) -> None:
        if self.thread is not None and self.thread.is_alive():
            self.blocks.put(None)
            self.thread.join()

    def _run(self) -> None:
        while (block := self.blocks.get()) is not None:
            self.digest.update(block)
