"""Ctrl-C while the program starts: told once, exit code 130, whichever module is being imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import PROGRAM

# Python runs a module of this name at its own start. The signal is a real one.
INTERRUPT = """
import os, signal, sys, time

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)

sys.meta_path.insert(0, Interrupt())
"""
MODULES = [
    "bindist_cli.cli",
    "click",
    "bindist.errors",
    "bindist_cli.exit_codes",
    "bindist_cli.options",
    "bindist_cli.context",
    "bindist_cli.settings.resolve",
    "bindist_cli.commands.apps",
    "bindist.clients.admin",
    "requests",
    "bindist.http.transport",
    "bindist_cli.output.printer",
]


@pytest.fixture
def interrupted_at(tmp_path, at_server):
    """Runs a command that is interrupted while it imports a module."""
    (tmp_path / "start").mkdir()
    (tmp_path / "start" / "sitecustomize.py").write_text(INTERRUPT)

    def run(module, *arguments):
        path = os.pathsep.join([str(tmp_path / "start"), *filter(None, sys.path)])
        return subprocess.run(
            (*PROGRAM, *arguments),
            env={**os.environ, "PYTHONPATH": path, "INTERRUPT_AT": module},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("module", MODULES)
def test_an_interrupt_during_start_up_exits_with_130(interrupted_at, module):
    done = interrupted_at(module, "apps", "list")
    assert done.returncode == 130, done.stderr
    assert done.stdout == ""
    assert done.stderr.strip() in ("", "error: interrupted")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("apps", "--help"),
        (
            "apps",
            "no-such",
        ),
    ],
)
def test_an_interrupt_before_the_help_exits_with_130(interrupted_at, arguments):
    done = interrupted_at("bindist_cli.commands.apps", *arguments)
    assert done.returncode in ((130,) if "--help" not in arguments[:1] else (0, 130))
    assert "Aborted" not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_while_an_error_is_printed_exits_with_130(interrupted_at):
    done = interrupted_at("bindist_cli.output.error_output", "apps", "show", "nothing")
    assert done.returncode == 130
    assert "Aborted" not in done.stderr and "Traceback" not in done.stderr
