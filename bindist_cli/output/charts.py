"""Bar charts as wide as the terminal: a row per version, a column per day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from . import formatting
from .columns import Json

ROWS = 6
_LEVELS = "▁▂▃▄▅▆▇█"
MAX_BARS = 12


def stats_charts(stats: Json, width: int) -> str:
    """Draws the charts of `apps stats`; empty if nothing was downloaded."""
    versions = _counts(stats.get("downloadsByVersion"))
    days = _counts(stats.get("downloadsByDate"))
    parts = []
    if versions:
        parts.append("By version\n" + bars(versions, width))
    if days and (drawn := columns(days, width)):
        parts.append("By day\n" + drawn)
    return "\n\n".join(parts)


def _counts(value: Any) -> dict[str, int]:
    """Returns the entries whose value is a count."""
    pairs = value.items() if isinstance(value, dict) else ()
    return {
        str(name): count
        for name, count in pairs
        if isinstance(count, int) and not isinstance(count, bool) and count >= 0
    }


def bars(counts: Mapping[str, int], width: int) -> str:
    """Draws a bar for each of the 12 highest counts, and one for the sum of the others."""
    from rich.cells import cell_len, set_cell_size

    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    shown, rest = ordered[:MAX_BARS], ordered[MAX_BARS:]
    if rest:
        shown.append((f"{len(rest)} others", sum(count for _, count in rest)))
    names = [formatting.one_line(name)[:24] for name, _ in shown]
    label = max(cell_len(name) for name in names)
    digits = max(len(str(count)) for _, count in shown)
    bar_width = max(width - label - digits - 4, 1)
    most = max(count for _, count in shown)
    return "\n".join(
        f"{set_cell_size(name, label)}  {count:>{digits}}  "
        f"{formatting.bar(count, most, bar_width)}".rstrip()
        for name, (_, count) in zip(names, shown, strict=True)
    )


def by_day(counts: Mapping[str, int], max_days: int) -> list[tuple[date, int]]:
    """Returns the counts of the latest `max_days` consecutive days, zeros included."""
    days = {day: count for text, count in counts.items() if (day := _day(text))}
    if not days:
        return []
    last = max(days)
    length = min((last - min(days)).days + 1, max_days)
    first = last - timedelta(days=length - 1)
    return [(day, days.get(day, 0)) for day in (first + timedelta(days=n) for n in range(length))]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def columns(counts: Mapping[str, int], width: int) -> str:
    """Draws a column for each day, and labels the highest count and the first and last day."""
    digits = len(str(max(counts.values())))
    series = by_day(counts, max(width - digits - 2, 1))
    if not series:
        return ""
    most = max(1, *(count for _, count in series))
    across = max(1, min(4, (width - digits - 2) // len(series)))
    lines = []
    for row in range(ROWS, 0, -1):
        cells = "".join(_cell(count, most, row) * across for _, count in series)
        scale = str(most) if row == ROWS else ""
        lines.append(f"{scale:>{digits}}  {cells}".rstrip())
    first, last = series[0][0].isoformat(), series[-1][0].isoformat()
    gap = len(series) * across - len(first) - len(last)
    axis = f"{first}{' ' * gap}{last}" if gap > 0 else f"{first} to {last}"
    if first == last:
        axis = first
    return "\n".join([*lines, f"{'0':>{digits}}  {axis}"])


def _cell(count: int, most: int, row: int) -> str:
    """Returns the part of a column in one row; row 1 is the lowest."""
    eighths = round(count / most * ROWS * 8) if count else 0
    if count and eighths == 0:
        eighths = 1
    inside = eighths - (row - 1) * 8
    if inside <= 0:
        return " "
    return _LEVELS[min(inside, 8) - 1]
