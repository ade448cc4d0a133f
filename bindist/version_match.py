"""Which versions are meant by a text such as `2.0`, `<2.1` or `>=2.0,<2.1`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from .version_order import version_key

_CONDITION = re.compile(r"(<=|>=|==|!=|<|>|=)?\s*([A-Za-z0-9._-]{1,50})")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def version_matcher(text: str) -> Callable[[str], bool]:
    """Returns a function that tells whether a version is among those that `text` means.

    `text` is one condition, or several that must all hold, separated by commas. A condition is a
    version, or a version after `=`, `==`, `!=`, `<`, `<=`, `>` or `>=`. Versions are equal if their
    names are; the others compare by `version_order.version_key`, with pre-releases below their
    release. Raises ValueError for anything else.
    """
    tests = [_condition(part.strip(), text) for part in text.split(",")]
    return lambda version: all(test(version) for test in tests)


def _condition(part: str, text: str) -> Callable[[str], bool]:
    found = _CONDITION.fullmatch(part)
    if not found:
        raise ValueError(f"{text!r} names no versions: use 2.0, '<2.1' or '>=2.0,<2.1'")
    sign, name = found[1] or "=", found[2]
    if sign in ("=", "=="):
        return lambda version: version == name
    if sign == "!=":
        return lambda version: version != name
    compare, key = _COMPARE[sign], version_key(name)
    return lambda version: compare(version_key(version), key)
