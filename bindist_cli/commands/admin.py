"""`bindist admin`"""

from __future__ import annotations

import click

from ..auth.new_key_file import KeyFile, key_file_option, usable_key
from ..context import App, pass_app
from ..options import Group
from ..output import columns


@click.group(cls=Group, name="admin")
def command() -> None:
    """The administrator's own key."""


@command.command(
    "rotate-key",
    examples=(
        "bindist admin rotate-key --apps-admin --yes",
        "bindist admin rotate-key --yes --key-file admin.key",
    ),
)
@click.option(
    "--apps-admin",
    is_flag=True,
    help="Rotate the key of admin-apps, a restricted administrator.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@key_file_option
@pass_app
def rotate_key(app: App, apps_admin: bool, yes: bool, key_file: str | None) -> None:
    """Create a new key for the administrator. The old key stops working immediately."""
    whose = "admin-apps" if apps_admin else "the key in use"
    if not yes:
        app.confirm(f"Make a new key for {whose}? The old key stops working immediately.", "--yes")
    source = app.key.source
    with KeyFile(key_file) as file:
        if apps_admin:
            made = app.client.regenerate_apps_admin_key().require()
        else:
            made = app.client.regenerate_admin_key().require()
        file.show(app.sink, columns.NEW_KEY, made, usable_key(made, app.api_url))
    if not apps_admin and not app.settings.is_sandbox:
        app.sink.warn(f"the old key is dead: put the new one where it came from, {source}")
