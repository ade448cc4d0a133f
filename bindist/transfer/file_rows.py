"""The rows of a version's file list as the files that they stand for.

A server that is not atomic may list one file twice, each time under an id of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from ..errors import IntegrityError
from .hashing import normalize_checksum

Row = TypeVar("Row", bound=Mapping[str, Any])


def distinct_files(rows: Iterable[Row]) -> list[Row]:
    """One row for each file of a version, in the order of the rows.

    Rows of one name and one checksum are one file; the row with the smallest `fileId` is taken. A
    row without a name stands for itself. Raises IntegrityError, with the name and both checksums,
    where one name has two checksums, or two rows of it are not known to be alike.
    """
    files: dict[object, Row] = {}
    for number, row in enumerate(rows):
        name = row.get("fileName")
        key = name if isinstance(name, str) else number
        other = files.setdefault(key, row)
        if other is not row:
            _check_alike(other, row)
            files[key] = min(other, row, key=lambda each: str(each.get("fileId")))
    return list(files.values())


def _check_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    first, second = (normalize_checksum(row.get("checksum")) for row in (one, other))
    if not first or first != second:
        raise IntegrityError(
            f"the version has two files called {one['fileName']!r:.300}, with the checksums "
            f"{first or 'none'} and {second or 'none'}"
        )
