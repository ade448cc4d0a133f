"""Fixtures that complete a command line as a shell does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Complete = Callable[..., list[str]]


@pytest.fixture
def ask(bindist: Run) -> Run:
    """What a shell gets for a line that ends at the cursor; nothing may go wrong or be said."""

    def run(line: str, shell: str = "bash", **environment: str) -> subprocess.CompletedProcess[str]:
        at = line.split(" ")[-1] if shell == "fish" else str(line.count(" "))
        done = bindist(
            COMP_WORDS=line, COMP_CWORD=at, _BINDIST_COMPLETE=f"{shell}_complete", **environment
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done

    return run


@pytest.fixture
def complete(ask: Run) -> Complete:
    """The words that bash is offered for a line that ends at the cursor."""

    def words(line: str, **environment: str) -> list[str]:
        lines = ask(line, **environment).stdout.splitlines()
        return [line.removeprefix("plain,") for line in lines]

    return words
