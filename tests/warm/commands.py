"""Runs the installed program as processes of their own, without waiting for imports of libraries.

A new interpreter takes several times as long to import requests and rich as the program takes to
run. So a process that has imported them, the template, forks for each command. Each has its own
descriptors, environment, current folder, signals and exit code, and imports the program anew. Where
the environment concerns the interpreter itself, where the system is another than Linux, and with
WHOLE_MATRIX=1, a new interpreter is started.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Union

from tests.sampling import WHOLE

SECONDS = 60
_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else ()))
Streams = tuple[int, int, int]
Process = Union["subprocess.Popen[Any]", "Fork"]


class Commands:
    """Starts the program with the arguments of commands, and the template when it is needed."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._environment = dict(os.environ)
        self._template: subprocess.Popen[bytes] | None = None
        self._asking, self._asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()

    def __enter__(self) -> Commands:
        return self

    def __exit__(self, *_: object) -> None:
        self._asking.close()
        self._asked.close()
        if self._template:
            self._template.wait(SECONDS)

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        input: str | None = None,
        encoding: str | None = "utf-8",
    ) -> subprocess.CompletedProcess[Any]:
        """Runs a command away from any terminal, and returns what it has printed."""
        is_typed = input is not None
        process = self.open(arguments, folder, environment, is_typed=is_typed, encoding=encoding)
        try:
            stdout, stderr = process.communicate(input, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        assert process.returncode is not None
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def open(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        is_typed: bool = False,
        encoding: str | None = "utf-8",
        anew: bool = False,
    ) -> Process:
        """Starts a command, with pipes for what it prints, and one for what `is_typed`.

        A new interpreter is started for a test that looks at the process from outside (`anew`).
        """
        if anew or not self._is_like_the_template(environment):
            return subprocess.Popen(
                (self._program, *arguments),
                stdin=subprocess.PIPE if is_typed else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding=encoding,
                cwd=folder,
                env=environment,
            )
        (stdout, out), (stderr, err) = os.pipe(), os.pipe()
        stdin, typed = os.pipe() if is_typed else (os.open(os.devnull, os.O_RDONLY), None)
        process = self._fork(arguments, folder, environment, (stdin, out, err))
        for descriptor in (stdin, out, err):
            os.close(descriptor)
        mode = "" if encoding else "b"
        process.stdout = os.fdopen(stdout, f"r{mode}", encoding=encoding)
        process.stderr = os.fdopen(stderr, f"r{mode}", encoding=encoding)
        if typed is not None:
            process.stdin = os.fdopen(typed, f"w{mode}", encoding=encoding)
        return process

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: Streams,
    ) -> Process:
        """Starts a command with these descriptors for its standard streams."""
        if self._is_like_the_template(environment):
            return self._fork(arguments, folder, environment, streams)
        stdin, stdout, stderr = streams
        return subprocess.Popen(
            (self._program, *arguments),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=folder,
            env=environment,
        )

    def _fork(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: Streams,
    ) -> Fork:
        with self._lock:
            self._template = self._template or self._start_template()
        return Fork(
            self._asking,
            {
                "words": (self._program, *arguments),
                "folder": str(folder),
                "environment": dict(environment),
                "ignored": [each for each in _SIGNALS if signal.getsignal(each) == signal.SIG_IGN],
            },
            streams,
        )

    def _is_like_the_template(self, environment: Mapping[str, str]) -> bool:
        return (
            not WHOLE
            and sys.platform.startswith("linux")
            and environment.get("PYTHONIOENCODING", "utf-8") == "utf-8"
            and _of_the_interpreter(environment) == _of_the_interpreter(self._environment)
        )

    def _start_template(self) -> subprocess.Popen[bytes]:
        with self._asked as asked:
            return subprocess.Popen(
                (sys.executable, Path(__file__).with_name("template.py"), str(asked.fileno())),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=self._environment,
                pass_fds=(asked.fileno(),),
            )


class Fork:
    """A command that the template has started; what tests use of a `subprocess.Popen`."""

    stdin: IO[Any] | None = None
    stdout: IO[Any] | None = None
    stderr: IO[Any] | None = None
    returncode: int | None = None

    def __init__(self, asking: socket.socket, asked: dict[str, Any], streams: Streams) -> None:
        self.args = asked["words"]
        answers, to_answer = os.pipe()
        self._answers = open(answers, "rb", buffering=0)  # noqa: SIM115  closed by `wait`
        try:
            socket.send_fds(asking, [json.dumps(asked).encode()], (*streams, to_answer))
        finally:
            os.close(to_answer)
        self.pid = int(self._answers.readline())

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float = SECONDS) -> int:
        """The exit code, or minus the number of the signal that has ended it."""
        if self.returncode is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            with self._answers:
                self.returncode = os.waitstatus_to_exitcode(int(self._answers.readline()))
        return self.returncode

    def communicate(self, input: Any = None, timeout: float = SECONDS) -> tuple[Any, Any]:
        """Waits for the end, and returns what it has printed; it is killed if that takes longer."""
        assert self.stdout and self.stderr
        if self.stdout.closed:
            return None, None  # it has been told already
        with self.stdout, self.stderr, ThreadPoolExecutor(3) as beside:
            printed = [beside.submit(stream.read) for stream in (self.stdout, self.stderr)]
            if self.stdin:
                beside.submit(self._type, self.stdin, input)
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            stdout, stderr = (each.result() for each in printed)
        return stdout, stderr

    @staticmethod
    def _type(stdin: IO[Any], text: Any) -> None:
        with contextlib.suppress(BrokenPipeError), stdin:
            stdin.write(text or "")


def _of_the_interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter, its libraries and what loads them read while they start."""
    names = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "GLIBC_", "MALLOC_", "SSL_", "OPENSSL_")
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(names) and name != "PYTHONIOENCODING"
    }
