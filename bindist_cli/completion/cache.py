"""Caches lists from the server for completion, for a minute: one file for each key and URL.

Read at every press of TAB, so this module imports nothing slow.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import sys
import time

from ..settings.ownership import objection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    Item = tuple[str, str]
    """A value and its description."""

FRESH_SECONDS = 60.0
_PREFIX, _SUFFIX = "completion-", ".json"
_MAX_BYTES = 512 * 1024
_MAX_AGE_SECONDS = 7 * 86400.0


class Cache:
    """Cached lists by name, each with its time."""

    def __init__(self, env: Mapping[str, str], flags: Mapping[str, str]) -> None:
        self._folder = folder(env)
        identity = _identity(self._folder, env, flags)
        self._path = os.path.join(self._folder, f"{_PREFIX}{identity}{_SUFFIX}")  # noqa: PTH118

    def read(self, name: str) -> tuple[list[Item], bool]:
        """Returns a list, and whether it is fresh; an empty one, not fresh, if none is cached."""
        try:
            at, items = self._lists()[name]
            found = [(str(value), str(meaning)) for value, meaning in items]
            return found, 0 <= time.time() - at < FRESH_SECONDS
        except (KeyError, TypeError, ValueError):
            return [], False

    def write(self, name: str, items: list[Item]) -> None:
        """Stores a list if possible; drops the oldest lists above the size limit."""
        from pathlib import Path

        from ..exit_codes import CliError
        from ..settings import private_files

        lists = self._lists()
        lists.pop(name, None)
        lists[name] = [time.time(), items]
        while len(text := json.dumps(lists)) > _MAX_BYTES and len(lists) > 1:
            del lists[next(iter(lists))]
        path = Path(self._path)
        with contextlib.suppress(CliError, OSError):
            # Not further up: TAB must not create a missing home folder.
            for each in (path.parent.parent, path.parent):
                each.mkdir(mode=0o700, exist_ok=True)
            private_files.write(path, text)
            for old in path.parent.glob(f"{_PREFIX}*{_SUFFIX}"):
                age = time.time() - old.lstat().st_mtime
                if age > _MAX_AGE_SECONDS and _is_cache(str(old)):
                    old.unlink()

    def _lists(self) -> dict[str, Any]:
        try:
            lists = json.loads(_private(self._path))
        except (OSError, ValueError, RecursionError):
            return {}
        return lists if isinstance(lists, dict) else {}


def _is_cache(path: str) -> bool:
    """Whether name and content are those of a cache; the folder may contain files of the user."""
    import re

    if not re.search(r"\bcompletion-[0-9a-f]{16}\.json\Z", path):
        return False
    try:
        lists = json.loads(_private(path))
        return isinstance(lists, dict) and all(
            isinstance(at, float) and isinstance(items, list) for at, items in lists.values()
        )
    except (OSError, TypeError, ValueError, RecursionError):
        return False


def _private(path: str) -> bytes:
    """Reads a file that only its owner can read or write. Raises OSError for any other."""
    # Without O_NONBLOCK, opening a named pipe would wait for a writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123
        if objection(os.fstat(descriptor), private=True):
            raise PermissionError
        return file.read(_MAX_BYTES + 1)


def folder(env: Mapping[str, str]) -> str:
    """Like `resolve.config_dir`, without its imports where possible."""
    given = env.get("BINDIST_CONFIG_DIR")
    if given or sys.platform in ("win32", "darwin"):
        if given:
            return given
        from ..settings.resolve import config_dir

        return str(config_dir(env))
    home = env.get("XDG_CONFIG_HOME", os.path.expanduser("~/.config"))  # noqa: PTH111
    # Without a home folder, expanduser returns a path that starts with a literal `~`.
    return os.path.join(home if os.path.isabs(home) else os.devnull, "bindist")  # noqa: PTH117, PTH118


def _identity(folder: str, env: Mapping[str, str], flags: Mapping[str, str]) -> str:
    """Returns a hash of everything that selects URL and key, without reading the key."""
    return hashlib.sha256(repr(list(_decisive(folder, env, flags))).encode()).hexdigest()[:16]


def _decisive(folder: str, env: Mapping[str, str], flags: Mapping[str, str]) -> Iterator[object]:
    yield sorted(item for item in env.items() if item[0].startswith("BINDIST_"))
    yield sorted(item for item in flags.items() if item[0] in ("profile", "api_url"))
    for name in ("config.toml", "credentials.toml", env.get("BINDIST_API_KEY_FILE") or "."):
        path = os.path.join(folder, name)  # noqa: PTH118
        try:
            found = os.stat(path)  # noqa: PTH116
        except (OSError, ValueError):
            continue
        if stat.S_ISREG(found.st_mode):
            yield path, found.st_ino, found.st_size, found.st_mtime_ns
