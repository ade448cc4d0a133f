"""The story of one release, told by running its commands in a sandbox of their own."""

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
from ...output.printer import Sink

_PROGRAM = ("bindist", "--profile", "sandbox")
_SIZE = 3_000_000


def run_demo(sink: Sink) -> None:
    """Runs the commands one by one, each shown before; raises CliError where one fails."""
    with tempfile.TemporaryDirectory(prefix="bindist-demo-") as name:
        folder = Path(name)
        # Bytes as compressed programs have them, the same each time.
        (folder / "hello.tar.gz").write_bytes(random.Random(1).randbytes(_SIZE))  # noqa: S311
        story = _Story(sink, folder)
        story.tell("A vendor makes an application, and a customer with a key of its own.")
        story.run("apps", "create", "hello", "--name", "Hello, world", "--tag", "demo")
        made = story.run("customers", "create", "--name", "Initech", "--key-file", "initech.key")
        customer = dict(line.split("\t", 1) for line in made.splitlines())["customerId"]
        story.run("apps", "grant", "hello", customer)
        story.tell("A release is uploaded. Nobody sees it yet.")
        story.run(
            "versions", "upload", "hello", "1.0.0", "hello.tar.gz", "--notes", "First release"
        )
        story.run("versions", "list", "hello", key_file="initech.key")
        story.tell("It is released, and the customer downloads it with the customer's key.")
        story.run("versions", "enable", "hello", "1.0.0")
        story.run("versions", "list", "hello", key_file="initech.key")
        story.run("versions", "download", "hello", "--dir", "received", key_file="initech.key")
        story.tell("Both sides have the same bytes, and the vendor sees the download.")
        story.run("versions", "verify", "hello", "1.0.0", "received/hello.tar.gz")
        story.run("apps", "stats", "hello")
        same = (folder / "hello.tar.gz").read_bytes() == (
            folder / "received/hello.tar.gz"
        ).read_bytes()
        if not same:
            raise CliError(
                "the file that was received is not the one that was sent", Exit.INTEGRITY
            )
        story.tell("Done. Your own sandbox: `bindist --profile sandbox apps list`.")


class _Story:
    def __init__(self, sink: Sink, folder: Path) -> None:
        self._sink = sink
        self._folder = folder
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("BINDIST_")
        }
        self._environment["BINDIST_CONFIG_DIR"] = str(folder / "config")

    def tell(self, text: str) -> None:
        click.echo("\n" + self._sink.styled(text, bold=True), color=self._sink.settings.color)

    def run(self, *arguments: str, key_file: str | None = None) -> str:
        """Shows a command and runs it; returns what it printed where it could not be shown live."""
        prefix = f"BINDIST_API_KEY_FILE={key_file} " if key_file else ""
        shown = f"$ {prefix}{shlex.join((*_PROGRAM, *arguments))}"
        click.echo("\n" + self._sink.styled(shown, fg="cyan"), color=self._sink.settings.color)
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
                f"`bindist {shlex.join(arguments)}` ended with exit code {done.returncode}"
            )
        return done.stdout or ""
