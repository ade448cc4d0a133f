"""Every limit and default of transfers, in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import ClassVar

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

MAX_CONNECTIONS = 32
"""The most connections that one download may use at once."""

MAX_PARALLEL_FILES = 16
"""The most files that may be transferred at once."""


@dataclass(frozen=True)
class TransferConfig:
    """How files are transferred; `CustomerClient` and `AdminClient` take one as `transfer_config`.

    Sizes are in bytes, times in seconds. Raises ValueError for a value that is out of range.

    Attributes:
        inline_limit: the largest file that is uploaded inline, in one request of the API; default
            4 MiB. Gateways refuse larger requests.
        upload_limit: the largest file that is uploaded; default 5 GiB, the most that S3 takes in
            one request. Raise it for an object store that takes more.
        connections: how many connections a download of a large file uses at once, 1 to 32;
            default 4.
        parallel_files: how many files of a version are transferred at once, 1 to 16; default 16.
        parallel_large_files: how many of these may be large; default 4.
        small_file: the largest file that is not large in this sense; default 4 MiB. A small file
            waits for the network's round trips, and large ones for its bandwidth.
        parallel_above: the largest file that is downloaded over a single connection and through
            the page cache; default 64 MiB.
        memory: upper limit for the buffers of one download; default 20 MiB.
        block_size: the size of a buffer, and of a block that is hashed or sent; default 1 MiB. A
            power of two from 4 KiB. Pieces of a file begin at multiples of it.
        spare_buffers: how many buffers a download has beyond one for each connection, at least;
            default 8.
        max_write_buffers: how many neighbouring buffers are written by one system call at most;
            default 8.
        hash_queue: how many blocks may wait to be hashed before the transfer waits; default 8.
        min_piece: the smallest range that is requested, but for the end of a gap; default 4 MiB.
        max_piece: the largest range that is requested while the speed is unknown; default 32 MiB.
        piece_seconds: how long one request may take at the speed of the one before; default 2.
        min_read: the smallest number of bytes that is read from a connection; default 64 KiB.
        max_read: the largest; default 1 MiB.
        short_read_seconds: a read that took less is followed by a larger one; default 0.05.
        long_read_seconds: a read that took longer is followed by a smaller one; default 0.2.
        max_held_seconds: how long received bytes wait in a buffer that is not full before they are
            written; default 1.
        fast_rate: bytes per second from which on one connection is enough; default 200 MB/s.
        join_seconds: how long the speed is measured before one more connection joins; default 0.05.
        upload_url_lifetime: how old a pre-signed URL may be before an upload asks for a new one;
            default 300, of the 1800 that it is valid.
        fresh_starts: how often a download begins anew because the file changed on the way;
            default 3.
        interrupt_seconds: how long an interrupted download waits for a disk that hangs; default 2.
    """

    MAX_CONNECTIONS: ClassVar[int] = MAX_CONNECTIONS
    MAX_PARALLEL_FILES: ClassVar[int] = MAX_PARALLEL_FILES

    inline_limit: int = 4 * MIB
    upload_limit: int = 5 * GIB
    connections: int = 4
    parallel_files: int = 16
    parallel_large_files: int = 4
    small_file: int = 4 * MIB
    parallel_above: int = 64 * MIB
    memory: int = 20 * MIB
    block_size: int = MIB
    spare_buffers: int = 8
    max_write_buffers: int = 8
    hash_queue: int = 8
    min_piece: int = 4 * MIB
    max_piece: int = 32 * MIB
    piece_seconds: float = 2.0
    min_read: int = 64 * KIB
    max_read: int = MIB
    short_read_seconds: float = 0.05
    long_read_seconds: float = 0.2
    max_held_seconds: float = 1.0
    fast_rate: int = 200_000_000
    join_seconds: float = 0.05
    upload_url_lifetime: float = 300.0
    fresh_starts: int = 3
    interrupt_seconds: float = 2.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            is_count = isinstance(field.default, int) and field.name not in _MAY_BE_ZERO
            lowest = 1 if is_count else 0
            if not (math.isfinite(value) and value >= lowest):
                raise ValueError(f"{field.name} must be {lowest} or more, not {value!r}")
        check_connections(self.connections)
        if self.parallel_files > MAX_PARALLEL_FILES:
            raise ValueError(
                f"parallel_files must be 1 to {MAX_PARALLEL_FILES}, not {self.parallel_files!r}"
            )
        if self.block_size < 4 * KIB or self.block_size & (self.block_size - 1):
            raise ValueError(
                f"block_size must be a power of two from 4096, not {self.block_size!r}"
            )
        for smaller, larger in _PAIRS:
            if getattr(self, smaller) > getattr(self, larger):
                raise ValueError(f"{smaller} must not be larger than {larger}")
        # Each connection fills a buffer of its own, of a page at least.
        if self.memory // (4 * KIB) < MAX_CONNECTIONS + self.spare_buffers:
            raise ValueError(f"memory is too small for {MAX_CONNECTIONS} connections")

    def at_once(self, parallel: int | None = None) -> AtOnce:
        """How many files are transferred at once: by these limits, or `parallel` of any size."""
        if parallel is not None:
            return AtOnce(parallel, parallel, self.small_file)
        return AtOnce(self.parallel_files, self.parallel_large_files, self.small_file)


@dataclass(frozen=True)
class AtOnce:
    """How many `files` are transferred at once, how many of them may be `large`, and the largest
    `small` file in bytes."""

    files: int
    large: int
    small: int


def check_upload_size(name: object, size: int, limit: int) -> None:
    """Raises ValueError for a file that is larger than the limit, in bytes, for an upload."""
    if size > limit:
        raise ValueError(
            f"{name} has {size} bytes: the object store takes {limit / GIB:g} GiB in one request; "
            "split the file"
        )


_MAY_BE_ZERO = {"inline_limit", "parallel_above", "spare_buffers", "small_file"}
_PAIRS = (
    ("block_size", "max_piece"),
    ("min_piece", "max_piece"),
    ("min_read", "max_read"),
    ("short_read_seconds", "long_read_seconds"),
)


def check_connections(connections: int) -> int:
    """Returns the number of connections; raises ValueError unless it is 1 to 32."""
    if not 1 <= connections <= MAX_CONNECTIONS:
        raise ValueError(f"connections must be 1 to {MAX_CONNECTIONS}, not {connections!r}")
    return connections


DEFAULTS = TransferConfig()
"""What a client uses that is given no other."""
