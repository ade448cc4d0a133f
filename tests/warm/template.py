"""A process that has imported the libraries of the program, and forks for each command to run.

It has imported nothing of the program itself: each fork does so, as a new interpreter would. It is
run as a script, with the number of the socket that `tests.warm.commands` asks it through.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import sys
from typing import Any, NoReturn

LIBRARIES = (
    *("requests", "click", "click.shell_completion", "tomlkit", "packaging.version"),
    *("rich.box", "rich.console", "rich.live", "rich.progress", "rich.table", "rich.text"),
    *("concurrent.futures", "configparser", "csv", "inspect", "secrets", "tempfile", "tomllib"),
)
_ASKED = 1 << 17  # bytes, for an environment and a command line
_DESCRIPTORS = 4096


def serve(asking: socket.socket) -> None:
    """Starts what it is asked to, and tells its number and how it ended, until nobody can ask."""
    running: dict[int, tuple[int, int]] = {}
    while True:
        for ready in select.select([asking.fileno(), *running], [], [])[0]:
            if ready in running:
                pid, answers = running.pop(ready)
                os.close(ready)
                tell(answers, os.waitpid(pid, 0)[1])
                os.close(answers)
                continue
            asked, descriptors, _, _ = socket.recv_fds(asking, _ASKED, 4)
            if not asked:
                return
            pid = os.fork()
            if not pid:
                become(json.loads(asked), descriptors)
            *streams, answers = descriptors
            for stream in streams:
                os.close(stream)
            tell(answers, pid)
            running[os.pidfd_open(pid)] = pid, answers


def tell(answers: int, number: int) -> None:
    with contextlib.suppress(OSError):  # nobody waits for it
        os.write(answers, b"%d\n" % number)


def become(asked: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Runs the program in this process, as its installed script does."""
    try:
        for number, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, number)
        os.closerange(3, _DESCRIPTORS)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["environment"])
        for number in asked["ignored"]:
            signal.signal(number, signal.SIG_IGN)
        sys.argv = asked["words"]
        sys.path[0] = os.path.dirname(sys.argv[0])
        open_streams(asked["environment"].get("PYTHONIOENCODING") or sys.stdout.encoding)
        from bindist_cli.__main__ import main

        main()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    finally:
        os._exit(1)


def open_streams(encoding: str) -> None:
    """The standard streams, as an interpreter opens them when it starts."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        stream = io.TextIOWrapper(
            open(number, f"{mode}b", closefd=False),  # noqa: SIM115  for as long as we live
            encoding=encoding,
            errors=getattr(sys, name).errors,
            newline="\n",
            line_buffering=name == "stderr" or os.isatty(number),
        )
        stream.mode = mode  # type: ignore[misc]
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):  # tomllib is new in Python 3.11
            importlib.import_module(library)
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])))
