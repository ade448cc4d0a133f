"""The steps of each request, and the hooks that are called with them."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bindist.sandbox import LIKES, SandboxError, SandboxServer, Step
from tests.sandbox.requests_held import (
    APPS,
    ASKED,
    COMPLETE,
    CUSTOMERS,
    EMPTY,
    INLINE,
    MANAGED,
    SIZED,
    TOOL,
    UPLOAD,
    URL,
    VERSION,
    Gate,
    Held,
    completion,
)

# The order of the steps

READ_TWO = ["read-application", "read-version"]
DOWNLOAD = ["read-files", "write-download", "count-download"]
KEY = ["read-customer", "write-key", "write-audit"]
CREATE = ["read-application", "write-application", "write-audit"]
ROUTES = {
    "upload": (
        ("POST", UPLOAD, INLINE),
        [*READ_TWO, "put-object", "write-file", "write-version", "write-application"],
    ),
    "upload ": (("POST", UPLOAD, EMPTY), [*READ_TWO, "write-version", "write-application"]),
    "large-url": (("POST", URL, SIZED), READ_TWO),
    "complete": (
        ("POST", COMPLETE, completion()),
        ["read-application", "write-version", "write-file", "write-application"],
    ),
    "update-version": (
        ("PATCH", f"{TOOL}/versions/old", {"isEnabled": True}),
        ["read-version", "write-version"],
    ),
    "create-application": (
        ("POST", MANAGED, {"applicationId": "new", "name": "New"}),
        CREATE,
    ),
    "create-application ": (
        ("POST", MANAGED, {"applicationId": "n", "name": "N", "customerIds": ["seed-customer"]}),
        [CREATE[0], "read-customers", *CREATE[1:]],
    ),
    "delete-application": (("DELETE", f"{MANAGED}/tool"), CREATE),
    "grant": (
        ("PUT", f"{MANAGED}/tool/customers", {"addCustomerIds": ["seed-customer"]}),
        [CREATE[0], "read-customers", *CREATE[1:]],
    ),
    "grant ": (
        ("PUT", f"{MANAGED}/tool/customers", {"removeCustomerIds": ["seed-customer"]}),
        [*CREATE[:2], "read-removed-customers", CREATE[2]],
    ),
    "create-customer": (
        ("POST", f"{CUSTOMERS}/admin/apikeys", {"name": "N"}),
        ["read-customer", "write-customer", "write-audit"],
    ),
    "update-customer": (
        ("PATCH", f"{CUSTOMERS}/seed-customer", {"notes": "N"}),
        ["read-customer", "write-customer"],
    ),
    "customer-key": (("POST", f"{CUSTOMERS}/seed-customer/regenerate-key"), KEY),
    "admin-key": (("POST", "/v1/management/admin/regenerate-key"), KEY),
    "apps-key": (("POST", "/v1/management/admin/regenerate-apps-key"), KEY),
    "download-url": (
        ("GET", "/v1/downloads/url?applicationId=tool&version=old"),
        [*READ_TWO, *DOWNLOAD],
    ),
    "share": (
        ("POST", "/v1/downloads/share", {"applicationId": "tool", "version": "old"}),
        [*READ_TWO, "write-share"],
    ),
    "share ": (
        ("POST", "/v1/downloads/share", {**ASKED, "version": "old", "fileId": "old"}),
        [*READ_TWO, "read-files", "write-share"],
    ),
    "shared-download": (("GET", "/v1/downloads/d/TOKEN"), ["read-share", *DOWNLOAD]),
    "applications": (("GET", APPS), []),
    "application": (("GET", TOOL), []),
    "versions": (("GET", f"{TOOL}/versions"), []),
    "files": (("GET", f"{TOOL}/versions/old/files"), []),
    "stats": (("GET", f"{TOOL}/stats"), []),
    "customers": (("GET", CUSTOMERS), []),
    "activity": (("GET", "/v1/activity"), []),
    "audit": (("GET", "/v1/audit"), []),
}
READ_ONLY = {"large-url", *(name for name, (_, steps) in ROUTES.items() if not steps)}


@pytest.fixture
def with_old_version(serve):
    """A server with the version `old`, and a share link to it."""

    def start(like: str) -> tuple[SandboxServer, Callable[..., Any], str]:
        server, call = serve(like)
        assert call("POST", COMPLETE, completion("old", version="old")).status == 201
        assert call("PATCH", f"{TOOL}/versions/old", {"isEnabled": True}).status == 200
        body = {"applicationId": "tool", "version": "old"}
        return server, call, call("POST", "/v1/downloads/share", body).data["token"]

    return start


@pytest.mark.parametrize("like", LIKES)
@pytest.mark.parametrize("route", ROUTES)
def test_each_route_takes_its_steps_in_the_documented_order(with_old_version, like, route):
    server, call, token = with_old_version(like)
    before: list[Step] = []
    after: list[Step] = []
    server.on_step, server.after_step = before.append, after.append
    (method, path, *body), names = ROUTES[route]
    route = route.strip()
    answer = call(method, path.replace("TOKEN", token), *body)
    assert answer.status < 400
    wanted = [f"{route}.{name}" for name in names] if names and like != "ideal" else [route]
    assert [step.name for step in before] == wanted
    assert after == before
    caller = "" if route == "shared-download" else "admin"
    assert {(step.method, step.caller) for step in before} == {(method, caller)}
    assert {step.path for step in before} == {path.replace("TOKEN", token).partition("?")[0]}
    assert len({step.request for step in before}) == 1
    if like == "ideal":
        assert [step.writes for step in before] == [route not in READ_ONLY]
    else:
        assert [step.writes for step in before] == [".read-" not in s and "." in s for s in wanted]


def test_every_route_is_in_the_table_of_steps():
    from bindist.sandbox.routes.table import ROUTES as SERVED

    assert {route.name for route in SERVED} == {route.strip() for route in ROUTES}


# Hooks


@pytest.mark.parametrize("like", LIKES)
@pytest.mark.parametrize("hook", ["on_step", "after_step"])
def test_a_held_request_does_not_block_other_writes(serve, like, hook):
    server, call = serve(like)
    names: list[str] = []
    server.on_step = lambda step: names.append(step.name)
    call("POST", UPLOAD, {**INLINE, "version": "0"})
    server.on_step = None
    for number, name in enumerate(names, 1):
        gate = Gate(server, name, hook=hook)
        body = {**INLINE, "version": str(number)}
        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(call, "POST", UPLOAD, body)
            assert gate.reached.wait(10)
            assert call("POST", UPLOAD, {**body, "version": f"{number}.1"}).status == 201
            server.version_state("tool", str(number))
            gate.opened.set()
            assert held.result().status == 201


@pytest.mark.parametrize("like", LIKES)
def test_the_store_is_a_step_too(serve, like):
    server, call = serve(like)
    asked = call("POST", URL, SIZED).data
    steps: list[Step] = []
    server.on_step = steps.append
    assert call("PUT", asked["uploadUrl"], b"12345").status == 200
    call("POST", COMPLETE, completion(asked["uploadId"]))
    url = call("GET", "/v1/downloads/url", query=ASKED, headers={"X-Channel": "Test"}).data["url"]
    assert call("GET", url).body == b"12345"
    first, last = steps[0], steps[-1]
    assert (first.name, first.method, first.caller, first.writes) == ("store.put", "PUT", "", True)
    assert (last.name, last.method, last.caller, last.writes) == ("store.get", "GET", "", False)
    assert first.path == asked["uploadUrl"].removeprefix(server.url).partition("?")[0]
    numbers = [step.request for step in steps]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 4


def test_an_object_is_invisible_before_the_step_that_stores_it(serve):
    server, call = serve("scaleway")
    asked = call("POST", URL, SIZED).data
    call("POST", COMPLETE, completion(asked["uploadId"]))
    url = call("GET", "/v1/downloads/url", query=ASKED, headers={"X-Channel": "Test"}).data["url"]
    put = Held(server, "store.put", lambda: call("PUT", asked["uploadUrl"], b"12345"))
    assert call("GET", url).status == 404
    assert put.finish().status == 200
    assert call("GET", url).status == 200


def refuse(step: Step) -> None:
    if step.name == "complete.write-file":
        raise RuntimeError("not this one")


@pytest.mark.parametrize(("hook", "files"), [("on_step", 0), ("after_step", 1)])
def test_a_hook_that_raises_drops_the_connection_and_ends_the_request(serve, hook, files):
    server, call = serve("scaleway")
    before = call("GET", TOOL).data["updatedAt"]
    setattr(server, hook, refuse)
    with pytest.raises(http.client.RemoteDisconnected):
        call("POST", COMPLETE, completion())
    assert len(server.version_state("tool", "1.0").files) == files
    assert call("GET", TOOL).data["updatedAt"] == before, "the last step was not taken"
    assert server.requests[-2].status == 0


def test_after_step_is_called_for_a_refused_step(serve):
    server, call = serve("scaleway")
    call("POST", COMPLETE, completion())
    after: list[str] = []
    server.after_step = lambda step: after.append(step.name)
    assert call("POST", URL, SIZED).status == 409
    assert after == ["large-url.read-application", "large-url.read-version"]


# What else the servers have of their own


def test_the_state_of_a_version(serve):
    server, call = serve("ideal")
    assert server.version_state("tool", "1.0") is None
    call("POST", COMPLETE, completion("b"))
    call("POST", COMPLETE, completion("a", checksum="c", fileName="tool.dll"))
    state = server.version_state("tool", "1.0")
    assert (state.is_enabled, state.is_active) == (False, True)
    assert (state.file_size, state.checksum) == (5, "c" * 64)
    assert state.files == (("a", "tool.dll", "c" * 64), ("b", "tool.exe", "a" * 64))
    call("PATCH", VERSION, {"isEnabled": True, "isActive": False})
    changed = server.version_state("tool", "1.0")
    assert (changed.is_enabled, changed.is_active) == (True, False)
    assert changed.created_at == state.created_at
    assert changed.updated_at > state.updated_at


@pytest.mark.parametrize(
    ("like", "order"), [("ideal", ["b", "a"]), ("scaleway", ["b", "a"]), ("aws", ["a", "b"])]
)
def test_aws_has_files_in_the_order_of_their_ids(serve, like, order):
    _, call = serve(like)
    for file_id in ("b", "a"):
        call("POST", COMPLETE, completion(file_id, fileName=f"{file_id}.exe"))
    files = call("GET", f"{VERSION}/files").data["files"]
    assert [file["fileId"] for file in files] == order
    assert [file["order"] for file in files] == [1, 1]
    found = call("GET", "/v1/downloads/url", query=ASKED, headers={"X-Channel": "Test"})
    assert found.data["fileName"] == f"{order[0]}.exe"


def test_an_unknown_kind_of_server_is_refused(tmp_path):
    with pytest.raises(SandboxError, match="ideal, scaleway, aws, not 'azure'"):
        SandboxServer(tmp_path, like="azure")
