"""The release notes of a version: where they come from, and whether they are gone."""

from __future__ import annotations

import click

from ...context import App
from ...text_input import read_text

MAX_CHARACTERS = 5000


def read_release_notes(
    text: str | None, file: str | None, paths: tuple[str, ...] = ()
) -> str | None:
    """What --notes or --notes-file gives; `paths` are the other files that may be stdin."""
    if text is not None and file is not None:
        raise click.UsageError("notes come from --notes or from --notes-file, not from both")
    if file == "-" and "-" in paths:
        raise click.UsageError("stdin can be the file or the notes, not both")
    found = read_text(file) if file else text
    length = len(found.strip()) if found is not None else 0
    if length > MAX_CHARACTERS:
        raise click.UsageError(f"the notes have {length} characters; {MAX_CHARACTERS} are allowed")
    return found


def kept_release_notes(app: App, app_id: str, version: str) -> bool:
    """Whether the version still has release notes: some self-hosted servers keep them."""
    rows = app.client.list_versions(app_id, test_channel=True).rows("versions")
    return any(row.get("releaseNotes") for row in rows if row.get("version") == version)
