"""What is to be downloaded, and where it can be had just now."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import IntegrityError
from ..file_names import safe_file_name
from ..http.response import ApiResponse, Json, count_in, text_in
from ..http.transport import Transport
from .config import DEFAULTS, TransferConfig
from .file_rows import main_candidates, preferred_file
from .hashing import normalize_checksum

Progress = Callable[[int, int], None]
"""Called with the bytes that are done and the bytes there are in all; from any thread. The first
number goes back where something has to be fetched or sent again."""

FileProgress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes that are done and the bytes in all; from any thread."""


@dataclass(frozen=True)
class PresignedDownload:
    """A pre-signed URL and what the server says of the bytes behind it."""

    url: str
    file_name: str
    file_size: int
    checksum: str

    def __repr__(self) -> str:
        return f"PresignedDownload({self.file_name!r}, {self.file_size}, {self.checksum!r})"

    @property
    def content(self) -> tuple[int, str]:
        return self.file_size, self.checksum


@dataclass(frozen=True)
class PresignedUpload:
    """A pre-signed URL to put a file to, and the id that completes it."""

    upload_id: str
    url: str
    asked: float = field(default_factory=time.monotonic, compare=False)
    lifetime: float = DEFAULTS.upload_url_lifetime
    """Seconds after which it is not used for another attempt."""

    @property
    def is_fresh(self) -> bool:
        """Whether it may be used for another attempt."""
        return time.monotonic() - self.asked < self.lifetime

    def __repr__(self) -> str:
        return f"PresignedUpload({self.upload_id!r})"


class ChangedError(Exception):
    """These are not the bytes that were begun with, and why: start over."""


class DownloadSource:
    """One file of a version. It asks for a URL when one is first needed and reuses it until it
    expires, since asking counts as a download in the statistics."""

    def __init__(
        self,
        transport: Transport,
        ask: Callable[[], PresignedDownload],
        config: TransferConfig = DEFAULTS,
    ) -> None:
        self.transport = transport
        self.config = config
        self._ask = ask
        self._presigned: PresignedDownload | None = None
        self._lock = threading.Lock()
        self._etag: str | None = None
        self._refusals: list[Exception] = []
        self._takes_conditions = True

    def presigned(self) -> PresignedDownload:
        with self._lock:
            if self._presigned is None:
                self._presigned = self._ask()
            return self._presigned

    def renew(self, expired: PresignedDownload) -> None:
        """Asks again, once for all threads that noticed; raises ChangedError for other content."""
        with self._lock:
            if self._presigned is expired:
                self._presigned = self._ask()
                if self._presigned.content != expired.content:
                    raise ChangedError("the file on the server has been replaced")

    def note_refusal(self, error: Exception) -> None:
        """A connection failed with `error`, which may pass, before it brought any byte: the store
        may serve only so many at once."""
        self._refusals.append(error)

    def has_refused(self, error: Exception) -> bool:
        """Whether `error` is one that `note_refusal` was called with."""
        return any(each is error for each in self._refusals)

    def reset(self) -> None:
        """Makes the next one a fresh start."""
        with self._lock:
            self._presigned = self._etag = None

    @property
    def etag(self) -> str | None:
        return self._etag

    @property
    def condition(self) -> str | None:
        """What `If-Match` asks for: nothing where it would never match, or the store does not know
        the header. The ETag of each answer is compared all the same."""
        is_weak = self._etag is not None and self._etag.startswith("W/")
        return None if is_weak or not self._takes_conditions else self._etag

    def drop_condition(self) -> None:
        """The store does not know `If-Match`."""
        self._takes_conditions = False

    def expect_etag(self, etag: str | None) -> None:
        """Every answer must be of the object that the first one was of."""
        with self._lock:
            if self._etag is None:
                self._etag = etag
            elif etag != self._etag:
                raise ChangedError("the file in the object store has been replaced")


def read_presigned_download(answer: ApiResponse, transport: Transport) -> PresignedDownload:
    """The presigned download in a response of `GET /v1/downloads/url`.

    Raises IntegrityError where the response holds none that may be used.
    """
    told = {name: answer.require().get(name) for name in ("fileName", "fileSize", "checksum")}
    return PresignedDownload(
        url=transport.check_store_url(
            answer.require().get("url") or answer.require().get("downloadUrl")
        ),
        file_name=safe_file_name(told["fileName"]),
        file_size=count_in(told, "fileSize"),
        checksum=normalize_checksum(told["checksum"]),
    )


def read_presigned_upload(
    answer: ApiResponse, check_url: Callable[[object], str], config: TransferConfig = DEFAULTS
) -> PresignedUpload:
    """Reads the response of `POST .../upload/large-url`."""
    told = {"uploadId": answer.require().get("uploadId")}  # without the URL, which is secret
    return PresignedUpload(
        text_in(told, "uploadId"),
        check_url(answer.require().get("uploadUrl")),
        lifetime=config.upload_url_lifetime,
    )


def pick_file(
    files: Json, file_id: str | None, version_size: Callable[[], object] = lambda: None
) -> Json:
    """The file wanted from the data of a file list: by its id, or the MAIN one.

    `version_size` gives the size in the version's record; it is called where there are several to
    choose from. Raises IntegrityError where the list holds no such file, or no id is given and one
    name has two checksums.
    """
    listed = files.get("files")
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    if file_id is None:
        rows = main_candidates(rows)
    else:
        rows = [row for row in rows if row.get("fileId") == file_id]
    if not rows:
        wanted = "no files" if file_id is None else f"no file {file_id!r}"
        raise IntegrityError(f"version {files.get('version')!s} has {wanted}")
    return rows[0] if len(rows) == 1 else preferred_file(rows, version_size())
