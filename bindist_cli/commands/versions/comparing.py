"""`versions identify`, `versions notes` and `versions diff`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...context import App
from ...exit_codes import CliError, Exit
from ...output import columns, formatting
from ...output.columns import Json
from .file_list_cache import kept_file_lists
from .lookups import ordered_versions

if TYPE_CHECKING:
    from bindist import IdentifiedFile


def identify(app: App, app_id: str | None, paths: Sequence[Path]) -> None:
    """Runs `versions identify`: prints a row for each version that has a file."""
    for path in paths:
        if not path.exists():
            raise CliError(f"file not found: {path}", Exit.USAGE)
    with kept_file_lists(app) as file_lists:
        found = app.client.identify_files(paths, app_id, file_lists=file_lists)
    if not found:
        raise CliError("there is no file in the folders given", Exit.USAGE)
    app.printer.rows(columns.IDENTIFIED, [row for file in found for row in _identified(file)])
    where = f"any version of {app_id}" if app_id else "any version of any application"
    if not all(file.complete for file in found):
        app.printer.warn_of_cut("versions")
    unknown = [file for file in found if not file.found]
    if len(unknown) == len(found):
        what = str(found[0].path) if len(found) == 1 else f"none of the {len(found)} files"
        verb = "is not" if len(found) == 1 else "is"
        raise CliError(f"{what} {verb} in {where}", Exit.NOT_FOUND)
    if unknown:
        verb = "is" if len(unknown) == 1 else "are"
        app.printer.note(f"{len(unknown)} of {len(found)} files {verb} not in {where}")
    for file in found:
        for each in file.found:
            if each.newer:
                app.printer.note(
                    "what is newer: `bindist versions notes "
                    f"{formatting.one_line(each.application_id)} "
                    f"--from {formatting.one_line(each.version)}`"
                )
                return


def _identified(file: IdentifiedFile) -> list[Json]:
    local = {"path": str(file.path), "fileSize": file.file_size, "checksum": file.checksum}
    if not file.found:
        nothing = ("version", "isEnabled", "newer", "applicationId", "fileName", "fileId")
        return [{**local, **dict.fromkeys(nothing)}]
    return [
        {
            **local,
            "version": each.version,
            "isEnabled": each.is_enabled,
            "newer": each.newer,
            "applicationId": each.application_id,
            "fileName": each.file_name,
            "fileId": each.file_id,
        }
        for each in file.found
    ]


def release_notes(
    app: App, app_id: str, above: str | None, up_to: str | None, *, test_channel: bool
) -> None:
    """Runs `versions notes`: prints Markdown, or the versions where a format is asked for."""
    from bindist.version_list import between
    from bindist.version_order import version_key

    if above and up_to and version_key(above) > version_key(up_to):
        raise CliError(
            f"--from {above} is higher than --to {up_to}", Exit.USAGE, hint="exchange them"
        )
    listed = ordered_versions(app, app_id, test_channel)
    if up_to and not any(row.get("version") == up_to for row in listed):
        enabled = "" if test_channel else "enabled "
        raise CliError(
            f"{app_id} has no {enabled}version {up_to}",
            Exit.NOT_FOUND,
            hint=f"list the versions with `bindist versions list {app_id} --test-channel`",
        )
    rows = between(listed, above, up_to)
    empty = f"no version of {app_id}" + (f" is newer than {above}" if above else "")
    if not app.printer.as_text:
        app.printer.rows(columns.NOTES, rows, empty=empty)
    elif rows:
        app.printer.text(notes_text(rows))
    else:
        app.printer.note(empty)


def notes_text(versions: Sequence[Json]) -> str:
    """Returns the release notes of versions as Markdown, in the order of the versions."""
    return "\n".join(
        f"## {formatting.one_line(row.get('version'))}{_day(row)}\n\n"
        f"{formatting.visible(row.get('releaseNotes')).strip() or '_No release notes._'}\n"
        for row in versions
    )


def _day(row: Json) -> str:
    """Returns the day on which a version was made, in UTC."""
    made = formatting.parse_time(row.get("createdAt"))
    return f" ({made.date().isoformat()})" if made else ""


def compare(app: App, app_id: str, old: str, new: str, *, exit_code: bool) -> None:
    """Runs `versions diff`."""
    found = app.client.compare_versions(app_id, old, new)
    keys = {
        "file_name": "fileName",
        "status": "status",
        "old_size": "oldSize",
        "new_size": "newSize",
        "old_checksum": "oldChecksum",
        "new_checksum": "newChecksum",
    }
    names = {status: found.names(status) for status in ("changed", "added", "removed", "same")}
    app.printer.one(
        columns.COMPARED,
        {
            "applicationId": app_id,
            "oldVersion": old,
            "newVersion": new,
            **names,
            "files": [
                {keys[name]: value for name, value in asdict(change).items()}
                for change in found.files
            ],
            "versions": found.versions,
        },
        tables={"files": columns.CHANGES},
    )
    if app.printer.format == "table" and not app.settings.fields and found.versions:
        app.printer.text("\n" + notes_text(found.versions))
    if exit_code and len(names["same"]) < len(found.files):
        raise click.exceptions.Exit(Exit.FAILED)
