"""Running jobs in threads, and ending them together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")

INTERRUPT_SECONDS = 2.0
"""How long an interrupted call waits for its threads, in seconds."""


class Cancelled(BaseException):
    """Raised in a job whose token was cancelled; `run_jobs` does not pass it on to its caller."""


class CancellationToken(threading.Event):
    """Asks transfers to end: one token goes down every path of uploads and downloads.

    A transfer looks at it before each attempt and after each block, and a pause ends when it is
    cancelled. Any thread may cancel it; it is never reset.

    Cancelling a token cancels the tokens made with it as their `parent`, and not the other way
    round: so a file that fails ends its own connections, and the other files go on.
    """

    def __init__(self, parent: CancellationToken | None = None) -> None:
        super().__init__()
        self._children: WeakSet[CancellationToken] = WeakSet()
        self._lock = threading.Lock()
        if parent is not None:
            parent._adopt(self)

    def _adopt(self, child: CancellationToken) -> None:
        with self._lock:
            self._children.add(child)
        if self.is_set():
            child.set()

    def set(self) -> None:
        """Cancels this token and its children."""
        super().set()
        with self._lock:
            children = list(self._children)
        for child in children:
            child.set()

    def cancel(self) -> None:
        """Asks everything that has this token to end."""
        self.set()

    def raise_if_cancelled(self) -> None:
        """Raises Cancelled where the token was cancelled."""
        if self.is_set():
            raise Cancelled

    def pause(self, seconds: float) -> None:
        """Waits so many seconds; raises Cancelled as soon as the token is cancelled."""
        self.wait(seconds)
        self.raise_if_cancelled()


def start_thread(work: Callable[[], None], name: str | None = None) -> threading.Thread | None:
    """Starts a daemon thread; None where this process may start no more, as under a limit of
    processes (cgroup pids) or of address space (ulimit -v). The caller goes on without it."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        return None
    return thread


class _Waiting:
    """Jobs that have not begun. The large ones come first, as far as they may: so none is left
    alone at the end."""

    def __init__(
        self, jobs: Sequence[Callable[[], None]], large: Sequence[bool], at_once: int
    ) -> None:
        of_size = list(zip(jobs, large, strict=True))
        self._large = deque(job for job, is_large in of_size if is_large)
        self._small = deque(job for job, is_large in of_size if not is_large)
        self._free = at_once
        self._lock = threading.Lock()

    def run_next(self) -> bool:
        """Runs a job; False where there is none, or only large ones that others will run."""
        with self._lock:
            is_large = bool(self._large) and self._free > 0
            if not is_large and not self._small:
                return False
            job = (self._large if is_large else self._small).popleft()
            self._free -= is_large
        try:
            job()
        finally:
            with self._lock:
                self._free += is_large
        return True


def run_jobs(
    jobs: Sequence[Callable[[], None]],
    limit: int,
    token: threading.Event,
    *,
    large: Sequence[bool] | None = None,
    large_limit: int = 1,
) -> None:
    """Runs the jobs, up to `limit` at once, and returns when all have ended.

    `large` tells of each job whether it is a large one, of which up to `large_limit` run at once;
    default none is.

    Where no more threads can be started, those that were do all jobs; without any, the caller's
    thread does.

    The first job that fails cancels `token`, which the others watch; its exception is raised when
    they have ended. An interrupt ends the wait after 2 seconds at most: threads that are still in a
    system call are daemons, and jobs that write files do it so that being killed does no harm.
    """
    waiting = _Waiting(jobs, large or [False] * len(jobs), large_limit)
    failures: list[BaseException] = []
    count = min(limit, len(jobs))
    ended = threading.Semaphore(0)

    def work() -> None:
        try:
            while not token.is_set() and waiting.run_next():
                pass
        except BaseException as error:
            failures.append(error)
            token.set()
        finally:
            ended.release()

    running = 0
    try:
        for _ in range(count):
            running += 1  # before: an interrupt may come while it starts
            if start_thread(work) is None:
                running -= 1
                break
        if not running:
            work()
        while running:  # in steps: a wait without limit cannot be interrupted on Windows
            running -= ended.acquire(timeout=0.5)
    except BaseException:
        token.set()
        deadline = time.monotonic() + INTERRUPT_SECONDS
        while running and (rest := deadline - time.monotonic()) > 0:
            running -= ended.acquire(timeout=rest)
        raise
    for error in failures:
        if not isinstance(error, Cancelled):
            raise error


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What a call of several at once has returned or raised."""

    value: T | None = None
    error: Exception | None = None

    def get(self) -> T:
        """Returns what the call returned, or raises what it raised."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # the call's own value


def gather(
    calls: Sequence[Callable[[], T]], limit: int, token: CancellationToken | None = None
) -> list[Outcome[T] | None]:
    """Makes the calls, up to `limit` at once, and returns when all have ended, in their order.

    A call that raises leaves the others to go on. Where a call cancels `token`, no other one is
    begun after it; those have None. Where only one is to be made at once, this thread makes them.
    """
    token = token or CancellationToken()
    outcomes: list[Outcome[T] | None] = [None] * len(calls)

    def make(place: int) -> None:
        try:
            outcomes[place] = Outcome(calls[place]())
        except Exception as error:
            outcomes[place] = Outcome(error=error)

    if min(limit, len(calls)) > 1:
        run_jobs([partial(make, place) for place in range(len(calls))], limit, token)
        return outcomes
    for place in range(len(calls)):
        if not token.is_set():
            make(place)
    return outcomes


class Pending(Generic[T]):
    """A call that is made in a thread of its own, from now on; where no thread can be started, it
    is made when its value is wanted."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._outcome: Outcome[T] | None = None
        self._ended = threading.Event()
        self._has_thread = start_thread(self._make, "bindist-ahead") is not None

    def _make(self) -> None:
        try:
            self._outcome = Outcome(self._call())
        except Exception as error:
            self._outcome = Outcome(error=error)
        finally:
            self._ended.set()

    def get(self) -> T:
        """Waits for the call; returns what it returned, or raises what it raised."""
        if not self._has_thread:
            return self._call()
        while not self._ended.wait(0.5):  # a wait without limit cannot be interrupted on Windows
            pass
        assert self._outcome is not None, "the call has ended"
        return self._outcome.get()
