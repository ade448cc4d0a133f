"""Demonstrates one release by running its commands in a temporary sandbox."""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from ...exit_codes import CliError, Exit
from ...output.printer import Printer

_PROGRAM = ("bindist", "--profile", "sandbox")
_SIZE = 3_000_000


def run_demo(printer: Printer) -> None:
    """Shows and runs the commands one by one. Raises CliError if one fails."""
    with tempfile.TemporaryDirectory(prefix="bindist-demo-") as name:
        folder = Path(name)
        # Incompressible like a real archive, but the same in each run.
        (folder / "hello.tar.gz").write_bytes(random.Random(1).randbytes(_SIZE))  # noqa: S311
        story = _Story(printer, folder)
        story.tell("A vendor creates an application, and a customer with its own API key.")
        story.run("apps", "create", "hello", "--name", "Hello, world", "--tag", "demo")
        made = story.run("customers", "create", "--name", "Initech", "--key-file", "initech.key")
        customer = dict(line.split("\t", 1) for line in made.splitlines())["customerId"]
        story.run("apps", "grant", "hello", customer)
        story.tell("The vendor uploads a version. Customers do not see it yet.")
        story.run(
            "versions", "upload", "hello", "1.0.0", "hello.tar.gz", "--notes", "First release"
        )
        story.run("versions", "list", "hello", key_file="initech.key")
        story.tell("The vendor enables the version; the customer downloads it with its own key.")
        story.run("versions", "enable", "hello", "1.0.0")
        story.run("versions", "list", "hello", key_file="initech.key")
        story.run("versions", "download", "hello", "--dir", "received", key_file="initech.key")
        story.tell("Both sides have the same content, and the vendor sees the download.")
        story.run("versions", "verify", "hello", "1.0.0", "received/hello.tar.gz")
        story.run("apps", "stats", "hello")
        same = (folder / "hello.tar.gz").read_bytes() == (
            folder / "received/hello.tar.gz"
        ).read_bytes()
        if not same:
            raise CliError("the downloaded file differs from the uploaded one", Exit.INTEGRITY)
        story.tell("Done. To try your own sandbox, run `bindist --profile sandbox apps list`.")


class _Story:
    def __init__(self, printer: Printer, folder: Path) -> None:
        self._printer = printer
        self._folder = folder
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("BINDIST_")
        }
        self._environment["BINDIST_CONFIG_DIR"] = str(folder / "config")

    def tell(self, text: str) -> None:
        click.echo("\n" + self._printer.styled(text, bold=True), color=self._printer.settings.color)

    def run(self, *arguments: str, key_file: str | None = None) -> str:
        """Shows and runs a command; returns its output if it was captured."""
        prefix = f"BINDIST_API_KEY_FILE={key_file} " if key_file else ""
        shown = f"$ {prefix}{shlex.join((*_PROGRAM, *arguments))}"
        click.echo(
            "\n" + self._printer.styled(shown, fg="cyan"), color=self._printer.settings.color
        )
        sys.stdout.flush()
        environment = dict(self._environment)
        if key_file:
            environment["BINDIST_API_KEY_FILE"] = str(self._folder / key_file)
        live = "--key-file" not in arguments
        done = subprocess.run(  # noqa: S603  our own program
            (sys.executable, "-m", "bindist_cli", *_PROGRAM[1:], *arguments),
            cwd=self._folder,
            env=environment,
            stdout=None if live else subprocess.PIPE,
            text=True,
            check=False,
        )
        if not live:
            click.echo(done.stdout, nl=False)
        if done.returncode:
            raise CliError(
                f"`bindist {shlex.join(arguments)}` failed with exit code {done.returncode}"
            )
        return done.stdout or ""
