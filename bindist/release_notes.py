"""What the server accepts as release notes, and as the description of a file."""

from __future__ import annotations

__all__ = ["MAX_DESCRIPTION", "MAX_LENGTH", "check_description", "check_release_notes"]

MAX_LENGTH = 5000
"""In UTF-16 code units, as the server counts: most characters are one, emoji are two."""

MAX_DESCRIPTION = 2000
"""The same of a description."""

_WHITE_SPACE = (  # what JavaScript's `trim` removes
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


def check_release_notes(text: str | None) -> None:
    """Checks release notes without a request; None, for no notes, is right.

    Raises ValueError for more than 5000 UTF-16 code units without white space at either end, for a
    NUL character, which databases refuse, and for what is no valid text.
    """
    _check(text, "the release notes have", MAX_LENGTH)


def check_description(text: str | None) -> None:
    """Checks the description of a file in the same way: up to 2000 UTF-16 code units."""
    _check(text, "the description has", MAX_DESCRIPTION)


def _check(text: str | None, has: str, limit: int) -> None:
    if text is None:
        return
    if "\0" in text:
        raise ValueError(f"{has} a NUL character")
    try:
        length = len(text.strip(_WHITE_SPACE).encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        raise ValueError(f"{has} a character that is not valid Unicode text") from None
    if length > limit:
        raise ValueError(f"{has} {length} characters; the limit is {limit} (an emoji counts as 2)")
