"""The charts of `apps stats`."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bindist_cli.output.charts import MAX_BARS, ROWS, bars, by_day, columns, stats_charts

COUNTS = st.dictionaries(st.text(max_size=30), st.integers(0, 10**9), min_size=1, max_size=40)
DAYS = st.dictionaries(
    st.dates(date(2020, 1, 1), date(2026, 12, 31)).map(str), st.integers(0, 10**6), min_size=1
)


def test_the_largest_count_has_the_longest_bar():
    first, second = bars({"1.0": 5, "2.0": 10}, 60).splitlines()
    assert first.startswith("2.0")
    assert len(first) > len(second) > 0


def test_names_beyond_the_first_ones_are_summed_up():
    lines = bars({f"1.{n}": 100 - n for n in range(MAX_BARS + 5)}, 60).splitlines()
    assert len(lines) == MAX_BARS + 1
    assert lines[-1].startswith("5 others")


@given(counts=COUNTS, width=st.integers(20, 200))
def test_bars_fit_the_terminal(counts, width):
    widest = max(cell_len(line) for line in bars(counts, width).splitlines())
    label = max(cell_len(line) for line in bars(counts, 0).splitlines())
    assert widest <= max(width, label + 1)


@given(counts=DAYS, width=st.integers(36, 200))
def test_columns_fit_the_terminal(counts, width):
    lines = columns(counts, width).splitlines()
    assert len(lines) == ROWS + 1
    assert max(map(len, lines)) <= width


def test_days_without_a_download_have_their_place():
    series = by_day({"2026-11-01": 1, "2026-11-04": 2}, 30)
    assert [count for _, count in series] == [1, 0, 0, 2]


def test_what_is_no_day_is_left_out():
    assert by_day({"yesterday": 3}, 30) == []


@pytest.mark.parametrize(
    "stats",
    [{}, {"downloadsByVersion": {}, "downloadsByDate": {}}, {"downloadsByVersion": ["x"]}],
)
def test_without_downloads_nothing_is_drawn(stats):
    assert stats_charts(stats, 80) == ""


def test_a_control_character_in_a_version_is_shown_not_obeyed():
    assert "\x1b" not in bars({"\x1b[2J": 1}, 60)
