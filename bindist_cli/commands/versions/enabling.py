"""`versions enable`: whether a version looks whole."""

from __future__ import annotations

from collections.abc import Sequence

from bindist.errors import IntegrityError

from ...context import App
from ...exit_codes import CliError, Exit
from ...output.columns import Json
from .lookups import files_of, find_record


def check_whole(app: App, app_id: str, version: str) -> None:
    """Raises CliError for a version that can be seen not to be whole, or is in no list."""
    record = find_record(app, app_id, version)
    problem = problem_of(record, files_of(app, app_id, version))
    if problem is None:
        return
    what = f"{app_id} {version}"
    raise CliError(
        f"version {version} of {app_id} is not enabled: {problem}",
        Exit.CONFLICT,
        hint="run the upload again if it was interrupted; a number that is lost is hidden by "
        f"`bindist versions update {what} --inactive`; "
        f"`bindist versions enable {what} --force` enables it as it is",
        code="NOT_WHOLE",
    )


def problem_of(record: Json, rows: Sequence[Json]) -> str | None:
    """What shows that a version is not whole; None where nothing does.

    The record of a version has the size, and on some servers the checksum, of the file that was
    completed last. That is written before the file is listed, and MAIN files are completed last.
    """
    from bindist.rows import distinct_files

    try:
        files = distinct_files(rows)
    except IntegrityError as error:
        return str(error)
    if not files:
        return "it has no files"
    main = [row for row in files if row.get("fileType") == "MAIN"]
    if any(_may_be_of(record, row) for row in main or files):
        return None
    if any(_may_be_of(record, row) for row in files):
        return "the file that was sent last is not its MAIN file, so its upload may not have ended"
    return (
        f"the file that was sent last, of {record.get('fileSize')} bytes, is not among its files, "
        "so its upload has not ended"
    )


def _may_be_of(record: Json, row: Json) -> bool:
    """Whether the record may be that of a completion of this file; what it does not say may be."""
    from bindist.checksums import normalize_checksum

    size, checksum = record.get("fileSize"), normalize_checksum(record.get("checksum"))
    return size in (None, row.get("fileSize")) and checksum in (
        "",
        normalize_checksum(row.get("checksum")),
    )
