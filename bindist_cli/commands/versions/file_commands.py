"""The commands that send, fetch, compare or share the files of a version."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bindist import TransferConfig
from bindist.choices import CHOICES, LATEST, FileType, IfExists

from ...context import App, pass_app
from ...options import Command
from ...params import (
    APPLICATION,
    FILE_OF_VERSION,
    LOCAL_FILE,
    LOCAL_FOLDER,
    MINUTES,
)
from ...signatures import SignaturePolicy, signature_options
from .chosen_version import Chosen, test_channel, version_or_latest
from .download import DownloadRequest, check_place, download
from .options import app_argument, notes_options, version_argument
from .release_notes import read_release_notes
from .share import share_link
from .upload import UploadRequest, upload
from .verify import verify_files, verify_offline


@click.command(
    "upload",
    cls=Command,
    examples=(
        "bindist versions upload harbor 1.1.0 dist/harbor.tar.gz --notes 'Faster' --enable",
        "bindist versions upload harbor 1.1.0 dist/*.tar.gz --checksums dist/SHA256SUMS --dry-run",
    ),
)
@app_argument
@version_argument
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=LOCAL_FILE)
@notes_options[0]
@notes_options[1]
@click.option("--enable", is_flag=True, help="Release the version once all checksums are verified.")
@click.option(
    "--if-exists",
    type=click.Choice(CHOICES["if_exists"]),
    default="match",
    show_default=True,
    help="If the version exists: compare its files (match), do nothing (skip), or fail.",
)
@click.option(
    "--checksums",
    "sums",
    metavar="FILE",
    type=LOCAL_FILE,
    help="File in SHA256SUMS format that must list exactly these files, and their checksums.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="Name on the server of a single file; required if FILE is -, that is, stdin.",
)
@click.option(
    "--type",
    "file_type",
    type=click.Choice(CHOICES["file_type"]),
    help="Type of a single file. [default: by its extension]",
)
@click.option(
    "--description",
    metavar="TEXT",
    help="Description of a single file of up to 4 MiB; up to 2000 characters.",
)
@click.option(
    "--allow-any-name",
    is_flag=True,
    help="Upload a file even if its name keeps Amazon's object store from handing it out.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be uploaded; change nothing.")
@click.option(
    "--parallel",
    metavar="N",
    type=click.IntRange(1, TransferConfig.MAX_PARALLEL_FILES),
    default=None,
    help=(
        "Files to upload, and requests to make, at the same time. "
        f"[default: {TransferConfig.parallel_files}, of which "
        f"{TransferConfig.parallel_large_files} over {TransferConfig.small_file >> 20} MiB]"
    ),
)
@click.option(
    "--sign",
    "signing_key",
    metavar="FILE",
    type=LOCAL_FILE,
    help="Sign the version with this secret key, of `bindist keys generate` or minisign."
    " [default: BINDIST_SIGNING_KEY_FILE, BINDIST_SIGNING_KEY, or signing_key of the profile]",
)
@click.option("--no-sign", is_flag=True, help="Do not sign, even if a signing key is configured.")
@pass_app
def upload_command(
    app: App,
    app_id: str,
    version: str,
    paths: tuple[str, ...],
    notes: str | None,
    notes_file: str | None,
    enable: bool,
    if_exists: IfExists,
    sums: str | None,
    name: str | None,
    file_type: FileType | None,
    description: str | None,
    allow_any_name: bool,
    dry_run: bool,
    parallel: int | None,
    signing_key: str | None,
    no_sign: bool,
) -> None:
    """Upload files as one version.

    The version appears on the production channel only when it is complete and enabled. Uploading is
    safe to repeat: the same command resumes an interrupted upload, and does nothing if the version
    already has the same content.
    """
    if no_sign and signing_key:
        raise click.UsageError("--sign and --no-sign exclude each other")
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
            allow_any_name=allow_any_name,
            description=description,
            signing_key=signing_key,
            no_sign=no_sign,
        ),
    )


@click.command(
    "download",
    cls=Command,
    examples=(
        "bindist versions download harbor",
        "bindist versions download skylark 1.10.0 --all --dir build",
        "bindist versions download skylark --file 'skylark*' --dry-run",
        "bindist versions download skylark --file README.md -O - | head -1",
    ),
)
@app_argument
@test_channel
@version_or_latest("[VERSION|latest]", default=LATEST)
@click.option(
    "--file",
    "wanted",
    multiple=True,
    metavar="NAME|ID",
    type=FILE_OF_VERSION,
    help="Only this file, or all that match a pattern such as '*.dll'; repeatable, excludes --all.",
)
@click.option("--all", "all_files", is_flag=True, help="All files of the version; excludes --file.")
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    type=LOCAL_FOLDER,
    help="Folder for the files, created if necessary. [default: the current folder]",
)
@click.option(
    "-O",
    "target",
    metavar="PATH",
    type=LOCAL_FILE,
    help="Write a single file to PATH, a file, pipe or device; - is stdout, and DIR/ a folder."
    " Excludes --dir and --all.",
)
@click.option(
    "--dry-run", is_flag=True, help="Show what would be downloaded, and its size; count nothing."
)
@click.option("--force", is_flag=True, help="Replace existing files with different content.")
@click.option("--no-resume", is_flag=True, help="Start over, even if a partial file exists.")
@click.option("--no-verify", is_flag=True, help="Do not verify size and checksum. Not recommended.")
@click.option(
    "--connections",
    metavar="N",
    type=click.IntRange(1, TransferConfig.MAX_CONNECTIONS),
    default=TransferConfig.connections,
    show_default=True,
    help="Connections in total for files over 64 MiB.",
)
@signature_options
@pass_app
def download_command(
    app: App,
    app_id: str,
    chosen: Chosen,
    wanted: tuple[str, ...],
    all_files: bool,
    folder: str | None,
    target: str | None,
    force: bool,
    no_resume: bool,
    no_verify: bool,
    connections: int,
    dry_run: bool,
    require_signature: bool,
    skip_signature: bool,
    trust_file: str | None,
) -> None:
    """Download the files of a version.

    Verifies every file, resumes interrupted downloads, and creates a file only when it is complete.
    The default version is `latest`, the highest enabled one; the default file is the MAIN file, the
    program or installer itself. Of several MAIN files it is the first that `versions upload` was
    given, and a note tells which. Without --force, no existing file is replaced, not even one that
    appears during the download; on a file system without hard links, the check happens right before
    the file gets its name.
    """
    if all_files and wanted:
        raise click.UsageError("--all and --file exclude each other")
    if target is not None and (folder or all_files or len(wanted) > 1):
        raise click.UsageError("-O takes a single file, and excludes --dir and --all")
    if target and Path(target).name and target.endswith(("/", os.sep)):
        folder, target = target, None
    check_place(Path(folder or "."), target)
    download(
        app,
        DownloadRequest(
            app_id,
            chosen.of(app, app_id),
            wanted=wanted,
            all_files=all_files,
            folder=Path(folder or "."),
            target=target,
            test_channel=chosen.test_channel,
            force=force,
            resume=not no_resume,
            verify=not no_verify,
            connections=connections,
            dry_run=dry_run,
            signature=SignaturePolicy(require_signature, skip_signature, trust_file),
        ),
    )


@click.command(
    "verify",
    cls=Command,
    examples=(
        "bindist versions verify skylark 1.10.0 skylark-setup.exe",
        "bindist versions verify skylark 1.10.0 --remote",
        "bindist versions verify --offline /media/stick/skylark --app skylark",
    ),
)
@click.argument("app_id", metavar="APP", required=False, type=APPLICATION)
@version_or_latest(required=False)
@click.argument("paths", metavar="[PATH...]", nargs=-1, type=click.Path(exists=True))
@click.option(
    "--remote",
    is_flag=True,
    help="Also fetch one stored byte of each file; each counts as a download.",
)
@click.option(
    "--offline",
    metavar="DIR",
    type=LOCAL_FOLDER,
    help="Verify a signed version in this folder with the trusted keys alone, without a server.",
)
@click.option(
    "--app", "offline_app", metavar="APP", type=APPLICATION, help="Application, with --offline."
)
@signature_options
@pass_app
def verify_command(
    app: App,
    app_id: str | None,
    chosen: Chosen,
    paths: tuple[str, ...],
    remote: bool,
    offline: str | None,
    offline_app: str | None,
    require_signature: bool,
    skip_signature: bool,
    trust_file: str | None,
) -> None:
    """Compare local files with the checksums on the server.

    PATH is a file, or a folder that holds the files of the version; other files in it are reported
    as `extra`, which is no failure.

    Without --remote, this downloads nothing, and counts no download. With --remote, it also checks
    that the object store has each file of the version in its size; it does not verify the checksum
    of the stored content. Exits with 8 if any file differs or is missing.

    If a key is trusted for the application, the version must be signed with it, and the files are
    compared with the signed checksums. With --offline, no request is sent at all.
    """
    policy = SignaturePolicy(require_signature, skip_signature, trust_file)
    if offline is not None:
        wanted = offline_app or app_id
        if wanted is None or (offline_app and app_id) or paths or remote or skip_signature:
            raise click.UsageError("use --offline as: verify --offline DIR --app APP")
        if chosen.version == LATEST:
            raise click.UsageError("without a server, nothing tells which version is the latest")
        verify_offline(app, wanted, chosen.version or None, Path(offline), policy)
        return
    if app_id is None or not chosen.version or offline_app is not None:
        raise click.UsageError("use: verify APP VERSION PATH..., or verify --offline DIR --app APP")
    if not paths and not remote:
        raise click.UsageError("name local files or folders to compare, or add --remote")
    version = chosen.of(app, app_id)
    verify_files(app, app_id, version, [Path(path) for path in paths], remote=remote, policy=policy)


@click.command(
    "share",
    cls=Command,
    examples=(
        "bindist versions share skylark 1.10.0 --expires 12h",
        "bindist versions share skylark latest --command",
    ),
)
@app_argument
@version_or_latest()
@click.option(
    "--file",
    "wanted",
    metavar="NAME|ID",
    type=FILE_OF_VERSION,
    help="File to share. [default: the MAIN file]",
)
@click.option(
    "--expires",
    metavar="DURATION",
    type=MINUTES,
    default="30m",
    show_default=True,
    help="Lifetime of the link, from 5m; the server sets the maximum, 24h unless configured.",
)
@click.option(
    "--command",
    "commands",
    is_flag=True,
    help="Print commands for shells that download the file and verify its checksum.",
)
@pass_app
def share_command(
    app: App, app_id: str, chosen: Chosen, wanted: str | None, expires: int, commands: bool
) -> None:
    """Create a download link that works without a key.

    Of several MAIN files, the default is the first one that `versions upload` was given, and a
    note tells which.

    Until it expires, anyone who has the link can download the file, even if the version is disabled
    or inactive meanwhile, or the application is deleted. The link of a real server is https. With
    --command, the result is what to send to somebody who does not have this program: two lines for
    curl and sha256sum, and two for PowerShell.
    """
    share_link(app, app_id, chosen.of(app, app_id), wanted, expires, commands=commands)
