"""The faults that say how the server carries requests out: slowly, late, twice, on old data."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import pytest

from bindist.sandbox import LIKES, FaultPlan, SandboxServer, Step
from bindist.sandbox.faults.plan import KINDS, SERVER_FAULTS, parse_fault
from tests.sandbox.requests_held import (
    APPS,
    ASKED,
    COMPLETE,
    CUSTOMERS,
    INLINE,
    MANAGED,
    SIZED,
    TOOL,
    UPLOAD,
    URL,
    VERSION,
    completion,
)

NEW = {"applicationId": "new", "name": "New"}


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@contextmanager
def timed(least: float):
    """What is done in it takes at least so many seconds."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start >= least


# The grammar


@pytest.mark.parametrize(
    ("spec", "arguments", "path", "times"),
    [
        ("slow-db=6", (6,), "*", 0),
        ("slow-db:6", (6,), "*", 0),
        ("slow-store=80.5,times=1", (80.5,), "*", 1),
        ("stale-reads=200,path=/v1/applications/*", (200,), "/v1/applications/*", 0),
        ("late-completion=3", (3,), "*/upload/large-complete", 1),
        ("late-completion=3,path=*", (3,), "*", 1),
        ("duplicate", (0,), "*", 1),
        ("duplicate=0.5,times=0", (0.5,), "*", 0),
        ("status=503/2", (503, "2"), "*", 1),
        ("redirect=http://127.0.0.1:1/?a=b", ("http://127.0.0.1:1/?a=b",), "*", 1),
    ],
)
def test_an_equals_sign_separates_arguments_as_a_colon_does(spec, arguments, path, times):
    fault = parse_fault(spec)
    assert (fault.arguments, fault.path, fault.times) == (arguments, path, times)


@pytest.mark.parametrize(
    "spec", ["slow-db", "slow-db=", "slow-db=-1", "late-completion", "duplicate=x"]
)
def test_an_invalid_argument_of_a_fault_is_reported(spec):
    with pytest.raises(ValueError, match="cannot read the fault"):
        FaultPlan([spec])


def test_the_faults_of_the_server_are_kinds_of_faults():
    assert set(KINDS) > SERVER_FAULTS


# Slow


@pytest.mark.parametrize(("like", "steps"), [("ideal", 1), ("scaleway", 4), ("aws", 4)])
def test_each_step_in_a_slow_database_takes_its_time(serve, like, steps):
    _, call = serve(like, "slow-db=40")
    with timed(steps * 0.04):
        assert call("POST", COMPLETE, completion()).status == 201
    with timed(0.04):
        assert call("GET", APPS).status == 200


@pytest.mark.parametrize("like", LIKES)
def test_the_store_is_slow_and_so_is_the_upload_inside_the_request(serve, like):
    server, call = serve(like)
    asked = call("POST", URL, {**SIZED, "version": "2.0"}).data
    server.faults.add("slow-store=60")
    with timed(0.06):
        assert call("PUT", asked["uploadUrl"], b"12345").status == 200
    with timed(0.06):
        assert call("POST", UPLOAD, INLINE).status == 201
    url = call("GET", "/v1/downloads/url", query=ASKED, headers={"X-Channel": "Test"}).data["url"]
    with timed(0.06):
        assert call("GET", url).status == 200


@pytest.mark.parametrize("like", ["scaleway", "aws"])
def test_a_slow_step_does_not_delay_other_requests(serve, like):
    server, call = serve(like)
    call("POST", COMPLETE, completion())
    server.faults.add(f"slow-db=1000,path={VERSION}")
    waiting = threading.Event()
    server.on_step = lambda step: waiting.set() if step.name.endswith("write-version") else None
    thread = threading.Thread(target=lambda: call("PATCH", VERSION, {"isEnabled": True}))
    thread.start()
    assert waiting.wait(10)
    assert call("POST", MANAGED, NEW).status == 201
    assert not server.version_state("tool", "1.0").is_enabled
    thread.join()
    assert server.version_state("tool", "1.0").is_enabled


