"""What differs between operating systems and file systems: locks, flushing, free space, names.

What bindist keeps on a disk is locked, flushed and replaced by this module, so that each difference
is dealt with once:

    with exclusive_lock(folder / "settings.lock"):
        replace_file(folder / "settings", b"...", folder / ".settings.draft")
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "exclusive_lock",
    "free_bytes",
    "max_name_bytes",
    "naming",
    "open_new",
    "rename_to_free_name",
    "replace_file",
    "sync_file",
    "sync_folder",
]

StrPath = str | os.PathLike[str]

_UNSUPPORTED = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_NO_LOCKS = _UNSUPPORTED | {errno.ENOLCK}
_HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}
_POLL_SECONDS = 0.05
_UNSIGNED_SECONDS = 5.0
"""A lock made by exclusive creation names its owner within this time."""
_SIGNATURE = "locked by bindist\n"
_OWNER = re.compile(rb"(\d{1,10})\n(.*)\n" + _SIGNATURE.encode())
_MAX_OWNER = 4096
_DEFAULT_NAME_BYTES = 255
_FAT_LIMIT = 2**32 - 1

# Locks


@contextlib.contextmanager
def exclusive_lock(path: StrPath, *, seconds: float = 0.0, mode: int = 0o666) -> Iterator[None]:
    """Holds a lock file for this process alone; the file is removed at the end.

    The system's own lock is used (flock, or msvcrt on Windows), which ends with the process. Where
    a file system has none, as some of NFS and Lustre, the file itself is the lock: it is created
    exclusively, and holds the process's number and the host's name. A file that a process of this
    host left behind when it was killed is removed; one of another host has to be removed by hand.

    Args:
        path: the lock file; its folder exists.
        seconds: how long to wait for another process, default 0.
        mode: the permissions of the file, less the umask; default 0o666.

    Raises BlockingIOError where another process, or thread, has the lock; FileExistsError where the
    path is that of something else, which is left alone; OSError where the file cannot be opened, as
    for a symbolic link.
    """
    path, deadline = Path(path), time.monotonic() + seconds
    while (descriptor := _acquire(path, mode)) is None:
        if time.monotonic() >= deadline:
            raise BlockingIOError(errno.EAGAIN, "another process has the lock", str(path))
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        _release(path, descriptor)


def _acquire(path: Path, mode: int) -> int | None:
    """A descriptor that holds the lock; None where another one has it."""
    while True:
        descriptor, is_new = _open_lock(path, mode)
        try:
            is_ours = _lock(descriptor, is_new)
            if is_ours and _is_at(path, descriptor):
                return descriptor
            is_gone = is_ours or (is_ours is None and _remove_abandoned(path, descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not is_gone:
            return None


def _open_lock(path: Path, mode: int) -> tuple[int, bool]:
    """A descriptor of the lock file, and whether this call has created it."""
    flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    while True:
        with contextlib.suppress(FileExistsError):
            return os.open(path, flags | os.O_CREAT | os.O_EXCL, mode), True
        try:
            _check_lock(path)
            return os.open(path, flags), False
        except FileNotFoundError:
            if path.is_symlink():  # systems without O_NOFOLLOW
                raise


def _check_lock(path: Path) -> None:
    """Raises FileExistsError for anything but a lock, which is empty or names its owner."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):  # refused when it is opened
        return
    is_lock = stat.S_ISREG(status.st_mode)
    if is_lock and status.st_size:
        is_lock = status.st_size <= _MAX_OWNER and bool(_OWNER.fullmatch(path.read_bytes()))
    if not is_lock:
        raise FileExistsError(f"{path} is in the way: it is no lock; move it or remove it")


def _lock(descriptor: int, is_new: bool) -> bool | None:
    """Whether this process has the lock now; None where the file itself is the lock of another."""
    try:
        _lock_natively(descriptor)
    except OSError as error:
        if error.errno in _HELD:
            return False
        if error.errno not in _NO_LOCKS:
            raise
        if not is_new:
            return None
        os.write(descriptor, f"{os.getpid()}\n{_host()}\n{_SIGNATURE}".encode())
    return True


def _remove_abandoned(path: Path, descriptor: int) -> bool:
    """Whether the lock file was that of a process of this host that has ended; it is gone then."""
    content = os.read(descriptor, _MAX_OWNER)
    owner = _OWNER.fullmatch(content)
    if owner is None:
        is_abandoned = not content and _age(os.fstat(descriptor)) > _UNSIGNED_SECONDS
    else:
        is_abandoned = owner[2] == _host().encode() and not _is_running(int(owner[1]))
    return is_abandoned and _remove(path, descriptor)


