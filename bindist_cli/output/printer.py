"""The sink: everything a command prints goes through here, in the format that was asked for.

stdout is the result and nothing else; notes, questions, progress and errors go to stderr.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, Any

import click

from ..exit_codes import CliError, Exit
from ..settings.resolve import Settings
from . import formatting
from .columns import STYLES, Column, Json
from .error_output import say

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 120
NARROWEST = 8
LEAST, UNKNOWN = 20, 80
_GAP = 2
_BLOCKS = re.compile("[\u2581-\u258f]")


class Sink:
    """Prints results as `settings` ask for, or as the terminal, or its absence, suggests."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.on_terminal = sys.stdout.isatty()
        self.format = settings.output or ("table" if self.on_terminal else "tsv")

    # Results

    def rows(
        self,
        columns: Sequence[Column],
        rows: Iterable[Json],
        *,
        empty: str = "nothing found",
        hint: str | None = None,
    ) -> None:
        """A list of objects. An empty one says so, and what to do next, to people alone."""
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
        """One object; on a terminal also, of it, `tables` for its lists and a `drawing`, which gets
        the object and the terminal's width."""
        if self.format == "table":
            self._card(columns, thing, tables or {}, drawing)
        elif self.format == "tsv":
            for column in self._chosen(columns, [thing]):
                if column.key in thing or self.settings.fields:
                    self._line([column.key, formatting.plain(thing.get(column.key))])
        elif self.format == "json":
            self._write(json_text(self._picked(thing), indent=2) + "\n")
        else:
            getattr(self, f"_{self.format}_rows")(columns, [thing])

    def text(self, text: str) -> None:
        """Plain lines that are the result themselves, whatever the format."""
        self._write(text if text.endswith("\n") else text + "\n")

    # Talk

    def note(self, text: str) -> None:
        """Something worth knowing; not with --quiet."""
        if not self.settings.quiet:
            self.talk(formatting.visible(text))

    def warn(self, text: str) -> None:
        """Something that may be wrong; also with --quiet."""
        self.talk(f"{self.styled('warning:', fg='yellow')} {text}")

    def talk(self, text: str) -> None:
        say(text, self.settings.color)

    def styled(self, text: str, **style: Any) -> str:
        return text if self.settings.color is False else click.style(text, **style)

    def console(self, file: IO[str] | None = None) -> Console:
        """A rich console that takes no text for markup and guesses no colours."""
        from rich.console import Console

        console = Console(
            file=file or sys.stdout,
            force_terminal=self.settings.color or None,
            no_color=self.settings.color is False,
            highlight=False,
            markup=False,
            emoji=False,
        )
        # What has no columns, or too few for a word, is not what is being looked at.
        console.width = max(console.width or UNKNOWN, LEAST)
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
        """The columns to print, which the first row settles, and all rows, still to come."""
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
            if self.settings.fields or not (column.hidden or (column.wide and console.width < WIDE))
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
        from rich.table import Table
        from rich.text import Text

        console = self.console()
        now = datetime.now(timezone.utc)
        card = Table(box=None, show_header=False, pad_edge=False, padding=(0, _GAP, 0, 0))
        card.add_column(style="bold", no_wrap=True)
        card.add_column(overflow="fold")
        for column in self._chosen(columns, [thing]):
            value = column.human(thing.get(column.key), now)
            if value and (self.settings.fields or not column.hidden):
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
        """The columns to print: those of --fields, which may name any field of the API."""
        if not self.settings.fields:
            return columns
        known = {column.key: column for column in columns}
        present = {key for thing in things for key in thing}
        unknown = [
            name for name in self.settings.fields if name not in known | dict.fromkeys(present)
        ]
        if unknown and (things or self.format in ("csv", "tsv")):
            names = ", ".join([*known, *sorted(present - set(known))])
            raise CliError(f"there is no field {unknown[0]!r}", Exit.USAGE, hint=f"fields: {names}")
        return [known.get(name, Column(name, name)) for name in self.settings.fields]

    def _picked(self, thing: Json) -> Json:
        fields = self.settings.fields
        return {name: thing.get(name) for name in fields} if fields else thing


def _drawable(text: str) -> str:
    """A chart in characters that the terminal's encoding has."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return _BLOCKS.sub("#", text)
    return text


class _Counted:
    """Passes rows on and knows afterwards whether there were any."""

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
    """Column widths for a line of `available` cells; fewer than columns where some do not fit.

    Flexible columns give way first, evenly; then, with `drop`, the last columns are left out.
    """
    least = [
        min(width, NARROWEST) if yes else width
        for width, yes in zip(natural, flexible, strict=True)
    ]
    count = len(natural)
    while drop and count > 1 and _line_width(least[:count]) > available:
        count -= 1
    widths = list(natural[:count])
    while _line_width(widths) > available:
        candidates = [i for i in range(count) if flexible[i] and widths[i] > NARROWEST]
        if not candidates:
            break
        widths[max(candidates, key=lambda i: widths[i])] -= 1
    return widths


def _line_width(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON that stdout's encoding can carry and that no terminal obeys."""
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    separators = None if indent else (",", ":")
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=encoding != "utf8")
    return formatting.json_escape(text)
