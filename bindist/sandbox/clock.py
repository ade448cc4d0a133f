"""The sandbox's time."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timezone

_lock = threading.Lock()
_last = 0


def milliseconds() -> int:
    """Unix time. No two calls give the same, so that what happens later also sorts later."""
    global _last
    with _lock:
        _last = max(_last + 1, time.time_ns() // 1_000_000)
        return _last


def timestamp(unix_ms: int | None = None) -> str:
    """A time, now by default, as the API writes it."""
    seconds, thousandths = divmod(milliseconds() if unix_ms is None else unix_ms, 1000)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{thousandths:03d}Z"
