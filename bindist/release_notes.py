"""What the server accepts as release notes."""

from __future__ import annotations

__all__ = ["MAX_LENGTH", "check_release_notes"]

MAX_LENGTH = 5000
"""In UTF-16 code units, as the server counts: most characters are one, emoji are two."""

_WHITE_SPACE = (  # what JavaScript's `trim` removes
    "\t\n\v\f\r \xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


def check_release_notes(text: str | None) -> None:
    """Checks release notes without a request; None, for no notes, is right.

    Raises ValueError for more than 5000 UTF-16 code units without white space at either end, for a
    NUL character, which databases refuse, and for what is no valid text.
    """
    if text is None:
        return
    if "\0" in text:
        raise ValueError("the release notes have a NUL character in them")
    try:
        length = len(text.strip(_WHITE_SPACE).encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        raise ValueError("the release notes are not valid Unicode text") from None
    if length > MAX_LENGTH:
        raise ValueError(
            f"the release notes have {length} characters; the limit is {MAX_LENGTH} "
            "(an emoji counts as 2)"
        )
