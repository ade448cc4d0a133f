"""Which rows of a version are this release's: one function, one table."""

from __future__ import annotations

from typing import Any

import pytest

from bindist.release.journal import Creation, UploadedFile
from bindist.release.ownership import by_upload_id, foreign_rows, own_upload

OWN, OTHER = "0" * 64, "1" * 64
UPLOADED = {"a.exe": UploadedFile("id-a", 5, OWN), "b.dll": UploadedFile("id-b", 7, OWN)}


def row(name: str, file_id: Any, checksum: str = OWN) -> dict[str, Any]:
    return {"fileName": name, "fileId": file_id, "checksum": checksum}


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (row("a.exe", "id-a"), "a.exe"),
        (row("b.dll", "id-b"), "b.dll"),
        (row("a.exe", "id-a", OTHER), "a.exe"),  # what is in it is checked elsewhere
        (row("c.txt", "id-a"), "a.exe"),
        (row("a.exe", "id-x"), None),  # another run has sent the same file
        (row("a.exe", None), None),
        (row("a.exe", ["id-a"]), None),
        ({}, None),
    ],
    ids=str,
)
def test_the_upload_id_decides_the_ownership_of_a_row(
    found: dict[str, Any], name: str | None
) -> None:
    own = own_upload(found, by_upload_id(UPLOADED))
    assert own == (None if name is None else (name, UPLOADED[name]))


A, B, FOREIGN = row("a.exe", "id-a"), row("b.dll", "id-b"), row("a.exe", "id-x")


@pytest.mark.parametrize(
    ("rows", "is_inline", "creation", "foreign"),
    [
        ([], False, Creation.CREATED, []),
        ([A, B], False, Creation.CREATED, []),
        ([A, FOREIGN], False, Creation.CREATED, [FOREIGN]),
        ([FOREIGN], False, Creation.CREATED, [FOREIGN]),
        ([FOREIGN], True, Creation.CREATED, []),  # the id of an inline upload is not known
        ([FOREIGN], True, Creation.CREATING, [FOREIGN]),
        ([FOREIGN], True, Creation.ABSENT, [FOREIGN]),
        ([FOREIGN, FOREIGN], True, Creation.CREATED, [FOREIGN, FOREIGN]),
    ],
)
def test_rows_of_other_runs_are_foreign(
    rows: list[dict[str, Any]],
    is_inline: bool,
    creation: Creation,
    foreign: list[dict[str, Any]],
) -> None:
    found = foreign_rows(rows, by_upload_id(UPLOADED), is_inline=is_inline, creation=creation)
    assert found == foreign
