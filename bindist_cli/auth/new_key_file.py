"""New API keys, which the server shows once: prints them or writes them to a file, safely."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import click

from ..exit_codes import CliError, Exit
from ..output.columns import NEW_KEY, Column, Json
from ..output.printer import Printer
from ..output.streams import mask_keys

_SECRET = Column("apiSecret", "Secret")
"""A field of some responses that is printed only where --fields names it."""

if TYPE_CHECKING:
    from bindist.key_file import NewKeyFile


class KeyFile:
    """A new file for a key, whose disk space is reserved before the request creates the key.

    A full disk, a wrong path or an unknown field after --fields is thus found while no key can be
    lost. The file is removed again if no key was created. Without a path, the key is printed.
    """

    def __init__(self, path: str | None, printer: Printer) -> None:
        self._printer = printer
        self._columns = (*NEW_KEY, _SECRET) if printer.settings.fields else NEW_KEY
        printer.check_fields(self._columns)
        self._path = Path(path) if path else None
        self._file: NewKeyFile | None = None

    def __enter__(self) -> KeyFile:
        from bindist.key_file import NewKeyFile  # imported late, for fast starts

        if self._path:
            try:
                self._file = NewKeyFile(self._path)
            except FileExistsError:
                raise CliError(
                    f"{self._path} already exists; key files are never overwritten", Exit.USAGE
                ) from None
            except OSError as error:
                raise CliError(f"cannot write {self._path}: {error.strerror}", Exit.USAGE) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.discard()

    def show(self, made: Json, found: object) -> None:
        """Prints the result of the request, with the key or with the path of its file."""
        from bindist.connection import check_key

        # The response to a rotation also has the secret, which is a part of the hosted key.
        mask_keys({name: made.get(name) for name in ("apiKey", "apiSecret")})
        try:
            key = check_key(found if isinstance(found, str) else "")
        except ValueError:
            raise CliError("the server's response contains no usable key", Exit.FAILED) from None
        if self._file is None:
            self._printer.one(self._columns, {**made, "apiKey": key})
            self._printer.note("Save this key now: it is not shown again.")
            return
        try:
            self._file.finish(key)
        except OSError as error:  # despite the reserved space: print it rather than lose it
            self._printer.one(self._columns, {**made, "apiKey": key})
            raise CliError(
                f"cannot write {self._path}: {error.strerror}; "
                "the key was printed instead: save it now, it is not shown again"
            ) from None
        shown = {name: made[name] for name in made if name not in ("apiKey", "apiSecret")}
        self._printer.one(self._columns, {**shown, "keyFile": str(self._path)})


key_file_option = click.option(
    "--key-file",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Write the key to this new file (mode 0600) instead of printing it; FILE must not exist.",
)
