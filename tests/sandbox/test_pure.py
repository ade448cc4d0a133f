"""The pure parts: JavaScript's ways, collation, e-mail addresses. The values are Node.js's own."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bindist.sandbox.clock import milliseconds, timestamp
from bindist.sandbox.storage.records import ulid
from bindist.sandbox.validation import javascript
from bindist.sandbox.validation.collation import collation_key
from bindist.sandbox.validation.email_addresses import is_email


def test_length_counts_utf16_units():
    assert javascript.length("aé日😀") == 5


def test_trim_is_not_pythons_strip():
    assert javascript.trim("\ufeff\u00a0 x \u2029") == "x"
    assert javascript.trim("\x1cx\x85") == "\x1cx\x85"


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), (" 2x", 2), ("1.9", 1), ("-3", -3), ("1e3", 1), ("0x10", 0), ("+4", 4)],
)
def test_parse_int(text, number):
    assert javascript.parse_int(text) == number


@pytest.mark.parametrize("text", ["", "x", "-", ".5"])
def test_parse_int_of_no_number(text):
    assert math.isnan(javascript.parse_int(text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Unexpected end of JSON input"),
        ("nope", "Unexpected token 'o', \"nope\" is not valid JSON"),
        ("x", "Unexpected token 'x', \"x\" is not valid JSON"),
        ("{", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
        ('{"a":1,}',
         "Expected double-quoted property name in JSON at position 7 (line 1 column 8)"),
        ('{"a"\n', "Expected ':' after property name in JSON at position 5 (line 2 column 1)"),
        ("[1 2]",
         "Expected ',' or ']' after array element in JSON at position 3 (line 1 column 4)"),
        ('{"a":1',
         "Expected ',' or '}' after property value in JSON at position 6 (line 1 column 7)"),
        ("{}x",
         "Unexpected non-whitespace character after JSON at position 2 (line 1 column 3)"),
        ('"abc', "Unterminated string in JSON at position 4 (line 1 column 5)"),
        ("<html>" + "x" * 40,
         "Unexpected token '<', \"<html>xxxx\"... is not valid JSON"),
    ],
)  # fmt: skip
def test_json_messages(text, message):
    with pytest.raises(javascript.ScriptError) as error:
        javascript.parse_json(text)
    assert str(error.value) == message


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=50))
def test_base64_of_any_bytes(content):
    import base64

    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(content).decode()
        assert javascript.base64_bytes(text) == content
        assert javascript.base64_bytes(text.rstrip("=")) == content
        assert javascript.base64_bytes("\n".join(text)) == content


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30))
def test_base64_never_fails(text):
    javascript.base64_bytes(text)


@pytest.mark.parametrize(
    "text",
    ["2026", "2026-11", "2026-11-23", "2026-11-23T10:00", "2026-11-23T10:00:00.000Z",
     "2026-11-23T10:00:00+01:00", "23 Nov 2026", "Nov 23, 2026", "11/23/2026",
     "Mon, 23 Nov 2026 10:00:00 GMT"],
)  # fmt: skip
def test_dates(text):
    assert javascript.is_date(text)


@pytest.mark.parametrize(
    "text", ["garbage", "not-a-date", "2026-13-01", "2026-11-23T25:00:00Z", "7d", "yesterday"]
)
def test_no_dates(text):
    assert not javascript.is_date(text)


def test_names_are_sorted_by_the_collation_of_the_reference_server():
    names = ["_x", "-x", "(x)", "#x", "$x", "10", "1a", "9", "a", "A", "Ä", "a b", "a_b", "a-b",
             "a.b", "a10", "a2", "ab", "acme", "Acme Corp", "alpha", "Alpha", "ALPHA", "beta",
             "co op", "co-op", "coop", "e", "E", "é", "eclair", "éclair", "Ecole", "école", "naive",
             "naïve", "O'Brien", "OBrien", "Zeta", "日本"]  # fmt: skip
    assert sorted(set(names), key=collation_key) == names


def test_versions_are_sorted_by_their_numbers():
    versions = ["-._a0", "..", "1_0", "1.0.0", "1.0.1", "1.1.9", "1.9.0", "1.10.0", "1.10.0-beta",
                "4.0.0", "v2", "v10"]  # fmt: skip
    key = {version: collation_key(version, numeric=True) for version in versions}
    assert sorted(set(versions), key=key.__getitem__) == versions
    assert collation_key("1.0", numeric=True) == collation_key("01.00", numeric=True)


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("two@example.com", True),
        ("a.b+c@x.museum", True),
        ("é@bücher.de", True),
        ("a@host.internal", False),
        ("a@b", False),
        ("a@b@c.com", False),
        (" a@b.com", False),
        ("a..b@c.com", False),
        ("@b.com", False),
        ("a@b.com.", False),
        ("a" * 65 + "@b.com", False),
    ],
)
def test_email(text, valid):
    assert is_email(text) is valid


def test_times_never_repeat_and_ids_sort_by_time():
    times = [milliseconds() for _ in range(1000)]
    assert times == sorted(set(times))
    ids = [ulid(time) for time in times]
    assert ids == sorted(ids)
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"
