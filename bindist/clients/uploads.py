"""Uploads of a single file as a version."""

from __future__ import annotations

import hashlib
import io
from typing import IO, TYPE_CHECKING

from ..choices import FileType, check_given_choices
from ..errors import SIGNED_CHECKSUM, ApiError
from ..file_names import derived_file_type
from ..http.response import ApiResponse, response_of
from ..release.files import check_derived_type
from ..release_notes import check_release_notes
from ..transfer import upload
from ..transfer.concurrency import CancellationToken
from ..transfer.config import check_upload_size
from ..transfer.hashing import sha256_bytes
from ..transfer.presigned import PresignedUpload, Progress, read_presigned_upload
from ..transfer.upload import Body, LocalFile, SentFile
from .versions import VersionsClient, check_content

if TYPE_CHECKING:  # dictionaries' types are for type checkers, and take 4 ms to make
    from ..types import NewVersion, StrPath


class UploadsClient(VersionsClient):
    """The part of an `AdminClient` that uploads a single file as a version."""

    def upload_large_file(
        self,
        application_id: str,
        version: str,
        file_name: str,
        content: bytes,
        release_notes: str | None = None,
        *,
        allow_any_name: bool = False,
    ) -> ApiResponse[NewVersion]:
        """Makes a version of one file, sent through the object store.

        `POST /v1/management/upload/large-url` returns a URL, `PUT` sends the bytes to the object
        store, and if the store accepts them, `POST /v1/management/upload/large-complete` makes the
        version. It is disabled at first. For a file on disk use `upload_file`, which does not hold
        it in memory.

        Args:
            file_name: 1 to 255 characters, without a path; its extension determines the type.
            content: the bytes of the file.
            release_notes: up to 5000 characters; default none.
            allow_any_name: as for `upload_small_file`; default False.

        Returns `NewVersion`, or the first failed response. Raises ValueError for empty content or a
        name that the server refuses; FileNameError; IntegrityError if the store received other
        bytes.
        """
        check_content(file_name, len(content))
        check_upload_size(file_name, len(content), self._transfer_config.upload_limit)
        check_release_notes(release_notes)

        def ask() -> PresignedUpload:
            return self._presign_upload(application_id, version, file_name, len(content))

        try:
            if not allow_any_name:
                self._check_file_names(application_id, version, [file_name])
            body = Body(io.BytesIO(content), len(content))
            presigned, etag = upload.put(self._transport, ask, body)
        except ApiError as error:
            return response_of(error)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        upload.check_arrived(file_name, etag, md5)
        return self.complete_large_upload(
            presigned.upload_id,
            application_id,
            version,
            file_name,
            len(content),
            sha256_bytes(content),
            release_notes,
        )

    def upload_file(
        self,
        application_id: str,
        version: str,
        path_or_file: StrPath | IO[bytes],
        *,
        file_name: str | None = None,
        file_type: FileType | None = None,
        release_notes: str | None = None,
        progress: Progress | None = None,
        allow_any_name: bool = False,
    ) -> ApiResponse[NewVersion]:
        """Makes a version of one file on disk.

        Streams the file to the object store with the same requests as `upload_large_file`, and
        hashes it while it is sent. Memory use does not depend on the size of the file. If the store
        refuses it because of a checksum that the server signed into the URL, a file of up to 4 MiB
        is sent in a single request instead. The version is disabled at first.

        Args:
            path_or_file: a path, or a binary file object that can seek.
            file_name: the file's name on the server; default the last part of the path.
            file_type: MAIN, DEPENDENCY, DOCUMENTATION or CONFIGURATION; default the type that the
                server derives from the extension. Any other type needs the single request of
                `upload_small_file`, which is possible up to 4 MiB.
            release_notes: up to 5000 characters; default none.
            progress: called with (bytes sent, bytes in total); the first number decreases when an
                attempt is repeated; default None.
            allow_any_name: as for `upload_small_file`; default False.

        Returns `NewVersion`, or the first failed response, also of the object store. Raises
        ValueError for an empty file, a name that the server refuses or a type that the file cannot
        have; FileNameError; IntegrityError if the file changed meanwhile or the store received
        other bytes; OSError for the disk.
        """
        check_given_choices(file_type=file_type)
        with LocalFile.opened(path_or_file, file_name) as file:
            check_content(file.name, file.size)
            check_upload_size(file.name, file.size, self._transfer_config.upload_limit)
            check_release_notes(release_notes)
            limit = self._transfer_config.inline_limit
            check_derived_type(file.name, file.size, file_type, limit)
            try:
                if not allow_any_name:
                    self._check_file_names(application_id, version, [file.name])
                if file_type not in (None, derived_file_type(file.name)):
                    return self._upload_inline(
                        application_id, version, file, file_type, release_notes
                    )
                sent = self._put_file(application_id, version, file, progress)
            except ApiError as error:
                is_small = file.size <= self._transfer_config.inline_limit
                if error.code == SIGNED_CHECKSUM and is_small:
                    file.stream.seek(0)
                    return self._upload_inline(
                        application_id, version, file, file_type, release_notes
                    )
                return response_of(error)
            answer = self.complete_large_upload(
                sent.presigned.upload_id,
                application_id,
                version,
                file.name,
                file.size,
                sent.checksum,
                release_notes,
            )
        return upload.check_stored(answer, file.size, sent.checksum)

    def _put_file(
        self,
        application_id: str,
        version: str,
        file: LocalFile,
        progress: Progress | None = None,
        presigned: PresignedUpload | None = None,
        token: CancellationToken | None = None,
    ) -> SentFile:
        """Sends an open `file` to the object store without completing the upload.

        `PUT` to the URL of `presigned`, from `_presign_upload`; a new one is requested if it is
        None, which is the default, or too old. `progress` is called with (bytes sent, bytes in
        total); cancelling `token` ends the transfer. Returns a `SentFile`: the presigned upload
        that was used last, for `complete_large_upload`, the SHA-256 of the bytes in `checksum`, and
        `confirmed`, False if the store's ETag is no MD5 to compare with. Raises ApiError,
        TransportError, IntegrityError, OSError.
        """
        at_hand = [presigned] if presigned and presigned.is_fresh else []

        def ask() -> PresignedUpload:
            if at_hand:
                return at_hand.pop()
            return self._presign_upload(application_id, version, file.name, file.size)

        return upload.put_file(self._transport, ask, file, progress, token, self._transfer_config)

    def _upload_inline(
        self,
        application_id: str,
        version: str,
        file: LocalFile,
        file_type: FileType | None,
        release_notes: str | None,
        description: str | None = None,
    ) -> ApiResponse[NewVersion]:
        """Sends an open file inside a request; the caller has looked at its name."""
        content = file.stream.read(file.size + 1)
        file.check_unchanged(len(content))
        answer = self.upload_small_file(
            application_id,
            version,
            file.name,
            content,
            release_notes,
            file_type=file_type,
            description=description,
            allow_any_name=True,
        )
        return upload.check_stored(answer, len(content), sha256_bytes(content))

    def _presign_upload(
        self, application_id: str, version: str, name: str, size: int
    ) -> PresignedUpload:
        """Requests an upload URL for a file of that `name` and `size` (bytes).

        `get_large_upload_url`. Returns it as a `PresignedUpload`. Raises ApiError if the server
        refuses, TransportError if no response arrives, IntegrityError if the response has no URL
        that may be used.
        """
        answer = self.get_large_upload_url(application_id, version, name, size)
        check_url = self._transport.check_store_url
        return read_presigned_upload(answer, check_url, self._transfer_config)
