"""Which version is the higher one."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from bindist.version_order import version_key

NUMBERS = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(
    lambda parts: ".".join(map(str, parts))
)
LABELS = st.sampled_from(["alpha", "beta", "rc", "SNAPSHOT", "preview", "x", "dev", "M"])
TAILS = st.sampled_from(["", ".1", ".2", "3", ".beta", ".1.2", "-4"])
NAMES = (
    NUMBERS
    | st.builds("{}-{}{}".format, NUMBERS, LABELS, TAILS)
    | st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True)
    | st.text(max_size=12)
)
PEP_440 = st.builds(
    "{}{}{}{}".format,
    NUMBERS,
    st.sampled_from(["", "a0", "a1", "b2", "rc1"]),
    st.sampled_from(["", ".post0", ".post1"]),
    st.sampled_from(["", ".dev0", ".dev3"]),
)


@pytest.mark.parametrize(
    "ascending",
    [
        ["0.9", "0.10", "1.0", "1.9.9", "1.10.0", "2"],
        # the example of semver.org
        [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
        ],
        # the example of PEP 440
        [
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.1.dev1",
        ],
        ["1.10.0-beta", "1.10.0", "1.10.1-beta"],
        ["1.0.0-SNAPSHOT", "1.0.0-alpha", "1.0.0"],
        ["release-5", "release-40", "0.1"],
        ["nightly", "0"],
        ["1.0.0-rc.1", "1.0.0-rc.1.2", "1.0.0-rc.2", "1.0.0"],
    ],
    ids=lambda names: names[0],
)
def test_versions_are_ordered(ascending: list[str]) -> None:
    descending = ascending[::-1]
    assert sorted(descending, key=version_key) == ascending


@pytest.mark.parametrize(
    "ascending",
    [["1.0.0-alpha", "1.0.0-alpha.beta"], ["1.0.post1.dev2", "1.0.post1"], ["1.0a2.dev1", "1.0a2"]],
    ids=lambda names: names[0],
)
def test_the_higher_of_two_similar_versions_is_recognized(ascending: list[str]) -> None:
    assert version_key(ascending[0]) < version_key(ascending[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [("1.0", "1.0.0"), ("v1.2", "1.2"), ("1.0.0-RC.1", "1.0.0rc1"), ("2.0.0-x.Y", "2.0-X.y")],
)
def test_two_spellings_of_a_version_are_equal(one: str, other: str) -> None:
    assert version_key(one) == version_key(other)


@given(NUMBERS, LABELS, TAILS)
def test_a_pre_release_is_below_its_release(number: str, label: str, tail: str) -> None:
    assert version_key(f"{number}-{label}{tail}") < version_key(number)


@given(NUMBERS, NUMBERS, LABELS)
def test_a_pre_release_is_above_all_lower_releases(one: str, other: str, label: str) -> None:
    lower, higher = sorted([one, other], key=version_key)
    if version_key(lower) != version_key(higher):
        assert version_key(lower) < version_key(f"{higher}-{label}")


@given(st.lists(NAMES, min_size=3, max_size=3))
def test_the_order_of_any_names_is_total(names: list[str]) -> None:
    for one, other in itertools.permutations(map(version_key, names), 2):
        assert (one < other) + (one == other) + (one > other) == 1


@given(PEP_440, PEP_440)
def test_pep_440_versions_are_ordered_as_packaging_orders_them(one: str, other: str) -> None:
    assert (version_key(one) < version_key(other)) == (Version(one) < Version(other))


@given(NAMES, NAMES)
def test_any_two_pep_440_versions_keep_their_order(one: str, other: str) -> None:
    try:
        lower, higher = sorted([Version(one), Version(other)])
    except InvalidVersion:
        return
    if lower.epoch == higher.epoch:
        assert version_key(str(lower)) <= version_key(str(higher))