# Late


@pytest.mark.parametrize("like", LIKES)
def test_a_completion_is_answered_504_and_lands_later(serve, like):
    server, call = serve(like, "late-completion=0.3")
    with timed(0.3):
        answer = call("POST", COMPLETE, completion())
        assert (answer.status, answer.json) == (504, {"message": "Endpoint request timed out"})
        assert server.version_state("tool", "1.0") is None
        until(lambda: server.version_state("tool", "1.0"))
    until(lambda: server.version_state("tool", "1.0").files)
    assert call("POST", COMPLETE, completion()).status == 201, "only one is late"


def test_a_late_completion_resets_what_was_enabled_meanwhile(serve):
    server, call = serve("scaleway", "late-completion=0.3")
    assert call("POST", COMPLETE, completion()).status == 504
    assert call("POST", COMPLETE, completion()).status == 201
    assert call("PATCH", VERSION, {"isEnabled": True}).status == 200
    assert server.version_state("tool", "1.0").is_enabled
    until(lambda: not server.version_state("tool", "1.0").is_enabled)
    assert [name for name, *_ in server.version_state("tool", "1.0").files] == ["one"]


def test_any_request_can_be_late(serve):
    server, call = serve("ideal", f"late-completion=0.1,method=POST,path={MANAGED}")
    assert call("POST", MANAGED, NEW).status == 504
    assert call("GET", f"{APPS}/new").status == 404
    until(lambda: call("GET", f"{APPS}/new").status == 200)
    asked = call("POST", URL, SIZED).data
    call("POST", COMPLETE, completion(asked["uploadId"]))
    url = call("GET", "/v1/downloads/url", query=ASKED, headers={"X-Channel": "Test"}).data["url"]
    server.faults.add("late-completion=0.1,path=/store/*")
    assert call("PUT", asked["uploadUrl"], b"12345").status == 504
    until(lambda: call("GET", url).body == b"12345")


@pytest.mark.parametrize("spec", ["late-completion=60", "duplicate=60", "slow-db=60000"])
def test_stopping_ends_what_is_late(serve, spec):
    server, call = serve("scaleway")
    began = threading.Event()

    def begin(step: Step) -> None:
        began.set()
        time.sleep(0.2)

    server.on_step = begin
    if spec == "slow-db=60000":
        server.faults.add("late-completion=0")
    server.faults.add(spec)
    call("POST", COMPLETE, completion())
    if spec == "slow-db=60000":  # what is late has begun when the server is stopped
        assert began.wait(10)
    known = server.version_state("tool", "1.0")
    start = time.monotonic()
    server.stop()
    assert time.monotonic() - start < 1.5
    assert not [thread for thread in threading.enumerate() if thread.name == "sandbox"]
    assert server.version_state("tool", "1.0") == known


# Twice


@pytest.mark.parametrize("like", LIKES)
def test_a_duplicate_is_carried_out_twice_and_the_first_answer_is_sent(serve, like):
    server, call = serve(like, f"duplicate,path={CUSTOMERS}/*")
    steps: list[Step] = []
    server.on_step = steps.append
    sent = call("POST", f"{CUSTOMERS}/admin/apikeys", {"name": "Twin"}).data
    first, second = sorted({step.request for step in steps})
    assert second == first + 1
    assert [step.request for step in steps] == sorted(step.request for step in steps)
    twins = call("GET", CUSTOMERS).data["customers"]
    assert [customer["name"] for customer in twins].count("Twin") == 2
    made = [customer["customerId"] for customer in twins if customer["name"] == "Twin"]
    assert made[0] == sent["customerId"]


def test_the_duplicate_of_an_inline_upload_finds_the_version(serve):
    server, call = serve("aws", "duplicate")
    assert call("POST", UPLOAD, INLINE).status == 201
    assert len(server.version_state("tool", "1.0").files) == 1


