"""JSON made to take many times its size in memory: looked at before it is parsed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bindist import AdminClient
from bindist.http.response import MAX_CONTAINERS, MAX_DEPTH, from_body
from bindist.http.transport import ANSWER_LIMIT
from tests.sdk.canned import CannedServer

MIB = 1024 * 1024
REPOSITORY = Path(__file__).parents[2]
START, END = b'{"success": true, "data": {"x": [', b"0]}}"
UNITS = {
    "lists": b"[],",
    "objects of one": b'{"a":1},',
    "lists after texts": b'"a]",[],',
}


def filled(unit: bytes, size: int) -> bytes:
    return START + unit * (size // len(unit)) + END


PARSING = """
import sys
from bindist.http.response import from_body
from tests.hostile.test_memory import UNITS, filled
from tests.load.measured import peak

body = filled(UNITS[sys.argv[1]], int(sys.argv[2]))
before = peak()
answer = from_body(200, body)
assert not answer.success and answer.raw == {}
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak of memory")
@pytest.mark.parametrize("what", UNITS)
@pytest.mark.counts("hostile")
def test_parsing_takes_a_small_multiple_of_the_response_size(what: str) -> None:
    """In a process of its own: to trace each allocation would take ten times as long."""
    size = 5 * MIB
    done = subprocess.run(
        (sys.executable, "-c", PARSING, what, str(size)),
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2 * size  # besides the body, and the copies it was made of


def test_the_default_response_limit_is_16_mib(
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
def test_nesting_beyond_the_limit_is_refused(what: str) -> None:
    assert from_body(200, DEEP[what](MAX_DEPTH - 2)).success
    assert not from_body(200, DEEP[what](MAX_DEPTH - 1)).success


def test_brackets_in_strings_do_not_count_as_nesting() -> None:
    text = '[{"' * MAX_CONTAINERS + "\\"
    body = json.dumps({"success": True, "data": {"notes": text}}).encode()
    assert from_body(200, body).require() == {"notes": text}


def test_nesting_of_rows_is_not_summed() -> None:
    rows = [{"tags": [["a"]]}] * 5000
    body = json.dumps({"success": True, "data": {"rows": rows}}).encode()
    assert from_body(200, body).rows("rows") == rows
