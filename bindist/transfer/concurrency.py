"""Several things at once, ended together."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence

_INTERRUPT_SECONDS = 2.0


class Cancelled(BaseException):
    """Raised in a job that finds that it is to end; never reaches the caller."""


def run_jobs(jobs: Sequence[Callable[[], None]], limit: int, stop: threading.Event) -> None:
    """Runs the jobs, up to `limit` at once, and returns when all are done.

    The first that fails sets `stop`, which the others watch, and its exception is raised when they
    have ended. An interrupt ends the wait at once: threads still in a system call are daemons, and
    code that writes files must survive being killed.
    """
    waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    failures: list[BaseException] = []
    count = min(limit, len(jobs))
    ended = threading.Semaphore(0)

    def work() -> None:
        try:
            while not stop.is_set():
                waiting.get_nowait()()
        except queue.Empty:
            pass
        except BaseException as error:
            failures.append(error)
            stop.set()
        finally:
            ended.release()

    left = 0
    try:
        for _ in range(count):
            left += 1  # before: an interrupt may come while it starts
            threading.Thread(target=work, daemon=True).start()
        while left:  # in steps: a wait without limit cannot be interrupted on Windows
            left -= ended.acquire(timeout=0.5)
    except BaseException:
        stop.set()
        deadline = time.monotonic() + _INTERRUPT_SECONDS
        while left and (rest := deadline - time.monotonic()) > 0:
            left -= ended.acquire(timeout=rest)
        raise
    for error in failures:
        if not isinstance(error, Cancelled):
            raise error
