"""The commands that tell versions apart: identify, notes, diff."""

from __future__ import annotations

from pathlib import Path

import click

from ...context import App, pass_app
from ...options import Command
from ...params import APPLICATION, APPLICATION_OR_FILE, LOCAL_FILE, VERSION_OR_LATEST
from .chosen_version import Chosen, latest_options, test_channel
from .comparing import compare, identify, release_notes
from .options import app_argument


@click.command(
    "identify",
    cls=Command,
    examples=(
        "bindist versions identify skylark skylark-setup.exe",
        "bindist versions identify --all-apps skylark-setup.exe",
    ),
)
@click.argument("app_id", metavar="[APP]", type=APPLICATION_OR_FILE)
@click.argument("paths", metavar="FILE...", nargs=-1, type=LOCAL_FILE)
@click.option(
    "--all-apps",
    is_flag=True,
    help="Search all applications that the key may see; APP is left out.",
)
@click.pass_context
@pass_app
def identify_command(
    app: App, context: click.Context, app_id: str, paths: tuple[str, ...], all_apps: bool
) -> None:
    """Tell which versions a file is of, and how many are newer.

    FILE is a file, or a folder whose files are all looked up. Files are found by their size and
    checksum, whatever their name is. This downloads nothing, and counts no download. A version is
    newer if it is higher, and enabled. Files of versions that are not enabled are found, too, but
    not of hidden ones (`versions update --inactive`). Exits with 3 if no file is found.
    """
    if all_apps:
        identify(app, None, [Path(app_id), *map(Path, paths)])
        return
    if not paths:
        raise click.UsageError(
            f"name the application and the files, or search all with --all-apps {app_id}"
        )
    APPLICATION.convert(app_id, None, context)
    identify(app, app_id, [Path(path) for path in paths])


@click.command(
    "notes",
    cls=Command,
    examples=(
        "bindist versions notes skylark",
        "bindist versions notes skylark --from 1.9.0 --to latest",
    ),
)
@app_argument
@click.option(
    "--from",
    "above",
    metavar="VERSION",
    type=VERSION_OR_LATEST,
    help="Only versions higher than this one, a number or `latest`.",
)
@click.option(
    "--to",
    "up_to",
    metavar="VERSION",
    type=VERSION_OR_LATEST,
    help="Only versions up to this one, a number or `latest`.",
)
@test_channel
@latest_options
@pass_app
def notes_command(
    app: App, app_id: str, chosen: Chosen, above: str | None, up_to: str | None
) -> None:
    """Print release notes as Markdown, the highest version first.

    With -o json, or another format, prints the versions instead.
    """
    release_notes(
        app,
        app_id,
        above and chosen.named(app, app_id, above),
        up_to and chosen.named(app, app_id, up_to),
        test_channel=chosen.test_channel,
    )


@click.command(
    "diff",
    cls=Command,
    examples=(
        "bindist versions diff skylark 1.9.0 latest",
        "bindist versions diff skylark 1.9.0 1.10.0 --fields added,removed",
    ),
)
@app_argument
@click.argument("old", metavar="OLD", type=VERSION_OR_LATEST)
@click.argument("new", metavar="NEW", type=VERSION_OR_LATEST)
@click.option("--exit-code", is_flag=True, help="Exit with 1 if any file differs.")
@latest_options
@pass_app
def diff_command(
    app: App, app_id: str, chosen: Chosen, old: str, new: str, exit_code: bool
) -> None:
    """Compare two versions: their files, and the notes between them.

    OLD and NEW are versions, or `latest`. Files are the same if they have the same name and
    checksum; this downloads nothing.
    """
    names = [chosen.named(app, app_id, version) for version in (old, new)]
    compare(app, app_id, *names, exit_code=exit_code)
