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
    SizedWork,
    gather,
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


@pytest.mark.parametrize("limit", [1, 4])
def test_calls_at_once_have_their_outcomes_in_order(limit: int) -> None:
    def fail() -> int:
        raise OSError("no")

    one, two, three = gather([lambda: 1, fail, lambda: 3], limit)
    assert one and two and three
    assert (one.get(), three.get()) == (1, 3)
    with pytest.raises(OSError, match="no"):
        two.get()


@pytest.mark.parametrize("limit", [1, 2])
def test_after_a_call_that_cancels_no_other_is_begun(limit: int) -> None:
    token = CancellationToken()
    outcomes = gather([token.cancel, *[lambda: None] * 50], limit, token)
    assert outcomes[0] is not None
    assert outcomes[-1] is None


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


@pytest.mark.parametrize(("large_limit", "most_large"), [(1, 1), (2, 2), (9, 4)])
def test_only_so_many_large_items_are_done_at_once(large_limit: int, most_large: int) -> None:
    lock = threading.Lock()
    running: dict[bool, int] = {True: 0, False: 0}
    most, ended = dict(running), [0]
    barrier = threading.Barrier(4, timeout=10)

    def job(is_large: bool, first: bool) -> None:
        with lock:
            running[is_large] += 1
            most[is_large] = max(most[is_large], running[is_large])
        if first:
            barrier.wait()  # so that four are seen at once
        time.sleep(0.002)
        with lock:
            running[is_large] -= 1
            ended[0] += 1

    large = [True] * 10 + [False] * 30
    firsts = set(range(most_large)) | set(range(10, 10 + 4 - most_large))
    work = SizedWork(range(40), lambda place: large[place], large_limit)
    run_shared(work, lambda place: job(large[place], place in firsts), 4)
    assert (most[True], ended[0]) == (most_large, 40)
