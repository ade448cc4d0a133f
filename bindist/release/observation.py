"""A version as the server showed it at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from ..errors import NotFoundError
from ..http.response import Json
from ..rows import find_record
from .version_requests import VersionRequests


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


def observe(requests: VersionRequests, *, exists: bool = False) -> Observation | None:
    """Reads the version; None where there is none that is active.

    A version that is known to exist is read record first. Rows are only ever added, so a record
    that is enabled was enabled with no other rows than those read after it. Raises ApiError, also
    where a list of versions that the server may have cut lacks this one; TransportError.
    """
    record, age = _record(requests) if exists else ({}, None)
    files = requests.list_files()
    if files.status_code == 404:
        return None
    rows = tuple(files.rows("files"))
    if not exists:
        record, age = _record(requests)
    return Observation(rows, record, age)


def _record(requests: VersionRequests) -> tuple[Json, float | None]:
    listing = requests.list_versions()
    try:
        record = find_record(listing, requests.version)
    except NotFoundError:
        return {}, None
    written = _timestamp(record.get("updatedAt"))
    if written is None or listing.date is None:
        return record, None
    return record, max(0.0, listing.date - written)


def _timestamp(text: object) -> float | None:
    """Seconds of Unix time from an ISO 8601 timestamp of the API; None for anything else."""
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None
