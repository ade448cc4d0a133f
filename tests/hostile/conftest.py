"""Fixtures for the tests with hostile servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient
from tests.conftest import ADMIN_KEY
from tests.hostile.recorded import RecordedServer
from tests.sdk.canned import CannedServer


@pytest.fixture(scope="session")
def running() -> Iterator[RecordedServer]:
    with RecordedServer() as server:
        server.open()
        yield server


@pytest.fixture
def recorded(running: RecordedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordedServer]:
    """The server of recorded answers; the command line is pointed at it."""
    monkeypatch.setenv("BINDIST_API_URL", running.url)
    monkeypatch.setenv("BINDIST_API_KEY", ADMIN_KEY)
    monkeypatch.setenv("BINDIST_RETRIES", "0")
    running.reset()
    yield running
    running.reset()


@pytest.fixture
def canned() -> Iterator[CannedServer]:
    """A server that answers what the test tells it to."""
    with CannedServer() as server:
        server.open()
        yield server


@pytest.fixture
def elsewhere() -> Iterator[CannedServer]:
    """Another server, that nobody should be sent to."""
    with CannedServer() as server:
        server.open()
        server.answer(b"bytes")
        yield server


@pytest.fixture
def connect() -> Iterator[Callable[..., AdminClient]]:
    """Makes clients whose retries do not make a test wait, and closes them."""
    with ExitStack() as clients:

        def make(url: str, **options: Any) -> AdminClient:
            options = {"backoff": 0.001, "timeout": 10, **options}
            return clients.enter_context(AdminClient(url, ADMIN_KEY, **options))

        yield make


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one, in a folder of its own."""
    folder = tmp_path / "around" / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder
