"""What there is no call for, and so is looked up in what there is one for."""

from __future__ import annotations

from collections.abc import Sequence

from bindist.errors import IntegrityError

from ...context import App
from ...exit_codes import CliError, Exit
from ...output.columns import Json


def ordered_versions(
    app: App, app_id: str, test_channel: bool, changelog: str | None = None
) -> list[Json]:
    """The versions in semantic order, so that the first is the one that `latest` means."""
    from bindist.version_order import version_key

    rows = app.client.list_versions(app_id, test_channel, changelog=changelog).rows("versions")
    return sorted(rows, key=lambda row: version_key(str(row.get("version"))), reverse=True)


def latest(app: App, app_id: str, test_channel: bool) -> str:
    """What `latest` means: the highest enabled version, or of all with the test channel."""
    from bindist.rows import text_in

    rows = ordered_versions(app, app_id, test_channel)
    if not rows:
        raise CliError(
            f"{app_id} has no enabled version",
            Exit.NOT_FOUND,
            hint=f"`bindist versions list {app_id} --test-channel` shows what is not enabled",
        )
    return text_in(rows[0], "version")


def find_version(app: App, app_id: str, version: str) -> Json:
    """A version with its files: one row for each, or all where one name has two checksums."""
    record, rows = find_record(app, app_id, version), files_of(app, app_id, version)
    try:
        return {**record, "files": distinct(rows, app_id, version)}
    except CliError as mixed:
        app.sink.warn(str(mixed))
        return {**record, "files": rows}


def find_record(app: App, app_id: str, version: str) -> Json:
    """A version without its files; there is no call for one, so it is looked up in the list."""
    for row in app.client.list_versions(app_id, test_channel=True).rows("versions"):
        if row.get("version") == version:
            return row
    raise CliError(
        f"version {version} of {app_id} was not found, or is not active",
        Exit.NOT_FOUND,
        hint=f"`bindist versions list {app_id} --test-channel`",
    )


def files_of(app: App, app_id: str, version: str) -> Sequence[Json]:
    """The rows of a version's file list, enabled or not: a file may have several."""
    return app.client.list_version_files(app_id, version).rows("files")


def distinct(rows: Sequence[Json], app_id: str, version: str) -> Sequence[Json]:
    """One row for each file; raises CliError where one name has two checksums."""
    from bindist.rows import distinct_files

    try:
        return distinct_files(rows)
    except IntegrityError as error:
        raise mixed_version(error, app_id, version) from error


def mixed_version(error: IntegrityError, app_id: str, version: str) -> CliError:
    """The error for a version where one name has two checksums."""
    return CliError(
        str(error),
        Exit.INTEGRITY,
        hint=f"`bindist versions files {app_id} {version}` lists them; "
        "upload the release under a new version",
        code="MIXED_VERSION",
    )
