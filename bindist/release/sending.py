"""Sending the bytes of a release to the object store, before anything exists on the server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ..errors import ConflictError, IntegrityError
from ..file_system import naming
from ..transfer.concurrency import CancellationToken, run_jobs
from ..transfer.config import AtOnce
from ..transfer.presigned import PresignedUpload, Progress
from ..transfer.upload import LocalFile
from .files import Checksums, ReleaseFile, check_expected
from .journal import Journal, UploadedFile
from .version_requests import VersionRequests

Reporter = Callable[[ReleaseFile], Progress]


class Sending:
    """What sends files, and records in `journal` that the object store has them.

    `checksum` learns the checksums of what was sent. `earlier` are the names of the files that an
    earlier run has sent; those that are sent now are taken out. `presigned` has the URLs that are
    at hand, by file name.
    """

    def __init__(
        self,
        requests: VersionRequests,
        journal: Journal,
        checksum: Checksums,
        earlier: set[str],
    ) -> None:
        self.expected: Mapping[str, str] = {}
        self.progress: Reporter | None = None
        self.presigned: dict[str, PresignedUpload] = {}
        self._requests = requests
        self._journal = journal
        self._checksum = checksum
        self._earlier = earlier
        self._token = CancellationToken()
        self._lock = threading.Lock()
        self._refusals: list[ConflictError] = []

    def send(self, files: Sequence[ReleaseFile], at_once: AtOnce) -> ConflictError | None:
        """Asks for the URL of each file and puts it there, so many files `at_once`.

        Returns None, or the server's refusal to give a URL, as the version exists already. Raises
        ApiError, TransportError, IntegrityError, OSError.
        """
        run_jobs(
            [partial(self._send, file) for file in files],
            at_once.files,
            self._token,
            large=[file.size > at_once.small for file in files],
            large_limit=at_once.large,
        )
        return self._refusals[0] if self._refusals else None

    def _send(self, file: ReleaseFile) -> None:
        presigned = self.presigned.pop(file.name, None)
        try:
            presigned = presigned or self._requests.presign(file.name, file.size)
        except ConflictError as error:
            self._refusals.append(error)
            self._token.cancel()
            return
        uploaded = self._put(file, presigned)
        with self._lock:
            self._journal.record_file(file.server_name, uploaded)
            self._earlier.discard(file.server_name)

    def _put(self, file: ReleaseFile, presigned: PresignedUpload) -> UploadedFile:
        report = self.progress(file) if self.progress else None
        with naming(file.path), LocalFile.opened(file.path, file.name) as opened:
            if opened.size != file.size:
                raise IntegrityError(f"{file.path} changed; nothing was completed")
            sent = self._requests.put_file(opened, report, presigned, self._token)
        self._checksum.note_sent(file, sent.checksum)
        check_expected(file, sent.checksum, self.expected)
        return UploadedFile(
            sent.presigned.upload_id, file.size, sent.checksum, confirmed=sent.confirmed
        )
