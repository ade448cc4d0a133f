"""Sending the bytes of a release to the object store, before anything exists on the server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ..errors import ApiError, ConflictError, IntegrityError, TransportError
from ..file_system import naming
from ..transfer.concurrency import CancellationToken, RefusedError, SizedWork, run_jobs
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
        work = SizedWork(files, lambda file: file.size > at_once.small, at_once.large)
        send = partial(work.run, partial(self._send, work), self._token)
        threads = min(at_once.files, len(files))
        run_jobs([send] * threads, threads, self._token)
        return self._refusals[0] if self._refusals else None

    def _send(self, work: SizedWork[ReleaseFile], file: ReleaseFile) -> None:
        presigned = self.presigned.pop(file.name, None)
        try:
            presigned = presigned or self._requests.presign(file.name, file.size)
        except ConflictError as error:
            self._refusals.append(error)
            self._token.cancel()
            return
        try:
            uploaded = self._put(file, presigned, work.note_advance)
        except (ApiError, TransportError) as error:
            if not self._requests.transport.store_retry_policy.may_pass(error):
                raise
            self.presigned[file.name] = presigned
            raise RefusedError(file, error) from None
        with self._lock:
            self._journal.record_file(file.server_name, uploaded)
            self._earlier.discard(file.server_name)

    def _put(
        self, file: ReleaseFile, presigned: PresignedUpload, note_advance: Callable[[], None]
    ) -> UploadedFile:
        progress = self.progress(file) if self.progress else None

        def report(done: int, size: int) -> None:
            note_advance()
            if progress:
                progress(done, size)

        with naming(file.path), LocalFile.opened(file.path, file.name) as opened:
            if opened.size != file.size:
                raise IntegrityError(f"{file.path} changed; nothing was completed")
            sent = self._requests.put_file(opened, report, presigned, self._token)
        self._checksum.note_sent(file, sent.checksum)
        check_expected(file, sent.checksum, self.expected)
        return UploadedFile(
            sent.presigned.upload_id, file.size, sent.checksum, confirmed=sent.confirmed
        )
