"""Arithmetic of byte ranges, compared with sets of bytes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bindist.transfer.config import DEFAULTS as CONFIG
from bindist.transfer.ranges import (
    Range,
    merge,
    missing,
    parse_content_range,
    prefix,
    take_piece,
    total,
)

POINTS = st.integers(0, 60)
RANGES = st.lists(st.tuples(POINTS, POINTS))
GAPS = st.lists(st.integers(0, 1 << 33), max_size=8, unique=True).map(
    lambda points: list(zip(sorted(points)[::2], sorted(points)[1::2], strict=False))
)


def members(ranges: list[Range]) -> set[int]:
    return {number for start, end in ranges for number in range(start, end)}


@given(RANGES)
def test_merging_keeps_exactly_the_same_bytes(ranges: list[Range]) -> None:
    assert members(merge(ranges)) == members(ranges)


@given(RANGES)
def test_merged_ranges_are_in_order_and_apart(ranges: list[Range]) -> None:
    merged = merge(ranges)
    assert all(start < end for start, end in merged)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(merged))


@given(RANGES)
def test_merging_again_changes_nothing(ranges: list[Range]) -> None:
    assert merge(merge(ranges)) == merge(ranges)


@given(RANGES, POINTS)
def test_missing_ranges_are_the_complement(done: list[Range], size: int) -> None:
    assert members(missing(done, size)) == set(range(size)) - members(done)


@given(RANGES, POINTS)
def test_the_number_of_gaps_is_minimal(done: list[Range], size: int) -> None:
    gaps = missing(done, size)
    assert gaps == merge(gaps)


@given(RANGES)
def test_the_total_counts_the_bytes(ranges: list[Range]) -> None:
    assert total(merge(ranges)) == len(members(ranges))


@given(RANGES)
def test_the_prefix_ends_at_the_first_missing_byte(ranges: list[Range]) -> None:
    done = members(ranges)
    assert prefix(merge(ranges)) == next(n for n in range(62) if n not in done)


def pieces(gaps: list[Range], connections: int, most: int = CONFIG.max_piece) -> list[Range]:
    """All pieces, taken one after the other."""
    cut = []
    while gaps:
        piece, gaps = take_piece(gaps, connections, most)
        cut.append(piece)
    return cut


@given(GAPS, st.integers(1, 40))
def test_pieces_are_the_gaps_cut_up_in_order(gaps: list[Range], connections: int) -> None:
    cut = pieces(gaps, connections)
    assert merge(cut) == merge(gaps) and cut == sorted(cut) and total(cut) == total(gaps)


@given(GAPS, st.integers(1, 40), st.integers(CONFIG.max_piece, 8 * CONFIG.max_piece))
def test_no_piece_is_too_large_or_needlessly_small(
    gaps: list[Range], connections: int, most: int
) -> None:
    ends = {end for _, end in gaps}
    for start, end in pieces(gaps, connections, most):
        assert end - start <= most
        assert end % CONFIG.block_size == 0 or end in ends
        assert end - start >= CONFIG.min_piece or end in ends


@given(st.integers(1, 1 << 33), st.integers(1, 32))
def test_pieces_of_one_gap_never_grow_towards_its_end(size: int, connections: int) -> None:
    lengths = [end - start for start, end in pieces([(0, size)], connections)]
    assert lengths == sorted(lengths, reverse=True)


@given(st.integers(0, 10**17), st.integers(1, 10**17), st.integers(0, 10**17))
def test_a_valid_content_range_is_parsed(start: int, length: int, after: int) -> None:
    size = start + length + after
    header = f"bytes {start}-{start + length - 1}/{size}"
    assert parse_content_range(header) == (start, start + length, size)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes */10",
        "bytes 0-4/*",
        "bytes 5-4/10",
        "bytes 0-10/10",
        "bytes -1-4/10",
        "bytes 0-4/10, 5-9/10",
        "items 0-4/10",
        "bytes 0-4/10 ok",
        "bytes " + "9" * 30 + "-1/1",
    ],
)
def test_an_invalid_content_range_is_none(header: str | None) -> None:
    assert parse_content_range(header) is None


@given(st.text() | st.from_regex(r"bytes \d{1,3}-\d{1,3}/\d{1,3}"))
@example("bytes ²-3/4")
def test_any_content_range_gives_a_range_within_the_size_or_none(header: str) -> None:
    found = parse_content_range(header)
    assert found is None or 0 <= found[0] < found[1] <= found[2]
