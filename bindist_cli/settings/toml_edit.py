"""TOML files that people write too: changed in one place, their comments kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..exit_codes import CliError, Exit
from . import private_files
from .resolve import parse_toml

Values = Mapping[tuple[str, ...], Any]
"""Values by the names that lead to them: {("profiles", "work", "api_url"): "https://..."}."""


def change(path: Path, values: Values, *, private: bool) -> None:
    """Sets values; None removes one. One writer at a time.

    Raises CliError where the file cannot be read, understood or written; it is then as it was.
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
    # Tables may be written in ways that the editor gets wrong; nothing is better than that.
    raise CliError(
        f"{path} is written in a way that cannot be changed without harm",
        Exit.USAGE,
        hint="change it in an editor",
    )


def _put(table: Any, names: Sequence[str], value: Any, make: Callable[[], Any]) -> None:
    """Sets the value in nested tables, which are made where they are missing."""
    *above, last = names
    for name in above:
        if name not in table:
            if value is None:
                return
            table[name] = make()
        table = table[name]
        if not isinstance(table, dict):
            raise CliError(f"{name} is not a table, [{'.'.join(above)}]", Exit.USAGE)
    if value is not None:
        table[last] = value
    elif last in table:
        del table[last]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return value
