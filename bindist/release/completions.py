"""The requests that complete the files of a version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ..http.response import ApiResponse, Json
from ..transfer.file_rows import distinct_files
from .files import Checksums, ReleaseFile, check_expected
from .journal import UploadedFile
from .ownership import by_upload_id, own_upload
from .version_requests import VersionRequests


def completions(
    requests: VersionRequests,
    files: Sequence[ReleaseFile],
    rows: Sequence[Json],
    uploaded: Mapping[str, UploadedFile],
    checksum: Checksums,
    expected: Mapping[str, str],
    release_notes: str | None,
) -> dict[str, Callable[[], ApiResponse]]:
    """What completes each of these files, by the names that the server gives them.

    A file that another run has completed already, as the version's `rows` tell, is completed under
    the same id: it stays one file. Raises IntegrityError where `expected` has another checksum.
    """
    there = {row.get("fileName"): row for row in distinct_files(rows)}
    uploads = by_upload_id(uploaded)
    found: dict[str, Callable[[], ApiResponse]] = {}
    for file in files:
        own = uploaded.get(file.server_name)
        row = there.get(file.server_name)
        if row is not None and own_upload(row, uploads) is None:
            own = UploadedFile(str(row["fileId"]), file.size, checksum(file))
        assert own is not None, "`plan` completes only what the object store has"
        check_expected(file, own.checksum, expected)
        found[file.server_name] = partial(
            requests.complete, own.upload_id, file.name, file.size, own.checksum, release_notes
        )
    return found
