"""Records that more than one part writes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from ..clock import timestamp
from .database import Session

_AUDIT_SECONDS = 730 * 24 * 3600


def audit_event(
    event_type: str, unix_ms: int, actor: str, details: dict[str, object]
) -> dict[str, Any]:
    return {
        "eventType": event_type,
        "eventId": ulid(unix_ms),
        "timestamp": timestamp(unix_ms),
        "ttl": unix_ms // 1000 + _AUDIT_SECONDS,
        "actor": actor,
        "outcome": "SUCCESS",
        "details": details,
    }


def ulid(unix_ms: int) -> str:
    """An id that sorts by time: 48 bits of time and 80 of chance, in Crockford's base 32."""
    number = unix_ms << 80 | uuid.uuid4().int >> 48
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    return "".join(digits[number >> shift & 31] for shift in range(125, -1, -5))


@dataclass(frozen=True)
class VersionState:
    """A version's record and its file rows, for tests.

    Times are as the API writes them; `files` are (file id, file name, checksum) in the order of
    their ids.
    """

    is_enabled: bool
    is_active: bool
    created_at: str
    updated_at: str
    file_size: int
    checksum: str
    files: tuple[tuple[str, str, str], ...]


def version_state(db: Session, application_id: str, version: str) -> VersionState | None:
    row = db.row(
        "SELECT * FROM versions WHERE applicationId = ? AND version = ?", application_id, version
    )
    if row is None:
        return None
    files = db.rows("SELECT * FROM files WHERE versionId = ? ORDER BY fileId", row["versionId"])
    return VersionState(
        is_enabled=row["isEnabled"],
        is_active=row["isActive"],
        created_at=row["createdAt"],
        updated_at=row["updatedAt"],
        file_size=row["fileSize"],
        checksum=row["checksum"],
        files=tuple((file["fileId"], file["fileName"], file["checksum"]) for file in files),
    )
