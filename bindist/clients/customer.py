"""What the holder of any key may do: list, download, share."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFoundError
from ..http.response import ApiResponse, Json, failure
from ..rows import choose_files, distinct_files, text_in
from .base import named, named_if_given, present
from .downloads import DownloadsClient, FileRow

if TYPE_CHECKING:  # dictionaries' types are for type checkers, and take 4 ms to make
    from ..transfer.download import Download
    from ..transfer.presigned import FileProgress
    from ..transfer.stored import StoredBytes
    from ..types import ShareLink, StrPath


class CustomerClient(DownloadsClient):
    """Applications, versions, files and downloads, as far as the key may see them.

    Methods that return an `ApiResponse` do not raise for a failed response: only `TransportError`
    if no response arrives, and `ValueError` for a wrong argument, before any request. Each method
    names the type of `data`.

    Arguments that many methods have:
        application_id: 1 to 100 of `A-Z a-z 0-9 _ -`, as in `data["applications"]`.
        version: 1 to 50 of `A-Z a-z 0-9 . _ -`, as in `data["versions"]`.
        file_id: which file of the version, as in `data["files"]`; default None, the MAIN one.
        test_channel: True allows versions that are not enabled, too; default False.
    """

    def create_share_link(
        self,
        application_id: str,
        version: str,
        file_id: str | None = None,
        expires_minutes: int = 30,
    ) -> ApiResponse[ShareLink]:
        """A link that works without a key. `POST /v1/downloads/share`

        `expires_minutes` is 5 to 1440; default 30. Works for a version that is not enabled, too.
        Returns `ShareLink`: `shareUrl`, `token`, `expiresAt`, `expiresInMinutes`.
        """
        body = {
            "applicationId": named(application_id, "application_id"),
            "version": named(version, "version"),
            "fileId": named_if_given(file_id, "file_id"),
            "expiresInMinutes": expires_minutes,
        }
        return self._send("POST", "/downloads/share", present(body))

    def download_version(
        self,
        application_id: str,
        version: str,
        folder: StrPath,
        *,
        files: Iterable[str | FileRow] | None = None,
        test_channel: bool = False,
        replace: bool = False,
        resume: bool = True,
        verify_checksum: bool = True,
        progress: FileProgress | None = None,
        connections: int | None = None,
        parallel: int | None = None,
    ) -> list[Download]:
        """Puts the files of a version into a folder, each as `download_to_file` does.

        Asks for the list of files once: `list_version_files`, then for each file that is not there
        yet `GET /v1/downloads/url` and the object store. Call it again after any failure: files
        that are right are left alone and cost no download, others go on where they stopped.

        Args:
            folder: where to, `str` or `os.PathLike`; made where there is none.
            files: names or ids of the files, or their rows in `list_version_files`, in which case
                nothing is listed; default None, all files of the version.
            test_channel: True allows a version that is not enabled; default False.
            replace: True replaces files with other content that are there from the start; default
                False: TargetExistsError for each.
            resume: False starts anew even where a part is there; default True.
            verify_checksum: False accepts whatever comes; default True.
            progress: called with (file name, bytes done, bytes in all) from any thread; may go
                back; default None.
            connections: how many at once, over all files, for those over 64 MiB: 1 to 32; default
                None, which is that of the client's `transfer_config`: 4.
            parallel: how many files at once, from 1; default None, which is `parallel_files` of
                the client's `transfer_config`: 4.

        Returns a `Download` for each file, in the order of `files` or of the list. Raises
        NotFoundError for a version without files and for a file that it does not have;
        IntegrityError where one name has two checksums; TargetConflictError where two files would
        get in each other's way; ValueError for `connections` or `parallel` out of range; OSError
        for the folder; all before the first download. Where a single file was asked for and fails:
        what `download_to_file` raises. Of several, the others still end, then raises
        IncompleteDownloadError with both.
        """
        from .version_download import VersionDownload, check_folder

        connections = self._connections(connections)
        parallel = self._parallel(parallel)
        place = Path(folder)
        check_folder(place)
        rows = self._chosen_files(application_id, version, files)
        download = VersionDownload(rows, place)
        place.mkdir(parents=True, exist_ok=True)

        fetch = partial(
            self._download_row,
            verify_checksum=verify_checksum,
            resume=resume,
            replace=replace,
        )
        return download.run(
            fetch,
            partial(self._source_of_row, application_id, version, test_channel=test_channel),
            self._transfer_config,
            connections=connections,
            parallel=parallel,
            progress=progress,
        )

    def check_stored_version(
        self,
        application_id: str,
        version: str,
        *,
        files: Iterable[str | FileRow] | None = None,
        test_channel: bool = False,
        parallel: int | None = None,
    ) -> list[StoredBytes]:
        """Whether the object store has the bytes of a version's files: `check_stored_bytes` each.

        **Counts one download for each file in the statistics.** Calls `list_version_files` once.

        Args:
            files: names or ids of the files, or their rows in `list_version_files`, in which case
                nothing is listed; default None, all files of the version.
            test_channel: True allows a version that is not enabled; default False.
            parallel: how many files at once, from 1; default None, which is `parallel_files` of
                the client's `transfer_config`: 4.

        Returns a `StoredBytes` for each file, in the order of `files` or of the list. Raises
        NotFoundError for a version without files and for a file that it does not have,
        IntegrityError where one name has two checksums, ValueError for `parallel` below 1,
        ApiError, TransportError.
        """
        from ..transfer.concurrency import CancellationToken, run_jobs

        parallel = self._parallel(parallel)
        rows = self._chosen_files(application_id, version, files)
        found: dict[str, StoredBytes] = {}

        def check(file_id: str) -> None:
            found[file_id] = self.check_stored_bytes(
                application_id, version, file_id, test_channel=test_channel
            )

        ids = [text_in(row, "fileId") for row in rows]
        run_jobs([partial(check, file_id) for file_id in ids], parallel, CancellationToken())
        return [found[file_id] for file_id in ids]

    def _parallel(self, wanted: int | None) -> int:
        """How many files are transferred at once; raises ValueError for a number below 1."""
        if wanted is not None and wanted < 1:
            raise ValueError(f"parallel must be 1 or more, not {wanted!r}")
        return wanted or self._transfer_config.parallel_files

    def _chosen_files(
        self, application_id: str, version: str, files: Iterable[str | FileRow] | None
    ) -> list[Json]:
        """The rows of these files; lists the version where they are not all given as rows."""
        wanted = None if files is None else [files] if isinstance(files, str) else list(files)
        if wanted is not None and not any(isinstance(each, str) for each in wanted):
            return [dict(row) for row in wanted if not isinstance(row, str)]
        rows = self.list_version_files(application_id, version).rows("files")
        if not rows:
            raise NotFoundError(failure(404, f"version {version} of {application_id} has no files"))
        if wanted is None:
            return distinct_files(rows)
        return choose_files(rows, [_id_of(each) for each in wanted])


def _id_of(file: str | FileRow) -> str:
    return file if isinstance(file, str) else text_in(file, "fileId")
