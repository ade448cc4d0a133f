"""The rows of an import: read from CSV, and checked before any request."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from ..file_names import name_problem

COLUMNS = ("name", "email", "reference", "license", "notes", "grants")
"""The columns that a file may have; `name` is required, and `reference` or `email`."""

FIELDS = COLUMNS[:-1]
"""Those that are fields of a customer."""

_LIMITS = {"name": 200, "email": 320, "reference": 200, "license": 500, "notes": 2000}
_APPLICATION = re.compile(r"[A-Za-z0-9_-]{1,100}")
_MAX_NAME = 120


@dataclass(frozen=True)
class ImportRow:
    """A customer to import.

    Attributes:
        name: the customer's name.
        email, reference, license, notes: as with `AdminClient.create_customer`; None for none.
            `reference`, or else `email`, says which customer it is.
        grants: the ids of the applications that the customer may download.
        line: where the row is in its file, from 1; 0 for none.
    """

    name: str
    email: str | None = None
    reference: str | None = None
    license: str | None = None
    notes: str | None = None
    grants: tuple[str, ...] = ()
    line: int = 0

    @property
    def identity(self) -> str:
        """What tells this customer from all others of the file."""
        return f"reference {self.reference}" if self.reference else f"email {folded(self.email)}"

    @property
    def fields(self) -> dict[str, str]:
        """The fields that have a value, as the server calls them."""
        return {name: value for name in FIELDS if (value := getattr(self, name))}

    @property
    def key_file_name(self) -> str:
        """The name of the file for the key: the reference or the email, safe on any system."""
        given = self.reference or self.email or ""
        name = f"{quote(given, safe=' @+,=()')}.key"
        if len(name) > _MAX_NAME or name.startswith(".") or name_problem(name):
            digest = hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()[:16]
            return f"customer-{digest}.key"
        return name

    @property
    def where(self) -> str:
        return f"line {self.line}" if self.line else f"customer {self.name!r}"


def read_rows(text: str) -> list[ImportRow]:
    """Reads CSV whose first line names the columns, in any order and case: see `COLUMNS`.

    Values are separated by commas, or else by semicolons or tabs, as some spreadsheets write them.
    `grants` has application ids, separated by spaces, commas or semicolons. Empty lines are
    skipped. Raises ValueError for an unknown or missing column, and for a line with more values
    than columns; `check_rows` checks the values.
    """
    head = text.partition("\n")[0]
    separator = next((each for each in ",;\t" if each in head), ",")
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = [name.strip().lower() for name in next(lines, [])]
        _check_columns(names)
        return list(_rows(names, lines))
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num} is not CSV: {error}") from None


def _check_columns(names: list[str]) -> None:
    known = ", ".join(COLUMNS)
    if unknown := [name for name in names if name not in COLUMNS]:
        raise ValueError(f"unknown column {unknown[0]!r}: the columns are {known}")
    if len(set(names)) < len(names):
        raise ValueError("the first line names a column twice")
    if "name" not in names:
        raise ValueError(f"the first line does not name the column name: the columns are {known}")


def _rows(names: list[str], lines: Iterator[list[str]]) -> Iterator[ImportRow]:
    end = 1
    for values in lines:
        line, end = end + 1, lines.line_num  # type: ignore[attr-defined]
        if not any(value.strip() for value in values):
            continue
        if len(values) > len(names):
            raise ValueError(f"line {line} has {len(values)} values for {len(names)} columns")
        found = {name: value.strip() for name, value in zip(names, values, strict=False)}
        grants = tuple(dict.fromkeys(re.split(r"[\s,;]+", found.pop("grants", "")))) or ()
        given = {name: value or None for name, value in found.items() if name != "name"}
        yield ImportRow(
            found.get("name", ""), **given, grants=tuple(filter(None, grants)), line=line
        )


def check_rows(rows: Iterable[ImportRow]) -> None:
    """Raises ValueError for a row that cannot be imported, or that could be taken for another."""
    names: dict[str, ImportRow] = {}
    emails: dict[str, ImportRow] = {}
    for row in rows:
        if problem := _problem(row):
            raise ValueError(f"{row.where}: {problem}")
        other = emails.setdefault(folded(row.email), row) if row.email else row
        same = names.setdefault(row.key_file_name.lower(), row)
        if same is not row:
            raise ValueError(f"{row.where} has the same {_what(row)} as {same.where}")
        if other is not row and not (row.reference and other.reference):
            raise ValueError(
                f"{row.where} has the same email as {other.where}: give both a reference"
            )


def _what(row: ImportRow) -> str:
    return "reference" if row.reference else "email"


def _problem(row: ImportRow) -> str | None:
    if not row.name.strip():
        return "the name is missing"
    if not row.reference and not row.email:
        return "neither a reference nor an email: nothing could tell this customer from others"
    for name, value in row.fields.items():
        if "\0" in value:
            return f"the {name} has a NUL character in it"
        length = len(value.encode("utf-16-le", "surrogatepass")) // 2  # as the server counts
        if length > _LIMITS[name]:
            return f"the {name} has {length} characters; {_LIMITS[name]} are allowed"
    if row.email and not re.fullmatch(r"[^\s@]+@[^\s@]+", row.email):
        return f"{row.email!r} is no email address"
    for application in row.grants:
        if not _APPLICATION.fullmatch(application):
            return f"{application!r} is not the id of an application"
    return None


def folded(email: object) -> str:
    """An email as it is compared."""
    return str(email or "").strip().casefold()
