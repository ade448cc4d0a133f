"""Which requests are repeated, when, and how long is waited between."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bindist import AdminClient, ServerError, TransportError
from bindist.http.response import failure
from bindist.http.retry import RetryPolicy
from bindist.sandbox import SandboxServer
from tests.sdk.canned import CannedServer

Connect = Callable[..., AdminClient]
CHANGES = ["POST", "PUT", "PATCH", "DELETE"]
OK = {"success": True}


def tries(server: SandboxServer, client: AdminClient, method: str, fault: str) -> int:
    """How many requests one call makes where the first one meets the fault."""
    server.faults.add(fault)
    try:
        client.request(method, "/v1/applications")
    except TransportError:
        pass
    return len(server.requests)


# Which


@pytest.mark.parametrize(
    "fault",
    [
        "status:408",
        "status:425",
        "status:429",
        "status:502",
        "html:502",
        "empty:503",
        "status:504",
        "refuse",
        "lost",
        "cut:5",
    ],
)
def test_a_get_is_repeated_after_a_temporary_failure(
    server: SandboxServer, admin: AdminClient, fault: str
) -> None:
    assert tries(server, admin, "GET", fault) == 2


@pytest.mark.parametrize(
    "fault", ["status:400", "status:404", "status:409", "text:500", "not-json", "redirect:/x"]
)
def test_a_get_is_not_repeated_after_a_permanent_failure(
    server: SandboxServer, admin: AdminClient, fault: str
) -> None:
    assert tries(server, admin, "GET", fault) == 1


@pytest.mark.parametrize("method", CHANGES)
@pytest.mark.parametrize("status", [425, 429])
def test_a_change_is_repeated_after_a_status_that_says_it_was_not_carried_out(
    server: SandboxServer, admin: AdminClient, method: str, status: int
) -> None:
    assert tries(server, admin, method, f"status:{status}") == 2


@pytest.mark.parametrize("method", CHANGES)
@pytest.mark.parametrize(
    "fault",
    ["status:408", "status:502", "status:503", "status:504", "text:500", "refuse", "lost", "cut:5"],
)
def test_a_change_that_may_have_been_carried_out_is_not_repeated(
    server: SandboxServer, admin: AdminClient, method: str, fault: str
) -> None:
    assert tries(server, admin, method, fault) == 1


def test_a_creation_with_a_lost_response_is_carried_out_once(
    server: SandboxServer, admin: AdminClient
) -> None:
    before = len(admin.list_customers().require()["customers"])
    server.faults.add("lost,method=POST")
    with pytest.raises(TransportError):
        admin.create_customer("New")
    assert len(admin.list_customers().require()["customers"]) == before + 1


def test_a_time_out_of_a_get_is_repeated(server: SandboxServer, connect: Connect) -> None:
    server.faults.add("stall:30,times=1")
    assert connect(server.url, timeout=(5, 0.3)).list_customers().success


@pytest.mark.parametrize("method", ["GET", *CHANGES])
def test_a_refused_connection_is_tried_again_for_every_verb(
    closed: CannedServer, connect: Connect, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    class OpenAfterTheFirstTry(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log.removeHandler(self)
            closed.open()

    closed.answer(OK)
    log = logging.getLogger("bindist.retry")
    caplog.set_level(logging.INFO, log.name)
    log.addHandler(OpenAfterTheFirstTry())
    assert connect(closed.url).request(method, "/v1/applications").success


def test_a_body_is_sent_again_whole(canned: CannedServer, asker: AdminClient) -> None:
    canned.answer({"message": "Too Many Requests"}, 429)
    canned.answer(OK)
    asker.create_customer("New", notes="ä" * 1000)
    assert canned.asked[0].body == canned.asked[1].body != b""


# How often


@pytest.mark.parametrize("retries", [0, 1, 4])
def test_after_all_attempts_the_last_response_is_returned(
    server: SandboxServer, connect: Connect, retries: int
) -> None:
    server.faults.add("status:503,times=0")
    assert connect(server.url, retries=retries).list_customers().status_code == 503
    assert len(server.requests) == retries + 1


def test_without_retries_a_lost_connection_is_raised_at_once(
    server: SandboxServer, connect: Connect
) -> None:
    server.faults.add("lost")
    with pytest.raises(TransportError):
        connect(server.url, retries=0).list_customers()
    assert len(server.requests) == 1


def test_different_failures_share_the_same_count(server: SandboxServer, connect: Connect) -> None:
    for fault in ("lost", "status:503,nth=2", "cut:3,nth=3"):
        server.faults.add(fault)
    assert connect(server.url, retries=3).list_customers().success
    assert len(server.requests) == 4


# How long


POLICY = RetryPolicy(retries=0, backoff=1.0)


@pytest.mark.parametrize("retry_after", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_retry_after_of_zero_overrides_a_long_pause(
    canned: CannedServer, connect: Connect, retry_after: str
) -> None:
    canned.answer(b"", 429, headers={"Retry-After": retry_after})
    canned.answer(OK)
    started = time.monotonic()
    assert connect(canned.url, backoff=60).list_customers().success
    assert time.monotonic() - started < 5


def test_a_retry_after_is_waited_for(server: SandboxServer, connect: Connect) -> None:
    server.faults.add("status:429/1")
    started = time.monotonic()
    assert connect(server.url, backoff=0).list_customers().success
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize("seconds", ["61", "3600", "9" * 30])
def test_a_retry_after_is_capped(seconds: str) -> None:
    assert POLICY.pause(0, seconds) == POLICY.retry_after_cap == 60


def test_a_retry_after_may_be_a_date() -> None:
    when = datetime.now(timezone.utc) + timedelta(seconds=30)
    assert 25 < POLICY.pause(0, format_datetime(when, usegmt=True)) <= 30


@given(st.text() | st.none())
@example("9" * 5000)
@example("Mon, 01 Jan 99999 00:00:00 GMT")
@example("-5")
@example("1.5")
@example("nan")
def test_any_retry_after_gives_a_valid_pause(header: str | None) -> None:
    assert 0 <= POLICY.pause(0, header) <= POLICY.retry_after_cap


@pytest.mark.parametrize("header", [None, "", "soon", "-5"])
def test_without_a_usable_retry_after_the_pause_is_that_of_the_client(header: str | None) -> None:
    assert 0.5 <= POLICY.pause(0, header) <= 1.0


@given(st.integers(0, 10_000), st.floats(0, 100))
def test_the_pause_doubles_up_to_its_cap_with_some_jitter(attempt: int, backoff: float) -> None:
    ceiling = min(backoff * 2 ** min(attempt, 30), POLICY.backoff_cap)
    assert ceiling / 2 <= RetryPolicy(0, backoff).pause(attempt) <= ceiling


def test_jitter_spreads_the_retries_of_many_clients() -> None:
    assert len({POLICY.pause(3) for _ in range(20)}) > 10


def test_an_invalid_retry_after_does_not_hide_the_response(
    canned: CannedServer, asker: Any
) -> None:
    canned.answer(b"", 429, headers={"Retry-After": "9" * 5000})
    assert asker.create_customer("New").status_code == 429


def test_each_repetition_is_logged_with_its_reason_and_its_number(
    canned: CannedServer, asker: AdminClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bindist.retry")
    canned.answer({"message": "no"}, 503)
    answer = asker.list_applications()
    assert answer.tries == 4
    told = [record.getMessage() for record in caplog.records if record.name == "bindist.retry"]
    assert told == [
        f"service unavailable (503); trying again in 0.0 s ({number} of 3)" for number in (1, 2, 3)
    ]
    with pytest.raises(ServerError) as caught:
        answer.raise_for_error()
    assert caught.value.tries == 4


def test_a_pause_that_the_server_asks_for_is_told_in_whole_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bindist.retry")
    assert RetryPolicy().announce(0, failure(429, "slow down"), "4") == 4
    assert caplog.messages == ["too many requests (429); trying again in 4 s (1 of 3)"]


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [(400, "RequestTimeout", "RequestTimeout (400)"), (599, "", "HTTP 599")],
)
def test_an_unusual_failure_is_told_by_its_code(
    caplog: pytest.LogCaptureFixture, status: int, code: str, reason: str
) -> None:
    caplog.set_level(logging.INFO, "bindist.retry")
    RetryPolicy(backoff=0).announce(1, failure(status, "text", code=code))
    assert caplog.messages == [f"{reason}; trying again in 0.0 s (2 of 3)"]


def test_a_refused_connection_says_how_often_it_was_tried(
    closed: CannedServer, connect: Connect
) -> None:
    with pytest.raises(TransportError) as caught:
        connect(closed.url, retries=1).list_applications()
    assert caught.value.tries == 2
