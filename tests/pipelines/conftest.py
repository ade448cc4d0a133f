"""Fixtures for the tests of pipelines: something to release, and machines to release it on."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from bindist import AdminClient, __version__
from bindist.sandbox import SandboxServer
from bindist_cli import topics
from tests.conftest import ADMIN_KEY
from tests.pipelines.actions import REPOSITORY, Runner

ACTION = ".github/actions/upload"
TAG = "v2.1.0"
SOURCE = f"git+https://github.com/OWNER/bindist@v{__version__}"
INSTALL = f'python -m pip install --quiet "{SOURCE}"'
"""What needs a network; the tests run what comes after it, with the command that is here."""

BUILD = """#!/usr/bin/env bash
set -euo pipefail
mkdir -p dist
cd dist
printf 'the archive' > acme.zip
printf 'the program' > 'acme setup.exe'
sha256sum -- *.zip *.exe > SHA256SUMS
"""
NOTES = "Faster, and `$(touch pwned)` is only text"


@pytest.fixture
def example() -> Callable[[str], str]:
    """The code block after the marker of that name in the topic on pipelines."""

    def find(name: str) -> str:
        text = (topics.FOLDER / "pipelines.md").read_text(encoding="utf-8")
        (found,) = re.findall(rf"<!-- pipeline: {name} -->\n```\w+\n(.*?)^```$", text, re.S | re.M)
        return found

    return find


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout of a project that is to be released."""
    folder = tmp_path / "work space"
    folder.mkdir()
    (folder / "build.sh").write_text(BUILD)
    (folder / "build.sh").chmod(0o755)
    (folder / "CHANGES.md").write_text(NOTES)
    return folder


@pytest.fixture
def acme(admin: AdminClient) -> None:
    """The application that is released."""
    admin.create_application("acme", "Acme").raise_for_error()


@pytest.fixture
def program() -> Path:
    """The installed command."""
    if os.name == "nt" or not shutil.which("bash"):
        pytest.skip("needs bash")
    found = shutil.which("bindist", path=sysconfig.get_path("scripts"))
    assert found, "the command `bindist` is not installed beside this Python"
    return Path(found)


@pytest.fixture
def on_path(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This Python and its `bindist`, as they are after a pipeline's install step."""
    monkeypatch.setenv("PATH", os.pathsep.join((str(program.parent), os.environ["PATH"])))


@pytest.fixture
def command_lines(tmp_path: Path) -> Path:
    """Where the prepared runner's programs write down what they are called with."""
    return tmp_path / "command-lines"


@pytest.fixture
def runner(
    program: Path, workspace: Path, tmp_path: Path, server: SandboxServer, command_lines: Path
) -> Callable[..., Runner]:
    """GitHub's machine in a job where the action has been used before, so that it is installed."""

    def make(*, key: str = ADMIN_KEY, prepared: bool = True) -> Runner:
        temp = tmp_path / "runner temp"
        if prepared:
            bin = temp / "bindist-action" / "bin"
            bin.mkdir(parents=True, exist_ok=True)
            for name, target in (("python", sys.executable), ("bindist", str(program))):
                (bin / name).write_text(
                    f'#!/bin/sh\necho "$0 $*" >> {shlex.quote(str(command_lines))}\n'
                    f'exec {shlex.quote(target)} "$@"\n'
                )
                (bin / name).chmod(0o755)
            (bin.parent / "made-from").write_text(str(REPOSITORY / ACTION))
        return Runner(
            workspace,
            temp,
            secrets={"BINDIST_API_KEY": key},
            github={"ref_name": TAG, "run_id": "71", "run_attempt": "1"},
            environment={"BINDIST_API_URL": server.url},
            passed_over=(INSTALL,),
        )

    return make
