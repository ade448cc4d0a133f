"""Records that more than one part writes."""

from __future__ import annotations

import uuid
from typing import Any

from .clock import timestamp

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
