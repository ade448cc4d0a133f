"""A real shell at a terminal, for the tests of completion."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pexpect

SECONDS = 15
PROMPT = "READY: "
SETUP = {
    "bash": ("--norc", "--noprofile", "-i"),
    "zsh": ("-i",),
    "fish": ("-i",),
}


class Terminal:
    """A shell at a terminal, with the completion installed as `--install` does it."""

    def __init__(self, shell: str, home: Path, program: str) -> None:
        self._home = home
        path = os.pathsep.join((str(Path(program).parent), os.environ["PATH"]))
        self._child = pexpect.spawn(
            shutil.which(shell) or "",
            list(SETUP[shell]),
            cwd=str(home),
            env={
                **os.environ,
                "PATH": path,
                "HOME": str(home),
                "ZDOTDIR": str(home),
                "XDG_CONFIG_HOME": str(home / ".config"),
                "XDG_DATA_HOME": str(home / ".local" / "share"),
                "TERM": "xterm",
                "PS1": PROMPT,
                "LC_ALL": "C.UTF-8",
            },
            encoding="utf-8",
            codec_errors="replace",
            timeout=SECONDS,
            dimensions=(50, 200),
        )

    def ready(self, setup: str = "") -> None:
        """Waits until the shell reads what is typed."""
        if setup:
            self._child.sendline(setup)
        self._child.sendline("printf '%s-%s\\n' now ready")
        self._child.expect_exact("now-ready")
        self._child.expect_exact(PROMPT)

    def completed(self, line: str) -> list[str]:
        """The words of a line, after TAB has been pressed at its end."""
        self._child.send(line + "\t")
        # At the start of the line: print what would be run.
        self._child.sendline("\x01printf '<%s>' '' ")
        self._child.expect_exact("<>")
        self._child.expect_exact(PROMPT)
        return re.findall(r"<([^>\r\n]*)>", self._child.before)

    def received(self, line: str) -> list[str]:
        """What a program is called with, after TAB has been pressed at the end of this line.

        The program is `record`, which has to be in the home folder.
        """
        self._child.send(line + "\t")
        self._child.sendline("\x01~/record ")
        self._child.expect_exact("<recorded>")
        self._child.expect_exact(PROMPT)
        return (self._home / "received").read_text().split("\0")[1:-1]

    def shown(self, line: str, *expected: str) -> None:
        """Presses TAB, and waits until all of this is on the screen."""
        self._child.send(line + "\t\t")
        for text in expected:
            self._child.expect_exact(text)

    def close(self) -> None:
        self._child.close(force=True)
