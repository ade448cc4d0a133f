"""`bindist versions`"""

from __future__ import annotations

import click

from ...context import App, pass_app
from ...exit_codes import CliError
from ...options import Group
from ...output import columns, formatting
from ...params import DURATION, VERSION
from ...signatures import described, signature_state
from .chosen_version import Chosen, latest_options, test_channel, version_or_latest
from .comparing_commands import diff_command, identify_command, notes_command
from .enabling import check_whole
from .file_commands import download_command, share_command, upload_command, verify_command
from .lookups import distinct, files_of, find_version, latest, newer, ordered_versions
from .options import app_argument, notes_options, version_argument
from .release_notes import kept_release_notes, read_release_notes
from .verify import checksum_lines

_SHOWN_NAMES = 3


@click.group(cls=Group, name="versions")
def command() -> None:
    """Versions and their files: upload, release, download, verify, share.

    A new version is not enabled: it is visible only on the test channel, that is, to commands with
    --test-channel. Enabling it releases it to the production channel, which is the default.
    """


@command.command(
    "list",
    examples=("bindist versions list harbor", "bindist versions list skylark --test-channel"),
)
@app_argument
@test_channel
@click.option("--changelog", metavar="TEXT", help="Only versions with TEXT in their release notes.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Print at most N versions.")
@pass_app
def list_(
    app: App, app_id: str, test_channel: bool, changelog: str | None, limit: int | None
) -> None:
    """List the versions of an application, highest first.

    A server on AWS cuts the list at 1 MB of records without saying so; versions that are not shown
    count, too. A warning tells where it may have done that.
    """
    rows = ordered_versions(app, app_id, test_channel, changelog)
    which = "" if test_channel else "enabled "
    empty = f"no {which}versions of {app_id}"
    hint: str | None = f"create one with `bindist versions upload {app_id} VERSION FILE...`"
    if changelog:
        empty, hint = f"no {which}versions of {app_id} match {changelog!r}", None
    waiting = None
    if not test_channel and app.printer.format == "table":
        waiting = _waiting(ordered_versions(app, app_id, True, changelog))
    app.printer.rows(columns.VERSIONS, rows[:limit], empty=empty, hint=waiting or hint)
    if rows and waiting:
        app.printer.note(waiting)


def _waiting(rows: list[columns.Json]) -> str | None:
    """Returns how many of the versions are not enabled, and which; None if all are."""
    names = [formatting.one_line(row.get("version")) for row in rows if not row.get("isEnabled")]
    shown = ", ".join(names[:_SHOWN_NAMES]) + (", …" if len(names) > _SHOWN_NAMES else "")
    return f"{len(names)} not enabled ({shown}): list them with --test-channel" if names else None


@command.command(
    examples=(
        "bindist versions show skylark 1.10.0",
        "bindist versions show skylark 1.10.0 --json",
    )
)
@app_argument
@version_or_latest()
@pass_app
def show(app: App, app_id: str, chosen: Chosen) -> None:
    """Show a version, its files, and its state on both channels."""
    version = chosen.of(app, app_id)
    found = dict(find_version(app, app_id, version))
    state = signature_state(app, app_id, version, found["files"])
    if state is not None:
        people = app.printer.format == "table"
        found["signature"] = described(state) if people else state
    app.printer.one(columns.SHOWN_VERSION, found, tables={"files": columns.FILES})


@command.command(
    "latest",
    examples=(
        "bindist versions latest skylark",
        "bindist versions latest skylark --newer-than 1.9.0",
    ),
)
@app_argument
@click.option(
    "--newer-than",
    "than",
    metavar="VERSION",
    type=VERSION,
    help="Print the version only if it is higher than this one; else exit with 3.",
)
@click.option(
    "--wait",
    metavar="DURATION",
    type=DURATION,
    help="With --newer-than: look again every 30 seconds for so long, such as 10m or 1h.",
)
@test_channel
@latest_options
@pass_app
def latest_command(
    app: App, app_id: str, chosen: Chosen, than: str | None, wait: float | None
) -> None:
    """Print the highest enabled version, that is, `latest`. Exits with 3 if there is none."""
    if than is None:
        if wait is not None:
            raise click.UsageError("--wait needs --newer-than VERSION")
        version = latest(app, app_id, chosen.test_channel, pre=chosen.pre)
    else:
        version = newer(app, app_id, than, chosen.test_channel, pre=chosen.pre, wait=wait or 0.0)
    if app.printer.as_text:
        app.printer.text(formatting.one_line(version))
    else:
        app.printer.one(columns.VERSION, find_version(app, app_id, version))


