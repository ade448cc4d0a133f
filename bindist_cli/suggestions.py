"""What somebody may have meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 3
_ALIKE = 0.6


def near_matches(word: str, names: Iterable[str]) -> list[str]:
    """Returns up to 3 names that are like the word, the nearest first; ignores case."""
    from difflib import get_close_matches  # takes a while, and only errors need it

    by_folded: dict[str, list[str]] = {}
    for name in names:
        by_folded.setdefault(name.casefold(), []).append(name)
    near = get_close_matches(word.casefold(), by_folded, _MOST, _ALIKE)
    return [name for folded in near for name in by_folded[folded] if name != word][:_MOST]


def did_you_mean(words: Iterable[str]) -> str | None:
    """Returns the question, or None for no words."""
    listed = list(words)
    if not listed:
        return None
    *others, last = listed
    return f"did you mean {', '.join(others) + ' or ' if others else ''}{last}?"
