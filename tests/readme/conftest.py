"""What a reader of the README has: a server with an application, a build, and a shell."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY

SECONDS = 60
END = "\x1e"


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one, and `bindist` on the path."""
    folder = tmp_path / "reader"
    folder.mkdir()
    monkeypatch.chdir(folder)
    scripts = sysconfig.get_path("scripts")
    assert shutil.which("bindist", path=scripts), "`bindist` is not installed beside this Python"
    monkeypatch.setenv("PATH", os.pathsep.join((scripts, os.environ["PATH"])))
    return folder


@pytest.fixture
def acme(tmp_path: Path, reader: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdminClient]:
    """The application `acme` on a server, with a build of it in `dist`, and the key."""
    (reader / "dist").mkdir()
    (reader / "dist" / "acme.exe").write_bytes(b"the program")
    (reader / "dist" / "manual.txt").write_bytes(b"how to use it")
    (reader / "CHANGES.md").write_text("Faster")
    with (
        SandboxServer(tmp_path / "server", catalogue=False, admin_key=ADMIN_KEY) as server,
        AdminClient(server.url, ADMIN_KEY) as client,
    ):
        client.create_application("acme", "Acme").raise_for_error()
        monkeypatch.setenv("BINDIST_API_URL", server.url)
        monkeypatch.setenv("BINDIST_API_KEY", ADMIN_KEY)
        yield client


@pytest.fixture
def bash(reader: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs a script, stopping at the first command that fails, within a pipe too."""
    if os.name == "nt" or not shutil.which("bash"):
        pytest.skip("needs bash")

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ("bash", "-c", f"set -euo pipefail\n{script}"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )

    return run


@pytest.fixture
def typed(reader: Path) -> Callable[[list[str]], list[str]]:
    """Types commands at a terminal without colours and bars; what each of them printed."""
    if os.name == "nt" or not shutil.which("bash"):
        pytest.skip("needs pseudo-terminals and bash")
    import pty

    def run(commands: list[str]) -> list[str]:
        script = "".join(f"{command}\nprintf '\\036'\n" for command in commands)
        master, slave = pty.openpty()
        with subprocess.Popen(
            ("bash", "-c", script),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "dumb", "CI": "1", "COLUMNS": "80"},
        ):
            os.close(slave)
            received = bytearray()
            while select.select([master], [], [], SECONDS)[0]:
                try:
                    block = os.read(master, 65536)
                except OSError:  # the other side is closed
                    break
                if not block:
                    break
                received += block
            os.close(master)
        *outputs, rest = received.decode().replace("\r\n", "\n").split(END)
        assert rest == ""
        return outputs

    return run
