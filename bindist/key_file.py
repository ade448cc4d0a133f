"""A new file for a key that the server shows once: private, never in place of another file."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import file_system

_RESERVE = b"\n" * 4096


class NewKeyFile:
    """A new file, mode 0600, whose disk space is reserved before a request makes the key.

    A full disk or a wrong path is thus found while no key can be lost. Until `finish`, `discard`
    removes the file again.
    """

    def __init__(self, path: Path) -> None:
        """Creates the file. Raises FileExistsError for a path that is in use, else OSError."""
        self.path = path
        self._descriptor: int | None = file_system.open_new(path)
        try:
            self._write(_RESERVE)
        except OSError:
            self.discard()
            raise

    def finish(self, key: str) -> None:
        """Writes the key, so that it is on the disk, and closes the file. Raises OSError, also
        where the path does not lead to this file any more; `discard` is possible then."""
        self._write(key.encode() + b"\n")
        if not self._is_there():
            raise FileNotFoundError(errno.ENOENT, "it was removed or replaced in the meantime")
        file_system.sync_folder(self.path.parent)
        self.close()

    def discard(self) -> None:
        """Removes the file, if it has no key yet and is still there, and closes it."""
        if self._descriptor is not None:
            is_there = self._is_there()
            self.close()
            if is_there:
                self.path.unlink()

    def close(self) -> None:
        """Closes the file, and leaves it where it is."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _is_there(self) -> bool:
        try:
            found = os.fstat(self._descriptor) if self._descriptor is not None else None
            return found is not None and os.path.samestat(self.path.lstat(), found)
        except FileNotFoundError:
            return False

    def _write(self, content: bytes) -> None:
        """Replaces the content of the file and syncs it to disk."""
        assert self._descriptor is not None, "the file is open"
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        if os.write(self._descriptor, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.ftruncate(self._descriptor, len(content))
        file_system.sync_file(self._descriptor)


def key_in(path: Path) -> str | None:
    """The key in a file: empty for one that is reserved for a key; None where there is no file.

    Raises OSError where it cannot be read.
    """
    try:
        return path.read_bytes()[:65536].decode("utf-8", "replace").strip()
    except FileNotFoundError:
        return None


def usable_key(made: Mapping[str, Any], own_key: str) -> str:
    """The key in the response to a rotation that works on this server; empty if there is none.

    A server with tenants, as the hosted service, expects `{tenant}.{secret}`: so does one that
    `own_key`, the key of the request, shows to have that tenant. Any other expects the secret.
    """
    tenant, dot, _ = own_key.partition(".")
    whole, secret = made.get("apiKey"), made.get("apiSecret")
    is_whole = isinstance(whole, str) and dot and whole.startswith(f"{tenant}.")
    key = whole if is_whole else secret or whole
    return key if isinstance(key, str) else ""
