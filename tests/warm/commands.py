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
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sampling import WHOLE

SECONDS = 60
Streams = tuple[int, int, int]


class Commands:
    """Starts commands, and until it is closed the template for them, once one can be used."""

    def __init__(self) -> None:
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
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        input: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command away from any terminal, and returns what it has printed."""
        encoding = environment.get("PYTHONIOENCODING") or "utf-8"
        (stdout, out), (stderr, err) = os.pipe(), os.pipe()
        stdin, typed = os.pipe()
        if input is None:
            os.close(stdin)
            stdin = os.open(os.devnull, os.O_RDONLY)
        with (
            open(stdout, encoding=encoding) as printed,
            open(stderr, encoding=encoding) as said,
            ThreadPoolExecutor(2) as beside,
        ):
            process = self.start(words, folder, environment, (stdin, out, err))
            for descriptor in (stdin, out, err):
                os.close(descriptor)
            timer = threading.Timer(SECONDS, process.kill)
            timer.start()
            beside.submit(_type, typed, input or "", encoding)
            errors = beside.submit(said.read)
            output = printed.read()
            code = process.wait()
            timer.cancel()
            return subprocess.CompletedProcess(words, code, output, errors.result())

    def start(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Streams
    ) -> subprocess.Popen[bytes] | Fork:
        """Starts a command with these descriptors for its standard streams."""
        if not self._is_like_the_template(environment):
            stdin, stdout, stderr = streams
            return subprocess.Popen(
                words, stdin=stdin, stdout=stdout, stderr=stderr, cwd=folder, env=environment
            )
        with self._lock:
            self._template = self._template or self._start_template()
        return Fork(self._asking, words, folder, environment, streams)

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
    """A command that the template has started."""

    def __init__(
        self,
        asking: socket.socket,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        streams: Streams,
    ) -> None:
        asked = {"words": words, "folder": str(folder), "environment": dict(environment)}
        answers, to_answer = os.pipe()
        self._answers = open(answers, "rb")  # noqa: SIM115  closed by `wait`
        try:
            socket.send_fds(asking, [json.dumps(asked).encode()], (*streams, to_answer))
        finally:
            os.close(to_answer)
        self.pid = int(self._answers.readline())

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """The exit code, or minus the number of the signal that has ended it."""
        with self._answers:
            return os.waitstatus_to_exitcode(int(self._answers.readline()))


def _of_the_interpreter(environment: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter, its libraries and what loads them read while they start."""
    names = ("PYTHON", "LC_", "LANG", "TZ", "LD_", "GLIBC_", "MALLOC_", "SSL_", "OPENSSL_")
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(names) and name != "PYTHONIOENCODING"
    }


def _type(descriptor: int, text: str, encoding: str) -> None:
    with contextlib.suppress(BrokenPipeError), open(descriptor, "w", encoding=encoding) as typed:
        typed.write(text)
