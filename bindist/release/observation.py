"""A version as the server showed it at one moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..errors import NotFoundError
from ..http.response import ApiResponse, Json, unix_time
from ..rows import find_record
from ..transfer.concurrency import gather
from .version_requests import VersionRequests

_CLOCK_SECONDS = 2.0
"""How far the clocks of a server's machines may be apart."""


@dataclass(frozen=True)
class Observation:
    """The file rows of a version and its record, `{}` where no list of versions has it.

    `age` is how many seconds before this answer the record was last written, by the server's own
    clock; None where the server did not say.
    """

    rows: tuple[Json, ...]
    record: Json = field(default_factory=dict)
    age: float | None = None

    @property
    def is_enabled(self) -> bool:
        return self.record.get("isEnabled") is True

    @property
    def created_at(self) -> str:
        """The `createdAt` of the record: every completion, and no PATCH, sets it anew."""
        return str(self.record.get("createdAt"))

    def equals(self, other: Observation) -> bool:
        """Whether both show the version in the same state, whenever they were read."""
        return self.rows == other.rows and self.record == other.record


def first_look(requests: VersionRequests, files: ApiResponse) -> Observation | None:
    """The version, of which `files` is the list of files that was read first: most releases begin
    without one, and read no list of versions, however long that is. None where there is none that
    is active. Raises ApiError, also where a list of versions that the server may have cut lacks
    this one; TransportError."""
    started = time.monotonic()
    if files.status_code == 404:
        return None
    rows = tuple(files.rows("files"))
    record, age = _record(requests)
    return _consistent(requests, Observation(rows, record, age), started, None)


def look_at_reserved(requests: VersionRequests) -> Observation | None:
    """The version that this run has just made, still empty: its files, and its record where there
    are files by now.

    What decides on the first completion is so as young as it can be, and whether another run adds a
    file at the same time shows soonest. An empty version has nothing that enabling could have
    released, or that a completion could reset. Returns and raises as `look` does.
    """
    files = requests.list_files()
    if files.status_code == 404:
        return None
    return look(requests) if files.rows("files") else Observation(())


def look(
    requests: VersionRequests, *, enabled_at: str | None = None, parallel: int = 2
) -> Observation | None:
    """Reads the version again, its record and its files at once where `parallel` is 2 or more.

    `enabled_at` is the `createdAt` with which this run has enabled the version, None where it has
    not. Returns None
    where there is no version that is active. Raises ApiError, TransportError.
    """
    started = time.monotonic()
    calls: list[Callable[[], Any]] = [partial(_record, requests), requests.list_files]
    first, second = gather(calls, parallel)
    assert first and second, "no call ends the others"
    files: ApiResponse = second.get()
    if files.status_code == 404:
        return None
    record, age = first.get()
    seen = Observation(tuple(files.rows("files")), record, age)
    return _consistent(requests, seen, started, enabled_at)


def _consistent(
    requests: VersionRequests, seen: Observation, started: float, enabled_at: str | None
) -> Observation | None:
    """What was seen, with the files read anew where they may be older than the record.

    Files are only ever added. So where the files are the younger ones, an enabled record was
    enabled with no others than these. Where they are older, another run may have added one and
    enabled the version between the two reads. Not so where nothing has written the record since
    before the files were read: a completion writes it first, and then the file. Its `createdAt`
    tells that where this run has enabled the version, as it has read the files after that; its
    age tells it too.
    """
    if not seen.is_enabled or seen.created_at == enabled_at:
        return seen
    if seen.age is not None and seen.age > time.monotonic() - started + _CLOCK_SECONDS:
        return seen
    files = requests.list_files()
    if files.status_code == 404:
        return None
    return Observation(tuple(files.rows("files")), seen.record, seen.age)


def _record(requests: VersionRequests) -> tuple[Json, float | None]:
    listing = requests.list_versions()
    try:
        record = find_record(listing, requests.version)
    except NotFoundError:
        return {}, None
    written = unix_time(record.get("updatedAt"))
    if written is None or listing.date is None:
        return record, None
    return record, max(0.0, listing.date - written)
