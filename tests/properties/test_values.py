"""Versions, durations, times, sizes and names of any kind: read, written and ordered."""

from __future__ import annotations

import itertools
import unicodedata
from datetime import datetime, timedelta, timezone
from functools import cmp_to_key

import click
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bindist.file_names import name_problem
from bindist.version_order import version_key
from bindist_cli.output import formatting
from bindist_cli.params import MINUTES, Moment, parse_moment, timestamp

several = settings(max_examples=60, deadline=None)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
ANY_TEXT = st.text(st.characters(), max_size=40)


# Versions

VERSIONS = (
    st.from_regex(
        r"v?[0-9]{1,3}(\.[0-9]{1,3}){0,3}(-?(a|b|rc|alpha|beta|dev|post|x)\.?[0-9]{0,2})?"
    )
    | st.from_regex(r"[A-Za-z0-9._+-]{1,12}", fullmatch=True)
    | ANY_TEXT
)


def compare(one: str, other: str) -> int:
    first, second = version_key(one), version_key(other)
    return (first > second) - (first < second)


@given(st.lists(VERSIONS, min_size=3, max_size=3))
@example(["9" * 5000, "9" * 5001, "1"])
@example(["1.0.dev" + "9" * 5000, "١.٢", "²"])
@example(["1.0+" + "1" * 900, "1!2.0", "1.0-" + "a" * 5000])
@several
def test_versions_have_a_total_order(names):
    for one, other, third in itertools.permutations(names):
        assert compare(one, one) == 0
        assert compare(one, other) == -compare(other, one)
        if compare(one, other) <= 0 and compare(other, third) <= 0:
            assert compare(one, third) <= 0


@given(data=st.data(), names=st.lists(VERSIONS, min_size=1, max_size=8))
@several
def test_the_order_in_which_versions_are_listed_does_not_matter(data, names):
    shuffled = data.draw(st.permutations(names))
    keys = [version_key(name) for name in sorted(names, key=cmp_to_key(compare))]
    assert keys == [version_key(name) for name in sorted(shuffled, key=version_key)]
    assert max(map(version_key, names)) == max(map(version_key, shuffled))


@given(
    numbers=st.lists(st.integers(0, 10**6), min_size=1, max_size=4),
    stage=st.sampled_from(["-alpha", "-beta.2", "-rc.1", "a1", "b2", "rc3", ".dev4", "-SNAPSHOT"]),
)
@several
def test_a_pre_release_is_below_its_release_and_above_the_one_before(numbers, stage):
    release = ".".join(map(str, numbers))
    before = ".".join(map(str, [*numbers[:-1], numbers[-1] - 1])) if numbers[-1] else "nightly"
    assert version_key(before) < version_key(release + stage) < version_key(release)


# Durations and times


def refused(kind: click.ParamType, text: str) -> bool:
    try:
        kind.convert(text, None, None)
    except click.BadParameter as error:
        assert repr(text) in error.message
        return True
    return False


@given(minutes=st.integers(-10, 2000), unit=st.sampled_from(["", "m"]))
@several
def test_minutes_are_accepted_if_some_server_may_accept_them(minutes, unit):
    text = f"{minutes}{unit}"
    assert refused(MINUTES, text) is not (minutes >= 5)
    if minutes >= 5:
        assert MINUTES.convert(text, None, None) == minutes


@given(ANY_TEXT | st.from_regex(r"[0-9²٣]{1,6}[mhdsw]?", fullmatch=True))
@example("٣h")
@example("9" * 5000 + "d")
@example("0001-01-01T00:00+23:59")
@example("9999-12-31")
@example("999999w")
@several
def test_any_text_is_a_duration_and_a_time_or_refused(text):
    if not refused(MINUTES, text):
        assert MINUTES.convert(text, None, None) >= 5
    for kind in (Moment(), Moment(end=True)):
        if not refused(kind, text):
            shown = kind.convert(text, None, None)
            assert timestamp(parse_moment(shown, NOW)) == shown


@given(count=st.integers(0, 9999), unit=st.sampled_from("smhdw"))
@several
def test_an_age_is_the_stated_duration(count, unit):
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    assert NOW - parse_moment(f"{count}{unit}", NOW) == timedelta(seconds=seconds * count)


@given(moment=st.datetimes(datetime(2, 1, 1), datetime(9999, 1, 1)), hours=st.integers(-23, 23))
@several
def test_a_time_with_any_zone_reads_back(moment, hours):
    moment = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    again = parse_moment(timestamp(parse_moment(moment.isoformat(), NOW)), NOW)
    assert timedelta(0) <= moment - again < timedelta(milliseconds=1)


# What the server may send in place of what it should

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT
THINGS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
)


@given(THINGS)
@example(10**400)
@example(-(10**400))
@example(float("nan"))
@example(float("inf"))
@example("0001-01-01T00:00:00+23:59")
@example("9999-12-31T23:59:59-23:59")
@several
def test_any_value_can_be_shown(value):
    for shown in (formatting.size(value), formatting.age(value, NOW), formatting.one_line(value)):
        controls = {c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
        assert controls <= {"\n"}


# File names

NAMES = st.text(st.characters(), max_size=20) | st.text(
    "ab.. /\\:'\"<>|?*\0\x7f\x85éÅ¹\u00a0\u2028\u202e\ufeff😀CONuxcomlpt19", max_size=12
)
STRICTER = (
    "has control characters",  # of Unicode, too
    "has characters that change the reading direction",
    "has an invisible character",  # as the next ones have
    "starts or ends with a dot or a space",  # of Unicode, too
    "is the name of a device on Windows",  # COM0, and those before a space
)
"""Where a name that the server accepts is refused all the same."""


@given(name=NAMES)
@example(name="com0")
@example(name="con .txt")
@example(name="x" * 256)
@example(name="😀" * 128)
@example(name="\u2026")
@example(name="ﷺ" * 15)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_file_names_are_accepted_exactly_if_the_server_accepts_them(admin, application, name):
    problem = name_problem(name)
    if "\0" in name or any(unicodedata.category(c) == "Cs" for c in name):
        assert problem  # no client sends it: JSON cannot carry it, or no server store it
        return
    answer = admin.get_large_upload_url(application, "1.0", name, 1)
    if answer.success:
        grown = len(unicodedata.normalize("NFKC", name)) > 200  # it counts before that, we after
        assert problem is None or problem.startswith(STRICTER) or (grown and "255" in problem)
    else:
        assert answer.status_code == 400
        assert problem


@given(name=NAMES)
@several
def test_a_name_that_is_accepted_is_one_name_in_every_file_system(name):
    if name_problem(name) is None:
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            written = unicodedata.normalize(form, name)
            assert not set(written) & set('/\\:\0"<>|?*')
            assert written not in (".", "..")
            assert written.strip(" .") == written


@pytest.mark.parametrize("device", ["con", "PRN", "aux", "NuL", "com1", "LPT9", "com¹", "lpt³"])
@given(rest=st.sampled_from(["", ".txt", ".tar.gz", " .txt", "."]))
@settings(max_examples=5, deadline=None)
def test_no_device_of_windows_is_accepted(device, rest):
    assert name_problem(device + rest)
