"""JSON made to take many times its size in memory: looked at before it is parsed."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from bindist import AdminClient
from bindist.http.response import MAX_CONTAINERS, MAX_DEPTH, from_body
from bindist.http.transport import ANSWER_LIMIT
from tests.sdk.canned import CannedServer

MIB = 1024 * 1024
START, END = b'{"success": true, "data": {"x": [', b"0]}}"
UNITS = {
    "lists": b"[],",
    "objects of one": b'{"a":1},',
    "lists after texts": b'"a]",[],',
}


def filled(unit: bytes, size: int) -> bytes:
    return START + unit * (size // len(unit)) + END


@pytest.mark.parametrize("what", UNITS)
def test_an_answer_takes_no_more_than_a_few_times_its_size(what: str, tally: Any) -> None:
    body = filled(UNITS[what], 5 * MIB)
    tracemalloc.start()
    try:
        answer = from_body(200, body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not answer.success and answer.raw == {}
    assert peak < 4 * len(body)
    tally("hostile")


def test_the_most_bytes_by_default_are_16_mib(
    canned: CannedServer, connect: Callable[..., AdminClient]
) -> None:
    rows = [{"customerId": "c", "notes": "n" * 16_000}] * (15 * MIB // 16_050)
    canned.answer({"success": True, "data": {"customers": rows}})
    assert len(connect(canned.url).list_customers().rows("customers")) == len(rows)
    assert ANSWER_LIMIT == 16 * MIB


def deep(opening: str, closing: str, depth: int) -> bytes:
    inside = opening * depth + "1" + closing * depth
    return ('{"success": true, "data": {"x": ' + inside + "}}").encode()


DEEP = {
    "lists": lambda depth: deep("[", "]", depth),
    "objects": lambda depth: deep('{"a":', "}", depth),
    "with brackets in texts": lambda depth: deep('["]]]}}\\"]", ', "]", depth),
    "with escapes before quotes": lambda depth: deep('["\\\\", ', "]", depth),
    "in UTF-16": lambda depth: deep("[", "]", depth).decode().encode("utf-16"),
}


@pytest.mark.parametrize("what", DEEP)
def test_the_deepest_nesting_is_taken_and_one_more_is_not(what: str) -> None:
    assert from_body(200, DEEP[what](MAX_DEPTH - 2)).success
    assert not from_body(200, DEEP[what](MAX_DEPTH - 1)).success


def test_brackets_in_texts_do_not_count() -> None:
    text = '[{"' * MAX_CONTAINERS + "\\"
    body = json.dumps({"success": True, "data": {"notes": text}}).encode()
    assert from_body(200, body).require() == {"notes": text}


def test_nesting_does_not_add_up_from_one_row_to_the_next() -> None:
    rows = [{"tags": [["a"]]}] * 5000
    body = json.dumps({"success": True, "data": {"rows": rows}}).encode()
    assert from_body(200, body).rows("rows") == rows
