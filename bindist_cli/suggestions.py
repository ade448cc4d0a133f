"""What somebody may have meant by a name that does not exist."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 3
_ALIKE = 0.6

_SYNONYMS = {
    "add": "create",
    "cat": "show",
    "del": "delete",
    "get": "versions download",
    "info": "show",
    "install": "versions download",
    "ls": "list",
    "new": "create",
    "publish": "versions upload",
    "pull": "versions download",
    "push": "versions upload",
    "remove": "delete",
    "rm": "delete",
    "signin": "auth login",
    "signout": "auth logout",
    "whoami": "auth status",
}
"""What other programs call a command, and its path or last word here."""


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


def near_commands(word: str, group: str, paths: Iterable[str]) -> list[str]:
    """Returns commands of `paths` that may be meant by a word in a group, empty for none.

    Those of the same name in other groups come first, or in the same group if there is one; then
    those of nearly that name.
    """
    wanted = _SYNONYMS.get(word, word)
    by_word: dict[str, list[str]] = {}
    for path in paths:
        for name in {path, path.split()[-1]}:
            by_word.setdefault(name, []).append(path)
    names = [wanted] if wanted in by_word else near_matches(wanted, by_word)
    found = list(dict.fromkeys(path for name in names for path in by_word[name]))
    within = [path for path in found if group and path.startswith(f"{group} ")]
    return (within or found)[:_MOST]
