"""The database as it was a while ago, for reads that lag behind the writes."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

from .database import Session

_STATES = 50  # that many at most are kept; they are that much apart


@dataclass
class _State:
    """A read transaction: for as long as it lasts, SQLite shows it the same state."""

    session: Session
    taken: float
    replaced: float = inf


class History:
    """Keeps the states that writes have replaced, for as many seconds as `keep` says."""

    def __init__(self, path: Path, keep: Callable[[], float]) -> None:
        self._path = path
        self._keep = keep
        self._states: deque[_State] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def writing(self, session: Session) -> Iterator[None]:
        """A transaction of this session, before which the state is kept."""
        state: _State | None = None
        try:
            with session.writing():
                state = self._remember(self._keep())
                yield
        finally:
            if state is not None:
                state.replaced = time.monotonic()

    @contextmanager
    def reading(self, session: Session, seconds: float) -> Iterator[Session]:
        """The session to read from: this one, or one that sees the state of so long ago."""
        if seconds:
            with self._lock:
                then = time.monotonic() - seconds
                state = next((one for one in self._states if one.replaced > then), None)
                if state is not None:
                    yield state.session
                    return
        with session.reading():
            yield session

    def close(self) -> None:
        with self._lock:
            self._forget(inf)

    def _remember(self, seconds: float) -> _State | None:
        """The state that the write about to be made replaces, if it is far from the last."""
        now = time.monotonic()
        with self._lock:
            self._forget(now - seconds)
            if not seconds or (self._states and now - self._states[-1].taken < seconds / _STATES):
                return None
            session = Session(self._path)
            session.execute("BEGIN")
            session.setting("secret")  # what is read first settles which state is seen
            self._states.append(_State(session, now))
            return self._states[-1]

    def _forget(self, until: float) -> None:
        while self._states and self._states[0].replaced <= until:
            self._states.popleft().session.close()
