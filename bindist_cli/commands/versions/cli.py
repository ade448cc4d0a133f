"""`bindist versions`"""

from __future__ import annotations

from pathlib import Path

import click

from bindist import TransferConfig
from bindist.file_names import FILE_TYPES

from ...context import App, pass_app
from ...exit_codes import CliError
from ...options import Group
from ...output import columns, formatting
from ...params import APPLICATION, FILE_OF_VERSION, LOCAL_FILE, LOCAL_FOLDER, MINUTES, VERSION
from .download import DownloadRequest, check_place, download, share_link
from .enabling import check_whole
from .lookups import distinct, files_of, find_version, latest, ordered_versions
from .release_notes import kept_release_notes, read_release_notes
from .upload import UploadRequest, upload
from .verify import checksum_lines, verify_files

_app_argument = click.argument("app_id", metavar="APP", type=APPLICATION)
_version_argument = click.argument("version", metavar="VERSION", type=VERSION)
_test_channel = click.option(
    "--test-channel", is_flag=True, help="Include versions that are not enabled for production."
)
_notes_options = (
    click.option("--notes", metavar="TEXT", help="Release notes, up to 5000 characters."),
    click.option(
        "--notes-file",
        metavar="F",
        type=LOCAL_FILE,
        help="A file with the release notes; - is stdin.",
    ),
)


@click.group(cls=Group, name="versions")
def command() -> None:
    """Versions and their files: upload, release, download, verify, share."""


@command.command(
    "list",
    examples=("bindist versions list harbor", "bindist versions list skylark --test-channel"),
)
@_app_argument
@_test_channel
@click.option(
    "--changelog", metavar="TEXT", help="Only versions with this text in the release notes."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Print at most N versions.")
@pass_app
def list_(
    app: App, app_id: str, test_channel: bool, changelog: str | None, limit: int | None
) -> None:
    """List the versions of an application, the highest first."""
    rows = ordered_versions(app, app_id, test_channel, changelog)
    hint = f"`bindist versions upload {app_id} VERSION FILE...` makes one"
    if not rows and not test_channel and not changelog and app.sink.format == "table":
        waiting = ordered_versions(app, app_id, True)
        if waiting:
            names = ", ".join(formatting.one_line(row.get("version")) for row in waiting[:3])
            names += ", …" if len(waiting) > 3 else ""
            hint = f"{len(waiting)} not enabled ({names}): add --test-channel to see them"
    app.sink.rows(
        columns.VERSIONS, rows[:limit], empty=f"no enabled versions of {app_id}", hint=hint
    )


@command.command(
    examples=(
        "bindist versions show skylark 1.10.0",
        "bindist versions show skylark 1.10.0 --json",
    )
)
@_app_argument
@_version_argument
@pass_app
def show(app: App, app_id: str, version: str) -> None:
    """Show a version, its files, and its state on both channels."""
    app.sink.one(
        columns.VERSION, find_version(app, app_id, version), tables={"files": columns.FILES}
    )


@command.command(
    "latest",
    examples=("bindist versions latest skylark", "bindist versions latest skylark --json"),
)
@_app_argument
@_test_channel
@pass_app
def latest_command(app: App, app_id: str, test_channel: bool) -> None:
    """Print the version that `latest` stands for; exit with 3 if there is none."""
    version = latest(app, app_id, test_channel)
    if app.settings.output in (None, "table"):
        app.sink.text(formatting.one_line(version))
    else:
        app.sink.one(columns.VERSION, find_version(app, app_id, version))


@command.command(examples=("bindist versions files skylark 1.10.0",))
@_app_argument
@_version_argument
@pass_app
def files(app: App, app_id: str, version: str) -> None:
    """List the files of a version."""
    app.sink.rows(columns.FILES, files_of(app, app_id, version), empty="this version has no files")


@command.command(examples=("bindist versions checksums skylark 1.10.0 > SHA256SUMS",))
@_app_argument
@_version_argument
@pass_app
def checksums(app: App, app_id: str, version: str) -> None:
    """Print the checksums of a version's files, as `sha256sum -c` reads them."""
    rows = distinct(files_of(app, app_id, version), app_id, version)
    if app.settings.output not in (None, "table"):
        app.sink.rows(columns.CHECKSUMS, rows)
        return
    for line in checksum_lines(rows):
        app.sink.text(line)


@command.command(
    "upload",
    examples=(
        "bindist versions upload harbor 1.1.0 dist/harbor.tar.gz --notes 'Faster' --enable",
        "bindist versions upload harbor 1.1.0 dist/*.tar.gz --checksums dist/SHA256SUMS --dry-run",
    ),
)
@_app_argument
@_version_argument
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=LOCAL_FILE)
@_notes_options[0]
@_notes_options[1]
@click.option(
    "--enable",
    is_flag=True,
    help="Enable the version for production once every checksum is read back and right.",
)
@click.option(
    "--if-exists",
    type=click.Choice(["match", "skip", "fail"]),
    default="match",
    show_default=True,
    help="If the version exists: compare the files, skip the upload, or fail.",
)
@click.option(
    "--checksums",
    "sums",
    metavar="F",
    type=LOCAL_FILE,
    help="Compare the files with this SHA256SUMS before the upload.",
)
@click.option(
    "--name", metavar="NAME", help="Name of the file on the server; required if FILE is -."
)
@click.option(
    "--type",
    "file_type",
    type=click.Choice(FILE_TYPES),
    help="Type of the file; for a single file only.",
)
@click.option("--dry-run", is_flag=True, help="Print what the upload would do, and change nothing.")
@click.option(
    "--parallel",
    type=click.IntRange(1, TransferConfig.MAX_PARALLEL_FILES),
    default=TransferConfig.parallel_files,
    show_default=True,
    help="Upload this many files at the same time.",
)
@pass_app
def upload_command(
    app: App,
    app_id: str,
    version: str,
    paths: tuple[str, ...],
    notes: str | None,
    notes_file: str | None,
    enable: bool,
    if_exists: str,
    sums: str | None,
    name: str | None,
    file_type: str | None,
    dry_run: bool,
    parallel: int,
) -> None:
    """Upload files as one version that customers see whole or not at all."""
    upload(
        app,
        UploadRequest(
            app_id,
            version,
            paths,
            release_notes=read_release_notes(notes, notes_file, paths),
            enable=enable,
            if_exists=if_exists,
            checksums=sums,
            name=name,
            file_type=file_type,
            dry_run=dry_run,
            parallel=parallel,
        ),
    )


@command.command(
    examples=(
        "bindist versions update skylark 1.10.0 --notes 'Corrected notes'",
        "bindist versions update skylark 1.9.0 --inactive",
    )
)
@_app_argument
@_version_argument
@_notes_options[0]
@_notes_options[1]
@click.option("--clear-notes", is_flag=True, help="Remove the release notes.")
@click.option(
    "--active/--inactive",
    "is_active",
    default=None,
    help="Show the version, or hide it on every channel.",
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
    """Change a version's release notes, or hide it everywhere."""
    text = read_release_notes(notes, notes_file)
    if clear_notes and text is not None:
        raise click.UsageError("--clear-notes and new notes exclude each other")
    if text is None and not clear_notes and is_active is None:
        raise click.UsageError("nothing to change; see --notes, --clear-notes, --inactive")
    answer = app.client.update_version(
        app_id, version, is_active=is_active, release_notes="" if clear_notes else text
    )
    changed = answer.require()
    if clear_notes and kept_release_notes(app, app_id, version):
        raise CliError(
            "the server kept the release notes, though it answered that they are gone",
            hint="`--notes TEXT` replaces them",
        )
    app.sink.one(columns.VERSION, changed)


@command.command(examples=("bindist versions enable skylark 2.0.0",))
@_app_argument
@_version_argument
@click.option(
    "--force",
    is_flag=True,
    help="Enable the version even if its files are missing, unfinished or mixed.",
)
@pass_app
def enable(app: App, app_id: str, version: str, force: bool) -> None:
    """Release a version to the production channel.

    Exit code 6 for a version without files, with two files of one name and different checksums,
    or with the size of no MAIN file (of no file, where none is MAIN). Its size is that of the last
    file sent, and `versions upload` sends MAIN last: so the upload has not ended, or another
    program made it. A version that lacks other files passes.
    """
    if not force:
        check_whole(app, app_id, version)
    answer = app.client.update_version(app_id, version, is_enabled=True)
    app.sink.one(columns.VERSION, answer.require())


@command.command(examples=("bindist versions disable skylark 1.9.0",))
@_app_argument
@_version_argument
@pass_app
def disable(app: App, app_id: str, version: str) -> None:
    """Remove a version from the production channel."""
    answer = app.client.update_version(app_id, version, is_enabled=False)
    app.sink.one(columns.VERSION, answer.require())


@command.command(
    "download",
    examples=(
        "bindist versions download harbor",
        "bindist versions download skylark 1.10.0 --all --dir build",
        "bindist versions download skylark --file README.md -O - | head -1",
    ),
)
@_app_argument
@click.argument("version", metavar="[VERSION|latest]", default="latest", type=VERSION)
@click.option(
    "--file",
    "wanted",
    multiple=True,
    metavar="NAME|ID",
    type=FILE_OF_VERSION,
    help="Download this file, by name or id; repeatable.",
)
@click.option("--all", "all_files", is_flag=True, help="Download every file of the version.")
@click.option(
    "--dir",
    "folder",
    metavar="D",
    type=LOCAL_FOLDER,
    help="Folder for the files. [default: the current folder]",
)
@click.option(
    "-O",
    "target",
    metavar="PATH",
    type=LOCAL_FILE,
    help="Write the file to this path; - is stdout. Pipes and devices are written to.",
)
@_test_channel
@click.option("--force", is_flag=True, help="Replace a local file that has other content.")
@click.option("--no-resume", is_flag=True, help="Start again even if a part of the file is there.")
@click.option("--no-verify", is_flag=True, help="Do not verify the checksum. Not recommended.")
@click.option(
    "--connections",
    type=click.IntRange(1, TransferConfig.MAX_CONNECTIONS),
    default=TransferConfig.connections,
    show_default=True,
    help="Use at most this many connections in total for files over 64 MiB.",
)
@pass_app
def download_command(
    app: App,
    app_id: str,
    version: str,
    wanted: tuple[str, ...],
    all_files: bool,
    folder: str | None,
    target: str | None,
    test_channel: bool,
    force: bool,
    no_resume: bool,
    no_verify: bool,
    connections: int,
) -> None:
    """Download a version: verified, resumed, and complete or not at all.

    Without VERSION the highest enabled one. Without --file or --all its MAIN file. Without --force
    nothing is replaced, a file that appears meanwhile neither; a file system without hard links is
    only looked at again right before the file gets its name.
    """
    if all_files and wanted:
        raise click.UsageError("--all and --file exclude each other")
    if target is not None and (folder or all_files or len(wanted) > 1):
        raise click.UsageError("-O is for one file; --dir for several")
    check_place(Path(folder or "."), target)
    if version == "latest":
        version = latest(app, app_id, test_channel)
    download(
        app,
        DownloadRequest(
            app_id,
            version,
            wanted=wanted,
            all_files=all_files,
            folder=Path(folder or "."),
            target=target,
            test_channel=test_channel,
            force=force,
            resume=not no_resume,
            verify=not no_verify,
            connections=connections,
        ),
    )


@command.command(
    examples=(
        "bindist versions verify skylark 1.10.0 skylark-setup.exe",
        "bindist versions verify skylark 1.10.0 --remote",
    )
)
@_app_argument
@_version_argument
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(exists=True))
@click.option(
    "--remote",
    is_flag=True,
    help="Request one stored byte of each file; the server counts one download for each.",
)
@pass_app
def verify(app: App, app_id: str, version: str, paths: tuple[str, ...], remote: bool) -> None:
    """Compare local files, or a folder of them, with the checksums on the server.

    Without --remote this downloads nothing and counts nothing. With --remote it also shows, for
    each file of the version, that the object store has it in the size that the server says; the
    checksum of what is stored is not verified. Exit code 8 where anything differs or is missing.
    """
    if not paths and not remote:
        raise click.UsageError("name local files or folders to compare, or add --remote")
    verify_files(app, app_id, version, [Path(path) for path in paths], remote=remote)


@command.command(examples=("bindist versions share skylark 1.10.0 --expires 12h",))
@_app_argument
@_version_argument
@click.option(
    "--file",
    "wanted",
    metavar="NAME|ID",
    type=FILE_OF_VERSION,
    help="Share this file, by name or id. [default: the MAIN file]",
)
@click.option("--expires", type=MINUTES, default="30m", show_default=True, help="5m to 24h.")
@pass_app
def share(app: App, app_id: str, version: str, wanted: str | None, expires: int) -> None:
    """Create a link that anyone can download with, without a key, until it expires."""
    share_link(app, app_id, version, wanted, expires)
