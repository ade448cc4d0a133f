"""Prints the results and notes of commands, in the requested format.

stdout carries only the result; notes, prompts, progress and errors go to stderr.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from itertools import chain, groupby, islice
from typing import IO, TYPE_CHECKING, Any

import click

from ..exit_codes import CliError, Exit
from ..settings.resolve import Settings
from . import formatting
from .columns import STYLES, Column, Json
from .error_output import say

if TYPE_CHECKING:
    from rich.console import Console

WIDE_FROM = 120
MIN_COLUMN_WIDTH = 8
MIN_WIDTH, DEFAULT_WIDTH = 20, 80
_GAP = 2
_BLOCKS = re.compile("[\u2581-\u258f]")


class Printer:
    """Prints in the format of `settings`; by default a table on a terminal, else TSV."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.on_terminal = sys.stdout.isatty()
        self.format = settings.output or ("table" if self.on_terminal else "tsv")

    @property
    def as_text(self) -> bool:
        """Whether a result that is text itself is printed as such: no format and field is asked."""
        return self.settings.output in (None, "table") and not self.settings.fields

    # Results

    def rows(
        self,
        columns: Sequence[Column],
        rows: Iterable[Json],
        *,
        empty: str = "nothing found",
        hint: str | None = None,
    ) -> None:
        """Prints a list of objects. For an empty one, a table is replaced by a note and a hint."""
        counted = _Counted(rows)
        getattr(self, f"_{self.format}_rows")(columns, counted)
        if not counted.count and self.format == "table":
            self.note(empty + (f"; {hint}" if hint else ""))

    def one(
        self,
        columns: Sequence[Column],
        thing: Json,
        *,
        tables: Mapping[str, Sequence[Column]] | None = None,
        drawing: Callable[[Json, int], str] | None = None,
    ) -> None:
        """Prints one object. In table format, also prints its lists as `tables`, and a `drawing` of
        it, which is a function of the object and the width in characters."""
        if self.format == "table":
            self._card(columns, thing, tables or {}, drawing)
        elif self.format == "tsv" and self.settings.fields:
            self._tsv_rows(columns, [thing])
        elif self.format == "tsv":
            for column in columns:
                if column.key in thing:
                    self._line([column.key, formatting.plain(thing.get(column.key))])
        elif self.format == "json":
            self._chosen(columns, [thing])
            self._write(json_text(self._picked(thing), indent=2) + "\n")
        else:
            getattr(self, f"_{self.format}_rows")(columns, [thing])

    def check_fields(self, columns: Sequence[Column]) -> None:
        """Raises CliError for --fields with another field than those of the columns.

        For commands whose result must not be lost, before their request.
        """
        self._chosen(columns, [{}])

    def text(self, text: str) -> None:
        """Prints text that is the result itself, in any format."""
        self._write(text if text.endswith("\n") else text + "\n")

    # Notes

    def note(self, text: str) -> None:
        """Prints a note to stderr, except with --quiet."""
        if not self.settings.quiet:
            self.talk(formatting.visible(text))

    def warn(self, text: str) -> None:
        """Prints a warning to stderr, even with --quiet."""
        self.talk(f"{self.styled('warning:', fg='yellow')} {text}")

    def warn_of_cut(self, what: str) -> None:
        """Warns that a list of applications, versions or customers may be incomplete."""
        self.warn(
            f"there may be more {what}: this list is so long that a server on AWS may have cut it, "
            "without saying so"
        )

    def note_of_links(self) -> None:
        """Notes that nothing takes a share link back."""
        self.note("links of `versions share` that were made before work until they expire")

    def talk(self, text: str) -> None:
        say(text, self.settings.color)

    def styled(self, text: str, **style: Any) -> str:
        return text if self.settings.color is False else click.style(text, **style)

    def console(self, file: IO[str] | None = None) -> Console:
        """Creates a rich console that interprets no markup and highlights nothing."""
        from rich.console import Console

        console = Console(
            file=file or sys.stdout,
            force_terminal=self.settings.color or None,
            no_color=self.settings.color is False,
            highlight=False,
            markup=False,
            emoji=False,
        )
        # A terminal that reports no width, or too few columns for a word, is not a real one.
        console.width = max(console.width or DEFAULT_WIDTH, MIN_WIDTH)
        return console

    # The formats

    def _json_rows(self, columns: Sequence[Column], rows: Iterable[Json]) -> None:
        things = list(rows)
        self._chosen(columns, things)
        self._write(json_text([self._picked(thing) for thing in things], indent=2) + "\n")

    def _jsonl_rows(self, columns: Sequence[Column], rows: Iterable[Json]) -> None:
        _, rows = self._streamed(columns, rows)
        for row in rows:
            self._write(json_text(self._picked(row)) + "\n")

    def _csv_rows(self, columns: Sequence[Column], rows: Iterable[Json]) -> None:
        chosen, rows = self._streamed(columns, rows)
        writer = csv.writer(sys.stdout)
        cell = formatting.csv_safe_cell if self.settings.csv_safe else formatting.csv_cell
        writer.writerow([cell(column.key) for column in chosen])
        for row in rows:
            writer.writerow([cell(row.get(column.key)) for column in chosen])

    def _tsv_rows(self, columns: Sequence[Column], rows: Iterable[Json]) -> None:
        chosen, rows = self._streamed(columns, rows)
        for row in rows:
            self._line([formatting.plain(row.get(column.key)) for column in chosen])

    def _streamed(
        self, columns: Sequence[Column], rows: Iterable[Json]
    ) -> tuple[Sequence[Column], Iterable[Json]]:
        """Returns the columns to print, chosen by the first row, and an iterator over all rows."""
        remaining = iter(rows)
        first = list(islice(remaining, 1))
        return self._chosen(columns, first), chain(first, remaining)

    def _table_rows(self, columns: Sequence[Column], rows: Iterable[Json]) -> None:
        things = list(rows)
        if things:
            console = self.console()
            self._print_table(console, self._chosen(columns, things), things)

    def _print_table(
        self, console: Console, columns: Sequence[Column], things: Sequence[Json]
    ) -> None:
        from rich.cells import cell_len
        from rich.table import Table
        from rich.text import Text

        shown = [
            column
            for column in columns
            if self.settings.fields
            or not (column.hidden or (column.wide and console.width < WIDE_FROM))
        ]
        now = datetime.now(timezone.utc)
        cells = [[column.human(thing.get(column.key), now) for column in shown] for thing in things]
        natural = [
            max([cell_len(column.title), *(cell_len(row[index]) for row in cells)])
            for index, column in enumerate(shown)
        ]
        widths = fit(
            natural,
            [column.flexible for column in shown],
            console.width,
            drop=not self.settings.fields,
        )
        table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
        for column, width in zip(shown, widths, strict=False):
            table.add_column(
                Text(column.title),
                justify="right" if column.right else "left",
                no_wrap=column.flexible,
                overflow="ellipsis" if column.flexible else "fold",
                max_width=width,
            )
        for row in cells:
            table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row[: len(widths)]))
        console.print(table)

    def _card(
        self,
        columns: Sequence[Column],
        thing: Json,
        tables: Mapping[str, Sequence[Column]],
        drawing: Callable[[Json, int], str] | None,
    ) -> None:
        from rich.cells import cell_len
        from rich.table import Table
        from rich.text import Text

        console = self.console()
        now = datetime.now(timezone.utc)
        lines = [
            (column, value)
            for column in self._chosen(columns, [thing])
            if (value := column.human(thing.get(column.key), now))
            and (self.settings.fields or not column.hidden)
        ]
        width = max((cell_len(column.title) for column, _ in lines), default=0)
        for is_whole, group in groupby(lines, key=lambda line: line[0].whole):
            if is_whole:  # whatever the terminal makes of a long line, it is copied as one
                for column, value in group:
                    title = f"{column.title:{width + _GAP}}"
                    console.print(Text.assemble((title, "bold"), value), soft_wrap=True)
                continue
            card = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
            card.add_column(style="bold", no_wrap=True, min_width=width)
            card.add_column(overflow="fold")
            for column, value in group:
                card.add_row(Text(column.title), Text(value, style=STYLES.get(value, "")))
            console.print(card)
        if drawing and not self.settings.fields and (drawn := drawing(thing, console.width)):
            console.print()
            console.print(Text(_drawable(drawn)), soft_wrap=True)
        for key, inner in tables.items():
            listed = thing.get(key)
            rows = listed if isinstance(listed, list) else []
            rows = [row for row in rows if isinstance(row, dict)]
            if rows and not self.settings.fields:
                console.print()
                self._print_table(console, inner, rows)

    def _line(self, values: Sequence[str]) -> None:
        self._write("\t".join(formatting.escape(value) for value in values) + "\n")

    def _write(self, text: str) -> None:
        sys.stdout.write(text)

    # --fields

    def _chosen(self, columns: Sequence[Column], things: Sequence[Json]) -> Sequence[Column]:
        """Returns the columns to print; --fields may name any field of the API."""
        if not self.settings.fields:
            return columns
        known = {column.key: column for column in columns}
        present = {key for thing in things for key in thing}
        unknown = [
            name for name in self.settings.fields if name not in known | dict.fromkeys(present)
        ]
        if unknown and (things or self.format in ("csv", "tsv")):
            names = ", ".join([*known, *sorted(present - set(known))])
            raise CliError(f"unknown field {unknown[0]!r}", Exit.USAGE, hint=f"fields: {names}")
        return [known.get(name, Column(name, name)) for name in self.settings.fields]

    def _picked(self, thing: Json) -> Json:
        fields = self.settings.fields
        return {name: thing.get(name) for name in fields} if fields else thing


