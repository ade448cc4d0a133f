"""Which rows of a version this release has made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..http.response import Json
from .journal import Creation, UploadedFile


def own_upload(row: Json, uploaded: Mapping[str, UploadedFile]) -> tuple[str, UploadedFile] | None:
    """The name and the upload of this release that a row of the version's files stands for.

    `uploaded` has this release's uploads by the names that the server gives the files. The upload
    id alone decides: another run may upload the same file. None for a row of another run; a row's
    `fileId` may be anything, even a list.
    """
    for name, file in uploaded.items():
        if file.upload_id == row.get("fileId"):
            return name, file
    return None


def foreign_rows(
    rows: Sequence[Json],
    uploaded: Mapping[str, UploadedFile],
    *,
    is_inline: bool,
    creation: Creation,
) -> list[Json]:
    """The rows that another run has made.

    The response to an inline upload (`is_inline`) does not tell the file's id: there the only row
    of a version that this release has created, as its response said, is this release's.
    """
    if is_inline and creation is Creation.CREATED and len(rows) == 1:
        return []
    return [row for row in rows if own_upload(row, uploaded) is None]
