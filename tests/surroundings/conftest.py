"""Fixtures for hostile surroundings: a version to download, the program run by the powerless."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from tests.cli.conftest import (
    SECONDS,
    answer,
    at_catalogue,
    bindist,
    catalogue,
    inside,
    powerless,
    profile,
    refused_url,
    sample,
    start,
    terminal,
    wait_until,
)

__all__ = [  # fixtures
    "answer",
    "at_catalogue",
    "bindist",
    "catalogue",
    "inside",
    "powerless",
    "profile",
    "refused_url",
    "sample",
    "start",
    "terminal",
    "wait_until",
]

CONTENT = bytes(range(256)) * 800

Completed = subprocess.CompletedProcess[str]


@pytest.fixture
def published(at_server: SandboxServer, admin: AdminClient, application: str) -> bytes:
    """Version 1.0 of `tool` is enabled and has one file, `tool.bin`, with these bytes."""
    admin.upload_small_file(application, "1.0", "tool.bin", CONTENT).raise_for_error()
    admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
    at_server.requests.clear()
    return CONTENT


@pytest.fixture
def weak(powerless: list[str], program: str, inside: Path) -> Callable[..., Completed]:
    """Runs the installed command as somebody whom permissions concern."""

    def run(*arguments: str, input: str | None = None, **environment: str) -> Completed:
        return subprocess.run(
            [*powerless, program, *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            cwd=inside,
            env={**os.environ, **environment},
            check=False,
        )

    return run


@pytest.fixture
def stranger() -> list[str]:
    """What runs a program as a user without name and home, who can read everything and write
    nothing that is not for all."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become somebody else, and with setpriv")
    power = "-all,+dac_read_search"  # this program may be where strangers cannot read it
    sets = [f"--{name}={power}" for name in ("bounding-set", "inh-caps", "ambient-caps")]
    return ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", *sets]


@pytest.fixture
def sh(program: str, inside: Path) -> Callable[..., Completed]:
    """Runs the installed command in a POSIX shell, with redirections: `sh("apps list", ">&-")`."""
    if os.name != "posix":
        pytest.skip("needs a POSIX shell")

    def run(words: str, redirections: str = "", before: str = "", **environment: str) -> Completed:
        return subprocess.run(
            ("sh", "-c", f'{before}\nexec "$PROGRAM" {words} {redirections}'),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            cwd=inside,
            env={**os.environ, "PROGRAM": program, **environment},
            check=False,
        )

    return run
