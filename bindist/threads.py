"""Several things at once, ended together."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

_PATIENCE = 2.0


class Stopped(BaseException):
    """Raised in a job that finds that it is to end; never reaches the caller."""


def run_jobs(jobs: Sequence[Callable[[], None]], limit: int, stop: threading.Event) -> None:
    """Runs the jobs, up to `limit` at once, and returns when all are done.

    The first that fails sets `stop`, which the others watch, and its exception is raised when they
    have ended. An interrupt ends the wait at once: threads still in a system call are daemons, and
    whoever writes files does so that being killed does no harm.
    """
    waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    for job in jobs:
        waiting.put(job)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                waiting.get_nowait()()
        except queue.Empty:
            pass
        except BaseException as error:
            failures.append(error)
            stop.set()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(limit, len(jobs)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.5)  # a join without limit cannot be interrupted on Windows
    except BaseException:
        stop.set()
        for thread in threads:
            if thread.is_alive():  # the interrupt may come before the last one has begun
                thread.join(_PATIENCE / len(threads))
        raise
    for error in failures:
        if not isinstance(error, Stopped):
            raise error
