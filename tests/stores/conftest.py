"""Fixtures for tests with odd servers: what is behind them, and clients for them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, TransferConfig
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY
from tests.sdk.canned import CERTIFICATE
from tests.stores.odd_server import OddServer

KIB = 1024
SMALL_PIECES = TransferConfig(
    parallel_above=128 * KIB,
    min_piece=128 * KIB,
    max_piece=256 * KIB,
    block_size=64 * KIB,
    join_seconds=0.001,
)
"""Several connections for files that are moved in no time."""
CONTENT = random.Random(1).randbytes(1536 * KIB + 5)
LISTED = ("tool", "1.0")
"""An application and its enabled version of one file, `tool.bin`, which is CONTENT."""


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """A server with an application and an enabled version, shared by all tests of this folder."""
    folder = tmp_path_factory.mktemp("catalogue")
    with SandboxServer(folder, catalogue=False, admin_key=ADMIN_KEY) as running:
        with AdminClient(running.url, ADMIN_KEY) as admin:
            admin.create_application("tool", "Tool").raise_for_error()
            admin.upload_large_file(*LISTED, "tool.bin", CONTENT).raise_for_error()
            admin.update_version(*LISTED, is_enabled=True).raise_for_error()
        yield running


@pytest.fixture
def odd(catalogue: SandboxServer) -> Iterator[Callable[..., OddServer]]:
    """Puts an odd server before the catalogue; arguments as of `OddServer`, without the first."""
    with ExitStack() as running:

        def put(mode: str, **options: Any) -> OddServer:
            return running.enter_context(OddServer(catalogue, mode, **options))

        yield put


@pytest.fixture
def connect() -> Iterator[Callable[..., AdminClient]]:
    """Makes clients whose retries do not make a test wait, and closes them."""
    with ExitStack() as clients:

        def make(url: str, **options: Any) -> AdminClient:
            options.setdefault("backoff", 0.001)
            options.setdefault("transfer_config", SMALL_PIECES)
            return clients.enter_context(AdminClient(url, ADMIN_KEY, verify=CERTIFICATE, **options))

        yield make


@pytest.fixture
def local_file(tmp_path: Path) -> Path:
    """CONTENT on disk."""
    path = tmp_path / "local.bin"
    path.write_bytes(CONTENT)
    return path
