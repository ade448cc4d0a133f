"""Arguments and options that several commands on versions have."""

from __future__ import annotations

import click

from ...params import APPLICATION, LOCAL_FILE, VERSION

RELEASES = "releases"
"""The folder of the journals of releases, in the folder of the configuration."""

app_argument = click.argument("app_id", metavar="APP", type=APPLICATION)
version_argument = click.argument("version", metavar="VERSION", type=VERSION)
notes_options = (
    click.option("--notes", metavar="TEXT", help="Release notes, up to 5000 characters."),
    click.option(
        "--notes-file",
        metavar="FILE",
        type=LOCAL_FILE,
        help="File with the release notes; - is stdin. Excludes --notes.",
    ),
)
