"""Values as text."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindist_cli.output import formatting

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
ANY_TEXT = st.text(st.characters())  # halves of surrogate pairs too
HARMLESS = "abc äöü 漢字 🎉 -_./"
CONTROLS = "\x00\x07\x1b\x7f\x85\x9b\u2028\u202e\u2066\ud800"


@pytest.mark.parametrize(
    ("ago", "shown"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=-2), "just now"),
        (timedelta(seconds=59), "59 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=23), "23 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=45), "1 month ago"),
        (timedelta(days=364), "12 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(minutes=-28), "in 28 minutes"),
    ],
)
def test_age(ago, shown):
    assert formatting.age((NOW - ago).isoformat().replace("+00:00", "Z"), NOW) == shown


def test_the_age_of_an_invalid_time_is_the_text_itself():
    assert formatting.age("soon\x1b", NOW) == "soon\\x1b"


def test_a_time_without_a_zone_is_utc():
    assert formatting.parse_time("2026-11-23T12:00:00.000") == NOW


@pytest.mark.parametrize("value", [None, 5, "", "yesterday", ["2026-11-23"]])
def test_an_invalid_time_is_none(value):
    assert formatting.parse_time(value) is None


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (13_400_000, "13.4 MB"),
        (2_500_000_000, "2.5 GB"),
        (7 * 10**17, "700.0 PB"),
        (7 * 10**19, "70000.0 PB"),
        ("many", "many"),
        (True, "true"),
    ],
)
def test_size(count, shown):
    assert formatting.size(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (12, "12 s"), (200, "3 min 20 s")]
)
def test_duration(seconds, shown):
    assert formatting.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (["cli", "linux"], "cli,linux"),
        ([{"customerId": "acme", "name": "Acme"}], "acme"),
        ([{"fileName": "a.exe", "fileId": "1"}], "a.exe"),
        ([{"when": 1}], '{"when":1}'),
        ({"1.0": 2}, '{"1.0":2}'),
        ([], ""),
    ],
)
def test_plain(value, shown):
    assert formatting.plain(value) == shown


@given(ANY_TEXT)
def test_unescape_is_the_inverse_of_escape(text):
    assert formatting.unescape(formatting.escape(text)) == text


@given(ANY_TEXT)
def test_an_escaped_text_is_one_field_of_one_line(text):
    escaped = formatting.escape(text)
    assert not set(escaped) & {"\t", "\n", "\r"}
    assert len(escaped.splitlines()) <= 1


@given(ANY_TEXT)
def test_an_escaped_text_can_be_encoded(text):
    assert formatting.escape(text).encode().decode() == formatting.escape(text)


@given(ANY_TEXT)
def test_escaped_json_parses_to_the_same_value(text):
    escaped = formatting.json_escape(json.dumps([text], ensure_ascii=False))
    assert json.loads(escaped) == [text]


@pytest.mark.parametrize("char", CONTROLS)
@pytest.mark.parametrize(
    "show",
    [
        formatting.escape,
        formatting.visible,
        formatting.one_line,
        lambda text: formatting.json_escape(json.dumps(text, ensure_ascii=False)),
    ],
)
def test_a_control_character_is_escaped(show, char):
    assert char not in show(f"a{char}b")


@pytest.mark.parametrize("show", [formatting.escape, formatting.visible, formatting.one_line])
def test_other_text_is_unchanged(show):
    assert show(HARMLESS) == HARMLESS


def test_line_breaks_are_kept_in_text_of_several_lines():
    assert formatting.visible("a\nb") == "a\nb"


def test_line_breaks_are_escaped_in_text_of_one_line():
    assert formatting.one_line("a\nb") == "a⏎b"


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.integers(0, 80))
def test_a_bar_is_never_wider_than_its_column(value, largest, width):
    assert len(formatting.bar(min(value, largest), largest, width)) <= width


@given(st.floats(1e-9, 1e9), st.integers(1, 80))
def test_a_bar_for_more_than_nothing_is_never_empty(largest, width):
    assert formatting.bar(largest / 1e6, largest, width)


def test_a_full_bar_fills_its_column():
    assert formatting.bar(5, 5, 10) == "█" * 10


def test_a_count_of_zero_has_no_bar():
    assert formatting.bar(0, 5, 10) == ""
