"""Files of settings and keys: checks their owner and mode, and replaces them atomically.

Checks happen on the open descriptor, so that no one can swap the file between check and use.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..exit_codes import CliError, Exit
from .ownership import IS_FOLDER, IS_FOREIGN, IS_NO_FILE, IS_OPEN, objection

NOWHERE = Path(os.devnull) / "bindist"
"""Stands for the settings folder of a user without a home: empty, and not writable."""

LOCK = ".lock"
_LOCK_SECONDS = 10.0
_MAX_BYTES = 1024 * 1024


def read(path: Path, *, private: bool) -> str | None:
    """Returns the text of a file without its byte order mark, or None if it does not exist.

    Raises CliError for a file of another user, a file that others can change, and, if it is
    `private`, one that others can read.
    """
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        reason = IS_FOLDER if path.is_dir() else error.strerror
        raise _unreadable(path, str(reason)) from error
    try:
        _check(path, os.fstat(descriptor), private)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from error
    finally:
        os.close(descriptor)
    if len(raw) > _MAX_BYTES:
        raise _unreadable(path, f"it is larger than {_MAX_BYTES // 1024} KiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not UTF-8 text") from error


def _check(path: Path, status: os.stat_result, private: bool) -> None:
    found = objection(status, private=private)
    if found in (IS_FOLDER, IS_NO_FILE):
        raise _unreadable(path, found)
    if found == IS_FOREIGN:
        raise CliError(
            f"{path} belongs to another user (uid {status.st_uid})",
            Exit.USAGE,
            hint="remove it, or change its owner with `chown`",
        )
    if found == IS_OPEN:
        from shlex import quote  # imported late, for fast starts

        mode = stat.S_IMODE(status.st_mode)
        verb = "read" if private else "change"
        raise CliError(
            f"other users can {verb} {path} (mode {mode:04o})",
            Exit.USAGE,
            hint=f"`chmod 600 {quote(str(path))}`",
        )


def _unreadable(path: Path, reason: str) -> CliError:
    return CliError(f"cannot read {path}: {reason}", Exit.USAGE)


def write(path: Path, text: str) -> None:
    """Replaces a file atomically, with mode 0600; follows symbolic links.

    Raises CliError if that fails; the old content is then unchanged.
    """
    from bindist import file_system  # not for those who only read

    target = Path(os.path.realpath(path))
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        file_system.replace_file(target, text.encode(), draft)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> CliError:
    """Returns the error for a file that cannot be written."""
    if NOWHERE in path.parents:
        return CliError(
            "there is no home folder for settings",
            Exit.USAGE,
            hint="set BINDIST_CONFIG_DIR to another folder, or pass the key in BINDIST_API_KEY",
        )
    return CliError(
        f"cannot write {path}: {error.strerror or error}",
        Exit.USAGE,
        hint="set BINDIST_CONFIG_DIR to another folder, or pass the key in BINDIST_API_KEY",
    )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Creates the folder (mode 0700) if necessary, and locks it during the block."""
    from bindist import file_system

    with ExitStack() as held:
        try:
            make(folder)
            lock = file_system.exclusive_lock(folder / LOCK, seconds=_LOCK_SECONDS, mode=0o600)
            held.enter_context(lock)
        except BlockingIOError as error:
            raise CliError(
                f"another bindist process is changing the files in {folder}",
                Exit.UNAVAILABLE,
                hint="wait until it has finished, then run the command again",
            ) from error
        except OSError as error:
            raise unwritable(folder / LOCK, error) from error
        yield


def make(folder: Path) -> None:
    """Creates a folder and its parents with mode 0700, whatever the umask is."""
    if not folder.is_dir():
        if folder.parent != folder:
            make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
