"""Versions of an application as `list_versions` has them: ordered, chosen, compared.

rows = client.list_versions("acme").rows("versions")
print(latest(rows)["version"], len(newer_than(rows, "1.9.0")))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from .choices import LATEST
from .errors import NotFoundError
from .http.response import failure
from .version_order import is_prerelease, version_key

__all__ = [
    "between",
    "check_new_version",
    "highest_first",
    "latest",
    "newer_than",
    "same_number",
]

Row = TypeVar("Row", bound=Mapping[str, Any])


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("version"))


def highest_first(rows: Iterable[Row]) -> list[Row]:
    """Returns the versions in the order of `bindist.version_order`, the highest first."""
    return sorted(rows, key=lambda row: version_key(_name(row)), reverse=True)


def latest(rows: Iterable[Row], *, prereleases: bool = False) -> Row:
    """Returns the version that `latest` means: the highest one that is no pre-release.

    If all are pre-releases, and with `prereleases` (default False), the highest of all. Raises
    NotFoundError for no rows.
    """
    ordered = highest_first(rows)
    if not ordered:
        raise NotFoundError(failure(404, "there is no version"))
    final = (row for row in ordered if not is_prerelease(_name(row)))
    return ordered[0] if prereleases else next(final, ordered[0])


def newer_than(rows: Iterable[Row], version: str) -> list[Row]:
    """Returns the versions that are higher than `version`, the highest first.

    `version` need not be among them.
    """
    least = version_key(version)
    return [row for row in highest_first(rows) if version_key(_name(row)) > least]


def between(rows: Iterable[Row], above: str | None, up_to: str | None) -> list[Row]:
    """Returns the versions higher than `above` and not higher than `up_to`, the highest first.

    None is no limit. Neither version need be among them.
    """
    found = highest_first(rows) if above is None else newer_than(rows, above)
    if up_to is None:
        return found
    most = version_key(up_to)
    return [row for row in found if version_key(_name(row)) <= most]


def check_new_version(version: str) -> None:
    """Raises ValueError for the name `latest`, in any case: nobody could tell that version from the
    highest one."""
    if version.casefold() == LATEST:
        raise ValueError(
            f"a version must not be called {version!r}: that stands for the highest enabled version"
        )


def same_number(rows: Iterable[Row], version: str) -> list[Row]:
    """Returns the versions that are as high as `version` under another name: `v1.0` for `1.0`."""
    key = version_key(version)
    return [row for row in rows if _name(row) != version and version_key(_name(row)) == key]
