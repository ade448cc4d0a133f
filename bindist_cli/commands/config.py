"""`bindist config`"""

from __future__ import annotations

from typing import Any

import click

from ..auth.credentials import key_store
from ..context import App, pass_app
from ..exit_codes import CliError
from ..options import FLAGS, Group
from ..output import columns
from ..output.formatting import visible
from ..params import SETTING, SETTING_VALUE
from ..settings import config_file
from ..settings.profile_keys import variable_of
from ..settings.resolve import CONFIG, ENVIRONMENT, NO_PROFILE, environment

_key = click.argument("key", metavar="KEY", type=SETTING)


@click.group(cls=Group, name="config")
def command() -> None:
    """Settings, stored per profile.

    A profile is a named set of settings with its own key, in the file config.toml. These commands
    use the profile `default`, or the one that --profile names. Comments in the file are kept.
    """


@command.command("list", examples=("bindist config list", "bindist config list --json"))
@click.pass_context
@pass_app
def list_(app: App, context: click.Context) -> None:
    """List all settings, their effective values and their sources."""
    flags = context.meta.get(FLAGS, {})
    app.printer.rows(columns.SETTINGS, config_file.rows(app.settings, flags, environment()))


@command.command(examples=("bindist config get api_url", "bindist config get timeout --json"))
@_key
@click.pass_context
@pass_app
def get(app: App, context: click.Context, key: str) -> None:
    """Print the effective value of a setting.

    An empty line means that it is not set, and has no default.
    """
    config_file.check_key(key)
    found = config_file.row(key, app.settings, context.meta.get(FLAGS, {}), environment())
    if app.printer.as_text:
        app.printer.text(visible(found["value"]))
    else:
        app.printer.one(columns.SETTINGS, found)


@command.command(
    "set",
    examples=(
        "bindist config set timeout 30",
        "bindist config set api_url https://bindist.example.com --profile work",
        "bindist config set profile sandbox",
    ),
)
@_key
@click.argument("value", metavar="VALUE", type=SETTING_VALUE)
@pass_app
def set_(app: App, key: str, value: str) -> None:
    """Store a setting. Creates the profile if it does not exist.

    `bindist config list` shows all settings; `bindist help settings` explains them.
    """
    app.settings, _ = app.resolve_anyway()
    written = config_file.set_value(app.settings, key, value)
    _show(app, key, written)


@command.command(examples=("bindist config unset timeout",))
@_key
@pass_app
def unset(app: App, key: str) -> None:
    """Remove a setting, so that its default applies."""
    config_file.check_key(key)
    app.settings, problems = app.resolve_anyway()
    for problem in problems:
        if problem.code == NO_PROFILE:
            raise problem
    config_file.unset(app.settings, key)
    _show(app, key, None)


@command.command(examples=("bindist config path",))
@pass_app
def path(app: App) -> None:
    """Print the path of config.toml, even if the file does not exist yet."""
    app.settings, _ = app.resolve_anyway()
    found = str(app.settings.config_dir / CONFIG)
    if app.printer.as_text:
        app.printer.text(found)
    else:
        app.printer.one(columns.PATHS, {"path": found})


def _show(app: App, key: str, value: Any) -> None:
    """Prints the stored setting, and what overrides it or is still wrong."""
    place = "file" if key == config_file.PROFILE else "profile"
    shown = {"key": key, "value": value, "source": place}
    if value is None:
        shown = {"key": key, "value": config_file.DEFAULTS.get(key), "source": "default"}
    app.printer.one(columns.SETTINGS, shown)
    variable = variable_of(key)
    if environment().get(variable) and variable in ENVIRONMENT:
        app.printer.note(f"{variable} is set and overrides it")
    if key == "api_url" and _has_key(app):
        app.printer.note(
            f'from now on, the stored key of profile "{app.settings.profile}" is sent to this URL'
        )
    for problem in app.resolve_anyway()[1]:
        app.printer.warn(str(problem))


def _has_key(app: App) -> bool:
    try:
        return key_store(app.settings, environment()).find(app.settings.profile) is not None
    except CliError:
        return False
