"""Files of settings and keys: whose they are, who may read them, and how they are replaced whole.

A file is judged after it has been opened, so that it cannot be exchanged in between.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..exit_codes import CliError, Exit

NOWHERE = Path(os.devnull) / "bindist"
"""The folder of somebody without a home: reading finds nothing there, writing fails."""

LOCK = ".lock"
_LOCK_SECONDS = 10.0
_LARGEST = 1024 * 1024


def read(path: Path, *, private: bool) -> str | None:
    """The text of a file, without a byte order mark; None where there is none.

    Raises CliError for what is no file of ours, what others can change, and, where it is `private`,
    what others can read.
    """
    try:
        # Opening a pipe without this would wait for somebody to write into it.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = "it is a folder" if path.is_dir() else error.strerror
        raise _unreadable(path, str(reason)) from error
    try:
        _check(path, os.fstat(descriptor), private)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    finally:
        os.close(descriptor)
    if len(raw) > _LARGEST:
        raise _unreadable(path, "it is too large for what it should be")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not UTF-8 text") from error


def _check(path: Path, status: os.stat_result, private: bool) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise _unreadable(path, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise _unreadable(path, "it is not a file")
    if os.name != "posix":
        return
    mine = status.st_uid == os.geteuid()
    if not mine and (private or status.st_uid != 0):
        raise CliError(
            f"{path} belongs to somebody else (user {status.st_uid})",
            Exit.USAGE,
            hint="remove it, or take it over with `chown`",
        )
    mode = stat.S_IMODE(status.st_mode)
    verb = "read" if private else "changed"
    if mode & (0o077 if private else 0o002):
        from shlex import quote  # not for those who only read

        raise CliError(
            f"{path} can be {verb} by others (mode {mode:04o})",
            Exit.USAGE,
            hint=f"`chmod 600 {quote(str(path))}`",
        )


def _unreadable(path: Path, reason: str) -> CliError:
    return CliError(f"cannot read {path}: {reason}", Exit.USAGE)


def write(path: Path, text: str) -> None:
    """Replaces a file as a whole, mode 0600; what a link leads to is replaced, not the link.

    Raises CliError; the old content is then still there.
    """
    from bindist import file_system  # not for those who only read

    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        file_system.replace_file(target, text.encode(), draft)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> CliError:
    """The error for a file that cannot be written."""
    if NOWHERE in path.parents:
        return CliError(
            "there is no home folder to keep settings in",
            Exit.USAGE,
            hint="BINDIST_CONFIG_DIR names another folder; a key can come from BINDIST_API_KEY",
        )
    return CliError(
        f"cannot write {path}: {error.strerror or error}",
        Exit.USAGE,
        hint="BINDIST_CONFIG_DIR names another folder; a key can come from BINDIST_API_KEY",
    )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder where there is none, for its owner alone, and is the only one in it."""
    from bindist import file_system

    with ExitStack() as held:
        try:
            make(folder)
            lock = file_system.exclusive_lock(folder / LOCK, seconds=_LOCK_SECONDS, mode=0o600)
            held.enter_context(lock)
        except BlockingIOError as error:
            raise CliError(
                f"another bindist is changing the files in {folder}",
                Exit.UNAVAILABLE,
                hint="wait until it has ended, then run the command again",
            ) from error
        except OSError as error:
            raise unwritable(folder / LOCK, error) from error
        yield


def make(folder: Path) -> None:
    """Makes a folder and those above it, for their owner alone, whatever the umask is."""
    if not folder.is_dir():
        if folder.parent != folder:
            make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
