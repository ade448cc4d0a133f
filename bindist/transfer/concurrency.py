"""Running jobs in threads, and ending them together."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")
Item = TypeVar("Item")

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


def run_jobs(jobs: Sequence[Callable[[], None]], limit: int, token: threading.Event) -> None:
    """Runs the jobs, up to `limit` at once, and returns when all have ended.

    Where no more threads can be started, those that were do all jobs; without any, the caller's
    thread does.

    The first job that fails cancels `token`, which the others watch; its exception is raised when
    they have ended. An interrupt ends the wait after 2 seconds at most: threads that are still in a
    system call are daemons, and jobs that write files do it so that being killed does no harm.
    """
    waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    failures: list[BaseException] = []
    count = min(limit, len(jobs))
    ended = threading.Semaphore(0)

    def work() -> None:
        try:
            while not token.is_set():
                waiting.get_nowait()()
        except queue.Empty:
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


def results_of(calls: Sequence[Callable[[], T]], limit: int) -> list[T]:
    """Makes the calls, up to `limit` at once, and returns their results in the order of `calls`.

    The first call that fails ends the others, as in `run_jobs`, and its exception is raised.
    """
    results: dict[int, T] = {}

    def make(place: int) -> None:
        results[place] = calls[place]()

    run_jobs([partial(make, place) for place in range(len(calls))], limit, CancellationToken())
    return [results[place] for place in range(len(calls))]


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


class RefusedError(Exception):
    """An item of shared work failed in a way that may pass: `left` is what remains of it, `error`
    the failure."""

    def __init__(self, left: object, error: Exception) -> None:
        super().__init__(str(error))
        self.left = left
        self.error = error


class SharedWork(Generic[Item]):
    """Items that several threads work on, each item in one thread at a time.

    A store may serve fewer connections than there are threads. So a thread whose item is refused
    gives back what is left of it and ends, as soon as another thread advances: that one does it
    later. Where none advances, the failure counts.
    """

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items = deque(items)
        self._advances = self._stalls = 0
        self._busy = self._idle = self._refused = 0  # threads that work, lack an item, wait
        self._changed = threading.Condition()

    def take(self) -> Item | None:
        """The next item, None where there is none; called by one thread at a time."""
        return self._items.popleft() if self._items else None

    def put_back(self, left: Item) -> None:
        """Takes back what is left of an item; called by one thread at a time."""
        self._items.append(left)

    def end(self, item: Item) -> None:
        """An item that was taken is done, or given back; called by one thread at a time."""

    def note_advance(self) -> None:
        """An item has been served a little more; called by any thread."""
        self._advances += 1
        if self._refused:
            with self._changed:
                self._changed.notify_all()

    def run(
        self,
        do: Callable[[Item], None],
        token: threading.Event,
        failed: Callable[[Item, Exception], None] | None = None,
    ) -> None:
        """Does items in this thread until all are done, the token is cancelled, or this thread
        gives one back.

        `do` raises RefusedError for an item that is refused. `failed` is called with one that is
        refused while no other thread advances; default None, which raises the failure.
        """
        with self._changed:
            self._busy += 1
        try:
            while not token.is_set() and (item := self._next()) is not None:
                if not self._do(item, do, failed):
                    return
        except BaseException:
            token.set()  # before the others see that this thread has ended
            raise
        finally:
            with self._changed:
                self._leave()

    def _leave(self) -> None:
        """This thread is no longer busy."""
        self._busy -= 1
        if not self._busy:  # those that wait by now have waited in vain
            self._stalls += 1
        self._changed.notify_all()

    def _next(self) -> Item | None:
        """Waits while there is no item, but another thread may give one back."""
        with self._changed:
            while (item := self.take()) is None and (self._busy > 1 or self._refused):
                self._idle += 1
                self._leave()
                self._changed.wait()
                self._busy, self._idle = self._busy + 1, self._idle - 1
            return item

    def _do(
        self,
        item: Item,
        do: Callable[[Item], None],
        failed: Callable[[Item, Exception], None] | None,
    ) -> bool:
        """Does one item; False where what is left of it was given back."""
        before = self._advances
        try:
            do(item)
        except RefusedError as refused:
            if self._give_back(item, refused.left, before):  # type: ignore[arg-type]
                return False
            if failed is None:
                raise refused.error from None
            failed(item, refused.error)
        else:
            self.note_advance()
        with self._changed:
            self.end(item)
        return True

    def _give_back(self, item: Item, left: Item, before: int) -> bool:
        """Waits until another thread advances; False where none does."""
        with self._changed:
            self._refused += 1
            stalls = self._stalls
            self._leave()
            self._changed.wait_for(lambda: self._advances > before or self._stalls > stalls)
            self._busy, self._refused = self._busy + 1, self._refused - 1
            if self._advances == before or self._busy + self._idle == 1:
                return False
            self.end(item)
            self.put_back(left)
            return True


class SizedWork(SharedWork[Item]):
    """Shared work of which up to `large_limit` large items are done at once. The large ones come
    first, as far as they may: so none is left alone at the end."""

    def __init__(
        self, items: Iterable[Item], is_large: Callable[[Item], bool], large_limit: int
    ) -> None:
        super().__init__()
        self._is_large = is_large
        self._large: deque[Item] = deque()
        self._free = large_limit
        for item in items:
            self.put_back(item)

    def take(self) -> Item | None:
        """The next item, None where there is none that may be begun now."""
        if self._large and self._free > 0:
            self._free -= 1
            return self._large.popleft()
        return super().take()

    def put_back(self, left: Item) -> None:
        """Takes back what is left of an item, after all others."""
        (self._large if self._is_large(left) else self._items).append(left)

    def end(self, item: Item) -> None:
        """Lets another large item begin where this was one."""
        self._free += self._is_large(item)
