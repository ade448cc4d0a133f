"""Files that the SDK keeps beside its work: locks, parts and journals. How they are opened, locked,
and replaced as a whole."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import BusyError


@contextlib.contextmanager
def locked(path: Path, busy: str, *, mode: int | None = None) -> Iterator[None]:
    """Holds the lock file `path`, which is removed at the end.

    `mode` has the file's permissions; default those that the umask leaves. Raises BusyError with
    the message `busy` where another process has it, PermissionError where it is a link.
    """
    from filelock import FileLock, Timeout  # not for those who only list

    given: dict[str, Any] = {} if mode is None else {"mode": mode}
    lock = FileLock(path, timeout=0, **given)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(busy) from None
    except OSError as error:
        raise _linked(path, error) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows removes no file that is open
            path.unlink()
        lock.release()


def open_own(path: Path, flags: int) -> BinaryIO:
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


def replace_whole(path: Path, text: str, *, prefix: str, suffix: str) -> None:
    """Replaces a file as a whole, mode 0600, so that being killed leaves the old or the new one.

    The new one is written under a name that starts with `prefix` and ends with `suffix`. Raises
    OSError that names `path`.
    """
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=suffix)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException as error:
        Path(draft).unlink(missing_ok=True)
        if isinstance(error, OSError):  # "File too large" alone could be said of an upload
            error.filename = str(path)
        raise


def sync_folder(folder: Path) -> None:
    """Makes a rename in the folder itself durable, where folders can be opened."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with contextlib.suppress(OSError):  # not every file system can
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _linked(path: Path, error: OSError) -> OSError:
    """What to raise where a path could not be opened, perhaps because it is a link."""
    return PermissionError(f"{path} is a symbolic link; remove it") if path.is_symlink() else error
