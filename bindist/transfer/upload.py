"""Uploads to the object store: one pass over the disk, hashed on the way, checked at the end."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from ..errors import SIGNED_CHECKSUM, IntegrityError, TransportError
from ..http.response import ApiResponse, failure, is_expired
from ..http.transport import Transport, request_log
from .concurrency import CancellationToken
from .config import DEFAULTS, TransferConfig
from .hashing import StreamHash, checksums_match
from .presigned import PresignedUpload, Progress

if TYPE_CHECKING:
    from ..types import StrPath

_MD5 = re.compile(r'(?:W/)?"?([0-9a-f]{32})"?', re.IGNORECASE)
_CHECKSUM = "x-amz-checksum-"
_WRONG_CHECKSUM = ("BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch")
_SSE_C = "x-amz-server-side-encryption-customer-algorithm"


@dataclass(frozen=True)
class SentFile:
    """A file that the object store has taken: the `presigned` upload it went out with, its SHA-256
    in `checksum`, and whether the store `confirmed` the bytes by an ETag that is their MD5. A store
    that encrypts with SSE-KMS or SSE-C gives no MD5."""

    presigned: PresignedUpload
    checksum: str
    confirmed: bool

    def __iter__(self) -> Iterator[Any]:
        """The upload and the checksum, for `presigned, checksum = client.put_file(...)`."""
        return iter((self.presigned, self.checksum))


class _LocalError(Exception):
    """Carries an OSError that is not the network's past those who would take it for that."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class Body:
    """A file as the body of a request: of known length, able to rewind, telling how far it is."""

    def __init__(
        self,
        file: IO[bytes],
        size: int,
        sent: Callable[[int, bytes], None] | None = None,
        block_size: int = DEFAULTS.block_size,
    ) -> None:
        self._block_size = block_size
        self._file = file
        self._size = size
        self._sent = sent
        self._position = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:  # by this requests knows that it is to be streamed
        while block := self.read():
            yield block

    def read(self, count: int = -1) -> bytes:
        """The next bytes; raises IntegrityError where the file has become shorter."""
        count = min(count if count >= 0 else self._block_size, self._size - self._position)
        if count == 0:
            return b""
        try:
            block = self._file.read(count)
            if not block:
                raise IntegrityError("the file became shorter while it was sent")
            self._position += len(block)
            if self._sent:
                self._sent(self._position, block)
        except OSError as error:
            raise _LocalError(error) from error
        return block

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence != os.SEEK_SET:
            raise ValueError("the body of a request can be read again from its start only")
        self._file.seek(offset)
        self._position = offset
        return offset


class LocalFile:
    """A file to send, open: its name, its size in bytes, and whether it stays what it is."""

    def __init__(self, stream: IO[bytes], name: str, path: Path | None) -> None:
        self.stream = stream
        self.name = name
        self._path = path
        # Of the open file, not of whatever has its name by now.
        self._before = () if path is None else _state(os.fstat(stream.fileno()))
        self.size = self._length()

    @classmethod
    @contextmanager
    def opened(cls, source: StrPath | IO[bytes], name: str | None = None) -> Iterator[LocalFile]:
        """Opens a path, or takes a binary file object that can seek, from where it stands at 0."""
        if isinstance(source, (str, os.PathLike)):
            path = Path(source)
            with path.open("rb", buffering=0) as stream:
                yield cls(stream, name or path.name, path)
        else:
            if name is None:
                raise ValueError("file_name is needed for a file object")
            if not source.seekable():
                raise ValueError("the file object must be able to seek")
            yield cls(source, name, None)

    def _length(self) -> int:
        length = self.stream.seek(0, os.SEEK_END)
        self.stream.seek(0)
        return length

    def _state(self) -> tuple[int, ...]:
        if self._path is None:
            return ()
        try:
            return _state(self._path.stat())
        except FileNotFoundError:
            return ()

    def check_unchanged(self, sent: int) -> None:
        """Raises IntegrityError where the file is not what it was when it was opened."""
        if self._state() != self._before or sent != self.size:
            raise IntegrityError(f"{self.name} changed while it was sent; nothing was completed")


