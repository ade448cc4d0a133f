"""Edits TOML files in place and keeps their comments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..exit_codes import CliError, Exit
from . import private_files
from .resolve import parse_toml

Values = Mapping[tuple[str, ...], Any]
"""Values by their path of names: {("profiles", "work", "api_url"): "https://..."}."""


def change(path: Path, values: Values, *, private: bool) -> None:
    """Sets values, or removes those that are None, under a lock.

    Raises CliError if the file cannot be read, parsed or written; it is then unchanged.
    """
    with private_files.locked(path.parent):
        text = private_files.read(path, private=private) or ""
        wanted = parse_toml(path, text)
        before = _copy(wanted)
        for names, value in values.items():
            _put(wanted, names, value, dict)
        if wanted == before:
            return
        private_files.write(path, _edited(path, text, values, wanted))


def _edited(path: Path, text: str, values: Values, wanted: dict[str, Any]) -> str:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        for names, value in values.items():
            _put(document, names, value, tomlkit.table)
        edited = tomlkit.dumps(document)
        if parse_toml(path, edited) == wanted:
            return edited
    except (TOMLKitError, CliError, TypeError, AttributeError):
        pass
    # tomlkit mishandles some ways of writing tables: refuse rather than damage the file.
    raise CliError(
        f"{path} cannot be edited automatically without damaging it",
        Exit.USAGE,
        hint="edit the file by hand",
    )


def _put(table: Any, names: Sequence[str], value: Any, make: Callable[[], Any]) -> None:
    """Sets a value in nested tables; creates missing tables with `make`."""
    *above, last = names
    for name in above:
        if name not in table:
            if value is None:
                return
            table[name] = make()
        table = table[name]
        if not isinstance(table, dict):
            raise CliError(f"{name} must be a table, [{'.'.join(above)}]", Exit.USAGE)
    if value is not None:
        table[last] = value
    elif last in table:
        del table[last]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return value
