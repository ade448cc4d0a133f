"""Which of two versions is the higher one: pre-releases below their release, numbers as numbers."""

from __future__ import annotations

import re

from packaging.version import InvalidVersion, Version

_FINAL, _POST, _LEXICAL, _DEV = 0, 1, -5, -4
_STAGES = {"a": -3, "b": -2, "rc": -1}
_WORDS = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
_NUMBERED = re.compile(r"[vV]?(\d+(?:\.\d+)*)(.*)")
_CHUNK = re.compile(r"\d+|[^\d._+-]+")

MAX_LENGTH = 100
"""What of a name counts, in characters. The server's have 50 at most."""

Chunk = tuple[int, int, str]
Key = tuple[tuple[int, ...], int, tuple[Chunk, ...]]


def version_key(version: str) -> Key:
    """A sort key for any version name; the highest version has the greatest.

    PEP 440 and semantic versions go by their own rules. Of other names, those that start with a
    number go by it, with what follows as a pre-release; the rest (`nightly`) stand below all.
    """
    version = version[:MAX_LENGTH]
    try:
        parsed = Version(version)
    except InvalidVersion:
        return _lexical_key(version)
    release = _without_zeros(parsed.release)
    if parsed.pre:
        number = _numbered(parsed.pre[1], parsed.dev if parsed.post is None else None)
        post = () if parsed.post is None else _numbered(parsed.post, parsed.dev)
        return release, _STAGES[parsed.pre[0]], number + post
    if parsed.post is not None:
        return release, _POST, _numbered(parsed.post, parsed.dev)
    if parsed.dev is not None:
        return release, _DEV, _numbered(parsed.dev, None)
    return release, _FINAL, _chunks(parsed.local or "")


def is_prerelease(version: str) -> bool:
    """Returns whether a version is made before a release: `1.0-rc.1`, `1.0.dev3`, `1.0-test`.

    True also for a name that does not start with a number (`nightly`): it is no release that could
    be compared with others.
    """
    version = version[:MAX_LENGTH]
    try:
        return Version(version).is_prerelease
    except InvalidVersion:
        return _lexical_key(version)[1] < _FINAL


def _lexical_key(version: str) -> Key:
    found = _NUMBERED.fullmatch(version)
    if not found:
        return (), _LEXICAL, _chunks(version)
    release = _without_zeros(tuple(int(part) for part in found[1].split(".")))
    chunks = _chunks(found[2])
    first = chunks[0][2] if chunks else ""
    stage = _STAGES.get(_WORDS.get(first, first))
    if stage is not None:  # `alpha.beta`, `rc.1.2`: semantic versions that PEP 440 does not know
        return release, stage, chunks[1:]
    return release, _LEXICAL if found[2] else _FINAL, chunks


def _numbered(number: int, dev: int | None) -> tuple[Chunk, ...]:
    """A development release comes before its number, and after all that starts with the last."""
    return ((1, number, ""),) if dev is None else ((1, number - 1, ""), (3, dev, ""))


def _without_zeros(release: tuple[int, ...]) -> tuple[int, ...]:
    while len(release) > 1 and release[-1] == 0:
        release = release[:-1]
    return release


def _chunks(text: str) -> tuple[Chunk, ...]:
    """Numbers below words, as semantic versions order the parts of a pre-release."""
    return tuple(
        (1, int(chunk), "") if chunk.isdecimal() else (2, 0, chunk.lower())
        for chunk in _CHUNK.findall(text)
    )
