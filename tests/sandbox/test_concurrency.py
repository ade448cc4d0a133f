"""What comes of two requests whose steps meet: where nothing is atomic, writes are lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bindist.sandbox import LIKES, SandboxServer, Step
from tests.sandbox.requests_held import (
    COMPLETE,
    CUSTOMERS,
    EMPTY,
    INLINE,
    MANAGED,
    STEPPED,
    TOOL,
    UPLOAD,
    VERSION,
    Held,
    completion,
)


def at_once(server: SandboxServer, after: str, send: Callable[[], Any]) -> list[int]:
    """Sends a request twice; neither goes on from a step before both have taken it."""
    barrier = threading.Barrier(2)

    def meet(step: Step) -> None:
        if step.name == after:
            barrier.wait(10)

    server.after_step = meet
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: send(), range(2)))
    server.after_step = None
    return sorted(answer.status for answer in answers)


@pytest.mark.parametrize("like", STEPPED)
@pytest.mark.parametrize(("body", "rows"), [(INLINE, 2), (EMPTY, 0)])
def test_two_simultaneous_inline_uploads_are_both_accepted(serve, like, body, rows):
    server, call = serve(like)
    statuses = at_once(server, "upload.read-version", lambda: call("POST", UPLOAD, body))
    assert statuses == [201, 201]
    assert len(server.version_state("tool", "1.0").files) == rows
    assert call("POST", UPLOAD, body).status == 409


def test_the_ideal_server_accepts_one_of_two_simultaneous_inline_uploads(serve):
    server, call = serve("ideal")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: call("POST", UPLOAD, INLINE), range(2)))
    assert sorted(answer.status for answer in answers) == [201, 409]
    assert len(server.version_state("tool", "1.0").files) == 1


@pytest.mark.parametrize("like", LIKES)
def test_a_completion_sent_again_leaves_one_row_and_resets_the_version(serve, like):
    server, call = serve(like)
    query = {"applicationId": "tool", "version": "1.0"}
    assert call("POST", COMPLETE, completion()).status == 201
    assert call("PATCH", VERSION, {"isEnabled": True}).status == 200
    assert call("GET", "/v1/downloads/url", query=query).status == 200
    live = server.version_state("tool", "1.0")
    assert live.is_enabled
    assert call("POST", COMPLETE, completion()).status == 201
    reset = server.version_state("tool", "1.0")
    assert (reset.is_enabled, reset.files) == (False, live.files)
    assert live.files == (("one", "tool.exe", "a" * 64),)
    assert reset.created_at > live.created_at
    (listed,) = call("GET", f"{TOOL}/versions", headers={"X-Channel": "Test"}).data["versions"]
    assert listed["downloadCount"] == 0


@pytest.mark.parametrize("like", STEPPED)
def test_a_completion_within_an_update_is_undone_in_the_record_but_not_in_the_rows(serve, like):
    server, call = serve(like)
    call("POST", COMPLETE, completion("one", checksum="a"))
    before = server.version_state("tool", "1.0")
    update = Held(server, "update-version.write-version",
                  lambda: call("PATCH", VERSION, {"isEnabled": True}))  # fmt: skip
    assert call("POST", COMPLETE, completion("two", checksum="b", fileSize=6)).status == 201
    completed = server.version_state("tool", "1.0")
    assert (completed.file_size, completed.checksum) == (6, "b" * 64)
    assert update.finish().status == 200
    after = server.version_state("tool", "1.0")
    assert (after.file_size, after.checksum) == (5, "a" * 64)
    assert (after.is_enabled, after.created_at) == (True, before.created_at)
    assert [name for name, *_ in after.files] == ["one", "two"]


@pytest.mark.parametrize("like", STEPPED)
def test_an_update_that_is_written_late_undoes_a_later_one(serve, like):
    server, call = serve(like)
    call("POST", COMPLETE, completion())
    late = Held(server, "update-version.write-version",
                lambda: call("PATCH", VERSION, {"releaseNotes": "N"}))  # fmt: skip
    assert call("PATCH", VERSION, {"isEnabled": True}).status == 200
    assert server.version_state("tool", "1.0").is_enabled
    late.finish()
    assert not server.version_state("tool", "1.0").is_enabled


@pytest.mark.parametrize(("like", "kept"), [("ideal", True), ("scaleway", False), ("aws", False)])
@pytest.mark.parametrize(
    ("route", "method", "url", "body"),
    [("upload", "POST", UPLOAD, INLINE), ("complete", "POST", COMPLETE, completion())],
)
def test_a_grant_made_during_a_write_of_a_version_is_lost(
    serve, like, kept, route, method, url, body
):
    server, call = serve(like)
    step = route if kept else f"{route}.write-application"
    write = Held(server, step, lambda: call(method, url, body))
    granted = call("PUT", f"{MANAGED}/tool/customers", {"addCustomerIds": ["seed-customer"]})
    assert granted.data["customerIds"] == ["seed-customer"]
    assert call("GET", TOOL, key="test-customer").status == 200
    assert write.finish().status == 201
    assert (call("GET", TOOL, key="test-customer").status == 200) is kept


@pytest.mark.parametrize("like", STEPPED)
def test_a_deletion_during_a_write_of_a_version_is_undone(serve, like):
    server, call = serve(like)
    write = Held(server, "complete.write-application", lambda: call("POST", COMPLETE, completion()))
    assert call("DELETE", f"{MANAGED}/tool").status == 200
    assert call("GET", TOOL).status == 404
    write.finish()
    assert call("GET", TOOL).status == 200


@pytest.mark.parametrize("like", STEPPED)
def test_one_of_two_simultaneous_grants_is_lost(serve, like):
    server, call = serve(like)
    other = call("POST", f"{CUSTOMERS}/admin/apikeys", {"name": "Other"}).data["customerId"]
    grants = f"{MANAGED}/tool/customers"
    add = {"addCustomerIds": [other]}
    late = Held(server, "grant.write-application", lambda: call("PUT", grants, add))
    call("PUT", grants, {"addCustomerIds": ["seed-customer"]})
    assert late.finish().data["customerIds"] == [other]
    assert call("GET", TOOL, key="test-customer").status == 404
