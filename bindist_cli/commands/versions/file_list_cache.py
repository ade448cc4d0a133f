"""Keeps file lists of versions between runs of `versions identify`: one file for each tenant."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from ...context import App
from ...exit_codes import CliError
from ...settings import private_files

_MAX_CHARACTERS = 900 * 1024  # `private_files` reads 1 MiB
_LIST_CHARACTERS = 2  # between two entries


@contextlib.contextmanager
def kept_file_lists(app: App) -> Iterator[dict[str, list[Any]]]:
    """Yields the lists of earlier runs; keeps those that the block adds, also if it fails.

    A profile's sandbox keeps none: it has another address each time.
    """
    if app.settings.is_sandbox:
        yield {}
        return
    folder = app.settings.config_dir
    path = folder / f"file-lists-{_identity(app)}.json"
    lists = _read(path)
    before = len(lists)
    try:
        yield lists
    finally:
        if len(lists) > before:
            with contextlib.suppress(CliError, OSError):
                private_files.make(folder)
                private_files.write(path, _text(lists))


def _identity(app: App) -> str:
    """Returns a hash of the address and of the tenant, whose versions have the same file lists."""
    tenant, dot, _ = app.key.value.partition(".")
    return hashlib.sha256(repr((app.api_url, tenant if dot else "")).encode()).hexdigest()[:16]


def _read(path: Any) -> dict[str, list[Any]]:
    try:
        found = json.loads(private_files.read(path, private=True) or "{}")
    except (CliError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(lists: dict[str, list[Any]]) -> str:
    """Returns the lists as JSON; leaves out the oldest ones above the limit."""
    kept: list[str] = []
    size = 0
    for name, rows in reversed(lists.items()):
        entry = f"{json.dumps(name)}:{json.dumps(rows, separators=(',', ':'))}"
        size += len(entry) + _LIST_CHARACTERS
        if size > _MAX_CHARACTERS:
            break
        kept.append(entry)
    return "{" + ",\n".join(reversed(kept)) + "}\n"
