"""Fixtures for the tests of the command line: the installed program, a terminal, a catalogue."""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY, CUSTOMER_KEY
from tests.warm.commands import SECONDS, Commands, Process

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def bindist(commands: Commands, tmp_path: Path) -> Run:
    """Runs the installed command as a process of its own, away from any terminal."""

    def run(
        *arguments: str, input: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        encoding = environment.setdefault("PYTHONIOENCODING", "utf-8")
        everything = {**os.environ, **environment}
        return commands.run(arguments, tmp_path, everything, input, encoding)

    return run


@pytest.fixture
def shell(program: str, tmp_path: Path) -> Run:
    """Runs a script in bash, with the installed command on its path."""
    bash = shutil.which("bash")
    if not bash or os.name == "nt":
        pytest.skip("needs bash")

    def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join((str(Path(program).parent), os.environ["PATH"]))
        return subprocess.run(
            (bash, "-c", f"set -euo pipefail\n{script}"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=SECONDS,
            cwd=tmp_path,
            env={**os.environ, "PATH": path, **environment},
            check=False,
        )

    return run


@pytest.fixture
def start(program: str, commands: Commands, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts the installed command and leaves it running; what still runs afterwards is killed."""
    running: list[Process] = []

    def begin(*arguments: str, anew: bool = False, **environment: str) -> Process:
        everything = {**os.environ, **environment}
        running.append(commands.open(arguments, tmp_path, everything, anew=anew))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def interrupt() -> Callable[[Process], None]:
    """Presses Ctrl-C for a process."""
    if os.name == "nt":
        pytest.skip("Windows has no SIGINT for one process")
    return lambda process: process.send_signal(signal.SIGINT)


@pytest.fixture
def wait_until() -> Callable[[Callable[[], Any]], None]:
    """Waits for something to be so, and fails where it never is."""

    def wait(condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < deadline, "it has not happened"
            time.sleep(0.01)

    return wait


@dataclass
class Screen:
    """What a terminal received, and how the program ended."""

    text: str
    returncode: int

    @property
    def lines(self) -> list[str]:
        return self.text.replace("\r\n", "\n").splitlines()


@pytest.fixture
def terminal(commands: Commands, tmp_path: Path) -> Callable[..., Screen]:
    """Runs the installed command at a terminal, with answers typed ahead."""
    if os.name == "nt":
        pytest.skip("needs pseudo-terminals")
    import fcntl
    import pty
    import termios

    def run(*arguments: str, columns: int = 80, typed: str = "", **environment: str) -> Screen:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        everything = {**os.environ, "TERM": "xterm-256color", **environment}
        process = commands.start(arguments, tmp_path, everything, (slave,) * 3)
        os.close(slave)
        os.write(master, typed.encode())
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
        code = process.wait()
        return Screen(received.decode("utf-8"), code)

    return run


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a new sample catalogue, to be copied: quicker than making another."""
    folder = tmp_path_factory.mktemp("sample") / "catalogue"
    SandboxServer(folder)
    return folder


@pytest.fixture
def catalogue(tmp_path: Path, sample: Path) -> Iterator[SandboxServer]:
    """A server with the sample catalogue."""
    shutil.copytree(sample, tmp_path / "catalogue")
    with SandboxServer(
        tmp_path / "catalogue",
        admin_key=ADMIN_KEY,
        apps_admin_key=APPS_ADMIN_KEY,
        customer_key=CUSTOMER_KEY,
    ) as running:
        yield running


@pytest.fixture
def at_catalogue(catalogue: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """Points the command line at the sample catalogue, with the administrator's key."""
    monkeypatch.setenv("BINDIST_API_URL", catalogue.url)
    monkeypatch.setenv("BINDIST_API_KEY", ADMIN_KEY)
    return catalogue


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def answer(invoke: Callable[..., Result]) -> Callable[..., Any]:
    """Runs a command that must succeed, with --json, and returns what it printed."""

    def ask(*arguments: str, input: str | bytes | None = None) -> Any:
        result = invoke(*arguments, "--json", input=input)
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    return ask


@pytest.fixture
def release(
    answer: Callable[..., Any], application: str, at_server: SandboxServer, tmp_path: Path
) -> Callable[..., dict[str, str]]:
    """Uploads these files, enabled unless asked otherwise, as a version of `tool`; their checksums
    by name."""

    def upload(version: str, *options: str, enable: bool = True, **files: bytes) -> dict[str, str]:
        folder = tmp_path / "release"
        folder.mkdir(exist_ok=True)
        paths = []
        for name, content in files.items():
            path = folder / name.replace("_", ".")
            path.write_bytes(content)
            paths.append(str(path))
        options = (*options, "--enable") if enable else options
        made = answer("versions", "upload", application, version, *paths, *options)
        assert made["status"] == "created"
        return {
            name.replace("_", "."): hashlib.sha256(content).hexdigest()
            for name, content in files.items()
        }

    return upload


@pytest.fixture
def downloads_counted(at_server: SandboxServer, answer: Callable[..., Any]) -> Callable[[], int]:
    """How many downloads of `tool` the server has counted."""
    return lambda: answer("apps", "stats", "tool")["totalDownloads"]


@pytest.fixture
def powerless() -> list[str]:
    """What runs a program without root's power to write everywhere."""
    if os.name != "posix":
        pytest.skip("needs the permissions of POSIX")
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root may write everywhere, and there is no setpriv to change that")
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


@pytest.fixture
def refused_url() -> str:
    """An address of this machine where nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


@pytest.fixture
def profile(environment: Path) -> Callable[..., Path]:
    """Writes `config.toml`, and `credentials.toml` where keys are given, and returns the folder."""

    def write(config: str = "", **keys: str) -> Path:
        environment.mkdir(exist_ok=True)
        (environment / "config.toml").write_text(config, encoding="utf-8")
        if keys:
            file = environment / "credentials.toml"
            file.write_text(
                "".join(f"[profiles.{name}]\nkey = '{key}'\n" for name, key in keys.items())
            )
            file.chmod(0o600)
        return environment

    return write


@pytest.fixture
def catalogue_admin(catalogue: SandboxServer) -> Iterator[AdminClient]:
    """The administrator's client of the sample catalogue."""
    with AdminClient(catalogue.url, ADMIN_KEY) as client:
        yield client
