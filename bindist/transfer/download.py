"""Downloads: streamed, verified, resumed, over several connections.

`to_stream` and `to_file` put the bytes that are received where they belong.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Literal

from ..errors import BinDistError, IntegrityError
from ..file_system import naming
from .assembler import FileAssembler
from .block_file import BlockFile
from .concurrency import CancellationToken, RefusedError, SharedWork, run_jobs
from .config import TransferConfig
from .hashing import StreamHash, checksums_match, is_sha256
from .part_file import PartFile
from .placing import Seen
from .presigned import ChangedError, DownloadSource, PresignedDownload, Progress
from .range_reader import receive
from .ranges import Range, merge, missing, take_piece, total

DownloadStatus = Literal["downloaded", "resumed", "unchanged"]


@dataclass(frozen=True)
class Download:
    """What became of a file.

    `file_name` is the server's name for it; `file_size` is in bytes; `checksum` the SHA-256 in
    lower-case hex; `status` is `downloaded`, `resumed` or `unchanged`; `path` is None for a stream.
    """

    file_name: str
    file_size: int
    checksum: str
    status: DownloadStatus
    path: Path | None = None


@dataclass(frozen=True)
class DownloadPreview:
    """What `download_version` would do with a file, as `preview_download` tells it.

    `status` is `download`, `unchanged` (the file is there), or `exists` (a file with other content
    is there, and may not be replaced). The other fields are those of a `Download`.
    """

    file_name: str
    file_size: int
    checksum: str
    status: Literal["download", "unchanged", "exists"]
    path: Path


def check_wanted(presigned: PresignedDownload, verify: bool) -> None:
    """Raises IntegrityError before the transfer where its result could not be verified."""
    if verify and not is_sha256(presigned.checksum):
        raise IntegrityError(
            f"the server has no SHA-256 for {presigned.file_name}, so it cannot be verified"
        )


class _StreamReceiver:
    """A stream as a receiver for `size` bytes: each block goes to its hash and out."""

    def __init__(
        self,
        stream: IO[bytes],
        digest: StreamHash,
        size: int,
        progress: Progress | None,
        buffer_size: int,
    ) -> None:
        self._stream = stream
        self._digest = digest
        self._size = size
        self._progress = progress
        self._buffer = memoryview(bytearray(buffer_size))
        self._done = 0

    def get_buffer(self) -> memoryview:
        return self._buffer

    def buffer_updated(self, count: int) -> None:
        block = bytes(self._buffer[:count])
        self._digest.update(block)
        self._stream.write(block)
        self._done += count
        if self._progress:
            self._progress(self._done, self._size)


def to_stream(
    source: DownloadSource,
    stream: IO[bytes],
    *,
    verify: bool,
    progress: Progress | None,
    token: CancellationToken | None = None,
) -> Download:
    """Writes the file to `stream`, in order; see `CustomerClient.download_to_stream`.

    Raises Cancelled where `token` is cancelled before the last byte.
    """
    token = token or CancellationToken()
    presigned = source.presigned()
    check_wanted(presigned, verify)
    digest, size = StreamHash(queue_size=source.config.hash_queue), presigned.file_size
    try:
        if progress:
            progress(0, size)
        receiver = _StreamReceiver(stream, digest, size, progress, source.config.max_read)
        receive(source, (0, size), receiver, token)
        token.raise_if_cancelled()
    except ChangedError as error:
        raise IntegrityError(f"{presigned.file_name}: {error}") from None
    finally:
        checksum = digest.finish()
    if verify and not checks_out(checksum, presigned):
        raise _mismatch(presigned, checksum)
    return Download(presigned.file_name, presigned.file_size, checksum, "downloaded")


def checks_out(checksum: str, presigned: PresignedDownload) -> bool:
    return checksums_match(checksum, presigned.checksum)


def _mismatch(presigned: PresignedDownload, checksum: str) -> IntegrityError:
    return IntegrityError(
        f"the checksum of {presigned.file_name} does not match: "
        f"the server says {presigned.checksum or 'nothing'}, the bytes are {checksum}"
    )


def to_file(
    source: DownloadSource,
    target: Path,
    before: Seen | None,
    *,
    verify: bool,
    resume: bool,
    connections: int,
    progress: Progress | None,
    token: CancellationToken | None = None,
) -> Download:
    """Puts the file at `target`, in the place of what was there `before` and of nothing else; see
    `CustomerClient.download_to_file`.

    Raises Cancelled where `token` is cancelled; the part file stays, and the next call resumes it.
    """
    part = PartFile(target, before)
    with part.locked():
        reason = "the checksum is another one each time"
        for _ in range(source.config.fresh_starts):
            presigned = source.presigned()
            check_wanted(presigned, verify)
            identity = {"checksum": presigned.checksum, "fileSize": presigned.file_size}
            done = part.resumable_ranges(identity, presigned.file_size) if resume else []
            part.start(identity, presigned.file_size, done)
            try:
                if done and part.etag:
                    source.expect_etag(part.etag)
                with naming(part.path, presigned.file_size):
                    checksum = _Transfer(source, part, done, progress, token).run(connections)
            except ChangedError as error:
                reason = str(error)
                part.discard()
                source.reset()
                connections = 1  # and so without ranges, which may be what the store gets wrong
                continue
            except IntegrityError:
                part.discard()
                raise
            if verify and not checks_out(checksum, presigned):
                part.discard()
                if done:  # what an earlier run left may be what is wrong
                    continue
                raise _mismatch(presigned, checksum)
            part.commit()
            status: DownloadStatus = "resumed" if done else "downloaded"
            return Download(presigned.file_name, presigned.file_size, checksum, status, target)
        raise IntegrityError(f"{target.name}: {reason}")


class _Pieces(SharedWork[Range]):
    """The gaps of a file, piece by piece, for up to so many `connections`."""

    def __init__(self, gaps: list[Range], connections: int, config: TransferConfig) -> None:
        super().__init__()
        self.gaps = gaps
        self.joined = 0
        self.all_taken = threading.Event()
        self.max_piece = config.max_piece
        self._connections = connections
        self._config = config

    def take(self) -> Range | None:
        if not self.gaps:
            return None
        if self._connections == 1:
            piece, *self.gaps = self.gaps
        else:
            piece, self.gaps = take_piece(self.gaps, self.joined, self.max_piece, self._config)
        if not self.gaps:
            self.all_taken.set()
        return piece

    def put_back(self, left: Range) -> None:
        """Takes back what a connection could not fetch that ends with this."""
        self.gaps = merge([*self.gaps, left])
        self.all_taken.clear()
        self.joined -= 1


class _Transfer:
    """Fetches what is missing of a part file over as many connections as are of use, and as the
    store allows."""

    def __init__(
        self,
        source: DownloadSource,
        part: PartFile,
        done: list[Range],
        progress: Progress | None,
        token: CancellationToken | None,
    ) -> None:
        self._source = source
        self._config = source.config
        self._part = part
        self._size = source.presigned().file_size
        self._done = done
        self._progress = progress
        self._token = CancellationToken(parent=token)
        self._lock = threading.Lock()
        self._is_over = False
        self._fetched = 0

    def run(self, connections: int) -> str:
        """Returns the SHA-256 of the whole file."""
        gaps = missing(self._done, self._size)
        if total(gaps) <= self._config.parallel_above:
            connections = 1
        self._pieces = _Pieces(gaps, connections, self._config)
        self._report(self._done)
        # What is small is likely to be read at once, and then from the cache.
        file = BlockFile(self._part.open, direct=self._size > self._config.parallel_above)
        assembler = FileAssembler(file, self._done, connections, self._written, self._config)
        try:
            jobs = [partial(self._work, assembler, number) for number in range(connections)]
            run_jobs(jobs, connections, self._token)
            self._token.raise_if_cancelled()  # what is there is not the whole file
            return assembler.finish()
        finally:
            self._token.cancel()
            if assembler.abandon():
                file.close()
            else:  # a disk that hangs still has the file, and nobody is told of what it does yet
                self._is_over = True

    def _work(self, assembler: FileAssembler, number: int) -> None:
        if number and not self._is_of_use(number):
            return
        with self._lock:
            self._pieces.joined += 1
        self._pieces.run(partial(self._fetch, assembler), self._token)

    def _is_of_use(self, number: int) -> bool:
        """Waits until one more connection would help: one that carries this much is not limited,
        and what others carry beside it comes out of order, and has to be read again to be hashed.
        False where all is fetched, or given to others, before that."""
        seconds = self._config.join_seconds * number
        while self._pieces.gaps and not self._token.is_set():
            before = self._fetched
            self._pieces.all_taken.wait(seconds)  # and so holds nobody up at the end
            if before and self._fetched - before < self._config.fast_rate * seconds:
                return True
        return False

    def _fetch(self, assembler: FileAssembler, piece: Range) -> None:
        started = time.monotonic()
        writer = assembler.block_writer(piece[0])
        try:
            receive(self._source, piece, writer, self._token)
        except BinDistError as error:
            if not self._source.has_refused(error):
                raise
            raise RefusedError((writer.position, piece[1]), error) from None
        finally:
            writer.close()
        rate = (piece[1] - piece[0]) / max(time.monotonic() - started, 0.001)
        wanted = int(rate * self._config.piece_seconds)
        self._pieces.max_piece = max(self._config.max_piece, wanted)

    def _written(self, written: Range, done: list[Range]) -> None:
        """Bytes that have reached the file: for the journal and for progress."""
        if self._is_over:
            return
        self._part.record(*written, self._source.etag)
        self._fetched += written[1] - written[0]
        self._pieces.note_advance()
        self._report(done)

    def _report(self, done: list[Range]) -> None:
        if self._progress:
            self._progress(total(done), self._size)
