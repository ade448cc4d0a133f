"""The steps of each request, the hooks that hold them, and what comes of requests that meet."""

from __future__ import annotations

import base64
import http.client
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from bindist_cli.sandbox import LIKES, SandboxError, SandboxServer, Step

KEYS = {"admin_key": "test-admin", "apps_admin_key": "test-apps", "customer_key": "test-customer"}
STEPPED = [like for like in LIKES if like != "ideal"]
APPS = "/v1/applications"
TOOL = f"{APPS}/tool"
MANAGED = "/v1/management/applications"
CUSTOMERS = "/v1/management/customers"
UPLOAD = "/v1/management/upload"
URL = f"{UPLOAD}/large-url"
COMPLETE = f"{UPLOAD}/large-complete"
VERSION = f"{TOOL}/versions/1.0"
ASKED = {"applicationId": "tool", "version": "1.0"}
INLINE = {**ASKED, "fileName": "tool.exe", "fileContent": base64.b64encode(b"12345").decode()}
EMPTY = {**INLINE, "fileContent": ""}
SIZED = {**ASKED, "fileName": "tool.exe", "fileSize": 5}


def completion(upload_id: str = "one", *, checksum: str = "a", **also: Any) -> dict[str, Any]:
    return {**SIZED, "uploadId": upload_id, "checksum": checksum * 64, **also}


@pytest.fixture
def serve(tmp_path, caller_of) -> Iterator[Callable[..., Any]]:
    """Starts a server with the application `tool` and gives a function that calls it."""
    servers: list[SandboxServer] = []

    def start(like: str, *faults: str) -> tuple[SandboxServer, Callable[..., Any]]:
        server = SandboxServer(
            tmp_path / f"data{len(servers)}", catalogue=False, like=like, **KEYS
        ).start()
        servers.append(server)
        made = caller_of(server)("POST", MANAGED, {"applicationId": "tool", "name": "Tool"})
        assert made.status == 201
        for fault in faults:
            server.faults.add(fault)
        return server, lambda *args, **kwargs: caller_of(server)(*args, **kwargs)

    yield start
    for server in servers:
        server.on_step = None
        server.stop()


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
    from bindist_cli.sandbox.routes import ROUTES as SERVED

    assert {route.name for route in SERVED} == {route.strip() for route in ROUTES}
