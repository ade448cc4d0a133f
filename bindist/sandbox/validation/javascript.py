"""The corners of JavaScript that show through in the reference server's answers.

The reference server runs on Node.js. Where a value's length is counted in UTF-16 units, a text is
trimmed, or a parser's own message reaches the client, the answer is JavaScript's; these pure
functions give the same.
"""

from __future__ import annotations

import binascii
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_to_bytes

WHITESPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
MAX_SAFE_INTEGER = 2**53 - 1

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_INTEGER = re.compile(rf"[{WHITESPACE}]*([+-]?\d+)", re.ASCII)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ISO_DATE = re.compile(
    r"(?:[+-]\d{6}|\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?"
    r"(?:[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?"
    r"(?:Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)
# What V8 reads besides ISO 8601: "23 Nov 2026", "11/23/2026 10:00", "Mon, 23 Nov 2026 GMT".
_OTHER_DATE = re.compile(
    r"(?:[A-Za-z]+[,. ]+)*-?\d{1,5}(?:[ ,/.:-]+(?:[A-Za-z]{3,9}|\d{1,4}))*(?: ?(?:GMT|UTC|Z))?",
    re.ASCII,
)
_DATE_LIMITS = {"month": (1, 12), "day": (1, 31), "hour": (0, 24), "minute": (0, 59)}


class ScriptError(Exception):
    """An exception of the server's own code; its text is answered with status 500."""


def length(text: str) -> int:
    """The length of a text in UTF-16 code units."""
    return len(text) + sum(char > "\uffff" for char in text)


def trim(text: str) -> str:
    return text.strip(WHITESPACE)


def trim_member(value: object, expression: str) -> str:
    """`expression.trim()`, with the TypeError that it raises for a value that is no text."""
    if value is None:
        raise ScriptError("Cannot read properties of null (reading 'trim')")
    if not isinstance(value, str):
        raise ScriptError(f"{expression}.trim is not a function")
    return trim(value)


def truthy(value: object) -> bool:
    """Objects and arrays are true even when they are empty; NaN is false."""
    if isinstance(value, (dict, list)):
        return True
    return bool(value) and value == value


def parse_int(text: str) -> float:
    """`parseInt(text, 10)`: the leading digits, or NaN."""
    found = _INTEGER.match(text)
    if not found:
        return float("nan")
    number = int(found[1])
    return number if abs(number) <= MAX_SAFE_INTEGER else float(Decimal(number))


def number_from_text(text: str) -> tuple[float | None, bool]:
    """The number that a text stands for (None if it stands for none), and whether it is exact."""
    trimmed = trim(text)
    if not _NUMBER.fullmatch(trimmed):
        return None, True
    value = float(trimmed)
    if value in (float("inf"), float("-inf")):
        return value, False
    has_exponent = "e" in trimmed.lower()
    long_form = value == 0 or 1e-7 < abs(value) < 1e21
    exact = (not has_exponent and not long_form) or Decimal(trimmed) == Decimal(repr(value))
    return value, exact


def base64_bytes(text: str) -> bytes:
    """`Buffer.from(text, "base64")`: either alphabet, padding optional, all else skipped."""
    text = text.partition("=")[0].replace("-", "+").replace("_", "/")
    text = _NOT_BASE64.sub("", text)
    if len(text) % 4 == 1:
        text = text[:-1]
    return binascii.a2b_base64(text + "=" * (-len(text) % 4))


def is_date(text: str) -> bool:
    """Whether `Date.parse` makes something of a text."""
    found = _ISO_DATE.fullmatch(text)
    if found:
        return all(
            found[name] is None or low <= int(found[name]) <= high
            for name, (low, high) in _DATE_LIMITS.items()
        )
    return _OTHER_DATE.fullmatch(trim(text)) is not None


def decode_uri_component(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise ScriptError("URI malformed")
    try:
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise ScriptError("URI malformed") from None


def parse_json(text: str) -> Any:
    """`JSON.parse`. Raises ScriptError with the message that Node.js gives."""

    def refuse(constant: str) -> None:
        raise json.JSONDecodeError("Expecting value", text, text.find(constant))

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise ScriptError(_json_message(error, text)) from None
    except RecursionError:
        raise ScriptError("Maximum call stack size exceeded") from None


# How Python's complaint begins, what V8 says, and how much further on V8 sees the mistake.
_JSON_MESSAGES = (
    ("Expecting property name", "Expected property name or '}' in JSON at ", 0),
    ("Expecting ':'", "Expected ':' after property name in JSON at ", 0),
    ("Invalid control character", "Bad control character in string literal in JSON at ", 0),
    ("Invalid \\u", "Bad Unicode escape in JSON at ", 1),
    ("Invalid \\", "Bad escaped character in JSON at ", 1),
    ("Extra data", "Unexpected non-whitespace character after JSON at ", 0),
)


def _json_message(error: json.JSONDecodeError, text: str) -> str:
    at = error.pos
    before = text[:at].rstrip()
    if error.msg.startswith("Unterminated string"):
        return "Unterminated string in JSON at " + _position(text, len(text))
    if error.msg.startswith("Illegal trailing comma") or (
        before.endswith(",") and error.msg.startswith("Expecting property name")
    ):
        at = len(text) - len(text[at:].lstrip(", \t\r\n"))
        return "Expected double-quoted property name in JSON at " + _position(text, at)
    if error.msg.startswith("Expecting ','"):
        after = "'}' after property value" if _inside_object(before) else "']' after array element"
        return f"Expected ',' or {after} in JSON at {_position(text, at)}"
    for complaint, message, further in _JSON_MESSAGES:
        if error.msg.startswith(complaint):
            return message + _position(text, at + further)
    for word in ("true", "false", "null"):
        if text.startswith(word[0], at):
            at += next((i for i, char in enumerate(word) if text[at + i : at + i + 1] != char), 0)
            break
    if at >= len(text):
        return "Unexpected end of JSON input"
    start, end = (0, len(text)) if len(text) <= 40 else (max(0, at - 10), min(len(text), at + 10))
    left, right = "..." * (start > 0), "... " if end < len(text) else " "
    return f"Unexpected token '{text[at]}', {left}\"{text[start:end]}\"{right}is not valid JSON"


def _position(text: str, at: int) -> str:
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return f"position {at} (line {line} column {column})"


def _inside_object(text: str) -> bool:
    """Whether the innermost bracket left open in the beginning of a JSON text is a brace."""
    open_brackets: list[str] = []
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text, re.DOTALL):
        if mark in "[{":
            open_brackets.append(mark)
        elif mark in "]}" and open_brackets:
            open_brackets.pop()
    return bool(open_brackets) and open_brackets[-1] == "{"
