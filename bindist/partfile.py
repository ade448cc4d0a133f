"""The file a download grows in: `NAME.part`, a journal of what of it is there, and a lock."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .errors import BusyError, IntegrityError
from .ranges import Range, merge, total

_LONGEST_SUFFIX = len(".part.journal")


class PartFile:
    """Where a download to `target` is kept until it is whole.

    The journal's first line says which bytes these are (`identity`); every further line is a range
    that has been written, or the ETag of what it was read from. Lines are appended, so being killed
    at any point loses one at most.
    """

    def __init__(self, target: Path) -> None:
        name = target.name
        if len(os.fsencode(name)) + _LONGEST_SUFFIX > 255:
            name = hashlib.sha256(os.fsencode(name)).hexdigest()
        self.target = target
        self.path = target.with_name(name + ".part")
        self._journal_path = target.with_name(name + ".part.journal")
        self._lock_path = target.with_name(name + ".part.lock")
        self._journal: BinaryIO | None = None
        self._begun: tuple[int, int, int] | None = None
        self.etag: str | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All that it makes, for as long as it takes."""
        return self.target, self.path, self._journal_path, self._lock_path

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the place for this process; raises BusyError where another one has it."""
        from filelock import FileLock, Timeout  # not for those who only list

        lock = FileLock(self._lock_path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise BusyError(f"another process is downloading {self.target}") from None
        except OSError as error:
            raise _linked(self._lock_path, error) from None
        try:
            yield
        finally:
            self.close()
            with contextlib.suppress(OSError):  # Windows removes no file that is open
                self._lock_path.unlink()
            lock.release()

    def left(self, identity: dict[str, object], size: int) -> list[Range]:
        """What an earlier run has left of exactly these bytes; looks, and changes nothing."""
        return self._read_journal(identity, size)

    def start(self, identity: dict[str, object], size: int, done: list[Range]) -> None:
        """Makes room for `size` bytes; keeps what is `done`, throws everything else away.

        Raises FileExistsError where `NAME.part` is somebody's own file, OSError where there is not
        room enough.
        """
        if not done:
            if self.path.exists() and not self._journal_path.exists():
                raise FileExistsError(f"{self.path} is in the way: no download has left it there")
            self.discard()
        _check_space(self.target.parent, size - total(done))
        # The journal comes first and goes last: by it a part is known to be ours.
        self._journal = _open_own(self._journal_path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        # After a kill this ends the line that was being written, which is skipped then.
        self._append("" if done else identity)
        with self.open(write=True) as file:
            os.truncate(file.fileno(), size)
            self._begun = _identity(file)

    def open(self, *, write: bool = False, extra_flags: int = 0) -> BinaryIO:
        """The part file itself, unbuffered."""
        flags = os.O_RDWR | os.O_CREAT if write else os.O_RDONLY
        return _open_own(self.path, flags | extra_flags)

    def record(self, start: int, end: int, etag: str | None) -> None:
        """Notes that these bytes, of the object with that ETag, have been written."""
        if etag != self.etag:
            self.etag = etag
            self._append({"etag": etag})
        self._append([start, end])

    def commit(self) -> None:
        """Flushes to disk and gives the file its final name, replacing what has it.

        Raises IntegrityError where the part is no longer the file that was written.
        """
        self.close()
        try:
            file = _open_own(self.path, os.O_RDWR)
        except FileNotFoundError:
            raise IntegrityError(f"{self.path} was removed while it was written") from None
        with file:
            if _identity(file) != self._begun:
                raise IntegrityError(f"{self.path} was replaced while it was written")
            os.fsync(file.fileno())
        self.path.replace(self.target)
        _sync_folder(self.target.parent)
        self._journal_path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Throws away what is there."""
        self.close()
        self.etag = None
        self.path.unlink(missing_ok=True)
        self._journal_path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _append(self, line: object) -> None:
        if self._journal is not None:
            self._journal.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def _read_journal(self, identity: dict[str, object], size: int) -> list[Range]:
        try:
            with _open_own(self._journal_path, os.O_RDONLY) as journal:
                first, *lines = journal.read().split(b"\n")
            with self.open() as file:
                present = min(size, os.fstat(file.fileno()).st_size)
        except FileNotFoundError:
            return []
        if _parsed(first) != identity:
            return []
        for note in map(_parsed, lines):
            if isinstance(note, dict) and _can_be_sent(note.get("etag")):
                self.etag = note["etag"]
        return merge(found for line in lines if (found := _range(line)) and found[1] <= present)


def _identity(file: BinaryIO) -> tuple[int, int, int]:
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed} bytes are needed in {folder}, {free} are free")


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _can_be_sent(etag: object) -> bool:
    """Whether a header can carry it."""
    return isinstance(etag, str) and etag.isascii() and etag.isprintable() and etag.strip() == etag


def _range(line: bytes) -> Range | None:
    found = _parsed(line)
    if isinstance(found, list) and [type(bound) for bound in found] == [int, int]:
        start, end = found
        return (start, end) if 0 <= start < end else None
    return None


def _open_own(path: Path, flags: int) -> BinaryIO:
    """Opens a regular file of ours; raises PermissionError for a link or somebody else's file.

    In a folder that others may write to, either could make us write where they please.
    """
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise _linked(path, error) from None
    status = os.fstat(descriptor)
    ours = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    if not stat.S_ISREG(status.st_mode) or not ours:
        os.close(descriptor)
        raise PermissionError(f"{path} is not a file of yours; remove it")
    return os.fdopen(descriptor, "rb" if flags & 3 == os.O_RDONLY else "r+b", buffering=0)


def _linked(path: Path, error: OSError) -> OSError:
    """What to raise where a path could not be opened, perhaps because it is a link."""
    return PermissionError(f"{path} is a symbolic link; remove it") if path.is_symlink() else error


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself durable, where folders can be opened."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):  # not every file system can
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
