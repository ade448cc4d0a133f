"""`bindist admin`"""

from __future__ import annotations

import click

from ..auth.new_key_file import KeyFile, key_file_option
from ..context import App, pass_app
from ..options import Group


@click.group(cls=Group, name="admin")
def command() -> None:
    """The API keys of administrators."""


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
    help="Replace the key of admin-apps, the restricted administrator, instead of the key in use.",
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@key_file_option
@pass_app
def rotate_key(app: App, apps_admin: bool, yes: bool, key_file: str | None) -> None:
    """Replace the administrator's API key.

    The old key stops working immediately, on a server on AWS within 60 seconds.

    `admin-apps` is a restricted administrator without access to the audit log. Replacing its key
    requires the key of a financial administrator, who has that access (`bindist auth status` shows
    the role of a key).
    """
    whose = "the key of admin-apps" if apps_admin else "the key in use"
    if not yes:
        app.confirm(f"Replace {whose}? The old key stops working, on AWS within 60 s.", "--yes")
    source = app.key.source
    from bindist.key_file import usable_key

    with KeyFile(key_file, app.printer) as file:
        if apps_admin:
            made = app.client.regenerate_apps_admin_key().require()
        else:
            made = app.client.regenerate_admin_key().require()
        file.show(made, usable_key(made, app.key.value))
    if not apps_admin and not app.settings.is_sandbox:
        app.printer.warn(
            "the old key stops working immediately, on a server on AWS within 60 s: "
            f"replace it where it came from, {source}"
        )
