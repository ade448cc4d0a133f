"""Downloads of one file: into memory, to a stream, to a file on disk."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import SignatureError, TargetExistsError
from ..file_names import safe_file_name
from ..http.response import ApiResponse
from ..rows import text_in
from ..transfer import presigned
from ..transfer.config import check_connections
from ..transfer.hashing import checksums_match, sha256_file
from ..transfer.presigned import DownloadSource, Progress
from .base import named, named_if_given
from .catalogue import channel_header
from .comparing import ComparingClient

if TYPE_CHECKING:  # dictionaries' types are for type checkers, and take 4 ms to make
    from ..signing import SignedChecksums, TrustedKey
    from ..transfer.concurrency import CancellationToken
    from ..transfer.download import Download
    from ..transfer.stored import StoredBytes
    from ..types import DownloadedFile, DownloadUrl, StrPath

FileRow = Mapping[str, object]
"""A row of `list_version_files`, such as a `bindist.types.File`."""


class DownloadsClient(ComparingClient):
    """The part of a `CustomerClient` that downloads one file."""

    def get_download_url(
        self,
        application_id: str,
        version: str,
        file_id: str | None = None,
        test_channel: bool = False,
    ) -> ApiResponse[DownloadUrl]:
        """Returns a presigned URL to download a file from, valid for 30 minutes.

        `GET /v1/downloads/url`. **Every call counts as a download in the statistics.** Without
        `file_id` the server chooses the MAIN file. If there are several, a server on AWS chooses
        any of them; `bindist.rows.main_file` always chooses the same one. Without `test_channel`, a
        version that is not enabled fails with 403.
        Returns `DownloadUrl`: `url`, `expiresAt`, `fileName`, `fileSize` (bytes), `checksum`,
        `downloadId`.
        """
        query = {
            "applicationId": named(application_id, "application_id"),
            "version": named(version, "version"),
            "fileId": named_if_given(file_id, "file_id"),
        }
        return self._get("/downloads/url", query, channel_header(test_channel))

    def download_file(
        self,
        application_id: str,
        version: str,
        file_id: str | None = None,
        verify_checksum: bool = True,
        test_channel: bool = False,
    ) -> tuple[bytes, DownloadedFile]:
        """Downloads a file into memory; for large files use `download_to_file`.

        `GET /v1/downloads/url` and the object store. Without `file_id` the server chooses the file,
        even of two with one name and different checksums; give the id of `bindist.rows.main_file`
        if that matters, which refuses such a name. `verify_checksum`, by default True, compares
        the bytes with the server's SHA-256. Returns the bytes and `DownloadedFile`: `fileName`,
        `fileSize` (bytes) and `checksum`. Raises ApiError if the server or the store refuses,
        TransportError if no response arrives, IntegrityError (a ValueError) for wrong bytes.
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
        signed: SignedChecksums | None = None,
    ) -> Download:
        """Writes a file to a binary stream as it arrives, in blocks of 1 MiB at most.

        `GET /v1/downloads/url` and the object store. After a lost connection the download continues
        where it stopped. The statistics count one download, and one more for each URL that expires
        during the transfer (after 30 minutes).

        Args:
            stream: anything with `write(bytes)`.
            file_id: which file of the version; default the MAIN file. If there are several, the
                server chooses. (`download_to_file` reads the list of files instead, always chooses
                the same one, and refuses a name that has two checksums.)
            test_channel: True allows a version that is not enabled; default False.
            verify_checksum: False accepts any bytes; default True.
            progress: called with (bytes received, bytes in total); default None.
            signed: what `signed_checksums` returned for this version; the file must have the signed
                checksum. Default None, no signature needed.

        Returns a `Download` without a path. Raises ApiError, TransportError, SignatureError, and
        IntegrityError if the bytes do not match the checksum: **they have been written by then**.
        """
        from ..transfer import download  # not for those who only list

        wanted = self._source(application_id, version, file_id, test_channel, signed)
        verify = verify_checksum or signed is not None
        return download.to_stream(wanted, stream, verify=verify, progress=progress)

    def download_to_file(
        self,
        application_id: str,
        version: str,
        path: StrPath,
        *,
        file_id: str | None = None,
        test_channel: bool = False,
        verify_checksum: bool = True,
        resume: bool = True,
        connections: int | None = None,
        progress: Progress | None = None,
        replace: bool = True,
        listed: FileRow | None = None,
        trusted_keys: Iterable[TrustedKey | str] | None = None,
        signature_cache: StrPath | None = None,
    ) -> Download:
        """Downloads a file to disk: whole and verified under its name, or not at all.

        `GET /v1/applications/{id}/versions/{version}/files`, then `GET /v1/downloads/url` and the
        object store. The method writes the bytes to `NAME.part` beside the target, verifies them,
        flushes them to disk and renames the file. That replaces a file that was there when the call
        began, and no file that appeared since (on a file system with neither hard links nor a
        rename that replaces nothing, the method can only look once more right before it renames).
        After an interruption, the next call continues where the last one stopped. A target that has
        the right content already is left alone and counts no download. A symbolic link is replaced,
        not the file that it points to. Memory use does not depend on the size of the file.

        Args:
            path: a file, or an existing folder to put the file in under the server's name.
            file_id: which file of the version; default the MAIN file. If there are several,
                the one of the size that the version has in `list_versions`, which the method then
                calls; otherwise the one with the smallest id.
            test_channel: True allows a version that is not enabled; default False.
            verify_checksum: False accepts any bytes; default True.
            resume: False starts from the beginning even if a part is there; default True.
            connections: parallel connections for a file over 64 MiB, 1 to 32; default None, which
                takes `connections` of the client's `transfer_config`: 4.
            progress: called with (bytes received, bytes in total) from any thread; the first number
                may decrease; default None.
            replace: False raises TargetExistsError for a target with other content that was there
                when the call began; default True.
            listed: the file's row of `list_version_files`, if you have it: the method then does not
                read the list, and ignores `file_id`; default None.
            trusted_keys: the vendor's public keys, `RWQ...`; the version must be signed by one of
                them, and the file must have the signed checksum; default None, no signature needed.
            signature_cache: a folder for the two small files of signatures; see
                `signed_checksums`; default None.

        Returns a `Download`, whose `status` is `downloaded`, `resumed` or `unchanged`. Raises
        ApiError, TransportError, IntegrityError (no bytes are kept), SignatureError before any byte
        of the file is requested, ValueError for `connections`, TargetExistsError for a target that
        may not be replaced (if it appeared during the download, `NAME.part` keeps the bytes),
        OSError for the local disk and for devices and pipes, and BusyError if another process
        downloads to the same target.
        """
        from .version_download import check_target

        connections = self._connections(connections)
        target = Path(path)
        if not target.is_dir():
            check_target(target)
        signed = None
        if listed is None or trusted_keys is not None:
            # The list names the file and its checksum without counting a download.
            files = self.list_version_files(application_id, version)
            if trusted_keys is not None:
                signed = self.signed_checksums(
                    application_id,
                    version,
                    trusted_keys,
                    test_channel=test_channel,
                    cache=signature_cache,
                    listed=files.rows("files"),
                )
        row: FileRow = listed or presigned.pick_file(
            files.require(), file_id, partial(self._version_size, application_id, version)
        )
        name = safe_file_name(row.get("fileName"))
        if target.is_dir():
            target = target / name
            check_target(target)
        return self._download_row(
            row,
            target,
            source=self._source_of_row(
                application_id, version, row, test_channel=test_channel, signed=signed
            ),
            verify_checksum=verify_checksum,
            resume=resume,
            connections=connections,
            progress=progress,
            replace=replace,
            signed=signed,
        )

    def signed_checksums(
        self,
        application_id: str,
        version: str,
        trusted_keys: Iterable[TrustedKey | str],
        *,
        test_channel: bool = False,
        cache: StrPath | None = None,
        listed: Sequence[FileRow] | None = None,
    ) -> SignedChecksums:
        """Verifies the signature of a version, and that the version has exactly the signed files.

        `list_version_files`, then `GET /v1/downloads/url` and the object store for the checksum
        list and its signature. **Counts two downloads in the statistics**, unless `cache` has both.

        Args:
            trusted_keys: the vendor's public keys, `RWQ...`; one of them must have signed.
            test_channel: True allows a version that is not enabled; default False.
            cache: a folder for the two files, created if it does not exist; default None. What it
                holds is verified like what the server sends.
            listed: the rows of `list_version_files`, if you have them; default None.

        Returns the `SignedChecksums`. Raises SignatureError for a version without a signature by
        one of the keys, and for one with other files than were signed; ValueError for a key that is
        none; MissingExtraError, ApiError, TransportError, IntegrityError, OSError.
        """
        from .signatures import verified

        rows = [dict(row) for row in listed] if listed is not None else None
        if rows is None:
            rows = self.list_version_files(application_id, version).rows("files")

        def fetch(file_id: str) -> bytes:
            content, _ = self.download_file(
                application_id, version, file_id, test_channel=test_channel
            )
            return content

        folder = None if cache is None else Path(cache)
        return verified(rows, fetch, folder, trusted_keys, application_id, version)

    def check_stored_bytes(
        self,
        application_id: str,
        version: str,
        file_id: str | None = None,
        *,
        test_channel: bool = False,
    ) -> StoredBytes:
        """Checks that the object store has a file, and that its size is what the server says.

        `GET /v1/downloads/url` and the object store. Requests the first byte only, and so does not
        verify the checksum. **Counts one download in the statistics.**

        Args:
            file_id: which file of the version; default None, the MAIN file. If there are several,
                the server chooses, even of two with one name and different checksums.
                (`check_stored_version` refuses those.)
            test_channel: True allows a version that is not enabled; default False.

        Returns `StoredBytes`: `status` is `ok`, `missing` or `different`, and `raise_for_error()`
        raises IntegrityError unless it is `ok`. Raises ApiError if the server or the store refuses,
        TransportError if no response arrives.
        """
        from ..transfer import stored  # not for those who only list

        return stored.check(self._source(application_id, version, file_id, test_channel))

    def _version_size(self, application_id: str, version: str) -> object:
        """The size that the record of a version has, of the file that was completed last."""
        rows = self.list_versions(application_id, test_channel=True).rows("versions")
        return next((row.get("fileSize") for row in rows if row.get("version") == version), None)

    def _source(
        self,
        application_id: str,
        version: str,
        file_id: str | None,
        test_channel: bool,
        signed: SignedChecksums | None = None,
    ) -> DownloadSource:
        def ask() -> presigned.PresignedDownload:
            answer = self.get_download_url(application_id, version, file_id, test_channel)
            found = presigned.read_presigned_download(answer, self._transport)
            if signed is not None and not signed.has(found.file_name, found.checksum):
                raise SignatureError(f"{found.file_name} is not the file that was signed")
            return found

        return DownloadSource(self._transport, ask, self._transfer_config)

    def _connections(self, wanted: int | None) -> int:
        """The number of connections of a download; raises ValueError if it is out of range."""
        return check_connections(self._transfer_config.connections if wanted is None else wanted)

    def _source_of_row(
        self,
        application_id: str,
        version: str,
        row: FileRow,
        *,
        test_channel: bool,
        signed: SignedChecksums | None,
    ) -> DownloadSource:
        """By the file's id: without one the server would choose a file."""
        file_id = text_in(row, "fileId")
        return self._source(application_id, version, file_id, test_channel, signed)

    def _download_row(
        self,
        row: FileRow,
        target: Path,
        *,
        source: DownloadSource,
        verify_checksum: bool,
        resume: bool,
        connections: int,
        progress: Progress | None,
        replace: bool,
        token: CancellationToken | None = None,
        signed: SignedChecksums | None = None,
    ) -> Download:
        """Downloads the file of a row of the version's list, unless it is there."""
        from ..transfer import download, placing  # not for those who only list

        if signed is not None:
            name = safe_file_name(row.get("fileName"))
            if not signed.has(name, row.get("checksum")):
                raise SignatureError(f"{name} is not the file that was signed")
            verify_checksum = True
        before = placing.look(target)
        if checksums_match(checksum := checksum_of(target, row), row.get("checksum")):
            size = target.stat().st_size
            if progress:
                progress(size, size)
            name = safe_file_name(row.get("fileName"))
            return download.Download(name, size, checksum, "unchanged", target)
        if before is not None and not replace:
            leads_nowhere = target.is_symlink() and not target.exists()
            what = "is a link that leads nowhere" if leads_nowhere else "exists with other content"
            raise TargetExistsError(f"{target} {what}")
        return download.to_file(
            source,
            target,
            before,
            verify=verify_checksum,
            resume=resume,
            connections=connections,
            progress=progress,
            token=token,
        )


def checksum_of(path: Path, listed: FileRow) -> str:
    """The checksum of a file of the listed size; empty if there is no such file."""
    if path.is_file() and path.stat().st_size == listed.get("fileSize"):
        return sha256_file(path)
    return ""