def _drawable(text: str) -> str:
    """Replaces block characters that the encoding of stdout lacks."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return _BLOCKS.sub("#", text)
    return text


class _Counted:
    """Passes rows on, and counts them."""

    def __init__(self, rows: Iterable[Json]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Any:
        for row in self._rows:
            self.count += 1
            yield row


def fit(
    natural: Sequence[int], flexible: Sequence[bool], available: int, *, drop: bool = True
) -> list[int]:
    """Returns column widths for a line of `available` cells.

    Flexible columns shrink first, the widest one at a time. With `drop`, the last columns that do
    not fit are left out, and the result is shorter than `natural`.
    """
    least = [
        min(width, MIN_COLUMN_WIDTH) if yes else width
        for width, yes in zip(natural, flexible, strict=True)
    ]
    count = len(natural)
    while drop and count > 1 and _line_width(least[:count]) > available:
        count -= 1
    widths = list(natural[:count])
    while _line_width(widths) > available:
        candidates = [i for i in range(count) if flexible[i] and widths[i] > MIN_COLUMN_WIDTH]
        if not candidates:
            break
        widths[max(candidates, key=lambda i: widths[i])] -= 1
    return widths


def _line_width(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def json_text(value: Any, indent: int | None = None) -> str:
    """Formats JSON for the encoding of stdout, with control characters escaped."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    separators = None if indent else (",", ":")
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=encoding != "utf8")
    return formatting.json_escape(text)
