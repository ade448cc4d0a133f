"""What the rows of the API's lists hold, checked. A row is a dictionary as the server sent it.

rows = client.list_version_files("acme", "1.0").rows("files")
for row in distinct_files(rows):
    print(text_in(row, "fileName"), count_in(row, "fileSize"))
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from .errors import NotFoundError
from .file_names import server_name
from .http.response import count_in, failure, text_in
from .transfer.file_rows import distinct_files

__all__ = ["choose_files", "count_in", "distinct_files", "main_file", "text_in"]

_PATTERN = re.compile(r"[*?\[]")

Row = TypeVar("Row", bound=Mapping[str, Any])


def main_file(rows: Iterable[Row]) -> Row:
    """The file of a version that the server would choose: the first MAIN one, else the first.

    Raises NotFoundError for no rows, IntegrityError where one name has two checksums.
    """
    files = sorted(distinct_files(rows), key=lambda row: row.get("fileType") != "MAIN")
    if not files:
        raise NotFoundError(failure(404, "the version has no files"))
    return files[0]


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
