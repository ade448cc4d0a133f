"""Running jobs in threads, and ending them together."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar
from weakref import WeakSet

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


class RefusedError(Exception):
    """Part of some shared work failed in a way that may pass: `left` is what remains to be done,
    `error` the failure."""

    def __init__(self, left: object, error: Exception) -> None:
        super().__init__(str(error))
        self.left = left
        self.error = error


class SharedWork(Generic[Item]):
    """Items that several threads work on, each item in one thread at a time.

    A store may allow fewer connections than there are threads. So a thread whose item fails in a
    way that may pass gives back what is left of it and ends, as long as another thread has an item:
    that one does it later. Only where no other thread has one, the failure counts.
    """

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items = deque(items)
        self._held = 0
        self._changed = threading.Condition()

    def take(self) -> Item | None:
        """The next item, None where there is none; called by one thread at a time."""
        return self._items.popleft() if self._items else None

    def put_back(self, left: Item) -> None:
        """Takes back what is left of an item; called by one thread at a time."""
        self._items.append(left)

    def run(
        self,
        do: Callable[[Item], None],
        token: threading.Event,
        failed: Callable[[Item, Exception], None] | None = None,
    ) -> None:
        """Does items in this thread until all are done, the token is cancelled, or this thread
        gives one back.

        `do` raises RefusedError for a failure that may pass. `failed` is called with an item that
        failed so while no other thread had one; default None, which raises the failure.
        """
        while not token.is_set() and (item := self._next()) is not None:
            if not self._do_one(item, do, token, failed):
                return

    def _do_one(
        self,
        item: Item,
        do: Callable[[Item], None],
        token: threading.Event,
        failed: Callable[[Item, Exception], None] | None,
    ) -> bool:
        """Does one item; False where what is left of it was given back."""
        try:
            do(item)
        except RefusedError as refused:
            if self._give_back(refused.left):  # type: ignore[arg-type]
                return False
            self._end(token, None if failed else refused.error)
            if failed is None:
                raise refused.error from None
            failed(item, refused.error)
        except BaseException as error:
            self._end(token, error)
            raise
        else:
            self._end(token)
        return True

    def _next(self) -> Item | None:
        """Waits while there is no item, but another thread may give one back."""
        with self._changed:
            while (item := self.take()) is None and self._held:
                self._changed.wait()
            if item is not None:
                self._held += 1
            return item

    def _give_back(self, left: Item) -> bool:
        """False where no other thread has an item: nobody would take this one."""
        with self._changed:
            if self._held == 1:
                return False
            self.put_back(left)
            self._held -= 1
            self._changed.notify_all()
            return True

    def _end(self, token: threading.Event, error: BaseException | None = None) -> None:
        with self._changed:
            if error is not None:  # before the others see that no item is left
                token.set()
            self._held -= 1
            self._changed.notify_all()
