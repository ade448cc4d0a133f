"""The files behind the object store: one file for each object, found through the database."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import IO

from . import folder
from .database import Database

BLOCK = 1 << 20


def object_key(application_id: str, version_id: str, file_id: str, file_name: str) -> str:
    """Where a file lies. The name is part of it, so that under another name nothing is found."""
    return f"{application_id}/{version_id}/{file_id}_{file_name}"


@dataclass(frozen=True)
class StoredObject:
    path: Path
    size: int
    etag: str  # quoted, as in the header
    modified: float


class FileSlice:
    """Part of an open file, as the body of an answer."""

    def __init__(self, file: IO[bytes], start: int, length: int) -> None:
        self.file = file
        self.start = start
        self.length = length

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.start)
        left = self.length
        while left > 0 and (block := self.file.read(min(BLOCK, left))):
            left -= len(block)
            yield block

    def close(self) -> None:
        self.file.close()


class ObjectWriter:
    """An object being written: invisible until it is kept, gone if it is not."""

    def __init__(self, directory: Path) -> None:
        self._target = directory / uuid.uuid4().hex
        self._path = self._target.with_suffix(".part")
        self._file: IO[bytes] = open(  # noqa: SIM115, PTH123 - closed by finish or discard
            os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _O_BINARY, 0o600),
            "wb",
            buffering=0,
        )
        self._md5 = _Md5()
        self._size = 0

    def write(self, block: bytes) -> None:
        self._md5.update(block)
        self._file.write(block)
        self._size += len(block)

    def md5(self) -> bytes:
        """The checksum of all that was written; nothing can be written after this."""
        return self._md5.digest()

    def finish(self) -> StoredObject:
        self._file.close()
        self._path.replace(self._target)
        return StoredObject(self._target, self._size, f'"{self.md5().hex()}"', time.time())

    def discard(self) -> None:
        self._md5.digest()
        self._file.close()
        self._path.unlink(missing_ok=True)


class _Md5:
    """MD5 that is worked out in a second thread, beside the writing, once there is much of it."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._blocks: Queue[bytes] | None = None
        self._thread: threading.Thread | None = None

    def update(self, block: bytes) -> None:
        if self._blocks is None:
            self._md5.update(block)
            if len(block) < BLOCK:
                return
            self._blocks = Queue(maxsize=4)
            self._thread = threading.Thread(target=self._work, args=(self._blocks,), daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no thread can be started
                self._blocks = self._thread = None
        else:
            self._blocks.put(block)

    def _work(self, blocks: Queue[bytes]) -> None:
        while block := blocks.get():
            self._md5.update(block)

    def digest(self) -> bytes:
        if self._blocks is not None and self._thread is not None:
            self._blocks.put(b"")
            self._thread.join()
            self._thread = None
        return self._md5.digest()


class Objects:
    """The objects of one data folder."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._directory = database.data_dir / folder.OBJECTS

    def writer(self) -> ObjectWriter:
        return ObjectWriter(self._directory)

    def write(self, blocks: Iterable[bytes]) -> StoredObject:
        writer = self.writer()
        try:
            for block in blocks:
                writer.write(block)
        except BaseException:
            writer.discard()
            raise
        return writer.finish()

    def keep(self, key: str, stored: StoredObject) -> None:
        """Put an object in the place of the one that had this key, from one moment to the next."""
        with self._database.session() as session, session.writing():
            old = session.row("SELECT file FROM objects WHERE key = ?", key)
            session.put("objects", ("key",), key=key, **object_columns(stored))
        if old:
            with contextlib.suppress(OSError):  # Windows: still being read
                (self._directory / old["file"]).unlink()

    def find(self, key: str) -> StoredObject | None:
        with self._database.session() as session:
            row = session.row("SELECT * FROM objects WHERE key = ?", key)
        if row is None:
            return None
        return StoredObject(
            self._directory / row["file"], row["size"], row["etag"], row["modified"]
        )


def object_columns(stored: StoredObject) -> dict[str, object]:
    return {
        "file": stored.path.name,
        "size": stored.size,
        "etag": stored.etag,
        "modified": stored.modified,
    }


_O_BINARY = getattr(os, "O_BINARY", 0)