def _state(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def put_file(
    transport: Transport,
    ask: Callable[[], PresignedUpload],
    file: LocalFile,
    progress: Progress | None,
    token: CancellationToken | None = None,
    config: TransferConfig = DEFAULTS,
) -> SentFile:
    """Sends the file to the object store; returns what it was sent as.

    Raises as `put` does, and IntegrityError where the file changed or other bytes arrived.
    """
    token = token or CancellationToken()
    several_blocks = file.size > config.block_size
    digest = StreamHash(
        md5=transport.store_etag == "md5", queue_size=config.hash_queue, threads=several_blocks
    )
    hashed = 0

    def block_read(position: int, block: bytes) -> None:
        nonlocal hashed
        token.raise_if_cancelled()
        if position > hashed:  # else it is sent again
            digest.update(block[hashed - position :])
            hashed = position
        if progress:
            progress(position, file.size)

    body = Body(file.stream, file.size, block_read, config.block_size)
    if progress:
        progress(0, file.size)
    try:
        presigned, etag = put(transport, ask, body, token)
    finally:
        checksum = digest.finish()
    file.check_unchanged(body.tell())
    return SentFile(presigned, checksum, check_arrived(file.name, etag, digest.md5()))


def put(
    transport: Transport,
    ask: Callable[[], PresignedUpload],
    body: Body,
    token: CancellationToken | None = None,
) -> tuple[PresignedUpload, str | None]:
    """Puts the body to the object store; returns the upload that was used, and the MD5 if the
    store tells.

    An attempt that fails on the way is repeated from the start, as the client's `RetryPolicy` says;
    an expired URL is replaced once. Raises ApiError where the store refuses, TransportError where
    no response came, Cancelled where `token` is cancelled.
    """
    policy, token = transport.store_retry_policy, token or CancellationToken()
    presigned, renewed, attempt = ask(), False, 0
    while True:
        failed: ApiResponse | TransportError
        retry_after, expired = None, False
        body.seek(0)
        try:
            response = transport.open_store("PUT", presigned.url, body=body)
            answer = _refusal(transport, response)
        except _LocalError as local:
            raise local.error from None
        except TransportError as error:
            failed, error.tries = error, attempt + 1
            if not policy.retries_error(attempt, error, repeatable=True):
                raise
            # A store that refuses an expired URL may hang up before all is sent, and so unheard.
            renew = not presigned.is_fresh
        else:
            if answer is None:
                return presigned, _md5_of(transport, response)
            failed, answer.tries = answer, attempt + 1
            retry_after = response.headers.get("Retry-After")
            renew = expired = is_expired(answer) and not renewed
            if not expired and not policy.retries_response(attempt, answer, repeatable=True):
                answer.raise_for_error()
        if not expired:
            token.pause(policy.announce(attempt, failed, retry_after))
            attempt += 1
        if renew:
            presigned, renewed = ask(), True


def _refusal(transport: Transport, response: requests.Response) -> ApiResponse | None:
    """A failed answer to a PUT; None where the object store has taken the bytes."""
    if response.status_code not in (200, 201, 204):
        return read_refusal(transport, response)
    transport.release(response)
    if "ETag" in response.headers:
        return None
    # Something on the way that answers 200 to everything, and has stored nothing.
    return failure(200, "this is no object store's answer: it has no ETag", code="INVALID_RESPONSE")


def read_refusal(transport: Transport, response: requests.Response) -> ApiResponse:
    """A failed answer to a PUT, and whether the checksum in its URL is the reason: the server
    cannot know that of the bytes, and has signed it so that nobody can take it out."""
    answer, query = transport.read_failure(response), urlsplit(response.url).query
    error = answer.error or {}
    if error.get("code") not in _WRONG_CHECKSUM or _CHECKSUM not in query.lower():
        return answer
    return failure(
        answer.status_code,
        "the object store refuses the upload: the server has signed the checksum of other bytes "
        f"into its URL ({error['code']}: {error.get('message')})",
        code=SIGNED_CHECKSUM,
    )


def check_arrived(name: str, etag: str | None, md5: str | None) -> bool:
    """Whether the store's MD5 is that of what was sent; False where it gives none.

    Raises IntegrityError where it is another one.
    """
    if etag is None or md5 is None:
        request_log.debug("%r: confirmed: false, the object store gives no MD5", name)
        return False
    if etag != md5:
        raise IntegrityError(
            f"the object store has other bytes than were sent of {name}: their MD5 is {md5}, its "
            f'ETag is {etag}; where its ETags are no MD5, set store_etag to "opaque"'
        )
    return True


def _md5_of(transport: Transport, response: requests.Response) -> str | None:
    """The MD5 in the ETag; None where the store encrypts with a key of its own or the sender's, or
    its ETags are known to be something else."""
    if transport.store_etag == "opaque" or _SSE_C in response.headers:
        return None
    if response.headers.get("x-amz-server-side-encryption", "AES256") != "AES256":
        return None
    found = _MD5.fullmatch(response.headers.get("ETag", ""))
    return found[1].lower() if found else None


def check_stored(answer: ApiResponse, size: int, checksum: str) -> ApiResponse:
    """Raises IntegrityError where the server says that it has something else than was sent."""
    data = answer.data or {}
    if not answer.success:
        return answer
    if data.get("fileSize") != size or not checksums_match(data.get("checksum"), checksum):
        raise IntegrityError(
            f"the server has {data.get('fileSize')} bytes with checksum {data.get('checksum')}, "
            f"{size} bytes with {checksum} were sent; the version is not enabled"
        )
    return answer
