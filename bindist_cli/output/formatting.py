"""Formats values as text. Pure functions; the current time is an argument."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timezone
from typing import Any

from bindist.file_names import INVISIBLE

_AGES = (
    (60, 1, "second"),
    (3600, 60, "minute"),
    (86400, 3600, "hour"),
    (86400 * 30, 86400, "day"),
    (86400 * 365, 86400 * 30, "month"),
    (float("inf"), 86400 * 365, "year"),
)
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
# Control characters that a terminal may obey, invisible and bidirectional ones that make different
# names look alike, and lone surrogates, which cannot be encoded.
_CONTROLS = r"\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029" + INVISIBLE
_CONTROL = re.compile(f"[{_CONTROLS}]")
_SPECIAL = re.compile(f"[{_CONTROLS}\\\\]")
_ESCAPED = re.compile(r"\\(x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)")
_CSV_CONTROL = re.compile(rf"(?![\t\n]|\r\n)[{_CONTROLS}]")
# Also after white space; spreadsheets treat the full-width forms alike.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
# Where the list separator is a semicolon or a tab, the quotes of CSV do not hold a cell together,
# and the rest of it can be a cell, or a line, of its own.
_INNER_FORMULA = re.compile(r"([;\t\r\n][\s\"]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")


def parse_time(text: object) -> datetime | None:
    """Parses a timestamp of the API; None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def age(timestamp: object, now: datetime) -> str:
    """Formats a timestamp as `3 days ago` or `in 28 minutes`; shows any other value unchanged."""
    moment = parse_time(timestamp)
    if moment is None:
        return visible(timestamp)
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 5:
        return "just now"
    for limit, unit, name in _AGES:
        if abs(seconds) < limit:
            count = int(abs(seconds) // unit)
            words = f"{count} {name}" + ("" if count == 1 else "s")
            return f"{words} ago" if seconds > 0 else f"in {words}"
    raise AssertionError("unreachable")


def in_minutes(minutes: object) -> str:
    """Formats minutes from now: `in 30 minutes`, `in 2 hours`; shows any other value unchanged."""
    if isinstance(minutes, bool) or not isinstance(minutes, int) or minutes < 1:
        return visible(minutes)
    per, name = next(
        (per, name)
        for per, name in ((1440, "day"), (60, "hour"), (1, "minute"))
        if not minutes % per
    )
    count = minutes // per
    return f"in {count} {name}" + ("" if count == 1 else "s")


def size(count: object) -> str:
    """Formats a number of bytes in decimal units: `1 byte`, `13.4 MB`."""
    if isinstance(count, bool) or not isinstance(count, (int, float)):
        return visible(count)
    try:
        amount = float(count)
    except OverflowError:
        amount = math.inf
    if not math.isfinite(amount):
        return visible(count)
    for unit in _UNITS:
        if abs(amount) < 999.95 or unit == _UNITS[-1]:
            break
        amount /= 1000
    if unit == "bytes":
        return f"{int(amount)} byte" + ("" if int(amount) == 1 else "s")
    return f"{amount:.1f} {unit}"


def duration(seconds: float) -> str:
    """Formats a duration: `0.4 s`, `12 s`, `3 min 20 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"


def clock(seconds: float) -> str:
    """Formats a duration as `0:00:07` or `1:02:03`."""
    minutes, second = divmod(int(min(seconds, 359_999)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}"


def plain(value: Any) -> str:
    """Formats a value in full for scripts: lists with commas, objects by id or as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(plain(_identity(item)) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def _identity(item: Any) -> Any:
    if isinstance(item, dict):
        for key in ("customerId", "fileName", "applicationId"):
            if key in item:
                return item[key]
    return item


def escape(text: str) -> str:
    """Escapes one field of a tab-separated line; `unescape` is the inverse."""
    return _SPECIAL.sub(lambda found: _ESCAPES.get(found[0]) or _coded(found[0]), text)


def unescape(text: str) -> str:
    """Reverses `escape`."""
    short = {value[1]: key for key, value in _ESCAPES.items()}

    def restore(found: re.Match[str]) -> str:
        code = found[1]
        return short[code] if code in short else chr(int(code[1:], 16))

    return _ESCAPED.sub(restore, text)


def visible(value: Any) -> str:
    """Formats a value for people: escapes control characters, keeps line breaks."""
    text = value if isinstance(value, str) else plain(value)
    return _CONTROL.sub(lambda found: found[0] if found[0] == "\n" else _coded(found[0]), text)


def json_escape(text: str) -> str:
    """Escapes the control characters that `json.dumps` leaves; the JSON value is the same."""
    return _CONTROL.sub(
        lambda found: found[0] if found[0] == "\n" else json.dumps(found[0])[1:-1], text
    )


def one_line(value: Any) -> str:
    """Like `visible`, with line breaks shown as a symbol."""
    return visible(value).replace("\n", "⏎")


def csv_cell(value: Any) -> str:
    """Formats a value for CSV: escapes control characters, except tabs and line breaks."""
    return _CSV_CONTROL.sub(lambda found: _coded(found[0]), plain(value))


def csv_safe_cell(value: Any) -> str:
    """Like `csv_cell`, with ' in front of text that a spreadsheet would run as a formula, at the
    start of the cell or after a separator in it."""
    text = csv_cell(value)
    if isinstance(value, (int, float)):
        return text
    prefix = "'" if _FORMULA.match(text) else ""
    return prefix + _INNER_FORMULA.sub(r"\1'", text)


def _coded(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def elide(text: str, width: int) -> str:
    """Shortens text to `width` characters in its middle: `skylark-…-amd64.tar.gz`."""
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    tail = width - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :]}"


def bar(value: float, largest: float, width: int) -> str:
    """Draws a bar of at most `width` cells in eighths of a cell; not empty for values above 0."""
    if value <= 0 or largest <= 0 or width <= 0:
        return ""
    eighths = max(1, round(value / largest * width * 8))
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]
