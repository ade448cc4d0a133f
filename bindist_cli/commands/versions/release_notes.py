"""The release notes of a version: reads them, and checks that they were removed."""

from __future__ import annotations

import click

from ...context import App
from ...text_input import read_text


def read_release_notes(
    text: str | None, file: str | None, paths: tuple[str, ...] = ()
) -> str | None:
    """Returns the value of --notes, or the content of --notes-file.

    Raises UsageError for both at once, for notes that the server does not accept, and if `paths`,
    the files to upload, include stdin as well.
    """
    if text is not None and file is not None:
        raise click.UsageError("--notes and --notes-file exclude each other")
    if file == "-" and "-" in paths:
        raise click.UsageError("stdin can be either the file or the notes")
    from bindist.release_notes import check_release_notes

    found = read_text(file) if file else text
    try:
        check_release_notes(found)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return found


def kept_release_notes(app: App, app_id: str, version: str) -> bool:
    """Whether the version still has release notes: some self-hosted servers keep them."""
    rows = app.client.list_versions(app_id, test_channel=True).rows("versions")
    return any(row.get("releaseNotes") for row in rows if row.get("version") == version)
