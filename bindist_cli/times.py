"""Points in time as people give them: a date, a timestamp, an age like `7d`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import click

_AGE = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def parse_moment(text: str, now: datetime, *, end: bool = False) -> datetime:
    """The moment in UTC; `now` has a zone, and is what ages count from.

    Without a zone of its own a time is local. A bare date means its first moment, with `end` its
    last, so that `--until 2026-11-23` takes that day in. Raises ValueError for anything else.
    """
    if found := _AGE.fullmatch(text.strip()):
        moment = now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    else:
        moment = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        if end and _DATE.fullmatch(text.strip()):
            moment += timedelta(days=1, milliseconds=-1)
        if moment.tzinfo is None:
            moment = moment.astimezone()
    return moment.astimezone(timezone.utc)


def timestamp(moment: datetime) -> str:
    """A moment as the API writes it: the server compares such texts letter by letter."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Moment(click.ParamType):  # type: ignore[type-arg]
    """A point in time on the command line, as the API's timestamp."""

    name = "time"

    def __init__(self, *, end: bool = False) -> None:
        self._end = end

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return timestamp(parse_moment(str(value), datetime.now(timezone.utc), end=self._end))
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no time: a date such as 2026-11-23, a timestamp, or an age like 7d",
                param,
                ctx,
            )


since_option = click.option(
    "--since", metavar="T", type=Moment(), help="From then on: a date, a timestamp, or 7d, 12h."
)
until_option = click.option(
    "--until", metavar="T", type=Moment(end=True), help="Until then; a date takes its day in."
)
