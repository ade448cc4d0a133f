"""The argument VERSION of commands that look at a version: a number, or `latest`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import click

from bindist.choices import LATEST

from ...context import App
from ...output import formatting
from ...params import VERSION_OR_LATEST
from .lookups import latest


@dataclass(frozen=True)
class Chosen:
    """The version that the command line asks for, empty for none, and what `latest` means to it."""

    version: str
    pre: bool
    test_channel: bool

    def of(self, app: App, app_id: str) -> str:
        """Returns the version; asks the server for `latest`, and notes which one that is."""
        return self.named(app, app_id, self.version)

    def named(self, app: App, app_id: str, version: str) -> str:
        """Returns another version of the same command line in the same way."""
        if version != LATEST:
            return version
        found = latest(app, app_id, self.test_channel, pre=self.pre)
        app.printer.note(f"the latest version of {app_id} is {formatting.one_line(found)}")
        return found


test_channel = click.option(
    "--test-channel", is_flag=True, help="Include versions that are not enabled yet."
)
_pre = click.option(
    "--pre",
    is_flag=True,
    help="Let `latest` be a pre-release, such as 2.0.0-rc.1. "
    "[default: only if there is no final release]",
)


def latest_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds --pre, and passes it with VERSION and --test-channel to the command as a `Chosen`."""

    @_pre
    @wraps(command)
    def run(
        *args: Any,
        pre: bool,
        version: str | None = LATEST,
        test_channel: bool = False,
        **given: Any,
    ) -> None:
        command(*args, chosen=Chosen(version or "", pre, test_channel), **given)

    return run


def version_or_latest(
    metavar: str = "VERSION|latest", **settings: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds the argument VERSION and --pre, and passes both to the command as a `Chosen`."""
    argument = click.argument("version", metavar=metavar, type=VERSION_OR_LATEST, **settings)
    return lambda command: argument(latest_options(command))
