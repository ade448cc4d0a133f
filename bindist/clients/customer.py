"""What the holder of any key may do: look, download, share."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import TargetExistsError
from ..file_names import safe_file_name
from ..http.response import ApiResponse, Json, text_in
from ..transfer import presigned
from ..transfer.config import check_connections
from ..transfer.hashing import checksums_match, sha256_file
from ..transfer.presigned import DownloadSource, Progress
from .base import BaseClient, named, named_if_given, present, segment
from .pagination import walk_pages

if TYPE_CHECKING:  # dictionaries' types are for type checkers, and take 4 ms to make
    from ..transfer.download import Download
    from ..transfer.stored import StoredBytes
    from ..types import (
        Application,
        Applications,
        DownloadedFile,
        DownloadUrl,
        Files,
        ShareLink,
        Stats,
        Versions,
    )

_TEST_CHANNEL = {"X-Channel": "Test"}
LARGEST_PAGE = 100


class CustomerClient(BaseClient):
    """Applications, versions, files and downloads, as far as the key may see them.

    Methods that return an `ApiResponse` never raise for an answer, only `TransportError` for none
    and `ValueError` for an id that no request can carry. What its `data` holds is said with each.

    Arguments that many methods have:
        application_id: 1 to 100 of `A-Z a-z 0-9 _ -`, as in `data["applications"]`.
        version: 1 to 50 of `A-Z a-z 0-9 . _ -`, as in `data["versions"]`.
        file_id: which file of the version, as in `data["files"]`; default None, the MAIN one.
        test_channel: True allows versions that are not enabled, too; default False.
    """

    def list_applications(
        self,
        search: str | None = None,
        tags: Iterable[str] | None = None,
        page: int = 1,
        page_size: int = 20,
        *,
        is_active: bool | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
    ) -> ApiResponse[Applications]:
        """One page of the applications. `GET /v1/applications`

        Args:
            search: text to look for in names and descriptions, in any case.
            tags: any of these, exactly so.
            page: from 1; default 1.
            page_size: 1 to 100 applications; default 20.
            is_active: True or False for only such ones; default both.
            sort_by: `name`, `createdAt` or `updatedAt`; default the server's order.
            sort_order: `asc` or `desc`.

        Returns `Applications`: `applications`, and what the key is in `isAdmin` and
        `isFinancialAdmin`; `meta["pagination"]` tells of further pages.
        """
        query = _application_query(search, tags, is_active, sort_by, sort_order)
        return self._get("/applications", {**query, "page": page, "limit": page_size})

    def iter_applications(
        self,
        search: str | None = None,
        tags: Iterable[str] | None = None,
        *,
        is_active: bool | None = None,
        sort_by: str | None = None,
        sort_order: str | None = None,
        page_size: int = LARGEST_PAGE,
    ) -> Iterator[Application]:
        """Yields each `Application` of all pages, asking for each page when it is needed.

        `GET /v1/applications`, once for each page. `search`, `tags`, `is_active`, `sort_by` and
        `sort_order` are those of `list_applications`; `page_size` is how many are asked for at
        once, 1 to 100; default 100. Raises ApiError for a page that fails, TransportError where no
        answer comes.
        """
        query = _application_query(search, tags, is_active, sort_by, sort_order)

        def fetch(following: Json) -> ApiResponse:
            return self._get("/applications", {**query, "limit": page_size, **following})

        return walk_pages(fetch, "applications")

    def get_application(self, application_id: str) -> ApiResponse[Application]:
        """One application. `GET /v1/applications/{id}`

        Returns `Application`, without `customers`; 404 also for one that the key may not see.
        """
        return self._get(f"/applications/{segment(application_id, 'application_id')}")

    def list_versions(
        self, application_id: str, test_channel: bool = False, *, changelog: str | None = None
    ) -> ApiResponse[Versions]:
        """The versions of an application. `GET /v1/applications/{id}/versions`

        Args:
            test_channel: True for disabled versions too; default False.
            changelog: text to look for in the release notes, in any case; default all.

        Returns `Versions`: `versions` in the server's order: numbers count as numbers, and a
        pre-release stands above its release. Versions that are not active are in no list.
        """
        return self._get(
            f"/applications/{segment(application_id, 'application_id')}/versions",
            {"changelog": changelog},
            _channel(test_channel),
        )

    def list_version_files(self, application_id: str, version: str) -> ApiResponse[Files]:
        """The files of a version, enabled or not; counts no download.

        `GET /v1/applications/{id}/versions/{version}/files`. Returns `Files`: `files`, each with
        `fileId`, `fileName`, `fileType`, `fileSize` (bytes) and `checksum` (SHA-256).
        """
        application, number = segment(application_id, "application_id"), segment(version, "version")
        return self._get(f"/applications/{application}/versions/{number}/files")

    def get_stats(self, application_id: str, *, version: str | None = None) -> ApiResponse[Stats]:
        """Download statistics; needs an administrator's key. `GET /v1/applications/{id}/stats`

        `version` is the only one to count; default all. Returns `Stats`: `totalDownloads`,
        `uniqueCustomers`, `downloadsByVersion`, `downloadsByDate` and `recentDownloads` (10 at
        most). An unknown application has statistics full of zeros.
        """
        path = f"/applications/{segment(application_id, 'application_id')}/stats"
        return self._get(path, {"version": named_if_given(version, "version")})

    def get_download_url(
        self,
        application_id: str,
        version: str,
        file_id: str | None = None,
        test_channel: bool = False,
    ) -> ApiResponse[DownloadUrl]:
        """A pre-signed URL, valid for 30 minutes. `GET /v1/downloads/url`

        **Every call counts as a download in the statistics.** Without `file_id` the server chooses
        the MAIN file. A version that is not enabled is 403 without `test_channel`.
        Returns `DownloadUrl`: `url`, `expiresAt`, `fileName`, `fileSize` (bytes), `checksum`,
        `downloadId`.
        """
        query = {
            "applicationId": named(application_id, "application_id"),
            "version": named(version, "version"),
            "fileId": named_if_given(file_id, "file_id"),
        }
        return self._get("/downloads/url", query, _channel(test_channel))

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

    def download_file(
        self,
        application_id: str,
        version: str,
        file_id: str | None = None,
        verify_checksum: bool = True,
        test_channel: bool = False,
    ) -> tuple[bytes, DownloadedFile]:
        """A file in memory, as (bytes, metadata); `download_to_file` is for large ones.

        `GET /v1/downloads/url` and the object store. `verify_checksum` is True by default; False
        accepts whatever comes. Returns the bytes and `DownloadedFile`: `fileName`, `fileSize`
        (bytes) and `checksum`. Raises ApiError for a failed answer, TransportError for none,
        IntegrityError (a ValueError) for wrong bytes.
        """
        content = io.BytesIO()
        found = self.download_to_stream(
            application_id,
            version,
            content,
            file_id=file_id,
            test_channel=test_channel,
            verify_checksum=verify_checksum,
        )
        metadata: DownloadedFile = {
            "fileName": found.file_name,
            "fileSize": found.file_size,
            "checksum": found.checksum,
        }
        return content.getvalue(), metadata

    def download_to_stream(
        self,
        application_id: str,
        version: str,
        stream: IO[bytes],
        *,
        file_id: str | None = None,
        test_channel: bool = False,
        verify_checksum: bool = True,
        progress: Progress | None = None,
    ) -> Download:
        """Writes a file to a binary stream as it arrives, in blocks of 1 MiB at most.

        `GET /v1/downloads/url` and the object store. A lost connection is taken up again where it
        broke. Counts one download, and one more for each URL that expires on the way (they live 30
        minutes).

        Args:
            stream: anything with `write(bytes)`.
            file_id: which file of the version; default the MAIN one, which the server chooses where
                there are several. `download_to_file` looks at the list, and refuses one name with
                two checksums.
            test_channel: True allows a version that is not enabled; default False.
            verify_checksum: False accepts whatever comes; default True.
            progress: called with (bytes done, bytes in all); default None.

        Returns what became of it, without a path. Raises ApiError, TransportError, and
        IntegrityError where the bytes, **already written by then**, are not those that the server
        has the checksum of.
        """
        from ..transfer import download  # not for those who only list

        wanted = self._source(application_id, version, file_id, test_channel)
        return download.to_stream(wanted, stream, verify=verify_checksum, progress=progress)

    def download_to_file(
        self,
        application_id: str,
        version: str,
        path: str | Path,
        *,
        file_id: str | None = None,
        test_channel: bool = False,
        verify_checksum: bool = True,
        resume: bool = True,
        connections: int | None = None,
        progress: Progress | None = None,
        replace: bool = True,
    ) -> Download:
        """Puts a file on disk: whole and verified under its name, or not at all.

        The bytes go to `NAME.part` beside it, are verified, flushed to disk and renamed, replacing
        what was there when the call began, and nothing that appeared since (a file system without
        hard links is only looked at again right before). Interrupted by anything, the next call
        goes on where it stopped. A file that is right already is left alone and costs no download.
        A link is replaced, not what it leads to. Memory does not grow with size.
        `GET /v1/applications/{id}/versions/{version}/files`, then `GET /v1/downloads/url` and the
        object store.

        Args:
            path: a file, or an existing folder to put the file in under the server's name.
            file_id: which file of the version; default the MAIN one.
            test_channel: True allows a version that is not enabled; default False.
            verify_checksum: False accepts whatever comes; default True.
            resume: False starts anew even where a part is there; default True.
            connections: how many at once for files over 64 MiB, 1 to 32; default that of the
                client's `transfer_config`, 4.
            progress: called with (bytes done, bytes in all) from any thread; may go back; default
                None.
            replace: False leaves alone a file with other content that is there from the start, and
                raises TargetExistsError; default True.

        Returns what became of it: `status` is `downloaded`, `resumed` or `unchanged`. Raises
        ApiError, TransportError, IntegrityError (nothing was kept), ValueError for `connections`,
        TargetExistsError for a file that may not be replaced (one that appeared meanwhile: the
        bytes are kept in `NAME.part`), OSError for the local disk and for devices and pipes, and
        BusyError where another process is at the same file.
        """
        from ..transfer import download, placing  # not for those who only list

        if connections is None:
            connections = self._transfer_config.connections
        check_connections(connections)
        target = Path(path)
        if placing.is_special(target):
            # Replacing /dev/null, as root can, would be missed by everybody on the machine.
            raise FileExistsError(f"{target} is no file, and not replaced by one: stream to it")
        # The list names the file and its checksum without counting a download.
        files = self.list_version_files(application_id, version).require()
        chosen = presigned.pick_file(files, file_id)
        name = safe_file_name(chosen.get("fileName"))
        if target.is_dir():
            target = target / name
            if placing.is_special(target):
                raise FileExistsError(f"{target} is no file, and not replaced by one")
        before = placing.look(target)
        if checksums_match(checksum := _checksum_of(target, chosen), chosen.get("checksum")):
            size = target.stat().st_size
            if progress:
                progress(size, size)
            return download.Download(name, size, checksum, "unchanged", target)
        if before is not None and not replace:
            leads_nowhere = target.is_symlink() and not target.exists()
            what = "is a link that leads nowhere" if leads_nowhere else "exists with other content"
            raise TargetExistsError(f"{target} {what}")
        wanted = self._source(application_id, version, text_in(chosen, "fileId"), test_channel)
        return download.to_file(
            wanted,
            target,
            before,
            verify=verify_checksum,
            resume=resume,
            connections=connections,
            progress=progress,
        )

    def check_stored_bytes(
        self,
        application_id: str,
        version: str,
        file_id: str | None = None,
        *,
        test_channel: bool = False,
    ) -> StoredBytes:
        """Whether the object store has a file's bytes, and as many as the server says.

        Asks for the first byte only, and so does not verify the checksum. **Counts one download in
        the statistics.** `GET /v1/downloads/url` and the object store.

        Args:
            file_id: which file of the version; default None, the MAIN one.
            test_channel: True allows a version that is not enabled; default False.

        Returns `StoredBytes`: `status` is `ok`, `missing` or `different`; its `raise_for_error()`
        raises IntegrityError unless it is `ok`. Raises ApiError where the server or the store
        refuses, TransportError where no answer came.
        """
        from ..transfer import stored  # not for those who only list

        return stored.check(self._source(application_id, version, file_id, test_channel))

    def _source(
        self, application_id: str, version: str, file_id: str | None, test_channel: bool
    ) -> DownloadSource:
        def ask() -> presigned.PresignedDownload:
            answer = self.get_download_url(application_id, version, file_id, test_channel)
            return presigned.read_presigned_download(answer, self._transport)

        return DownloadSource(self._transport, ask, self._transfer_config)


def _checksum_of(path: Path, listed: Json) -> str:
    """The checksum of a file that could be the listed one; empty for none or another size."""
    if path.is_file() and path.stat().st_size == listed.get("fileSize"):
        return sha256_file(path)
    return ""


def _application_query(
    search: str | None,
    tags: Iterable[str] | None,
    is_active: bool | None,
    sort_by: str | None,
    sort_order: str | None,
) -> Json:
    wanted = [tags] if isinstance(tags, str) else list(tags or ())
    return {
        "search": search,
        "tags": ",".join(wanted) or None,
        "isActive": None if is_active is None else str(is_active).lower(),
        "sortBy": sort_by,
        "sortOrder": sort_order,
    }


def _channel(test_channel: bool) -> dict[str, str] | None:
    return _TEST_CHANNEL if test_channel else None
