"""The README as data: its code blocks, and its tables."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "README.md").read_text(encoding="utf-8")

_BLOCK = re.compile(r"(?:^<!-- ([^\n]+) -->\n)?^```(\w*)\n(.*?)^```$", re.S | re.M)


@dataclass(frozen=True)
class Block:
    """A code block: its language, its text, and the marker in the line before it, if any."""

    language: str
    text: str
    marker: str
    name: str


def _blocks() -> list[Block]:
    numbers: Counter[str] = Counter()
    found = []
    for marker, language, text in _BLOCK.findall(TEXT):
        numbers[language] += 1
        found.append(Block(language, text, marker, marker or f"{language} {numbers[language]}"))
    return found


BLOCKS = _blocks()


def table(marker: str) -> list[list[str]]:
    """The cells of the table between the markers of that name, without its head."""
    text = TEXT.partition(f"<!-- {marker} -->\n")[2].partition(f"<!-- /{marker} -->")[0]
    rows = [line.strip("|\n").split(" | ") for line in text.splitlines()]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def matches(pattern: str, line: str) -> bool:
    """Whether a line is what is quoted, in which `…` stands for any text."""
    return bool(re.fullmatch(".*".join(map(re.escape, pattern.rstrip().split("…"))), line.rstrip()))


def abridged(wanted: list[str], found: list[str]) -> bool:
    """Whether lines are those that are quoted, where a line of `…` alone stands for any lines."""
    if not wanted:
        return not found
    first, *rest = wanted
    if first == "…":
        return any(abridged(rest, found[start:]) for start in range(len(found) + 1))
    return bool(found) and matches(first, found[0]) and abridged(rest, found[1:])
