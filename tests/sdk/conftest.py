"""Fixtures for the tests of the SDK: servers that answer anything, clients for any address."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import settings

from bindist import AdminClient
from tests.conftest import ADMIN_KEY
from tests.sdk.canned import CannedServer

# A slow machine is no failure; the number of examples is what the time for the suite allows.
settings.register_profile("sdk", settings(), deadline=None, max_examples=50)
settings.load_profile("sdk")


@pytest.fixture
def canned() -> Iterator[CannedServer]:
    """A server that answers what the test tells it to."""
    with CannedServer() as running:
        running.open()
        yield running


@pytest.fixture
def canned_tls() -> Iterator[CannedServer]:
    """The same over TLS, with a certificate that nobody trusts."""
    with CannedServer(tls=True) as running:
        running.open()
        yield running


@pytest.fixture
def connect() -> Iterator[Callable[..., AdminClient]]:
    """Makes clients whose retries do not make a test wait, and closes them."""
    with ExitStack() as clients:

        def make(url: str, key: str = ADMIN_KEY, **options: Any) -> AdminClient:
            options.setdefault("backoff", 0.001)
            return clients.enter_context(AdminClient(url, key, **options))

        yield make


@pytest.fixture
def asker(canned: CannedServer, connect: Callable[..., AdminClient]) -> AdminClient:
    """An administrator's client of the canned server."""
    return connect(canned.url)


@pytest.fixture
def closed() -> Iterator[CannedServer]:
    """A server that refuses connections until it is opened."""
    with CannedServer() as waiting:
        yield waiting


@pytest.fixture
def log_text(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Everything that any logger has said at DEBUG, so far."""
    for name in ("", "bindist", "bindist.request", "bindist.wire", "urllib3"):
        caplog.set_level(logging.DEBUG, logger=name)

    def text() -> str:
        formatter = logging.Formatter("%(name)s %(message)s")
        return "\n".join(formatter.format(record) for record in caplog.records)

    return text
