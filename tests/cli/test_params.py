"""Points in time as people give them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindist_cli.params import parse_moment, timestamp

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_an_age_is_subtracted_from_now(text, ago):
    assert parse_moment(text, NOW) == NOW - ago


def test_a_time_with_a_zone_is_that_moment():
    assert timestamp(parse_moment("2026-11-23T10:00:00+02:00", NOW)) == "2026-11-23T08:00:00.000Z"


def test_a_time_without_a_zone_is_local():
    local = datetime(2026, 11, 23, 10, 0).astimezone(timezone.utc)
    assert parse_moment("2026-11-23T10:00:00", NOW) == local


def test_a_date_covers_its_whole_day():
    first = parse_moment("2026-11-23", NOW)
    last = parse_moment("2026-11-23", NOW, end=True)
    assert last - first == timedelta(days=1, milliseconds=-1)


@pytest.mark.parametrize("text", ["", "soon", "7", "7y", "-3d", "2026-13-01", "2026-11-23T25:00"])
def test_an_invalid_time_is_refused(text):
    with pytest.raises(ValueError):
        parse_moment(text, NOW)


@given(moment=st.datetimes(timezones=st.just(timezone.utc)))
def test_a_timestamp_reads_back_to_the_millisecond(moment):
    assert abs(parse_moment(timestamp(moment), NOW) - moment) < timedelta(milliseconds=1)
