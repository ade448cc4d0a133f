"""`bindist mirror`"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ..context import App, pass_app
from ..exit_codes import CliError, Exit, exit_for
from ..options import Group
from ..output import columns, formatting
from ..params import APPLICATION, FILE_OF_VERSION, LOCAL_FOLDER, VERSION
from ..signals import held_signals
from ..signatures import SignaturePolicy, signature_options, trusted_keys

if TYPE_CHECKING:
    from bindist.mirror import Planned, Pulled, Pushed

_folder = click.argument("folder", metavar="DIR", type=LOCAL_FOLDER)
_applications = click.option(
    "--app",
    "applications",
    multiple=True,
    metavar="APP",
    type=APPLICATION,
    help="Only this application; repeatable. [default: all]",
)


@click.group(cls=Group, name="mirror")
def command() -> None:
    """Copies of applications in a plain folder, for sites without a network.

    A mirror holds APP/VERSION/FILE, and beside each version what the server says of it and a
    SHA256SUMS file. `bindist help mirrors` explains more.
    """


@command.command(
    examples=(
        "bindist mirror pull /tmp/mirror",
        "bindist mirror pull /tmp/mirror --app skylark --keep 2",
    )
)
@_folder
@_applications
@click.option(
    "--keep", type=click.IntRange(min=1), metavar="N", help="Only the N highest versions of each."
)
@click.option(
    "--since", metavar="VERSION", type=VERSION, help="Only versions higher than this one."
)
@click.option("--pre", is_flag=True, help="Include pre-releases.")
@click.option(
    "--file",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    type=FILE_OF_VERSION,
    help="Only files with this name; * and ? match any text and character; repeatable.",
)
@click.option("--test-channel", is_flag=True, help="Include versions that are not enabled.")
@click.option("--prune", is_flag=True, help="Remove versions that the source no longer shows.")
@click.option("--check", is_flag=True, help="Read and verify every file again.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")
@signature_options
@pass_app
def pull(
    app: App,
    folder: str,
    applications: tuple[str, ...],
    keep: int | None,
    since: str | None,
    pre: bool,
    patterns: tuple[str, ...],
    test_channel: bool,
    prune: bool,
    check: bool,
    dry_run: bool,
    require_signature: bool,
    skip_signature: bool,
    trust_file: str | None,
) -> None:
    """Copy what the server has, and the folder lacks, into a folder.

    Run it again at any time: it fetches only what is missing, and continues after an interruption.
    A version appears under its name when it is complete and verified. Files that are in the folder
    already, under any version, are not downloaded again.
    """
    from bindist import mirror

    if keep is not None and since is not None:
        raise click.UsageError("--keep and --since exclude each other")
    policy = SignaturePolicy(require_signature, skip_signature, trust_file)
    selection = mirror.Selection(applications, keep, since, pre, test_channel, patterns)
    if dry_run:
        planned = mirror.plan(app.client, folder, selection)
        app.printer.rows(columns.MIRROR_PLAN, list(map(_plan_row, planned)), empty=_EMPTY)
        size = formatting.size(sum(each.size for each in planned))
        app.printer.note(f"{size} would be fetched; nothing was changed")
        return
    results = mirror.pull(
        app.client,
        folder,
        selection,
        prune=prune,
        check=check,
        trusted_keys=partial(_keys, app, policy),
    )
    app.printer.rows(columns.MIRRORED, list(map(_row, results)), empty=_EMPTY)
    gone = [each for each in results if each.status == "gone"]
    if gone:
        app.printer.note(
            f"the source no longer shows {len(gone)} of these versions; --prune removes them"
        )
    _raise_failures(results)


@command.command(examples=("bindist mirror verify /tmp/mirror",))
@_folder
@_applications
@signature_options
@pass_app
def verify(
    app: App,
    folder: str,
    applications: tuple[str, ...],
    require_signature: bool,
    skip_signature: bool,
    trust_file: str | None,
) -> None:
    """Compare every file of a mirror with its checksum, without a network.

    Exits with 8 if a file is different, missing, not signed by a trusted key, or extra.
    """
    from bindist import mirror

    policy = SignaturePolicy(require_signature, skip_signature, trust_file)
    checked = mirror.verify(
        folder, applications=applications, trusted_keys=partial(_keys, app, policy)
    )
    rows = [
        {
            "applicationId": each.application_id,
            "version": each.version,
            "fileName": each.file_name,
            "status": each.status,
            "path": str(each.path),
        }
        for each in checked
    ]
    app.printer.rows(columns.MIRROR_FILES, rows, empty="the mirror is empty")
    wrong = [each for each in checked if each.status != "ok"]
    if wrong:
        raise CliError(
            f"{len(wrong)} of {len(checked)} files of the mirror are wrong",
            Exit.INTEGRITY,
            facts=[f"{each.path}: {each.status}" for each in wrong],
            hint="`bindist mirror pull` with --check fetches what is different or missing again",
            code="VERIFICATION_FAILED",
        )


@command.command(examples=("bindist mirror push /tmp/mirror --create-apps --dry-run",))
@_folder
@_applications
@click.option("--create-apps", is_flag=True, help="Create applications that the server lacks.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")
@pass_app
def push(
    app: App, folder: str, applications: tuple[str, ...], create_apps: bool, dry_run: bool
) -> None:
    """Publish the versions of a mirror on a server.

    Each version is published whole, with its release notes, and enabled if it was enabled at the
    source. Versions that the server has with other files are reported, and the rest goes on.
    Nothing is granted, and nothing is deleted.
    """
    from bindist import mirror

    journal = app.settings.config_dir / "releases"
    results = mirror.push(
        app.client,
        folder,
        applications=applications,
        create_applications=create_apps,
        dry_run=dry_run,
        journal=None if dry_run else journal,
        notify=app.printer.note,
        protect=partial(held_signals, app.printer.note),
    )
    app.printer.rows(columns.MIRRORED, list(map(_row, results)), empty="the mirror is empty")
    _raise_failures(results)


_EMPTY = "the server shows no such versions"


def _keys(app: App, policy: SignaturePolicy, application_id: str) -> Any:
    return trusted_keys(app, application_id, policy)


def _plan_row(each: Planned) -> dict[str, Any]:
    return {
        "applicationId": each.application_id,
        "version": each.version,
        "action": each.action,
        "fileSize": each.size,
        "files": [row["fileName"] for row in each.files],
    }


def _row(each: Pulled | Pushed) -> dict[str, Any]:
    return {
        "applicationId": each.application_id,
        "version": each.version,
        "status": each.status,
        "error": str(each.error) if each.error else None,
    }


def _raise_failures(results: Sequence[Pulled | Pushed]) -> None:
    """Raises CliError if versions failed: with their exit code if all did, else with 9."""
    failed = [each for each in results if each.error is not None]
    if not failed:
        return
    codes = {exit_for(each.error) for each in failed if each.error}
    raise CliError(
        f"{len(failed)} of {len(results)} versions failed",
        codes.pop() if len(failed) == len(results) and len(codes) == 1 else Exit.PARTIAL,
        facts=[f"{each.application_id} {each.version}: {each.error}" for each in failed],
        hint="run the command again: it continues where it stopped",
        code="SOME_FAILED",
    )
