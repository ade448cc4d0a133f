"""What is printed of any objects at all: it reads back, and nothing in it is obeyed."""

from __future__ import annotations

import csv
import io
import json
import sys
import unicodedata

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bindist_cli.output import columns
from bindist_cli.output.formatting import csv_cell, plain, unescape
from bindist_cli.output.printer import Printer
from bindist_cli.settings.resolve import resolve

several = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# The module csv of Python 3.10 cannot read what it can write.
UNREADABLE = "\0" if sys.version_info < (3, 11) else ""
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters=UNREADABLE), max_size=20
)
INVISIBLES = "\xad\u061c\u200b\u200d\u200f\u202e\u2060\u2064\u2066\ufeff\U000e0041"
NASTY = st.text(INVISIBLES + "\x1b[31m\x9b\u202e\u2028\x85\r\n\t\\\",;'=漢a", max_size=12)
ANY = TEXTS | NASTY
SCALARS = st.none() | st.booleans() | st.integers() | ANY
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY, inner, max_size=2)
)
KEYS = [column.key for column in columns.APPLICATIONS]
ROWS = st.lists(
    st.dictionaries(st.sampled_from(KEYS) | ANY, VALUES, max_size=6), min_size=1, max_size=4
)


def shown(printed, form, rows) -> str:
    printer = Printer(resolve({"output": form}, {}, {}))
    return printed(lambda: printer.rows(columns.APPLICATIONS, rows)).decode()


def expected(rows) -> list[list[str]]:
    return [[plain(row.get(key)) for key in KEYS] for row in rows]


@given(rows=ROWS)
@several
def test_csv_reads_back(printed, rows):
    head, *read = csv.reader(io.StringIO(shown(printed, "csv", rows), newline=""))
    assert (head, read) == (KEYS, [[csv_cell(row.get(key)) for key in KEYS] for row in rows])


@given(rows=ROWS)
@several
def test_csv_passes_no_control_character_on_but_tabs_and_line_breaks(printed, rows):
    text = shown(printed, "csv", rows).replace("\r\n", "\n")
    unseen = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert unseen & set(INVISIBLES) == set()
    assert {c for c in unseen if unicodedata.category(c) != "Cf"} <= {"\n", "\t"}


@given(rows=ROWS)
@several
def test_tsv_reads_back(printed, rows):
    lines = shown(printed, "tsv", rows).split("\n")
    assert lines.pop() == ""
    assert [[unescape(field) for field in line.split("\t")] for line in lines] == expected(rows)


@given(rows=ROWS)
@several
def test_json_is_json_and_json_lines_are_lines(printed, rows):
    assert json.loads(shown(printed, "json", rows)) == rows
    lines = shown(printed, "jsonl", rows).splitlines()
    assert [json.loads(line) for line in lines] == rows


@given(rows=ROWS, form=st.sampled_from(["table", "json", "jsonl", "tsv"]))
@several
def test_nothing_but_csv_passes_a_control_character_on(printed, rows, form):
    text = shown(printed, form, rows)
    controls = {c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
    assert controls <= ({"\n", "\t"} if form == "tsv" else {"\n"})
    assert not set(text) & set(INVISIBLES)


@given(thing=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
@several
def test_a_card_passes_no_control_character_on(printed, thing):
    printer = Printer(resolve({"output": "table"}, {}, {}))
    text = printed(lambda: printer.one(columns.APPLICATION, thing)).decode()
    assert {c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")} <= {"\n"}


@given(text=st.text(st.characters(categories=["Cs"]) | st.characters(), max_size=12))
@several
def test_halves_of_pairs_do_not_end_us(printed, text):
    for form in ("csv", "tsv", "json", "jsonl", "table"):
        assert shown(printed, form, [{"name": text}])