def _age(status: os.stat_result) -> float:
    return abs(time.time() - status.st_mtime)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # asking this way would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's
        return True
    return True


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the path still leads to this file: the one that had the lock removed it."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove(path: Path, descriptor: int) -> bool:
    with contextlib.suppress(OSError):  # Windows removes no file that is open
        if _is_at(path, descriptor):
            path.unlink()
    return not _is_at(path, descriptor)


def _release(path: Path, descriptor: int) -> None:
    _remove(path, descriptor)
    os.close(descriptor)
    if os.name == "nt":
        with contextlib.suppress(OSError):  # somebody has opened it meanwhile
            path.unlink()


if sys.platform == "win32":
    import msvcrt

    def _lock_natively(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_natively(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


# Writing


def open_new(path: StrPath) -> int:
    """A descriptor of a new file, mode 0600, for writing. Raises FileExistsError, OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600)
    if hasattr(os, "fchmod"):  # however strange the umask is
        with contextlib.suppress(OSError):  # file systems without permissions
            os.fchmod(descriptor, 0o600)
    return descriptor


def replace_file(path: StrPath, content: bytes, draft: StrPath) -> None:
    """Replaces a file as a whole, mode 0600: being killed leaves the old content or the new one.

    `draft` is a name in the same folder that nothing has; it is gone afterwards. Raises OSError,
    which names `path`.
    """
    path, draft = Path(path), Path(draft)
    try:
        with os.fdopen(open_new(draft), "wb") as file:
            file.write(content)
            file.flush()
            sync_file(file.fileno())
        draft.replace(path)
    except OSError as error:
        error.filename, error.filename2 = None, None
        with naming(path):
            raise
    finally:
        with contextlib.suppress(OSError):  # there was no folder to put it into
            draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_file(descriptor: int) -> None:
    """Flushes a file to the disk, where its file system can. Raises OSError where that failed."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def sync_folder(folder: StrPath) -> None:
    """Makes a rename durable, where the system can: many cannot flush or even open a folder."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def naming(path: StrPath, size: int | None = None) -> Iterator[None]:
    """Gives an OSError of the block the path, and a file that is too large (`size`, in bytes) the
    limit that it met."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            if error.errno == errno.EFBIG:
                error.strerror = f"{os.strerror(errno.EFBIG)}: {_size_limit(size)}"
            error.filename = os.fspath(path)
        raise


def _size_limit(size: int | None) -> str:
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        if limit != resource.RLIM_INFINITY and (size is None or size > limit):
            return f"this process may write {limit} bytes to a file at most (ulimit -f)"
    except (ImportError, OSError):
        pass
    wanted = "it" if size is None else f"a file of {size} bytes"
    return f"the file system does not take {wanted} (FAT: {_FAT_LIMIT} bytes at most)"


# Renaming

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1  # of Linux
_RENAME_EXCL = 4  # of macOS


def rename_to_free_name(path: StrPath, target: StrPath) -> bool:
    """Renames a file in one step, unless `target` exists: FileExistsError then, which leaves both.

    False, and nothing is done, where the system or the file system has no such call.
    """
    if os.name == "nt":
        Path(path).rename(target)  # which replaces nothing there
        return True
    names = os.fsencode(path), os.fsencode(target)
    try:
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = library.renamex_np(*names, _RENAME_EXCL)
        else:
            failed = library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_NOREPLACE)
    except (ImportError, OSError, AttributeError):  # no ctypes, or an older C library
        return False
    number = ctypes.get_errno() if failed else 0
    if failed and number not in _UNSUPPORTED:
        raise OSError(number, os.strerror(number), os.fspath(path), None, os.fspath(target))
    return not failed


# What there is


def free_bytes(folder: StrPath) -> int | None:
    """The space that is free in bytes; None where the file system does not tell, or tells of 0, as
    several network file systems do."""
    try:
        return shutil.disk_usage(folder).free or None
    except OSError:
        return None


def max_name_bytes(folder: StrPath) -> int:
    """How many bytes a name in the folder may have; the folder need not exist yet. 255 where the
    system does not tell."""
    folder = Path(folder)
    if hasattr(os, "pathconf"):
        for each in (folder, *folder.parents):
            try:
                found = os.pathconf(each, "PC_NAME_MAX")
            except FileNotFoundError:
                continue
            except (OSError, ValueError):
                break
            return found if found > 0 else _DEFAULT_NAME_BYTES
    return _DEFAULT_NAME_BYTES
