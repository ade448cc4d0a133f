"""The order in which the reference server sorts names and versions.

It compares with `localeCompare`, that is by the Unicode collation algorithm with the root locale's
weights: letters without regard to case first, accents next, case last; punctuation before digits
before letters. The keys made here order the same way, for the characters that names are made of.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

# What comes before the digits, in the order of the root collation.
_BEFORE_DIGITS = "\t\n\v\f\r \u00a0_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$"
_RANK = {char: rank for rank, char in enumerate(_BEFORE_DIGITS)}

CollationKey = tuple[tuple[tuple[int, int, str], ...], str, str]


@lru_cache(1 << 15)  # every page of a long list is sorted anew
def collation_key(text: str, *, numeric: bool = False) -> CollationKey:
    """A key that sorts as `localeCompare` compares; with numeric, runs of digits as numbers."""
    decomposed = unicodedata.normalize("NFKD", text)
    accents = "".join(c for c in decomposed if unicodedata.combining(c))
    letters = "".join(c for c in decomposed if not unicodedata.combining(c) and not _ignored(c))
    runs: list[tuple[int, int, str]] = []
    for is_digit, run in groupby(letters.casefold(), lambda c: "0" <= c <= "9"):
        part = "".join(run)
        if is_digit and numeric:
            digits = part.lstrip("0")
            runs.append((1, len(digits), digits))
        else:
            runs += [_weight(char) for char in part]
    # Lower case stands before upper case, the reverse of their code points.
    return tuple(runs), accents, "".join(c for c in letters.swapcase() if c.isalpha())


@lru_cache(1 << 12)
def _weight(char: str) -> tuple[int, int, str]:
    if char in _RANK:
        return (0, _RANK[char], "")
    if "0" <= char <= "9":
        return (1, int(char), "")
    if unicodedata.category(char)[0] in "PSZ":
        return (0, len(_RANK), char)
    return (2, 0, char)


def _ignored(char: str) -> bool:
    return re.fullmatch(r"[\x00-\x08\x0e-\x1f\x7f]", char) is not None
