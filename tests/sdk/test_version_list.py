"""Versions of a list: ordered, chosen, compared."""

from __future__ import annotations

import pytest

from bindist.errors import NotFoundError
from bindist.version_list import between, highest_first, latest, newer_than, same_number
from bindist.version_order import is_prerelease

ROWS = [{"version": name} for name in ("1.9", "nightly", "1.10-rc.1", "1.10", "2.0b1", "v1.9.0")]


def names(rows):
    return [row["version"] for row in rows]


def test_the_highest_is_first():
    assert names(highest_first(ROWS)) == ["2.0b1", "1.10", "1.10-rc.1", "1.9", "v1.9.0", "nightly"]


@pytest.mark.parametrize(
    ("rows", "prereleases", "expected"),
    [
        (ROWS, False, "1.10"),
        (ROWS, True, "2.0b1"),
        (ROWS[1:3], False, "1.10-rc.1"),
        (ROWS[1:2], False, "nightly"),
    ],
)
def test_latest_is_a_final_release_if_there_is_one(rows, prereleases, expected):
    assert latest(rows, prereleases=prereleases)["version"] == expected


def test_no_version_is_latest_of_none():
    with pytest.raises(NotFoundError):
        latest([])


@pytest.mark.parametrize(
    ("version", "newer"),
    [("1.9", ["2.0b1", "1.10", "1.10-rc.1"]), ("1.10", ["2.0b1"]), ("1.9.5", 3), ("3", [])],
)
def test_newer_versions_are_the_higher_ones(version, newer):
    found = names(newer_than(ROWS, version))
    assert (len(found) if isinstance(newer, int) else found) == newer


@pytest.mark.parametrize(
    ("above", "up_to", "expected"),
    [
        ("1.9", "1.10", ["1.10", "1.10-rc.1"]),
        (None, "1.9", ["1.9", "v1.9.0", "nightly"]),
        ("1.10", None, ["2.0b1"]),
        ("1.10", "1.9", []),
    ],
)
def test_versions_between_two_include_the_upper_one(above, up_to, expected):
    assert names(between(ROWS, above, up_to)) == expected


def test_another_name_of_the_same_number():
    assert names(same_number(ROWS, "1.9")) == ["v1.9.0"]
    assert same_number(ROWS, "1.8") == []


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.0", False),
        ("v1.0", False),
        ("1.0.post1", False),
        ("2026.1", False),
        ("1.0.0-20260101", False),
        ("1.0-rc.1", True),
        ("1.0.dev3", True),
        ("1.0.post1.dev2", True),
        ("1.0-alpha.beta", True),
        ("1.0-linux", True),
        ("nightly", True),
        ("", True),
    ],
)
def test_pre_releases(version, expected):
    assert is_prerelease(version) is expected
