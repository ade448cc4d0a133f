"""Types of command-line values: they validate before any request, and name what TAB completes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import click

from bindist.choices import CHOICES, LATEST

OUTPUTS = ("table", "json", "jsonl", "csv", "tsv")
"""The formats of --output."""

STORE_ETAGS = CHOICES["store_etag"]
"""The values of the setting store_etag."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,100}")
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,50}")
_DURATION = re.compile(r"(\d+)([mhd]?)")
_SECONDS = re.compile(r"([0-9]{1,8}(?:\.[0-9]{1,3})?)([smh]?)")
_SECONDS_OF = {"": 1, "s": 1, "m": 60, "h": 3600}
_MAX_SECONDS = 30 * 86400
_MINUTES = {"": 1, "m": 1, "h": 60, "d": 1440}


class _Text(click.ParamType):  # type: ignore[type-arg]
    """Text; `kind` names the values that TAB offers, where `file` and `dir` are local paths.

    TAB offers the values in `also`, with their descriptions, before those of the kind.
    """

    name = "text"

    def __init__(self, kind: str, also: Sequence[tuple[str, str]] = ()) -> None:
        self.kind = kind
        self.also = also


class _Pattern(_Text):
    def __init__(
        self,
        name: str,
        pattern: re.Pattern[str],
        rule: str,
        kind: str = "",
        also: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(kind, also)
        self.name = name
        self._pattern = pattern
        self._rule = rule

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not self._pattern.fullmatch(value) or value in (".", ".."):
            self.fail(f"{value!r} is not a valid {self.name}: use {self._rule}", param, ctx)
        return str(value)


class _Minutes(click.ParamType):  # type: ignore[type-arg]
    """A duration in minutes, from 5: `30`, `45m`, `12h`. The server has a maximum of its own."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        found = _DURATION.fullmatch(str(value))
        minutes = int(found[1]) * _MINUTES[found[2]] if found and len(found[1]) < 6 else 0
        if minutes < 5:
            self.fail(f"{value!r} is not a duration from 5m, such as 30m or 12h", param, ctx)
        return minutes


class _EventType(click.Choice[str]):
    """A type of audit events, in any case."""

    def __init__(self) -> None:
        super().__init__(CHOICES["event_type"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(str(value).upper(), param, ctx)


class _Duration(click.ParamType):  # type: ignore[type-arg]
    """A duration in seconds: `90`, `90s`, `10m`, `1h`."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = _SECONDS.fullmatch(str(value))
        seconds = float(found[1]) * _SECONDS_OF[found[2]] if found else 0.0
        if not 0 < seconds <= _MAX_SECONDS:
            self.fail(f"{value!r} is not a duration such as 90s, 10m or 1h", param, ctx)
        return seconds


class _VersionsMeant(click.ParamType):  # type: ignore[type-arg]
    """Conditions for versions, as a function that tells whether one meets them."""

    name = "versions"
    kind = "versions"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Callable[[str], bool]:
        from bindist.version_match import version_matcher  # imported late, for fast starts

        try:
            return version_matcher(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


_AN_ID = ("id", _IDENTIFIER, "1 to 100 letters, digits, - and _")

IDENTIFIER = _Pattern(*_AN_ID)
APPLICATION = _Pattern(*_AN_ID, "applications")
CUSTOMER = _Pattern(*_AN_ID, "customers")
_A_VERSION = ("version", _VERSION, "1 to 50 letters, digits, ., - and _", "versions")
VERSION = _Pattern(*_A_VERSION)
VERSION_OR_LATEST = _Pattern(*_A_VERSION, ((LATEST, "the highest enabled version"),))
MINUTES = _Minutes()
EVENT_TYPE = _EventType()
VERSIONS_MEANT = _VersionsMeant()
DURATION = _Duration()

APPLICATION_OR_FILE = _Text("applications")
VERSION_TEXT = _Text("versions")
FILE_OF_VERSION = _Text("files")
PROFILE = _Text("profiles")
SETTING = _Text("settings")
SETTING_VALUE = _Text("setting_values")
FAULT = _Text("faults")
HELP_SUBJECT = _Text("help")
LOCAL_FILE = _Text("file")
LOCAL_FOLDER = _Text("dir")


_AGE = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def parse_moment(text: str, now: datetime, *, end: bool = False) -> datetime:
    """Returns the moment in UTC; ages count back from `now`, which must have a time zone.

    A time without a zone is local. A date alone means its first moment, or its last with `end`, so
    that `--until 2026-11-23` includes that day. Raises ValueError for anything else.
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
    """Formats a moment exactly as the API does, because the server compares timestamps as text."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Moment(click.ParamType):  # type: ignore[type-arg]
    """A point in time, converted to a timestamp of the API."""

    name = "time"

    def __init__(self, *, end: bool = False) -> None:
        self._end = end

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return timestamp(parse_moment(str(value), datetime.now(timezone.utc), end=self._end))
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is not a valid time: use a date such as 2026-11-23, a timestamp, "
                "or an age such as 7d",
                param,
                ctx,
            )


since_option = click.option(
    "--since",
    metavar="TIME",
    type=Moment(),
    help="Only entries since TIME: a date, a timestamp, or an age such as 7d or 12h.",
)
until_option = click.option(
    "--until",
    metavar="TIME",
    type=Moment(end=True),
    help="Only entries until TIME; a date includes the whole day.",
)
