"""`versions verify` and `versions checksums`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...context import App
from ...exit_codes import CliError, Exit
from ...output import columns
from ...output.columns import Json
from .download import _local_rows, _stored_rows
from .lookups import distinct, files_of


def checksum_lines(rows: Sequence[Json]) -> list[str]:
    """Lines for `sha256sum -c`, which would read any other file too that they name."""
    from bindist.file_names import safe_file_name
    from bindist.transfer.hashing import is_sha256, normalize_checksum

    lines = []
    for row in rows:
        name, checksum = safe_file_name(row.get("fileName")), row.get("checksum")
        if not is_sha256(checksum):
            raise CliError(f"the server has no SHA-256 for {name}", Exit.INTEGRITY)
        lines.append(f"{normalize_checksum(checksum)}  {name}")
    return lines


def verify_files(
    app: App, app_id: str, version: str, paths: Sequence[Path], *, remote: bool
) -> None:
    """Carries out `versions verify`."""
    from bindist.file_names import safe_file_name

    files = distinct(files_of(app, app_id, version), app_id, version)
    if not files:
        raise CliError(f"version {version} has no files", Exit.NOT_FOUND)
    listed = {safe_file_name(row.get("fileName")): row for row in files}
    rows = _local_rows(listed, paths)
    if remote:
        rows += _stored_rows(app, app_id, version, listed)
    app.sink.rows(columns.VERIFIED, rows)
    if remote:
        app.sink.note(f"downloads counted: {len(listed)}, one for each file")
    wrong = [row for row in rows if row["status"] not in ("ok", "stored")]
    if wrong:
        raise CliError(
            f"{len(wrong)} of {len(rows)} files are not those of version {version}",
            Exit.INTEGRITY,
            facts=[f"{row['path'] or row['fileName']}: {row['status']}" for row in wrong],
            code="VERIFICATION_FAILED",
        )
