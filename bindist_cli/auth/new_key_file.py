"""New API keys, which the server shows once: prints them or writes them to a file, safely."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import TracebackType

import click

from ..exit_codes import CliError, Exit
from ..output.columns import NEW_KEY, Column, Json
from ..output.printer import Printer
from ..output.streams import mask_keys
from ..settings import resolve


def usable_key(made: Json, api_url: str, in_use: str) -> object:
    """Returns the key in the response to a rotation that works on this deployment.

    A server of several tenants, such as the hosted service, expects `{tenant}.{secret}`: the key
    `in_use` shows it, which has the tenant before its dot. Another server expects only the secret.
    """
    whole = made.get("apiKey")
    tenant, dot, _ = in_use.partition(".")
    has_tenants = bool(dot) and isinstance(whole, str) and whole.startswith(f"{tenant}.")
    if has_tenants or resolve.is_hosted(api_url):
        return whole
    return made.get("apiSecret") or whole


_RESERVE = b"\n" * 4096
_SECRET = Column("apiSecret", "Secret")
"""A field of some responses that is printed only where --fields names it."""


class KeyFile:
    """A new file for a key, whose disk space is reserved before the request creates the key.

    A full disk, a wrong path or an unknown field after --fields is thus found while no key can be
    lost. The file is removed again if no key was created.
    """

    def __init__(self, path: str | None, printer: Printer) -> None:
        self._printer = printer
        self._columns = (*NEW_KEY, _SECRET) if printer.settings.fields else NEW_KEY
        printer.check_fields(self._columns)
        self._path = Path(path) if path else None
        self._descriptor: int | None = None

    def __enter__(self) -> KeyFile:
        if self._path:
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
                self._descriptor = os.open(self._path, flags, 0o600)
                self._write(_RESERVE)
            except FileExistsError:
                raise CliError(
                    f"{self._path} already exists; key files are never overwritten", Exit.USAGE
                ) from None
            except OSError as error:
                self._remove()
                raise CliError(f"cannot write {self._path}: {error.strerror}", Exit.USAGE) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        if self._descriptor is not None and self._path:
            is_there = self._is_there()
            os.close(self._descriptor)
            self._descriptor = None
            if is_there:
                self._path.unlink()

    def _is_there(self) -> bool:
        """Whether the path still leads to the file that was created here."""
        try:
            return self._path is not None and os.path.samestat(
                self._path.lstat(), os.fstat(self._descriptor or 0)
            )
        except FileNotFoundError:
            return False

    def _check_there(self) -> None:
        if not self._is_there():
            raise FileNotFoundError(errno.ENOENT, "it was removed or replaced in the meantime")

    def _write(self, content: bytes) -> None:
        """Replaces the content of the file and syncs it to disk."""
        from bindist import file_system

        if self._descriptor is not None:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            if os.write(self._descriptor, content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.ftruncate(self._descriptor, len(content))
            file_system.sync_file(self._descriptor)

    def show(self, made: Json, found: object) -> None:
        """Prints the result of the request, with the key or with the path of its file."""
        from bindist.connection import check_key

        # The response to a rotation also has the secret, which is a part of the hosted key.
        mask_keys({name: made.get(name) for name in ("apiKey", "apiSecret")})
        try:
            key = check_key(found if isinstance(found, str) else "")
        except ValueError:
            raise CliError("the server's response contains no usable key", Exit.FAILED) from None
        if self._descriptor is None:
            self._printer.one(self._columns, {**made, "apiKey": key})
            self._printer.note("Save this key now: it is not shown again.")
            return
        try:
            self._write(key.encode() + b"\n")
            self._check_there()
        except OSError as error:  # despite the reserved space: print it rather than lose it
            self._printer.one(self._columns, {**made, "apiKey": key})
            raise CliError(
                f"cannot write {self._path}: {error.strerror}; "
                "the key was printed instead: save it now, it is not shown again"
            ) from None
        os.close(self._descriptor)
        self._descriptor = None
        shown = {name: made[name] for name in made if name not in ("apiKey", "apiSecret")}
        self._printer.one(self._columns, {**shown, "keyFile": str(self._path)})


key_file_option = click.option(
    "--key-file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the key to this new file (mode 0600) instead of printing it; FILE must not exist.",
)