@command.command(examples=("bindist versions files skylark 1.10.0",))
@app_argument
@version_or_latest()
@pass_app
def files(app: App, app_id: str, chosen: Chosen) -> None:
    """List the files of a version."""
    rows = files_of(app, app_id, chosen.of(app, app_id))
    app.printer.rows(columns.FILES, rows, empty="this version has no files")


@command.command(examples=("bindist versions checksums skylark 1.10.0 > SHA256SUMS",))
@app_argument
@version_or_latest()
@pass_app
def checksums(app: App, app_id: str, chosen: Chosen) -> None:
    """Print the checksums of a version's files in SHA256SUMS format.

    `sha256sum -c` reads this format.
    """
    version = chosen.of(app, app_id)
    rows = distinct(files_of(app, app_id, version), app_id, version)
    if not app.printer.as_text:
        app.printer.rows(columns.CHECKSUMS, rows)
        return
    for line in checksum_lines(rows):
        app.printer.text(line)


@command.command(
    examples=(
        "bindist versions update skylark 1.10.0 --notes 'Corrected notes'",
        "bindist versions update skylark 1.9.0 --inactive",
    )
)
@app_argument
@version_argument
@notes_options[0]
@notes_options[1]
@click.option(
    "--clear-notes",
    is_flag=True,
    help="Remove the release notes. Excludes --notes and --notes-file.",
)
@click.option(
    "--active/--inactive",
    "is_active",
    default=None,
    help="Show the version, or hide it on both channels.",
)
@pass_app
def update(
    app: App,
    app_id: str,
    version: str,
    notes: str | None,
    notes_file: str | None,
    clear_notes: bool,
    is_active: bool | None,
) -> None:
    """Change release notes, or hide a version on both channels.

    Links of `versions share` to a version that is hidden work until they expire.
    """
    text = read_release_notes(notes, notes_file)
    if clear_notes and text is not None:
        raise click.UsageError("--clear-notes excludes --notes and --notes-file")
    if text is None and not clear_notes and is_active is None:
        raise click.UsageError("nothing to change: see `bindist versions update --help`")
    response = app.client.update_version(
        app_id, version, is_active=is_active, release_notes="" if clear_notes else text
    )
    changed = response.require()
    if (clear_notes or text == "") and kept_release_notes(app, app_id, version):
        raise CliError(
            "the server reported success, but kept the release notes",
            hint="replace them with --notes TEXT",
        )
    app.printer.one(columns.VERSION, changed)
    if is_active is False:
        app.printer.note(f"{version} is hidden everywhere: on the test channel, too")
        app.printer.note_of_links()


@command.command(examples=("bindist versions enable skylark 2.0.0",))
@app_argument
@version_argument
@click.option("--force", is_flag=True, help="Enable the version even if it looks incomplete.")
@pass_app
def enable(app: App, app_id: str, version: str, force: bool) -> None:
    """Release a version to the production channel.

    Exits with 6 if the version looks incomplete: it has no files, two files of the same name with
    different checksums, or a size that no MAIN file has (no file, if none is MAIN). MAIN is the
    type of the program or installer itself. The server records the size of the last file sent, and
    `versions upload` sends MAIN last: another size means that the upload has not finished, or that
    another program created the version. Other missing files are not detected.
    """
    if not force:
        check_whole(app, app_id, version)
    response = app.client.update_version(app_id, version, is_enabled=True)
    app.printer.one(columns.VERSION, response.require())


@command.command(examples=("bindist versions disable skylark 1.9.0",))
@app_argument
@version_argument
@pass_app
def disable(app: App, app_id: str, version: str) -> None:
    """Withdraw a version from the production channel.

    Links of `versions share` that were made before work until they expire.
    """
    response = app.client.update_version(app_id, version, is_enabled=False)
    app.printer.one(columns.VERSION, response.require())
    app.printer.note_of_links()


for each in (
    upload_command,
    download_command,
    verify_command,
    share_command,
    identify_command,
    notes_command,
    diff_command,
):
    command.add_command(each)
