"""The bytes of a `DownloadSource`, whatever the network does meanwhile, received straight into the
memory that they are written and hashed from."""

from __future__ import annotations

import time
from http.client import HTTPResponse
from typing import Protocol

import requests

from ..errors import ApiError, IntegrityError, TransportError
from ..http.error_mapping import RECEIVING_ERRORS
from ..http.response import is_expired
from ..http.transport import Transport
from .concurrency import CancellationToken
from .config import DEFAULTS, TransferConfig
from .presigned import ChangedError, DownloadSource, PresignedDownload
from .ranges import Range, parse_content_range


class Receiver(Protocol):
    """Takes bytes in order, from where it has told them to be put."""

    def get_buffer(self) -> memoryview:
        """Where the next bytes go; never empty."""
        ...

    def buffer_updated(self, count: int) -> None:
        """So many bytes are there now, from the start of the last `get_buffer` on."""
        ...


def receive(
    source: DownloadSource,
    wanted: Range,
    receiver: Receiver,
    token: CancellationToken | None = None,
) -> None:
    """Puts the bytes of one range into `receiver`, reconnecting where it was cut, from the last
    byte on; returns early once `token` is cancelled.

    Gives up after as many attempts without a new byte as the client's `RetryPolicy` allows. Raises
    TransportError, ApiError for what the object store refuses, ChangedError for other content, and
    what the receiver raises.
    """
    transport = source.transport
    policy = transport.store_retry_policy
    position, end = wanted
    stalled_attempts, renewed = 0, False
    token = token or CancellationToken()
    failed: ApiError | TransportError
    while position < end and not token.is_set():
        presigned, retry_after, before = source.presigned(), None, position
        try:
            with _open(source, presigned, position, end) as response:
                if response.status_code in (200, 206):
                    body = _Body(transport, response, source.config)
                    while count := body.read_into(receiver.get_buffer()[: end - position]):
                        stalled_attempts, renewed = 0, False
                        position += count
                        receiver.buffer_updated(count)
                        if token.is_set():
                            return
                        if position >= end:
                            body.release()
                            return
                    raise _cut_short()
                retry_after = response.headers.get("Retry-After")
                answer = transport.read_failure(response)
            if is_expired(answer) and not renewed:
                source.renew(presigned)
                renewed = True
                continue
            answer.tries = stalled_attempts + 1
            answer.raise_for_error()
        except (ApiError, TransportError) as error:
            failed = error
            if isinstance(error, TransportError):
                error.tries = stalled_attempts + 1
            if not policy.may_pass(error):
                raise
            if stalled_attempts >= policy.retries:
                if position == before:
                    source.note_refusal(error)
                raise
        pause = policy.announce(stalled_attempts, failed, retry_after)
        stalled_attempts += 1
        token.wait(pause)


def _cut_short() -> TransportError:
    return TransportError("the answer was cut short", ambiguous=True, harmless=True)


def _open(
    source: DownloadSource, presigned: PresignedDownload, position: int, end: int
) -> requests.Response:
    """Asks for the bytes from `position` to `end`; returns a checked answer, or a failed one."""
    whole = position == 0 and end == presigned.file_size
    headers = {} if whole else {"Range": f"bytes={position}-{end - 1}"}
    if source.condition:
        headers["If-Match"] = source.condition
    response = source.transport.open_store("GET", presigned.url, headers=headers)
    if response.status_code == 501 and headers.pop("If-Match", ""):
        response.close()
        source.drop_condition()
        response = source.transport.open_store("GET", presigned.url, headers=headers)
    try:
        if response.status_code in (412, 416):
            raise ChangedError("the file in the object store has been replaced")  # noqa: TRY301
        if response.status_code in (200, 206):
            _check(source, response, (position, end), presigned.file_size)
    except BaseException:
        response.close()
        raise
    return response


def _check(source: DownloadSource, response: requests.Response, wanted: Range, size: int) -> None:
    """Raises ChangedError unless the answer holds exactly the wanted bytes of the same object."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("", "identity", "aws-chunked"):
        raise IntegrityError(f"the object store sends the file {encoding}-encoded")
    if response.status_code == 206:
        given = response.headers.get("Content-Range")
        if parse_content_range(given) != (*wanted, size):
            raise ChangedError(
                f"the object store sent {given} instead of a range of the file's {size} bytes"
            )
    elif wanted != (0, size):
        raise ChangedError("the object store ignores ranges")
    length = response.headers.get("Content-Length")
    if length is not None and length != str(wanted[1] - wanted[0]):
        raise ChangedError(f"the object store has {length} bytes, the server says {size}")
    source.expect_etag(response.headers.get("ETag"))


def next_read(size: int, took: float, config: TransferConfig = DEFAULTS) -> int:
    """How many bytes to ask for, where asking for `size` took so many seconds."""
    if took < config.short_read_seconds:
        return min(2 * size, config.max_read)
    return max(size // 2, config.min_read) if took > config.long_read_seconds else size


class _Body:
    """The body of an answer as it came over the wire, read into the caller's memory.

    urllib3's own `readinto` makes bytes of what has come and copies those; http.client, below it,
    lets it come to where it is to be.
    """

    def __init__(
        self,
        transport: Transport,
        response: requests.Response,
        config: TransferConfig = DEFAULTS,
    ) -> None:
        self._transport = transport
        self._config = config
        self._response = response
        below = getattr(response.raw, "_fp", None)
        self._below = below if isinstance(below, HTTPResponse) else None
        self._readinto = (self._below or response.raw).readinto
        self._size = config.min_read

    def read_into(self, buffer: memoryview) -> int:
        """Fills `buffer` or its beginning; returns the number of bytes, 0 at the end of the body.

        Asks for about as much as comes in a tenth of a second: what has come of it is lost where
        the connection is reset, and is not seen before it is whole. Raises TransportError when cut.
        """
        started = time.monotonic()
        try:
            count: int = self._readinto(buffer[: self._size])
        except RECEIVING_ERRORS as error:
            failed = self._transport.transport_error(error, self._response.url)
            failed.harmless = True
        else:
            self._size = next_read(self._size, time.monotonic() - started, self._config)
            return count
        raise failed

    def release(self) -> None:
        """Gives the connection back for the next request, where nothing more is to come on it."""
        if self._below is not None and self._below.isclosed():
            self._response.raw.release_conn()
