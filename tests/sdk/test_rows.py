"""Rows of a version's list: one a file, the main one, one by its name or id."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from bindist import IntegrityError, NotFoundError
from bindist.rows import choose_files, distinct_files, main_candidates, main_file


def row(name: str, file_id: str, file_type: str = "MAIN", checksum: str = "a") -> dict[str, Any]:
    return {
        "fileName": name,
        "fileId": file_id,
        "fileType": file_type,
        "checksum": checksum * 64,
    }


EXE, DLL, TXT = row("a.exe", "1"), row("a.dll", "2", "DEPENDENCY"), row("a.txt", "3", "OTHER")
MIXED = [row("a", "1", checksum="1"), row("a", "2", checksum="2")]


def sized(name: str, file_id: str, size: int) -> dict[str, Any]:
    return {**row(name, file_id), "fileSize": size}


ZIP, TAR, MSI = sized("a.zip", "9", 5), sized("a.tar", "7", 5), sized("a.msi", "8", 6)


@pytest.mark.parametrize(
    ("rows", "chosen"), [([DLL, EXE], EXE), ([DLL, TXT], DLL), ([TXT], TXT)], ids=range(3)
)
def test_the_main_file_is_the_one_of_type_main_or_any(rows: Any, chosen: Any) -> None:
    assert main_file(rows) == chosen


@pytest.mark.parametrize("rows", list(permutations([ZIP, TAR, MSI, DLL])))
@pytest.mark.parametrize(("size", "chosen"), [(6, MSI), (5, TAR), (4, TAR), (None, TAR)])
def test_of_several_the_main_file_is_the_same_in_any_order(
    rows: Any, size: int | None, chosen: Any
) -> None:
    assert main_file(rows, size) == chosen
    assert sorted(row["fileId"] for row in main_candidates(rows)) == ["7", "8", "9"]


def test_a_version_without_files_has_no_main_file() -> None:
    with pytest.raises(NotFoundError, match="the version has no files"):
        main_file([])


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (["a.txt", "a.exe"], [TXT, EXE]),
        (["2", "a.dll", "2"], [DLL]),
        ([], []),
    ],
    ids=str,
)
def test_files_are_chosen_by_name_or_id_in_the_order_asked_for(wanted: Any, chosen: Any) -> None:
    assert choose_files([EXE, DLL, TXT], wanted) == chosen


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (["*"], [EXE, DLL, TXT]),
        (["a.?ll", "*.exe"], [DLL, EXE]),
        (["*.[de]*", "a.dll"], [EXE, DLL]),
        (["a.txt", "a.*"], [TXT, EXE, DLL]),
    ],
    ids=str,
)
def test_a_pattern_stands_for_all_files_that_it_matches(wanted: Any, chosen: Any) -> None:
    assert choose_files([EXE, DLL, TXT], wanted) == chosen


def test_a_file_whose_name_looks_like_a_pattern_is_chosen_by_it() -> None:
    odd, other = row("a[1].exe", "1"), row("a1.exe", "2")
    assert choose_files([odd, other], ["a[1].exe"]) == [odd]
    assert choose_files([other], ["a[1].exe"]) == [other]


@pytest.mark.parametrize("name", ["A.EXE", "4", "", "*.EXE", "[", "a.exe*?"])
def test_a_missing_file_is_not_found(name: str) -> None:
    with pytest.raises(NotFoundError, match="the version has no file ") as caught:
        choose_files([EXE, DLL], ["1", name])
    assert (caught.value.status_code, caught.value.code) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "read",
    [distinct_files, main_file, lambda rows: choose_files(rows, ["a"])],
    ids=["distinct", "main", "by name"],
)
def test_one_name_with_two_checksums_is_an_integrity_error(read: Callable[[Any], Any]) -> None:
    with pytest.raises(IntegrityError, match="two files called 'a'"):
        read(MIXED)


def test_one_name_with_two_checksums_can_be_chosen_by_id() -> None:
    assert choose_files(MIXED, ["2"]) == [MIXED[1]]
