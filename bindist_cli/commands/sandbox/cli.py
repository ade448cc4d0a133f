"""`bindist sandbox`"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bindist.sandbox import KINDS, LIKES

from ...context import App, pass_app
from ...exit_codes import CliError, Exit
from ...options import Command, Group
from ...output import columns
from ...params import FAULT
from ...signals import TimeLimitError

_folder_option = click.option(
    "--data-dir",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="Folder with the sandbox's data. [default: see `bindist sandbox path`]",
)


@click.group(cls=Group, name="sandbox")
def command() -> None:
    """A complete local server for trials and tests.

    Use it with the profile `sandbox`, which always exists: `bindist --profile sandbox apps list`.
    The first use creates a small sample catalogue.
    """


FAULT_PARTS = [
    ("KIND[:ARG]", "What happens; the kinds are listed below."),
    ("method=METHOD", "Only to requests with this method. [default: all]"),
    ("path=GLOB", "Only to paths that match, such as /store/* or */upload. [default: all]"),
    ("nth=N", "Not before the Nth such request. [default: 1]"),
    ("times=N", "To N such requests, or to all from the Nth on if N is 0. [default: 1]"),
]


def explained(kind: Any) -> str:
    """What a kind of faults does, with its own defaults: those that others do not have."""
    own = {
        "argument": kind.default,
        "path": kind.path if kind.path != "*" else None,
        "times": kind.times if kind.times != 1 else None,
    }
    defaults = [
        str(value) if name == "argument" else f"{name}={value}"
        for name, value in own.items()
        if value is not None
    ]
    return f"{kind.does} [default: {', '.join(defaults)}]" if defaults else kind.does


class _Serve(Command):
    """A command whose help explains faults."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Parts of a fault"):
            formatter.write_dl(FAULT_PARTS)
        with formatter.section("Kinds of faults"):
            rows = [(f"{name}{kind.form}", explained(kind)) for name, kind in KINDS.items()]
            formatter.write_dl(rows)


@command.command(
    cls=_Serve,
    examples=(
        "bindist sandbox serve",
        "bindist sandbox serve --empty --data-dir /tmp/bindist --admin-key test-key",
        "bindist sandbox serve --like aws --fault slow-db=6 --fault late-completion=3",
    ),
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="TCP port; 0 chooses a free one.",
)
@_folder_option
@click.option("--empty", is_flag=True, help="Start without the sample catalogue.")
@click.option(
    "--fresh",
    is_flag=True,
    help="Start as a new server on AWS, with nothing but an administrator, whose id is a UUID."
    " Excludes --empty.",
)
@click.option(
    "--admin-key", metavar="KEY", help="Key of the administrator. [default: the stored one]"
)
@click.option(
    "--apps-admin-key",
    metavar="KEY",
    help="Key of admin-apps, an administrator without access to the audit log."
    " [default: the stored one]",
)
@click.option(
    "--customer-key", metavar="KEY", help="Key of the customer. [default: the stored one]"
)
@click.option(
    "--like",
    type=click.Choice(LIKES),
    default="ideal",
    show_default=True,
    help="Process each request in one transaction (ideal), or in separate steps, as the servers on"
    " Scaleway and AWS do.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="SPEC",
    type=FAULT,
    help="Inject a fault, KIND[:ARG][,method=METHOD][,path=GLOB][,nth=N][,times=N]; repeatable."
    " The kinds are listed below.",
)
@pass_app
def serve(
    app: App,
    port: int,
    data_dir: str | None,
    empty: bool,
    fresh: bool,
    admin_key: str | None,
    apps_admin_key: str | None,
    customer_key: str | None,
    like: Any,
    faults: tuple[str, ...],
) -> None:
    """Run the sandbox until Ctrl-C.

    Prints its URL as soon as it accepts requests. While it runs, the profile `sandbox` uses it.
    Keys that are not given are generated at random on the first start, and stored with the data.
    """
    if fresh and empty:
        raise click.UsageError("--fresh and --empty exclude each other")
    with _clear_errors():
        from bindist.sandbox import SandboxServer

        folder = _folder(app, data_dir)
        server = SandboxServer(
            folder,
            port=port,
            catalogue=not empty,
            fresh=fresh,
            admin_key=admin_key,
            apps_admin_key=apps_admin_key,
            customer_key=customer_key,
            like=like,
            record_requests=False,  # they would fill the memory of a long run
            faults=faults,
        )
        try:
            server.serve_forever(ready=lambda: _announce(app, server, folder))
        except TimeLimitError:
            raise
        except KeyboardInterrupt:  # SIGTERM too
            app.printer.note("stopped")


def _announce(app: App, server: Any, folder: Path) -> None:
    app.printer.text(server.url)
    sys.stdout.flush()
    app.printer.note(f"serving {folder}; stop with Ctrl-C")
    app.printer.note("to use it in another terminal, as the administrator:")
    for name, value in (("BINDIST_API_URL", server.url), ("BINDIST_API_KEY", server.keys.admin)):
        app.printer.note(_exported(name, value))
    if server.keys.customer:
        app.printer.note(f"customer's key:      {server.keys.customer}")


def _exported(name: str, value: str) -> str:
    """The line that sets a variable in the usual shell of this system."""
    return f'$env:{name} = "{value}"' if os.name == "nt" else f"export {name}={shlex.quote(value)}"


@command.command(examples=("bindist sandbox demo",))
@pass_app
def demo(app: App) -> None:
    """Walk through one release, showing each command before running it.

    Uses a temporary sandbox, which is removed at the end.
    """
    from .demo import run_demo

    run_demo(app.printer)


@command.command(examples=("bindist sandbox reset --yes",))
@_folder_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@pass_app
def reset(app: App, data_dir: str | None, yes: bool) -> None:
    """Delete the sandbox's data.

    The next use starts with a new sample catalogue. Deletes only files that a sandbox has created,
    and fails for a folder that does not belong to a sandbox.
    """
    folder = _folder(app, data_dir)
    with _clear_errors():
        from bindist.sandbox import check_removable
        from bindist.sandbox import reset as reset_sandbox

        if check_removable(folder) and not yes:
            app.confirm(f"Delete the sandbox's data in {folder}?", "--yes")
        removed = reset_sandbox(folder)
    status = "removed" if removed else "was not there"
    app.printer.one(columns.SANDBOX, {"path": str(folder), "status": status})


@command.command(examples=("bindist sandbox path",))
@pass_app
def path(app: App) -> None:
    """Print the path of the folder with the sandbox's data."""
    folder = str(app.settings.sandbox_dir)
    if app.printer.as_text:
        app.printer.text(folder)
    else:
        app.printer.one(columns.PATHS, {"path": folder})


def _folder(app: App, data_dir: str | None) -> Path:
    return Path(data_dir) if data_dir else app.settings.sandbox_dir


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Converts errors of the sandbox to CliError."""
    from bindist.sandbox import SandboxError

    try:
        yield
    except SandboxError as error:
        raise CliError(str(error), Exit.FAILED, code="SANDBOX") from error
    except ModuleNotFoundError as error:
        raise CliError(
            "the sandbox requires the extra `sandbox`", hint="run `pip install 'bindist[sandbox]'`"
        ) from error
