"""Downloads: streamed, verified, resumed, over several connections.

`blocks` yields a range of a `Source`, whatever the network does meanwhile; `to_stream` and
`to_file` put the bytes where they belong.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import requests
from urllib3.exceptions import HTTPError

from .assembly import Assembly, Pen
from .blockfile import BlockFile
from .errors import IntegrityError, TransportError
from .hashing import StreamHash, checksums_match, is_sha256
from .partfile import PartFile
from .ranges import LARGEST_PIECE, Range, missing, parse_content_range, take_piece, total
from .response import ApiResponse
from .source import ChangedError, Grant, Progress, Source
from .threads import run_jobs
from .transport import RETRY_STATUSES, Transport

READ_BLOCK = 256 * 1024  # larger ones fall out of the processor's cache between read and write
CAREFUL_BLOCK = 64 * 1024  # after a reset connection: what had come of a block is lost with it
PARALLEL_ABOVE = 64 * 1024 * 1024
DEFAULT_CONNECTIONS = 4
MOST_CONNECTIONS = 32
_JOIN_AFTER = 0.05  # seconds
_UNLIMITED = 200_000_000  # bytes a second
_PIECE_SECONDS = 2.0
_FRESH_STARTS = 3
_EXPIRED = frozenset({"AccessDenied", "ExpiredToken", "RequestExpired", "TokenRefreshRequired"})


@dataclass(frozen=True)
class Download:
    """What became of a file.

    `file_name` is the server's name for it; `file_size` is in bytes; `checksum` the SHA-256 in
    lower-case hex; `status` is `downloaded`, `resumed` or `unchanged`; `path` is None for a stream.
    """

    file_name: str
    file_size: int
    checksum: str
    status: str
    path: Path | None = None


def blocks(source: Source, wanted: Range, stop: threading.Event | None = None) -> Iterator[bytes]:
    """Yields the bytes of one range, reconnecting where it was cut, from the last byte on.

    Gives up after twice as many tries without a new byte as the client has retries: what has come
    already is worth more patience than a call. Raises TransportError, ApiError for what the object
    store refuses, ChangedError for other content.
    """
    transport = source.transport
    patience = 2 * transport.retries
    position, end = wanted
    fruitless, renewed, block_size = 0, False, READ_BLOCK
    while position < end and not (stop and stop.is_set()):
        grant, retry_after = source.grant(), None
        try:
            with _open(source, grant, position, end) as response:
                if response.status_code in (200, 206):
                    for block in _body(transport, response, end - position, block_size):
                        fruitless, renewed = 0, False
                        position += len(block)
                        yield block
                        if stop and stop.is_set():
                            return
                    if position >= end:
                        return
                    raise TransportError("the answer was cut short", ambiguous=True)  # noqa: TRY301
                retry_after = response.headers.get("Retry-After")
                answer = transport.read_failure(response)
            if is_expired(answer) and not renewed:
                source.renew(grant)
                renewed = True
                continue
            if answer.status_code < 500 and answer.status_code not in RETRY_STATUSES:
                answer.raise_for_error()
            if fruitless >= patience:
                answer.raise_for_error()
        except TransportError as error:
            if fruitless >= patience or not error.transient:
                raise
            block_size = CAREFUL_BLOCK
        pause = transport.pause(fruitless, retry_after)
        fruitless += 1
        if stop:
            stop.wait(pause)
        else:
            time.sleep(pause)


def _open(source: Source, grant: Grant, position: int, end: int) -> requests.Response:
    """Asks for the bytes from `position` to `end`; returns a checked answer, or a failed one."""
    whole = position == 0 and end == grant.file_size
    headers = {} if whole else {"Range": f"bytes={position}-{end - 1}"}
    if source.etag:
        headers["If-Match"] = source.etag
    response = source.transport.open_store("GET", grant.url, headers=headers)
    try:
        if response.status_code in (412, 416):
            raise ChangedError("the file in the object store has been replaced")  # noqa: TRY301
        if response.status_code in (200, 206):
            _check(source, response, (position, end), grant.file_size)
    except BaseException:
        response.close()
        raise
    return response


def _check(source: Source, response: requests.Response, wanted: Range, size: int) -> None:
    """Raises ChangedError unless the answer holds exactly the wanted bytes of the same object."""
    encoding = response.headers.get("Content-Encoding", "identity").lower()
    if encoding not in ("", "identity", "aws-chunked"):
        raise IntegrityError(f"the object store sends the file {encoding}-encoded")
    if response.status_code == 206:
        given = response.headers.get("Content-Range")
        if parse_content_range(given) != (*wanted, size):
            raise ChangedError(f"asked for a range of {size} bytes, the object store sends {given}")
    elif wanted != (0, size):
        raise ChangedError("the object store ignores ranges")
    length = response.headers.get("Content-Length")
    if length is not None and length != str(wanted[1] - wanted[0]):
        raise ChangedError(f"the object store has {length} bytes, the server says {size}")
    source.expect_etag(response.headers.get("ETag"))


def _body(
    transport: Transport, response: requests.Response, limit: int, block_size: int
) -> Iterator[bytes]:
    """The bytes as they came over the wire, `limit` at most; raises TransportError when cut."""
    raw = response.raw
    while limit > 0:
        try:
            block = raw.read(min(block_size, limit), decode_content=False)
        except (HTTPError, OSError, ValueError) as error:
            failed = transport.explain(error, response.url)
        else:
            if not block:
                return
            limit -= len(block)
            yield block
            continue
        raise failed


def is_expired(answer: ApiResponse) -> bool:
    """Whether a refusal of the object store means that the URL is too old."""
    error = answer.error or {}
    return answer.status_code in (400, 401, 403) and (
        error.get("code") in _EXPIRED or "expired" in str(error.get("message", "")).lower()
    )


def check_wanted(grant: Grant, verify: bool) -> None:
    """Raises IntegrityError before the transfer where its result could not be verified."""
    if verify and not is_sha256(grant.checksum):
        raise IntegrityError(
            f"the server has no SHA-256 for {grant.file_name}, so it cannot be verified"
        )


def to_stream(
    source: Source, stream: IO[bytes], *, verify: bool, progress: Progress | None
) -> Download:
    """Writes the file to `stream`, in order; see `CustomerClient.download_to_stream`."""
    grant = source.grant()
    check_wanted(grant, verify)
    digest, done = StreamHash(), 0
    try:
        for block in blocks(source, (0, grant.file_size)):
            digest.update(block)
            stream.write(block)
            done += len(block)
            if progress:
                progress(done, grant.file_size)
    except ChangedError as error:
        raise IntegrityError(f"{grant.file_name}: {error}") from None
    finally:
        checksum = digest.finish()
    if verify and not checks_out(checksum, grant):
        raise _mismatch(grant, checksum)
    return Download(grant.file_name, grant.file_size, checksum, "downloaded")


def checks_out(checksum: str, grant: Grant) -> bool:
    return checksums_match(checksum, grant.checksum)


def _mismatch(grant: Grant, checksum: str) -> IntegrityError:
    return IntegrityError(
        f"checksum mismatch for {grant.file_name}: "
        f"the server says {grant.checksum or 'nothing'}, the bytes are {checksum}"
    )


def to_file(
    source: Source,
    target: Path,
    *,
    verify: bool,
    resume: bool,
    connections: int,
    progress: Progress | None,
) -> Download:
    """Puts the file at `target`; see `CustomerClient.download_to_file`."""
    part = PartFile(target)
    with part.locked():
        reason = "the checksum is another one each time"
        for _ in range(_FRESH_STARTS):
            grant = source.grant()
            check_wanted(grant, verify)
            identity = {"checksum": grant.checksum, "fileSize": grant.file_size}
            done = part.left(identity, grant.file_size) if resume else []
            part.start(identity, grant.file_size, done)
            try:
                if done and part.etag:
                    source.expect_etag(part.etag)
                checksum = _Transfer(source, part, done, progress).run(connections)
            except ChangedError as error:
                reason = str(error)
                part.discard()
                source.forget()
                connections = 1  # and so without ranges, which may be what the store gets wrong
                continue
            except IntegrityError:
                part.discard()
                raise
            if verify and not checks_out(checksum, grant):
                part.discard()
                if done:  # what an earlier run left may be what is wrong
                    continue
                raise _mismatch(grant, checksum)
            part.commit()
            status = "resumed" if done else "downloaded"
            return Download(grant.file_name, grant.file_size, checksum, status, target)
        raise IntegrityError(f"{target.name}: {reason}")


class _Transfer:
    """Fetches what is missing of a part file over as many connections as are of use."""

    def __init__(
        self, source: Source, part: PartFile, done: list[Range], progress: Progress | None
    ) -> None:
        self._source = source
        self._part = part
        self._size = source.grant().file_size
        self._done = done
        self._progress = progress
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._gaps = missing(done, self._size)
        self._all_taken = threading.Event()
        self._is_over = False
        self._fetched = 0

    def run(self, connections: int) -> str:
        """Returns the SHA-256 of the whole file."""
        if total(self._gaps) <= PARALLEL_ABOVE:
            connections = 1
        self._connections = connections
        self._report(self._done)
        # What is small is likely to be read at once, and then from the cache.
        file = BlockFile(self._part.open, direct=self._size > PARALLEL_ABOVE)
        assembly = Assembly(file, self._done, connections, self._written)
        try:
            jobs = [partial(self._work, assembly, number) for number in range(connections)]
            run_jobs(jobs, connections, self._stop)
            return assembly.finish()
        finally:
            self._stop.set()
            if assembly.abandon():
                file.close()
            else:  # a disk that hangs still has the file, and nobody is told of what it does yet
                self._is_over = True

    def _work(self, assembly: Assembly, number: int) -> None:
        if number and not self._is_of_use(number):
            return
        most = LARGEST_PIECE
        while not self._stop.is_set() and (piece := self._take(most)):
            started = time.monotonic()
            self._fetch(assembly.pen(piece[0]), piece)
            rate = (piece[1] - piece[0]) / max(time.monotonic() - started, 0.001)
            most = max(LARGEST_PIECE, int(rate * _PIECE_SECONDS))

    def _take(self, most: int) -> Range | None:
        with self._lock:
            if not self._gaps:
                return None
            if self._connections == 1:
                piece, *self._gaps = self._gaps
            else:
                piece, self._gaps = take_piece(self._gaps, self._connections, most)
            if not self._gaps:
                self._all_taken.set()
            return piece

    def _is_of_use(self, number: int) -> bool:
        """Waits until one more connection would help: one that carries this much is not limited,
        and what others carry beside it comes out of order, and has to be read again to be hashed.
        False where all is fetched, or given to others, before that."""
        while self._gaps and not self._stop.is_set():
            before = self._fetched
            self._all_taken.wait(_JOIN_AFTER * number)  # and so holds nobody up at the end
            if before and self._fetched - before < _UNLIMITED * _JOIN_AFTER * number:
                return True
        return False

    def _fetch(self, pen: Pen, piece: Range) -> None:
        try:
            for block in blocks(self._source, piece, self._stop):
                pen.write(block)
        finally:
            pen.flush()

    def _written(self, written: Range, done: list[Range]) -> None:
        """Bytes that have reached the file: for the journal, and for whoever watches."""
        if self._is_over:
            return
        self._part.record(*written, self._source.etag)
        self._fetched += written[1] - written[0]
        self._report(done)

    def _report(self, done: list[Range]) -> None:
        if self._progress:
            self._progress(total(done), self._size)
