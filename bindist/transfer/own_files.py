"""Files that the SDK keeps beside its work: locks, parts and journals. How they are opened, locked,
and replaced as a whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .. import file_system
from ..errors import BusyError


@contextlib.contextmanager
def locked(path: Path, busy: str, *, mode: int = 0o666) -> Iterator[None]:
    """Holds the lock file `path`, which is removed at the end.

    `mode` has the file's permissions, less the umask; default 0o666. Raises BusyError with
    the message `busy` where another process has it, PermissionError where it is a link.
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(file_system.exclusive_lock(path, mode=mode))
        except BlockingIOError:
            raise BusyError(busy) from None
        except OSError as error:
            raise _linked(path, error) from None
        yield


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
    draft = path.with_name(f"{prefix}{secrets.token_hex(8)}{suffix}")
    file_system.replace_file(path, text.encode(), draft)


def _linked(path: Path, error: OSError) -> OSError:
    """What to raise where a path could not be opened, perhaps because it is a link."""
    return PermissionError(f"{path} is a symbolic link; remove it") if path.is_symlink() else error
