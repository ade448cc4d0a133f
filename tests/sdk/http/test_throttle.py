"""Calls at once against a server that says that they are too many: fewer run, and none fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bindist import AdminClient
from bindist.http.throttle import MAX_CALLS, MIN_ROUND, Throttle
from bindist.transfer.concurrency import gather
from tests.conftest import ADMIN_KEY


class LimitedServer(ThreadingHTTPServer):
    """Serves `limit` requests at once, each in `seconds`, and refuses the others with `status`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, limit: int, status: int, retry_after: str = "") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.limit, self.status, self.retry_after = limit, status, retry_after
        self.running = self.refused = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LimitedServer

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        with self.server.lock:
            is_served = self.server.running < self.server.limit
            self.server.running += is_served
            self.server.refused += not is_served
        if is_served:
            time.sleep(0.01)
        body = b'{"success": true, "data": {}}' if is_served else b"{}"
        self.send_response(200 if is_served else self.server.status)
        if not is_served and self.server.retry_after:
            self.send_header("Retry-After", self.server.retry_after)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with self.server.lock:
            self.server.running -= is_served
        self.wfile.write(body)


@pytest.fixture
def limited(request: pytest.FixtureRequest) -> Iterator[LimitedServer]:
    with LimitedServer(*request.param) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "limited", [(1, 429), (2, 503), (2, 429, "0"), (5, 503)], indirect=True, ids=str
)
def test_no_call_fails_while_others_advance_and_fewer_are_refused(limited: LimitedServer) -> None:
    with AdminClient(limited.url, ADMIN_KEY, retries=3, backoff=0.05) as client:
        calls = [client.list_applications] * 50
        outcomes = gather(calls, 16)
        assert all(outcome and outcome.get().success for outcome in outcomes)
    assert limited.refused < len(calls) / 2


@pytest.mark.parametrize("limited", [(0, 503)], indirect=True)
def test_where_no_call_advances_each_fails_after_its_attempts(limited: LimitedServer) -> None:
    with AdminClient(limited.url, ADMIN_KEY, retries=2, backoff=0.001) as client:
        outcomes = gather([client.list_applications] * 8, 8)
    assert {outcome.get().status_code for outcome in outcomes if outcome} == {503}
    assert limited.refused == 24


@pytest.mark.parametrize("limited", [(0, 429, "1")], indirect=True)
def test_no_call_begins_before_the_server_says(limited: LimitedServer) -> None:
    with AdminClient(limited.url, ADMIN_KEY, retries=0) as client:
        started = time.monotonic()
        assert client.list_applications().status_code == 429
        limited.limit = 1
        assert client.list_applications().success
        assert time.monotonic() - started >= 1.0


def begun(throttle: Throttle, count: int, held: ExitStack) -> list[float]:
    return [held.enter_context(throttle.call()) for _ in range(count)]


def test_a_refusal_halves_what_runs_at_once_and_good_answers_add_one_a_round() -> None:
    throttle = Throttle()
    with ExitStack() as held:
        times = begun(throttle, 8, held)
        for began_at in times:  # all were sent before the first of them was refused
            throttle.note(began_at, 503)
        assert throttle._limit == 4
        for good in range(MIN_ROUND):
            assert throttle._limit == 4, good
            throttle.note(times[0], 200)
        assert throttle._limit == 5
    with ExitStack() as held:
        throttle.note(begun(throttle, 5, held)[0], 429)
        assert throttle._limit == 2
    for _ in range(MAX_CALLS**2):
        throttle.note(0.0, 200)
    assert throttle._limit is None


def test_a_call_too_many_waits_for_another_to_end() -> None:
    throttle, began = Throttle(), threading.Event()
    with ExitStack() as held:
        throttle.note(begun(throttle, 2, held)[0], 503)

    def call() -> None:
        with throttle.call():
            began.set()

    with throttle.call():
        thread = threading.Thread(target=call)
        thread.start()
        assert not began.wait(0.05)
    assert began.wait(1)
    thread.join()
