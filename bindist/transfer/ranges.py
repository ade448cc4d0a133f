"""Ranges of bytes, half open: (start, end) holds start and all before end."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .config import DEFAULTS, TransferConfig

Range = tuple[int, int]

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


def merge(ranges: Iterable[Range]) -> list[Range]:
    """The same bytes as few ranges in order, without overlaps or empty ones."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def missing(done: Iterable[Range], size: int) -> list[Range]:
    """What of (0, size) is not in `done`."""
    gaps, position = [], 0
    for start, end in merge(done):
        if start >= size:
            break
        if start > position:
            gaps.append((position, start))
        position = end
    if position < size:
        gaps.append((position, size))
    return gaps


def total(ranges: Iterable[Range]) -> int:
    """How many bytes there are in ranges that do not overlap."""
    return sum(end - start for start, end in ranges)


def prefix(done: list[Range]) -> int:
    """How far the merged ranges reach from 0 without a gap."""
    return done[0][1] if done and done[0][0] == 0 else 0


def take_piece(
    gaps: list[Range],
    connections: int,
    max_piece: int = DEFAULTS.max_piece,
    config: TransferConfig = DEFAULTS,
) -> tuple[Range, list[Range]]:
    """The first piece of `gaps`, for one of so many connections, and the gaps without it.

    In order, so that hashing can follow closely; large at first, to keep requests few; smaller
    towards the end, so that no connection is left alone with a long last piece; `max_piece` bytes
    at the most. It ends at a multiple of the block size, but for the end of a gap, so that no block
    of the disk is written twice.
    """
    (start, end), *others = gaps
    share = total(gaps) // (2 * connections)
    block = config.block_size
    until = start + max(config.min_piece, min(share, max_piece - block))
    until = min(end, until + -until % block)
    return (start, until), [(until, end), *others] if until < end else others


def parse_content_range(header: str | None) -> tuple[int, int, int] | None:
    """(start, end, size) of a Content-Range, end excluded; None where it makes no sense."""
    found = _CONTENT_RANGE.fullmatch((header or "").strip())
    if not found:
        return None
    first, last, size = (int(group) for group in found.groups())
    return (first, last + 1, size) if first <= last < size else None
