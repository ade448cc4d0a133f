"""The help topics: Markdown files beside this module, which the README links to."""

from __future__ import annotations

import re
from importlib.resources import files

FOLDER = files(__package__) / "help"

_NOT_SHOWN = re.compile(r"<!--.*?-->\n?|^!\[[^\n]*\n", re.S | re.M)
_MARKUP = re.compile(r"[`*]|\[|\]\([^)]*\)")


def names() -> list[str]:
    """Returns the names of all topics, in alphabetical order."""
    found = (each.name for each in FOLDER.iterdir())  # which may be in a zip archive
    return sorted(name[:-3] for name in found if name.endswith(".md"))


def read(name: str) -> str:
    """Returns the Markdown of a topic, without comments and pictures."""
    return _NOT_SHOWN.sub("", (FOLDER / f"{name}.md").read_text(encoding="utf-8"))


def summary(name: str) -> str:
    """Returns the first sentence of a topic, in plain text and on one line."""
    paragraph = read(name).split("\n\n")[1]
    sentence = re.split(r"(?<=[.:]) ", " ".join(paragraph.split()), maxsplit=1)[0]
    return _MARKUP.sub("", sentence)
