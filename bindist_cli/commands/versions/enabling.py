"""`versions enable`: checks that a version looks complete."""

from __future__ import annotations

from collections.abc import Sequence

from bindist.errors import IntegrityError

from ...context import App
from ...exit_codes import CliError, Exit
from ...output.columns import Json
from .lookups import files_of, find_record
from .options import RELEASES


def check_whole(app: App, app_id: str, version: str) -> None:
    """Raises CliError for a version that is visibly incomplete, or not found."""
    record, rows = find_record(app, app_id, version), files_of(app, app_id, version)
    journal = app.settings.config_dir / RELEASES
    progress = app.client.release_progress(app_id, version, journal)
    if progress == "begun":
        problem: str | None = "its upload from this machine was interrupted"
    else:
        problem = problem_of(record, rows, is_finished=progress == "finished")
    if problem is None:
        return
    what = f"{app_id} {version}"
    raise CliError(
        f"version {version} of {app_id} was not enabled: {problem}",
        Exit.CONFLICT,
        hint="if the upload was interrupted, run it again; to hide the version, run "
        f"`bindist versions update {what} --inactive`; to enable it anyway, run "
        f"`bindist versions enable {what} --force`",
        code="NOT_WHOLE",
    )


def problem_of(record: Json, rows: Sequence[Json], *, is_finished: bool = False) -> str | None:
    """Returns why a version looks incomplete, or None; `is_finished`: its upload ended well here.

    The record of a version has the size, and on some servers the checksum, of the file completed
    last. The server writes it before it lists the file, and MAIN files are completed last.
    """
    from bindist.rows import distinct_files

    try:
        files = distinct_files(rows)
    except IntegrityError as error:
        return str(error)
    if not files:
        return "it has no files"
    if 1 < len(files) < len(rows):
        return "it has a file twice, under two ids, so two uploads may be mixed in it"
    main = [row for row in files if row.get("fileType") == "MAIN"]
    if not main:
        return None if is_finished else "it has no MAIN file, so its upload may not have finished"
    if any(_may_be_of(record, row) for row in main):
        return None
    if any(_may_be_of(record, row) for row in files):
        return "the last file sent is not its MAIN file, so its upload may not have finished"
    return (
        f"the last file sent, of {record.get('fileSize')} bytes, is not among its files, "
        "so its upload has not finished"
    )


def _may_be_of(record: Json, row: Json) -> bool:
    """Whether the record may stem from the completion of this file; ignores missing fields."""
    from bindist.checksums import normalize_checksum

    size, checksum = record.get("fileSize"), normalize_checksum(record.get("checksum"))
    return size in (None, row.get("fileSize")) and checksum in (
        "",
        normalize_checksum(row.get("checksum")),
    )