def test_the_duplicate_of_a_completion_can_come_later(serve):
    server, call = serve("scaleway", f"duplicate=0.3,path={COMPLETE}")
    assert call("POST", COMPLETE, completion()).status == 201
    assert call("PATCH", VERSION, {"isEnabled": True}).status == 200
    live = server.version_state("tool", "1.0")
    assert live.is_enabled
    until(lambda: server.version_state("tool", "1.0") != live)
    reset = server.version_state("tool", "1.0")
    assert (reset.is_enabled, reset.files) == (False, live.files)


def test_a_put_is_carried_out_twice_with_all_its_bytes(serve, content):
    server, call = serve("ideal")
    asked = call("POST", URL, {**SIZED, "fileSize": len(content)}).data
    server.faults.add("duplicate")
    names: list[str] = []
    server.on_step = lambda step: names.append(step.name)
    assert call("PUT", asked["uploadUrl"], content).status == 200
    assert names == ["store.put", "store.put"]
    (stored,) = (server.data_dir / "objects").iterdir()
    assert stored.read_bytes() == content


# Stale


@pytest.mark.parametrize("like", LIKES)
def test_a_stale_read_does_not_see_what_was_just_written(serve, like):
    _, call = serve(like, "stale-reads=400")
    with timed(0.4):
        assert call("POST", MANAGED, NEW).status == 201
        assert call("GET", f"{APPS}/new").status == 404
        until(lambda: call("GET", f"{APPS}/new").status == 200)
    assert call("GET", TOOL).status == 200, "what is old is seen"


def test_stale_reads_see_the_states_one_after_the_other(serve):
    server, call = serve("scaleway")
    call("POST", COMPLETE, completion())
    server.faults.add(f"stale-reads=500,path={TOOL}/*,method=GET")
    seen: list[Any] = []

    def look() -> Any:
        (version,) = call("GET", f"{TOOL}/versions", headers={"X-Channel": "Test"}).data["versions"]
        seen.append(version["releaseNotes"])
        return seen[-1]

    for notes in ("A", "B"):
        assert call("PATCH", VERSION, {"releaseNotes": notes}).status == 200
        assert look() is None
        time.sleep(0.1)
    until(lambda: look() == "B")
    assert [notes for at, notes in enumerate(seen) if notes not in seen[:at]] == [None, "A", "B"]


@pytest.mark.parametrize(("like", "status"), [("ideal", 409), ("scaleway", 201), ("aws", 201)])
def test_a_read_within_a_write_is_stale_where_nothing_is_atomic(serve, like, status):
    server, call = serve(like, "stale-reads=5000")
    assert call("POST", UPLOAD, INLINE).status == 201
    assert call("POST", UPLOAD, INLINE).status == status
    assert len(server.version_state("tool", "1.0").files) == (1 if status == 409 else 2)


@pytest.mark.skipif(sys.platform != "linux", reason="counts files in /proc")
def test_many_writes_keep_few_states_open(serve):
    server, call = serve("scaleway", "stale-reads=600000,method=GET")
    call("POST", COMPLETE, completion())
    for _ in range(60):
        assert call("PATCH", VERSION, {"isEnabled": True}).status == 200
    opened = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    assert opened.count(str(server.data_dir / "sandbox.db")) < 10
    assert call("GET", f"{VERSION}/files").status == 404


def test_reads_are_current_after_stale_reads_end(serve):
    server, call = serve("scaleway", "stale-reads=60000")
    assert call("POST", MANAGED, NEW).status == 201
    assert call("GET", f"{APPS}/new").status == 404
    server.faults.clear()
    assert call("GET", f"{APPS}/new").status == 200


# Requests are recorded where that is asked for


def test_recording_of_requests_can_be_turned_off(tmp_path, caller_of):
    with SandboxServer(tmp_path / "data", admin_key="k", record_requests=False) as server:
        assert caller_of(server)("GET", APPS, key="k").status == 200
    assert server.requests == []
