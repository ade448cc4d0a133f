"""The README and the help topics as data: their code blocks, links and tables."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from bindist_cli import topics

REPOSITORY = Path(__file__).parents[2]
TOPICS = [topics.FOLDER / f"{name}.md" for name in topics.names()]
TEXTS = {path: path.read_text(encoding="utf-8") for path in (REPOSITORY / "README.md", *TOPICS)}

_BLOCK = re.compile(r"(?:^<!-- ([^\n]+) -->\n)?^```(\w*)\n(.*?)^```$", re.S | re.M)
_CODE = re.compile(r"``(.+?)``|`([^`\n]+(?:\n[^`\n]+)?)`")


@dataclass(frozen=True)
class Block:
    """A code block: its language, its text, and the marker in the line before it, if any."""

    language: str
    text: str
    marker: str
    name: str


def _blocks() -> list[Block]:
    found = []
    for path, text in TEXTS.items():
        numbers: Counter[str] = Counter()
        for marker, language, code in _BLOCK.findall(text):
            numbers[language] += 1
            name = marker or f"{path.stem}: {language} {numbers[language]}"
            found.append(Block(language, code, marker, name))
    return found


BLOCKS = _blocks()


def inline_code(text: str) -> list[str]:
    """What stands between backticks outside of code blocks."""
    return [" ".join((a or b).split()) for a, b in _CODE.findall(_BLOCK.sub("", text))]


def table(marker: str) -> list[list[str]]:
    """The cells of the table between the markers of that name, without its head."""
    (text,) = (text for text in TEXTS.values() if f"<!-- {marker} -->\n" in text)
    text = text.partition(f"<!-- {marker} -->\n")[2].partition(f"<!-- /{marker} -->")[0]
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
