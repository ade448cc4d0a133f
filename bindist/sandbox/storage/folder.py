"""The folder that a sandbox lives in: what is in it, whose it is, who is using it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

StrPath = str | os.PathLike[str]

MARKER = "BINDIST-SANDBOX"
DATABASE = "sandbox.db"
OBJECTS = "objects"
DISCOVERY = "server.json"
USE_LOCK = "use.lock"
SERVE_LOCK = "serve.lock"
OURS = (
    DISCOVERY,
    OBJECTS,
    DATABASE,
    f"{DATABASE}-wal",
    f"{DATABASE}-shm",
    f"{DATABASE}-journal",
    USE_LOCK,
    SERVE_LOCK,
    MARKER,  # last, so that a folder half removed can be removed again
)

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_NO_PERMISSIONS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_OBJECT = re.compile(r"[0-9a-f]{32}(\.part)?")


class SandboxError(Exception):
    """The sandbox cannot do what it was asked; the message says what to do about it."""


def prepare(data_dir: Path) -> None:
    """Make the folder if need be, and make sure that it is a sandbox's. Raises SandboxError."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Asked twice: another process may be making it one at this moment.
        if not is_sandbox(data_dir) and any(data_dir.iterdir()) and not is_sandbox(data_dir):
            raise SandboxError(
                f"{data_dir} holds other files and no sandbox: choose an empty folder"
            )
        create_private(data_dir / MARKER)
        _make_private(data_dir)
        (data_dir / OBJECTS).mkdir(mode=0o700, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SandboxError(f"{data_dir} is not a folder: choose another one") from error
    except OSError as error:
        raise SandboxError(
            f"cannot write to {data_dir} ({error.strerror}): choose another folder"
        ) from error


def _make_private(data_dir: Path) -> None:
    try:
        data_dir.chmod(0o700)
    except OSError as error:  # file systems without permissions
        if error.errno not in _NO_PERMISSIONS:
            raise


def is_sandbox(data_dir: Path) -> bool:
    marker = data_dir / MARKER
    return marker.is_file() and not marker.is_symlink() and not marker.stat().st_size


def create_private(path: Path) -> None:
    """Make an empty file that only its owner can read, unless it is there already."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def remove(data_dir: Path) -> bool:
    """Remove a sandbox's own files, and the folder if nothing else is in it. Raises SandboxError
    for a folder that is not a sandbox's, or while a server runs on it."""
    if not check_removable(data_dir):
        return False
    try:
        with lock(data_dir / SERVE_LOCK), lock(data_dir / USE_LOCK):
            for name in OURS[:-3]:
                _remove(data_dir / name)
        for name in OURS[-3:]:
            _remove(data_dir / name)
        if not any(data_dir.iterdir()):
            data_dir.rmdir()
    except InUseError as error:
        raise SandboxError(f"a server runs on {data_dir}: stop it first") from error
    except OSError as error:
        raise SandboxError(f"cannot remove {data_dir}: {error}") from error
    return True


def check_removable(data_dir: StrPath) -> bool:
    """Whether there is a sandbox to remove. Raises SandboxError for a folder of something else."""
    data_dir = Path(data_dir)
    if not data_dir.exists() or (data_dir.is_dir() and not any(data_dir.iterdir())):
        return False
    if not is_sandbox(data_dir):
        raise SandboxError(f"{data_dir} is not a sandbox's folder: nothing was removed")
    return True


def _remove(path: Path) -> None:
    """Remove what has this name and was made here: plain files, and the objects in a folder."""
    if path.is_symlink() or not path.exists():
        return
    if path.is_file():
        path.unlink()
        return
    for each in path.iterdir():
        if _OBJECT.fullmatch(each.name) and each.is_file():
            each.unlink()
    if not any(path.iterdir()):
        path.rmdir()


def announce(data_dir: Path, url: str) -> None:
    """Write where the server of this folder is to be found."""
    temporary = data_dir / f"{DISCOVERY}.{os.getpid()}"
    create_private(temporary)
    temporary.write_text(json.dumps({"url": url, "pid": os.getpid()}), "utf-8")
    temporary.replace(data_dir / DISCOVERY)


def withdraw(data_dir: Path) -> None:
    with contextlib.suppress(OSError):
        (data_dir / DISCOVERY).unlink()


def announced_url(data_dir: Path) -> str | None:
    """The URL in the discovery file: only a hint, since a server can die without a goodbye."""
    try:
        url = json.loads((data_dir / DISCOVERY).read_text("utf-8"))["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if isinstance(url, str) and url.startswith("http://127.0.0.1:") else None


class InUseError(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def lock(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock that the system drops with the process. Raises InUseError without waiting.

    Where a file system has no locks, as some of NFS, nothing is held: the database is still safe,
    and `endpoint` asks a server that is announced whether it is there.
    """
    create_private(path)
    with path.open("r+b") as file:
        _lock(file, shared)
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes], shared: bool) -> None:
        if shared:
            return  # there are none here; but files in use cannot be removed here either
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise InUseError from error

else:
    import fcntl

    def _lock(file: IO[bytes], shared: bool) -> None:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(file.fileno(), kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUseError from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
