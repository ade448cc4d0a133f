"""Fixtures for the load tests: processes of their own, and a server of a file that is nowhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(environment: Path) -> Iterator[Start]:
    """Starts a script of this folder; what still runs in the end is ended."""
    running: list[subprocess.Popen[str]] = []

    def begin(script: str, *arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, str(HERE / script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    with ExitStack() as stack:
        yield begin
        for process in running:
            stack.enter_context(process)
            process.kill()


@pytest.fixture
def measured(start: Start) -> Callable[..., dict[str, Any]]:
    """Runs a task of `measured.py` and returns its report."""

    def run(*arguments: object) -> dict[str, Any]:
        return report(start("measured.py", *arguments))

    return run


def lines_of(process: subprocess.Popen[str]) -> list[str]:
    """What a process prints until it ends, well."""
    printed, complaint = process.communicate("go\n", timeout=120)
    assert process.returncode == 0, complaint
    return printed.splitlines()


def report(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The last line that it prints, which is JSON."""
    found: dict[str, Any] = json.loads(lines_of(process)[-1])
    return found
