"""Whether the object store has the bytes of a file, shown by one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import IntegrityError, NotFoundError
from .concurrency import CancellationToken
from .presigned import ChangedError, DownloadSource
from .range_reader import receive


@dataclass(frozen=True)
class StoredBytes:
    """What the object store has for a file.

    `file_name`, `file_size` (bytes) and `checksum` are what the server says of it. `status` is `ok`
    where the store sent the first byte of as many, `missing` where it has nothing, `different`
    where it has another number of bytes; `reason` says so in words, and is empty for `ok`. The
    bytes themselves are not verified.
    """

    file_name: str
    file_size: int
    checksum: str
    status: Literal["ok", "missing", "different"]
    reason: str = ""

    def raise_for_error(self) -> StoredBytes:
        """Returns this, or raises IntegrityError unless `status` is `ok`."""
        if self.status != "ok":
            raise IntegrityError(f"{self.file_name}: {self.reason}")
        return self


class _FirstBytes:
    """Takes the first byte, and then cancels the transfer."""

    def __init__(self) -> None:
        self.enough = CancellationToken()

    def get_buffer(self) -> memoryview:
        return memoryview(bytearray(1))

    def buffer_updated(self, count: int) -> None:
        if count:
            self.enough.cancel()


def check(source: DownloadSource) -> StoredBytes:
    """Asks the object store for the first byte; see `CustomerClient.check_stored_bytes`."""
    presigned = source.presigned()
    said = (presigned.file_name, presigned.file_size, presigned.checksum)
    if presigned.file_size == 0:
        return StoredBytes(*said, "different", "the server says that it has 0 bytes")
    try:
        _check_size(source)
    except NotFoundError as error:
        return StoredBytes(*said, "missing", f"the object store does not have it ({error.code})")
    except ChangedError as error:
        return StoredBytes(*said, "different", str(error))
    return StoredBytes(*said, "ok")


def _check_size(source: DownloadSource) -> None:
    """Raises NotFoundError or ChangedError unless there are as many bytes as there should be."""
    try:
        _receive_first(source, 1)
    except ChangedError:  # an empty object has no range, and some stores ignore ranges
        _receive_first(source, source.presigned().file_size)


def _receive_first(source: DownloadSource, end: int) -> None:
    first = _FirstBytes()
    receive(source, (0, end), first, first.enough)
