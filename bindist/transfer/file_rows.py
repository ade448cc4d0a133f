"""The rows of a version's file list as the files that they stand for.

A server that is not atomic may list one file twice, each time under an id of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def main_candidates(rows: Iterable[Row]) -> list[Row]:
    """The files that may be meant where none is named: the MAIN ones, or all where none is MAIN.

    Raises IntegrityError as `distinct_files` does.
    """
    files = distinct_files(rows)
    return [row for row in files if row.get("fileType") == "MAIN"] or files


def preferred_file(candidates: Sequence[Row], version_size: object) -> Row:
    """Always the same one of several files, in whatever order the server lists them.

    The one of the size that the version's record has, which is that of the file completed last;
    else, and of several, the one with the smallest id.
    """
    return min(
        candidates, key=lambda row: (row.get("fileSize") != version_size, str(row.get("fileId")))
    )


def _check_alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    first, second = (normalize_checksum(row.get("checksum")) for row in (one, other))
    if not first or first != second:
        raise IntegrityError(
            f"the version has two files called {one['fileName']!r:.300}, with the checksums "
            f"{first or 'none'} and {second or 'none'}"
        )
