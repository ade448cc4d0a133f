"""What any key may do: list, download, share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFoundError, PermissionDeniedError
from ..file_names import safe_file_name
from ..http.response import ApiResponse, Json, failure
from ..rows import choose_files, count_in, distinct_files, text_in
from ..transfer.hashing import checksums_match, normalize_checksum
from .base import named, named_if_given, present
from .downloads import DownloadsClient, FileRow, checksum_of

if TYPE_CHECKING:  # dictionaries' types are for type checkers, and take 4 ms to make
    from ..signing import TrustedKey
    from ..transfer.download import Download, DownloadPreview
    from ..transfer.presigned import FileProgress
    from ..transfer.stored import StoredBytes
    from ..types import ShareLink, StrPath


class CustomerClient(DownloadsClient):
    """Lists, downloads and shares the applications, versions and files that the key may see.

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
        """Creates a download link that needs no key. `POST /v1/downloads/share`

        `expires_minutes` is 5 to the server's maximum, 1440 unless its setting
        `SHARE_LINK_MAX_TTL_MINUTES` says otherwise; default 30. The version need not be enabled.
        Without `file_id` the server chooses the MAIN file, and of several any of them, even of two
        with one name and different checksums; `bindist.rows.main_file` refuses those.
        Nothing takes the link back: it works until it expires, even if the version is disabled or
        inactive meanwhile, or the application is deleted. It is `https://` on every real server.
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
        trusted_keys: Iterable[TrustedKey | str] | None = None,
        signature_cache: StrPath | None = None,
    ) -> list[Download]:
        """Downloads the files of a version into a folder, each as `download_to_file` does.

        Calls `list_version_files` once, then for each file that is not there yet
        `GET /v1/downloads/url` and the object store. Call it again after any failure: files with
        the right content are left alone and count no download, others continue where they stopped.

        Args:
            folder: the target folder, `str` or `os.PathLike`; created if it does not exist.
            files: names, ids or patterns such as `*.dll` of the files, or their rows of
                `list_version_files` (the method then does not read the list); default None, all
                files of the version.
            test_channel: True allows a version that is not enabled; default False.
            replace: True replaces files with other content that were there when the call began;
                default False, which raises TargetExistsError for each.
            resume: False starts from the beginning even if a part is there; default True.
            verify_checksum: False accepts any bytes; default True.
            progress: called with (file name, bytes received, bytes in total) from any thread; the
                second argument may decrease; default None.
            connections: parallel connections for files over 64 MiB, over all files, 1 to 32;
                default None, which takes `connections` of the client's `transfer_config`: 4.
            parallel: how many files are downloaded at once, from 1; default None, which takes
                `parallel_files` of the client's `transfer_config`: 16, of which 4 over 4 MiB.
            trusted_keys, signature_cache: as for `download_to_file`; the whole list of files must
                be the signed one, whichever of them are downloaded.

        Returns a `Download` for each file, in the order of `files` or of the list.

        Raises before the first download: NotFoundError for a version without files and for a file
        that it does not have; IntegrityError if one name has two checksums; TargetConflictError if
        two files would have the same target; ValueError for `connections` or `parallel` out of
        range; SignatureError; OSError for the folder. Raises what `download_to_file` raises if one
        file was requested and fails. If one of several fails, the others still finish, and the
        method then raises IncompleteDownloadError, which holds both.
        """
        from .version_download import VersionDownload, check_folder

        connections = self._connections(connections)
        at_once = self._at_once(parallel)
        place = Path(folder)
        check_folder(place)
        rows = self._chosen_files(application_id, version, files)
        download = VersionDownload(rows, place)
        signed = None
        if trusted_keys is not None:
            signed = self.signed_checksums(
                application_id,
                version,
                trusted_keys,
                test_channel=test_channel,
                cache=signature_cache,
            )
        place.mkdir(parents=True, exist_ok=True)

        fetch = partial(
            self._download_row,
            verify_checksum=verify_checksum,
            resume=resume,
            replace=replace,
            signed=signed,
        )
        return download.run(
            fetch,
            partial(
                self._source_of_row,
                application_id,
                version,
                test_channel=test_channel,
                signed=signed,
            ),
            self._transfer_config,
            connections=connections,
            at_once=at_once,
            progress=progress,
        )

    def preview_download(
        self,
        application_id: str,
        version: str,
        folder: StrPath,
        *,
        files: Iterable[str | FileRow] | None = None,
        file_name: str | None = None,
        test_channel: bool = False,
        replace: bool = False,
    ) -> list[DownloadPreview]:
        """Reports what `download_version` would do with the same arguments. Counts no download.

        Calls `list_version_files` and, without `test_channel`, `list_versions`. Reads local files
        of the right size, for their checksum, and writes nothing.

        Args:
            folder: as for `download_version`, as are `files`, `test_channel` and `replace`.
            file_name: the name in the folder of a single file; default its name on the server.

        Returns a `DownloadPreview` for each file. Raises PermissionDeniedError for a version that
        is not enabled, and what `download_version` raises before the first download.
        """
        from ..transfer.download import DownloadPreview
        from .version_download import VersionDownload, check_folder

        place = Path(folder)
        check_folder(place)
        rows = self._chosen_files(application_id, version, files)
        if not test_channel:
            self._check_enabled(application_id, version)
        targets = VersionDownload(rows, place, file_name).targets

        def preview(row: Json, target: Path) -> DownloadPreview:
            listed = normalize_checksum(row.get("checksum"))
            there = os.path.lexists(target)
            alike = there and checksums_match(checksum_of(target, row), listed)
            return DownloadPreview(
                safe_file_name(row.get("fileName")),
                count_in(row, "fileSize"),
                listed,
                "unchanged" if alike else "exists" if there and not replace else "download",
                target,
            )

        return [preview(row, target) for row, target in zip(rows, targets, strict=True)]

    def _check_enabled(self, application_id: str, version: str) -> None:
        """Raises PermissionDeniedError for a version that is there, but not enabled."""
        rows = self.list_versions(application_id, test_channel=True).rows("versions")
        enabled = {row.get("version"): row.get("isEnabled") for row in rows}
        if not enabled.get(version, True):
            refused = f"Version '{version}' is not enabled for download"
            raise PermissionDeniedError(failure(403, refused))

    def check_stored_version(
        self,
        application_id: str,
        version: str,
        *,
        files: Iterable[str | FileRow] | None = None,
        test_channel: bool = False,
        parallel: int | None = None,
    ) -> list[StoredBytes]:
        """Checks that the object store has the files of a version, as `check_stored_bytes` does.

        Calls `list_version_files` once. **Counts one download for each file in the statistics.**

        Args:
            files: names or ids of the files, or their rows of `list_version_files` (the method then
                does not read the list); default None, all files of the version.
            test_channel: True allows a version that is not enabled; default False.
            parallel: how many files are checked at once, from 1; default None, which takes
                `parallel_files` of the client's `transfer_config`: 16.

        Returns a `StoredBytes` for each file, in the order of `files` or of the list. Raises
        NotFoundError for a version without files and for a file that it does not have,
        IntegrityError if one name has two checksums, ValueError for `parallel` below 1, ApiError,
        TransportError.
        """
        from ..transfer.concurrency import results_of

        at_once = self._at_once(parallel)
        checks = [
            partial(
                self.check_stored_bytes,
                application_id,
                version,
                text_in(row, "fileId"),
                test_channel=test_channel,
            )
            for row in self._chosen_files(application_id, version, files)
        ]
        return results_of(checks, at_once.files)

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
