"""Fixtures for the sandbox's own tests: servers, and a client that sees every byte."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from bindist.sandbox import SandboxServer

KEYS = {"admin_key": "test-admin", "apps_admin_key": "test-apps", "customer_key": "test-customer"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]


class Caller:
    """Sends requests over one connection, new whenever the server has closed it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)

    def __call__(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        key: str | None = "test-admin",
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """A path of the API is called with a key; a whole URL as it is, without one."""
        headers = dict(headers or {})
        if url.startswith("http"):
            url = url[len(self.url) :]
        elif key is not None:
            headers["Authorization"] = f"Bearer {key}"
        if query:
            url += "?" + urlencode(query)
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        try:
            self.connection.request(method, url, body=body, headers=headers)
            response = self.connection.getresponse()
            content = response.read()
        except BaseException:
            self.connection.close()
            raise
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, content)

    def close(self) -> None:
        self.connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "data", catalogue=False, **KEYS) as running:
        yield running


@pytest.fixture
def call(server: SandboxServer) -> Iterator[Caller]:
    caller = Caller(server.url)
    yield caller
    caller.close()


@pytest.fixture
def caller_of() -> Iterator[Callable[[SandboxServer], Caller]]:
    callers: list[Caller] = []

    def make(server: SandboxServer) -> Caller:
        callers.append(Caller(server.url))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close()


@pytest.fixture
def application(call: Caller) -> str:
    body = {"applicationId": "tool", "name": "Tool", "customerIds": ["seed-customer"]}
    assert call("POST", "/v1/management/applications", body).status == 201
    return "tool"


@pytest.fixture
def upload_url(call: Caller, application: str) -> str:
    """A URL to put a file to, of version 1.0.0."""
    body = {
        "applicationId": application,
        "version": "1.0.0",
        "fileName": "tool.bin",
        "fileSize": 5,
    }
    return call("POST", "/v1/management/upload/large-url", body).data["uploadUrl"]


@pytest.fixture
def content() -> bytes:
    return bytes(range(256)) * 1000


@pytest.fixture
def download_url(call: Caller, application: str, content: bytes) -> str:
    """A URL to get the content from."""
    body = {"applicationId": application, "version": "2.0.0", "fileName": "tool.bin"}
    asked = call("POST", "/v1/management/upload/large-url", {**body, "fileSize": len(content)}).data
    assert call("PUT", asked["uploadUrl"], content).status == 200
    done = {**body, "uploadId": asked["uploadId"], "fileSize": len(content), "checksum": "0" * 64}
    assert call("POST", "/v1/management/upload/large-complete", done).status == 201
    query = {"applicationId": application, "version": "2.0.0"}
    found = call("GET", "/v1/downloads/url", query=query, headers={"X-Channel": "Test"})
    return found.data["url"]


@pytest.fixture
def raw(server: SandboxServer) -> Iterator[Callable[[bytes], socket.socket]]:
    """Opens a connection and sends these bytes on it."""
    sockets: list[socket.socket] = []

    def open_and_send(request: bytes) -> socket.socket:
        address = urlsplit(server.url)
        sock = socket.create_connection((address.hostname, address.port), timeout=10)
        sockets.append(sock)
        sock.sendall(request)
        return sock

    yield open_and_send
    for sock in sockets:
        sock.close()


@pytest.fixture
def serve(tmp_path, caller_of) -> Iterator[Callable[..., Any]]:
    """Starts a server with the application `tool`, and gives a function that calls it."""
    servers: list[SandboxServer] = []

    def start(like: str, *faults: str) -> tuple[SandboxServer, Callable[..., Any]]:
        server = SandboxServer(
            tmp_path / f"data{len(servers)}", catalogue=False, like=like, **KEYS
        ).start()
        servers.append(server)
        made = caller_of(server)(
            "POST", "/v1/management/applications", {"applicationId": "tool", "name": "Tool"}
        )
        assert made.status == 201
        for fault in faults:
            server.faults.add(fault)
        return server, lambda *args, **kwargs: caller_of(server)(*args, **kwargs)

    yield start
    for server in servers:
        server.on_step = None
        server.stop()
