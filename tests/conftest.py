"""Fixtures for all tests: a real server on loopback, clients, and the program as a process."""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pytest_socket import socket_allow_hosts

from bindist import AdminClient, CustomerClient
from bindist.sandbox import LIKES, SandboxServer
from bindist.sandbox.steps import Like
from bindist_cli.output.streams import RUNNERS
from tests.warm.commands import Commands

pytest_plugins = ["tests.counters"]

ADMIN_KEY = "test-admin-key-0001"
APPS_ADMIN_KEY = "test-apps-admin-key-0002"
CUSTOMER_KEY = "test-customer-key-0003"
NUMBERS = count(1)
PROGRAM = (sys.executable, "-m", "bindist_cli")


def pytest_configure() -> None:
    # Hundreds of processes are started: none should compile every module again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_collection_finish() -> None:
    """Ten thousand tests stay in memory: no collection of garbage needs to look through them."""
    gc.freeze()


def pytest_runtest_setup() -> None:
    """Nothing leaves this machine."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the test's own. pytest's also changes a symbolic link, for each of many tests."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    path = tmp_path_factory.getbasetemp() / f"{name}-{next(NUMBERS)}"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without settings of ours; returns the folder of the configuration."""
    for name in list(os.environ):
        if name.startswith("BINDIST_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "CI", "COLUMNS", *RUNNERS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BINDIST_NO_KEYRING", "1")  # nobody's own keyring is asked
    folder = tmp_path / "config"
    monkeypatch.setenv("BINDIST_CONFIG_DIR", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    return folder


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test that is marked `server` against a server of each kind, if it has one."""
    if metafunc.definition.get_closest_marker("server") and "like" in metafunc.fixturenames:
        metafunc.parametrize("like", LIKES)


@pytest.fixture(scope="session")
def program() -> str:
    """The installed command."""
    found = shutil.which("bindist", path=sysconfig.get_path("scripts"))
    assert found, "the command `bindist` is not installed beside this Python"
    return found


@pytest.fixture(scope="session")
def commands(program: str) -> Iterator[Commands]:
    """Starts the installed command quickly."""
    with Commands(program) as found:
        yield found


@pytest.fixture
def like() -> Like:
    """Which real server the server is like."""
    return "ideal"


@pytest.fixture
def server(tmp_path: Path, like: Like) -> Iterator[SandboxServer]:
    """A server with three customers and nothing else."""
    with SandboxServer(
        tmp_path / "server",
        like=like,
        catalogue=False,
        admin_key=ADMIN_KEY,
        apps_admin_key=APPS_ADMIN_KEY,
        customer_key=CUSTOMER_KEY,
    ) as running:
        yield running


@pytest.fixture
def admin(server: SandboxServer) -> Iterator[AdminClient]:
    """An administrator's client whose retries do not make a test wait."""
    with AdminClient(server.url, ADMIN_KEY, backoff=0.001) as client:
        yield client


@pytest.fixture
def customer(server: SandboxServer) -> Iterator[CustomerClient]:
    """The client of the customer `seed-customer`."""
    with CustomerClient(server.url, CUSTOMER_KEY, backoff=0.001) as client:
        yield client


@pytest.fixture
def application(admin: AdminClient) -> str:
    """An application that `seed-customer` may have."""
    admin.create_application("tool", "Tool", customer_ids=["seed-customer"]).raise_for_error()
    return "tool"


@pytest.fixture
def at_server(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """Points the command line at the server, with the administrator's key."""
    monkeypatch.setenv("BINDIST_API_URL", server.url)
    monkeypatch.setenv("BINDIST_API_KEY", ADMIN_KEY)
    return server


@pytest.fixture
def invoke() -> Callable[..., Result]:
    """Runs a command in this process: quick, for breadth."""
    from bindist_cli.cli import cli

    def run(*arguments: str, input: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, arguments, input=input, prog_name="bindist")

    return run


@pytest.fixture
def bindist(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the program as a process of its own: exit codes, streams, signals."""

    def run(
        *arguments: str, input: str | None = None, timeout: float = 60, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*PROGRAM, *arguments),
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            cwd=tmp_path,
            env={**os.environ, **environment},
            check=False,
        )

    return run
