"""How many calls of the API run at once, where the server says that it has too many."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

OVERLOAD_STATUSES = frozenset({429, 503})
"""The statuses by which a server, or a gateway before it, says that it has too much to do."""

MAX_CALLS = 64
"""Above so many at once, nothing is limited any more."""

MIN_ROUND = 10
"""How many good answers in a row add a call at least: else, of few at once, most would be tries."""


class Throttle:
    """Limits how many calls run at once, from the first answer on that says that it is too much.

    Such an answer halves the number; as many good answers as there are calls at once, and 10
    at least, add one. Where
    the answer says when to come back, no call begins before. `progress` counts the calls that were
    answered otherwise. One throttle is for all threads of a client.
    """

    def __init__(self) -> None:
        self.progress = 0
        self._limit: int | None = None
        self._running = 0
        self._good = 0
        self._halved_at = self._resumes_at = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def call(self) -> Iterator[float]:
        """Waits until one more call may run, and counts it while it does; gives the time at which
        it began, for `note`."""
        with self._changed:
            while self._wait_seconds() > 0:
                self._changed.wait(self._wait_seconds())
            self._running += 1
        try:
            yield time.monotonic()
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()

    def note(self, began_at: float, status: int, pause: float = 0.0) -> None:
        """Takes note of an answer while its call is still counted.

        `pause` is how many seconds an answer that says that it is too much asks for.
        """
        with self._changed:
            if status not in OVERLOAD_STATUSES:
                self.progress += 1
                self._grow()
                return
            self._resumes_at = max(self._resumes_at, time.monotonic() + pause)
            if began_at > self._halved_at:  # else it is from before, when there were more
                at_once = self._running if self._limit is None else self._limit
                self._limit = max(1, min(at_once, self._running) // 2)
                self._halved_at, self._good = time.monotonic(), 0

    def _grow(self) -> None:
        if self._limit is None:
            return
        self._good += 1
        if self._good < max(self._limit, MIN_ROUND):
            return
        self._good = 0
        self._limit = self._limit + 1 if self._limit < MAX_CALLS else None
        self._changed.notify_all()

    def _wait_seconds(self) -> float:
        """How long to wait before looking again; 0 where a call may begin."""
        pause = self._resumes_at - time.monotonic()
        if pause > 0:
            return pause
        is_full = self._limit is not None and self._running >= self._limit
        return 1.0 if is_full else 0.0
