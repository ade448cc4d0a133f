"""Several things at once: all are done, or the first failure ends them and is what is raised."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable

import pytest

from bindist.transfer.concurrency import (
    CancellationToken,
    Cancelled,
    RefusedError,
    SharedWork,
    run_jobs,
)


def test_every_job_is_done_by_no_more_threads_than_allowed() -> None:
    done: list[int] = []
    threads: set[int] = set()

    def job(number: int) -> None:
        threads.add(threading.get_ident())
        done.append(number)

    run_jobs([lambda number=number: job(number) for number in range(50)], 3, threading.Event())
    assert sorted(done) == list(range(50))
    assert 1 <= len(threads) <= 3


def test_the_first_failure_stops_the_others_and_is_raised() -> None:
    stop, running = threading.Event(), threading.Event()
    seen: list[str] = []

    def watch() -> None:
        running.set()
        assert stop.wait(30)
        seen.append("stopped")
        raise Cancelled

    def fail() -> None:
        assert running.wait(30)
        raise LookupError("first")

    with pytest.raises(LookupError, match="first"):
        run_jobs([watch, fail, lambda: seen.append("began all the same")], 2, stop)
    assert seen == ["stopped"]


def test_a_failure_is_raised_even_if_a_job_was_cancelled_before() -> None:
    stop, running = threading.Event(), threading.Event()

    def end() -> None:
        assert running.wait(30)
        raise Cancelled

    def fail() -> None:
        running.set()
        assert stop.wait(30)  # the other job has ended
        raise LookupError("why")

    with pytest.raises(LookupError, match="why"):
        run_jobs([end, fail], 2, stop)


def test_cancelling_the_jobs_raises_nothing() -> None:
    def end() -> None:
        raise Cancelled

    stop = threading.Event()
    run_jobs([end], 1, stop)
    assert stop.is_set()


def test_an_interrupt_ends_the_wait_and_the_jobs() -> None:
    stop, ended = threading.Event(), threading.Event()

    def watch() -> None:
        _thread.interrupt_main()  # as Ctrl-C does
        assert stop.wait(30)
        ended.set()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_jobs([watch], 1, stop)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ended.wait(30)


# Cancellation


def test_cancelling_a_token_cancels_its_children_and_not_its_parent() -> None:
    parent = CancellationToken()
    child, sibling = CancellationToken(parent), CancellationToken(parent)
    child.cancel()
    assert (parent.is_set(), child.is_set(), sibling.is_set()) == (False, True, False)
    parent.cancel()
    assert sibling.is_set()


def test_a_child_of_a_cancelled_token_is_cancelled() -> None:
    parent = CancellationToken()
    parent.cancel()
    with pytest.raises(Cancelled):
        CancellationToken(parent).raise_if_cancelled()


def test_cancelling_ends_a_pause_in_another_thread() -> None:
    parent = CancellationToken()
    threading.Timer(0.05, parent.cancel).start()
    with pytest.raises(Cancelled):
        CancellationToken(parent).pause(30)


def test_a_pause_without_cancellation_returns() -> None:
    CancellationToken().pause(0)


# Shared work


def run_shared(
    work: SharedWork[int],
    do: Callable[[int], None],
    threads: int,
    failed: Callable[[int, Exception], None] | None = None,
) -> None:
    token = threading.Event()
    run_jobs([lambda: work.run(do, token, failed)] * threads, threads, token)


def test_a_thread_waits_for_what_another_may_give_back() -> None:
    done: list[int] = []
    has_one, no_more = threading.Event(), threading.Event()

    def do(number: int) -> None:
        if number == 0 and not has_one.is_set():
            has_one.set()
            no_more.wait(10)
            raise RefusedError(number, OSError("busy"))
        has_one.wait(10)
        done.append(number)
        no_more.set()
        time.sleep(0.05)  # still at it while the other gives back

    run_shared(SharedWork(range(2)), do, 2)
    assert done == [1, 0]


def test_the_last_thread_fails_and_ends_the_work() -> None:
    tried: list[int] = []

    def do(number: int) -> None:
        tried.append(number)
        raise RefusedError(number, OSError(f"busy: {number}"))

    with pytest.raises(OSError, match="busy"):
        run_shared(SharedWork(range(9)), do, 3)
    assert len(tried) <= 3


def test_a_failure_may_leave_the_rest_to_be_done() -> None:
    failures: list[int] = []

    def do(number: int) -> None:
        raise RefusedError(number, OSError("busy"))

    run_shared(SharedWork(range(9)), do, 3, lambda number, _: failures.append(number))
    assert sorted(failures) == [*range(9)]
