"""The file a download grows in: `NAME.part`, a journal of what of it is there, and a lock."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .. import file_system
from ..errors import IntegrityError
from .own_files import locked, open_own
from .placing import Seen, publish
from .ranges import Range, merge, total

_SUFFIX_LENGTH = len(".part.journal")
_SAMPLE_LENGTH = 64 * 1024
_BEGIN = b'{"checksum":'  # of every journal's first line
_UNUSABLE = {errno.EIO, errno.EFBIG, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Errors of the disk after which nobody can go on with what is there."""


class PartFile:
    """Where a download to `target` is kept until it is whole.

    The journal's first line says which bytes these are (`identity`); every further line is a range
    that has been written, the ETag of what it was read from, or what the part file is known by: its
    inode and size, and digests of samples of what was written. Lines are appended, so being killed
    at any point loses one at most. A file that they do not describe is somebody's own and never
    removed, unless it is empty.

    `before` is what the target is replaced for, as `placing.look` found it.
    """

    def __init__(self, target: Path, before: Seen | None = None) -> None:
        name = target.name
        if len(os.fsencode(name)) + _SUFFIX_LENGTH > file_system.max_name_bytes(target.parent):
            name = hashlib.sha256(os.fsencode(name)).hexdigest()
        self.target = target
        self._before = before
        self.path = target.with_name(name + ".part")
        self._journal_path = target.with_name(name + ".part.journal")
        self._lock_path = target.with_name(name + ".part.lock")
        self._journal: BinaryIO | None = None
        self._begun: tuple[int, int, int] | None = None
        self._recorded = 0
        self.etag: str | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All that it makes, for as long as it takes."""
        return self.target, self.path, self._journal_path, self._lock_path

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the place for this process; raises BusyError where another one has it, and
        FileExistsError where the lock's name is that of somebody's own file."""
        with locked(self._lock_path, f"another process is downloading {self.target}"):
            try:
                yield
            except OSError as error:
                if self._begun is not None and error.errno in _UNUSABLE:
                    self.discard()
                raise
            finally:
                self.close()

    def resumable_ranges(self, identity: dict[str, object], size: int) -> list[Range]:
        """What an earlier run has left of exactly these bytes; looks, and changes nothing."""
        notes = self._read_journal()
        if notes is None or notes.identity != identity:
            return []
        try:
            with self.open() as file:
                status = os.fstat(file.fileno())
                if (
                    not notes.describes(file) or status.st_nlink > 1
                ):  # killed after it was published
                    return []
        except FileNotFoundError:
            return []
        self.etag = notes.etag
        present = min(size, status.st_size)
        return merge(found for found in notes.ranges if found[1] <= present)

    def start(self, identity: dict[str, object], size: int, done: list[Range]) -> None:
        """Allocates `size` bytes; keeps what is `done`, throws everything else away.

        Raises FileExistsError where `NAME.part` or its journal is somebody's own file, OSError
        where there is not enough space.
        """
        if not done:
            self._check_own()
            self.discard()
        _check_space(self.target.parent, size - total(done))
        with self.open(write=True, extra_flags=0 if done else os.O_EXCL) as file:
            try:
                self._allocate(file, "" if done else identity, size)
            except OSError:
                if not done:
                    self.discard()
                raise
        self._recorded = 0
        if done:
            self._note_sample(*done[0])

    def _allocate(self, file: BinaryIO, identity: object, size: int) -> None:
        # Until the journal tells of it, the part is empty, and nobody's loss.
        self._journal = open_own(self._journal_path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        # After a kill this ends the line that was being written, which is skipped then.
        self._append(identity, {"part": [os.fstat(file.fileno()).st_ino, size]})
        with file_system.naming(self.path, size):
            os.truncate(file.fileno(), size)
        self._begun = _identity(file)

    def open(self, *, write: bool = False, extra_flags: int = 0) -> BinaryIO:
        """The part file itself, unbuffered."""
        flags = os.O_RDWR | os.O_CREAT if write else os.O_RDONLY
        return open_own(self.path, flags | extra_flags)

    def record(self, start: int, end: int, etag: str | None) -> None:
        """Notes that these bytes, of the object with that ETag, have been written."""
        if etag != self.etag:
            self.etag = etag
            self._append({"etag": etag})
        self._append([start, end])
        self._recorded += 1
        if self._recorded.bit_count() == 1:  # the 1st, 2nd, 4th, 8th ... of them
            self._note_sample(start, end)

    def commit(self) -> None:
        """Flushes to disk and gives the file its final name.

        Raises IntegrityError where the part is no longer the file that was written,
        TargetExistsError where a file that was not there `before` has the name; the part stays.
        """
        self.close()
        try:
            file = open_own(self.path, os.O_RDWR)
        except FileNotFoundError:
            raise IntegrityError(f"{self.path} was removed while it was written") from None
        with file:
            if _identity(file) != self._begun:
                raise IntegrityError(f"{self.path} was replaced while it was written")
            with file_system.naming(self.path):
                file_system.sync_file(file.fileno())
        publish(self.path, self.target, self._before)
        file_system.sync_folder(self.target.parent)
        self._journal_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Throws away what is there, unless another file has taken the part's place meanwhile."""
        self.close()
        self.etag = None
        with contextlib.suppress(FileNotFoundError):
            if self._begun is None or self._begun[1] == self.path.lstat().st_ino:
                self.path.unlink()
        self._begun = None
        self._journal_path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _append(self, *lines: object) -> None:
        if self._journal is not None:
            texts = [json.dumps(line, separators=(",", ":")) + "\n" for line in lines]
            with file_system.naming(self._journal_path):
                self._journal.write("".join(texts).encode())

    def _note_sample(self, start: int, end: int) -> None:
        """Notes a digest of the last bytes of a range that has been written."""
        with contextlib.suppress(OSError), self.open() as file:
            if self._begun is not None and _identity(file)[1] == self._begun[1]:
                start = max(start, end - _SAMPLE_LENGTH)
                sample = start, end, _digest(_read(file, start, end))
                self._append({"sample": [*sample, _check_sum(sample)]})

    def _check_own(self) -> None:
        """Raises FileExistsError where the part or its journal is somebody's own file."""
        notes = self._read_journal()
        if notes and not notes.is_ours:
            raise _in_the_way(self._journal_path)
        with contextlib.suppress(FileNotFoundError), self.open() as file:
            if os.fstat(file.fileno()).st_size and not (notes and notes.describes(file)):
                raise _in_the_way(self.path)

    def _read_journal(self) -> _JournalState | None:
        try:
            with open_own(self._journal_path, os.O_RDONLY) as journal:
                return _JournalState(journal.read())
        except FileNotFoundError:
            return None


class _JournalState:
    """What a journal says, in whatever state it is."""

    def __init__(self, content: bytes) -> None:
        first, *lines = content.split(b"\n")
        self.identity = _parsed(first)
        self.etag: str | None = None
        self.ranges: list[Range] = []
        self._parts: list[tuple[int, int]] = []  # inode, size
        self._samples: list[tuple[int, int, str]] = []  # start, end, digest
        for note in map(_parsed, lines):
            if isinstance(note, dict):
                self._read(note)
            elif found := _range(note):
                self.ranges.append(found)
        is_begun = content.startswith(_BEGIN) or _BEGIN.startswith(content)
        self.is_ours = is_begun or bool(self._parts or self._samples)

    def _read(self, note: dict[str, object]) -> None:
        if _can_be_sent(etag := note.get("etag")):
            self.etag = str(etag)
        if found := _tuple(note.get("part"), int, int):
            self._parts.append(found)
        if found := _tuple(note.get("head"), int, str):  # an older journal
            self._add_sample((0, *found))
        if found := _tuple(note.get("sample"), int, int, str, int):
            *sample, check_sum = found
            if check_sum == _check_sum(sample):  # a damaged line says nothing of the part
                self._add_sample(tuple(sample))

    def _add_sample(self, sample: tuple[int, int, str]) -> None:
        if 0 <= sample[0] < sample[1] <= sample[0] + _SAMPLE_LENGTH:
            self._samples.append(sample)

    def describes(self, file: BinaryIO) -> bool:
        """Whether these notes are about this file, and not about one that has its name since.

        Inodes are used again, sizes are alike, and many formats begin alike. So one of inode and
        size is not enough without the content, and content that is all one byte, as where an ISO
        image begins, shows nothing.
        """
        status = os.fstat(file.fileno())
        inode, size = status.st_ino, status.st_size
        found = [
            (_read(file, start, end), digest) for start, end, digest in self._samples if end <= size
        ]
        wrong = [content for content, digest in found if _digest(content) != digest]
        known = (inode, size) in self._parts
        if not self._parts and isinstance(self.identity, dict):  # an older journal
            known = size == self.identity.get("fileSize")
        if known:
            return not any(map(any, wrong))  # zeros: a power cut has lost what was written
        is_like = any(inode == part[0] or size == part[1] for part in self._parts)
        return is_like and not wrong and any(len(set(content)) > 1 for content, _ in found)


def _identity(file: BinaryIO) -> tuple[int, int, int]:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _check_sum(sample: Iterable[object]) -> int:
    return zlib.crc32(repr([*sample]).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _in_the_way(path: Path) -> FileExistsError:
    return FileExistsError(
        f"{path} is in the way: no download has left it there; move it or remove it"
    )


def _check_space(folder: Path, needed: int) -> None:
    free = file_system.free_bytes(folder)
    if free is not None and needed > free:
        raise OSError(errno.ENOSPC, f"{needed} bytes are needed in {folder}, {free} are free")


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _can_be_sent(etag: object) -> bool:
    """Whether a header can carry it."""
    return isinstance(etag, str) and etag.isascii() and etag.isprintable() and etag.strip() == etag


def _range(note: object) -> Range | None:
    found: Range | None = _tuple(note, int, int)
    return found if found and 0 <= found[0] < found[1] else None


def _tuple(found: object, *kinds: type) -> Any:
    """A list of values of these types as a tuple; None for anything else."""
    if isinstance(found, list) and tuple(map(type, found)) == kinds:
        return tuple(found)
    return None
