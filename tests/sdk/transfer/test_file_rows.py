"""One file for rows of one name and one checksum; an error for one name with two."""

from __future__ import annotations

import pytest

from bindist.errors import IntegrityError
from bindist.http.response import Json
from bindist.transfer.file_rows import distinct_files

ONE, OTHER = "1" * 64, "2" * 64


def row(file_id: object, name: object, checksum: object) -> Json:
    return {"fileId": file_id, "fileName": name, "checksum": checksum}


def test_different_names_are_different_files():
    rows = [row("a", "x", ONE), row("b", "y", ONE)]
    assert distinct_files(rows) == rows


def test_names_that_differ_in_case_are_different_files():
    rows = [row("a", "x", ONE), row("b", "X", OTHER)]
    assert distinct_files(rows) == rows


@pytest.mark.parametrize("ids", ["abc", "cba", "bac"])
def test_of_equal_rows_the_smallest_id_is_taken_at_the_place_of_the_first(ids):
    rows = [row(ids[0], "x", ONE), row("0", "y", OTHER)]
    rows += [row(file_id, "x", ONE) for file_id in ids[1:]]
    assert distinct_files(rows) == [row("a", "x", ONE), row("0", "y", OTHER)]


def test_case_and_prefix_of_a_checksum_do_not_matter():
    rows = [row("a", "x", "ab" * 32), row("b", "x", "sha256:" + "AB" * 32)]
    assert distinct_files(rows) == rows[:1]


def test_one_name_with_two_checksums_is_an_error_that_names_all_three():
    rows = [row("a", "x.bin", ONE), row("b", "y", ONE), row("c", "x.bin", OTHER)]
    with pytest.raises(IntegrityError) as caught:
        distinct_files(rows)
    assert all(text in str(caught.value) for text in ("x.bin", ONE, OTHER))


def test_a_third_checksum_is_found_behind_two_equal_ones():
    rows = [row("a", "x", ONE), row("b", "x", ONE), row("c", "x", OTHER)]
    with pytest.raises(IntegrityError, match=OTHER):
        distinct_files(rows)


@pytest.mark.parametrize("checksum", [None, "", [], 7])
def test_two_rows_without_a_checksum_are_different_files(checksum):
    with pytest.raises(IntegrityError, match="none and none"):
        distinct_files([row("a", "x", checksum), row("b", "x", checksum)])


def test_a_row_without_a_name_or_with_an_odd_id_is_kept():
    rows = [row("a", None, ONE), row(["b"], None, OTHER), row({}, "x", ONE)]
    assert distinct_files(rows) == rows


def test_control_characters_of_a_name_do_not_reach_the_message():
    rows = [row("a", "x\x1b[2J", ONE), row("b", "x\x1b[2J", OTHER)]
    with pytest.raises(IntegrityError) as caught:
        distinct_files(rows)
    assert "\x1b" not in str(caught.value)
