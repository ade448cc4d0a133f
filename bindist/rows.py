"""What the rows of the API's lists hold, checked. A row is a dictionary as the server sent it.

rows = client.list_version_files("acme", "1.0").rows("files")
for row in distinct_files(rows):
    print(text_in(row, "fileName"), count_in(row, "fileSize"))
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from .errors import NotFoundError
from .file_names import server_name
from .http.response import ApiResponse, count_in, failure, text_in
from .transfer.file_rows import distinct_files, main_candidates, preferred_file

__all__ = [
    "MAY_BE_CUT_FROM",
    "choose_files",
    "count_in",
    "distinct_files",
    "find_record",
    "json_size",
    "main_candidates",
    "main_file",
    "may_be_cut",
    "text_in",
]

MAY_BE_CUT_FROM = 256 * 1024
"""Bytes of JSON from which on a list may lack rows: `may_be_cut`."""

_PATTERN = re.compile(r"[*?\[]")

Row = TypeVar("Row", bound=Mapping[str, Any])


def main_file(rows: Iterable[Row], version_size: int | None = None) -> Row:
    """The file of a version that is meant where none is named, in whatever order they are listed.

    Of the MAIN files, or of all where none is MAIN: the one of `version_size` bytes, which is the
    `fileSize` of the version in the list of versions; default None, not known. Else, or of several,
    the one with the smallest id. `main_candidates` tells whether there is more than one to choose
    from. Raises NotFoundError for no rows, IntegrityError where one name has two checksums.
    """
    candidates = main_candidates(rows)
    if not candidates:
        raise NotFoundError(failure(404, "the version has no files"))
    return preferred_file(candidates, version_size)


def json_size(row: Mapping[str, Any]) -> int:
    """The bytes of a row as JSON in UTF-8."""
    return len(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def may_be_cut(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a list of applications, versions or customers is so long that rows may be missing.

    A server on AWS reads 1 MB of records for such a list, and says nothing of the rest. A record
    holds up to four times what its row shows: so this is True from `MAY_BE_CUT_FROM` bytes on.
    Records that the list leaves out (deleted, inactive, not enabled, or not matching a search) are
    read too, and not counted here.
    """
    return sum(map(json_size, rows)) >= MAY_BE_CUT_FROM


def find_record(versions: ApiResponse[Any], version: str) -> dict[str, Any]:
    """The row of a version in an answer to `list_versions`; `{}` where there is none.

    Raises ApiError for a failed answer, and where the list may lack that row: `may_be_cut`.
    """
    rows = versions.rows("versions")
    found = next((row for row in rows if row.get("version") == version), None)
    if found is None and may_be_cut(rows):
        raise versions.invalid_response(
            f"version {version} is not in the list of versions, which is so long that the server "
            "may have cut it: its state cannot be told"
        )
    return found or {}


def _is_called(row: Mapping[str, Any], name: str) -> bool:
    found = row.get("fileName")
    return isinstance(found, str) and server_name(found) == server_name(name)


def choose_files(rows: Sequence[Row], wanted: Iterable[str]) -> list[Row]:
    """The files of these names, ids or patterns, in that order, each once.

    A pattern has `*`, `?` or `[...]` in it, as in a shell, and stands for all files that it
    matches, upper and lower case told apart; a file of just that name comes first. Names are
    compared in the form in which the server stores them (`bindist.file_names.server_name`).

    Raises NotFoundError for one that is not there, and IntegrityError for a name where one has two
    checksums: only an id says which is meant then.
    """
    chosen: list[Row] = []
    files: list[Row] | None = None
    for name in wanted:
        found = [row for row in rows if row.get("fileId") == name][:1]
        if not found:
            files = distinct_files(rows) if files is None else files
            found = [row for row in files if _is_called(row, name)]
        if not found and files and _PATTERN.search(name):
            found = [row for row in files if _matches(row, name)]
        if not found:
            raise NotFoundError(failure(404, f"the version has no file {name!r:.300}"))
        chosen += [row for row in found if row not in chosen]
    return chosen


def _matches(row: Mapping[str, Any], pattern: str) -> bool:
    found = row.get("fileName")
    return isinstance(found, str) and fnmatchcase(server_name(found), server_name(pattern))
