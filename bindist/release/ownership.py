"""Which rows of a version this release has made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..http.response import Json
from .journal import Creation, UploadedFile

Uploads = Mapping[str, tuple[str, UploadedFile]]
"""This release's uploads by their upload ids, each with the name that the server gives the file."""


def by_upload_id(uploaded: Mapping[str, UploadedFile]) -> Uploads:
    """The uploads by their ids; `uploaded` has them by the names that the server gives the files.

    A version of n files so takes n look-ups, and not n times n comparisons.
    """
    found: dict[str, tuple[str, UploadedFile]] = {}
    for name, file in uploaded.items():
        found.setdefault(file.upload_id, (name, file))
    return found


def own_upload(row: Json, uploads: Uploads) -> tuple[str, UploadedFile] | None:
    """The name and the upload of this release that a row of the version's files stands for.

    The upload id alone decides: another run may upload the same file. None for a row of another
    run; a row's `fileId` may be anything, even a list.
    """
    file_id = row.get("fileId")
    return uploads.get(file_id) if isinstance(file_id, str) else None


def foreign_rows(
    rows: Sequence[Json], uploads: Uploads, *, is_inline: bool, creation: Creation
) -> list[Json]:
    """The rows that another run has made.

    The response to an inline upload (`is_inline`) does not tell the file's id: there the only row
    of a version that this release has created, as its response said, is this release's.
    """
    if is_inline and creation is Creation.CREATED and len(rows) == 1:
        return []
    return [row for row in rows if own_upload(row, uploads) is None]
