"""`bindist sandbox`"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from bindist.sandbox import KINDS, LIKES

from ...context import App, pass_app
from ...exit_codes import CliError, Exit
from ...options import Command, Group
from ...output import columns

_folder_option = click.option(
    "--data-dir",
    metavar="D",
    type=click.Path(file_okay=False),
    help="Folder of the sandbox's data. [default: sandbox/ in the configuration folder]",
)


@click.group(cls=Group, name="sandbox")
def command() -> None:
    """A complete local server for trying bindist and for tests.

    The profile `sandbox` is always there: `bindist --profile sandbox apps list`. Its first use
    creates a small sample catalogue.
    """


class _Serve(Command):
    """The command whose help lists the kinds of faults."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section("Kinds of faults"):
            rows = [(f"{name}{kind.form}", kind.does) for name, kind in KINDS.items()]
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
    type=click.IntRange(0, 65535),
    default=0,
    help="Port to listen on. [default: any free port]",
)
@_folder_option
@click.option("--empty", is_flag=True, help="Start without the sample catalogue.")
@click.option("--admin-key", metavar="K", help="Set the administrator's key.")
@click.option(
    "--apps-admin-key", metavar="K", help="Set the key of admin-apps, the restricted administrator."
)
@click.option("--customer-key", metavar="K", help="Set the customer's key.")
@click.option(
    "--like",
    type=click.Choice(LIKES),
    default="ideal",
    help="Carry out each request in one transaction (`ideal`, the default), or step by step"
    " without one, as the servers on Scaleway and AWS do.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="SPEC",
    help="Fail on purpose: KIND[:ARG][,method=M][,path=GLOB][,nth=N][,times=M]; repeatable."
    " The kinds are listed below.",
)
@pass_app
def serve(
    app: App,
    port: int,
    data_dir: str | None,
    empty: bool,
    admin_key: str | None,
    apps_admin_key: str | None,
    customer_key: str | None,
    like: Any,
    faults: tuple[str, ...],
) -> None:
    """Run the sandbox until Ctrl-C, and print its address when it is ready.

    While it runs, the profile `sandbox` uses it.
    """
    with _clear_errors():
        from bindist.sandbox import SandboxServer

        folder = _folder(app, data_dir)
        server = SandboxServer(
            folder,
            port=port,
            catalogue=not empty,
            admin_key=admin_key,
            apps_admin_key=apps_admin_key,
            customer_key=customer_key,
            like=like,
            record_requests=False,  # it may run for months
            faults=faults,
        )
        signal.signal(signal.SIGTERM, _stop)
        try:
            server.serve_forever(ready=lambda: _announce(app, server, folder))
        except KeyboardInterrupt:
            app.sink.note("stopped")


def _announce(app: App, server: Any, folder: Path) -> None:
    app.sink.text(server.url)
    sys.stdout.flush()
    app.sink.note(f"serving {folder}; Ctrl-C ends it")
    app.sink.note(f"administrator's key: {server.keys.admin}")
    app.sink.note(f"customer's key:      {server.keys.customer}")


def _stop(number: int, frame: object) -> NoReturn:  # noqa: ARG001
    raise KeyboardInterrupt


@command.command(examples=("bindist sandbox demo",))
@pass_app
def demo(app: App) -> None:
    """Walk through a release from start to end, showing each command before running it.

    It happens in a sandbox of its own, which is removed afterwards.
    """
    from .demo import run_demo

    run_demo(app.sink)


@command.command(examples=("bindist sandbox reset --yes",))
@_folder_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_app
def reset(app: App, data_dir: str | None, yes: bool) -> None:
    """Delete the sandbox's data; the next use starts with a new sample catalogue.

    Only what a sandbox has made is removed. A folder that is not a sandbox's is refused.
    """
    folder = _folder(app, data_dir)
    with _clear_errors():
        from bindist.sandbox import check_removable
        from bindist.sandbox import reset as reset_sandbox

        if check_removable(folder) and not yes:
            app.confirm(f"Throw away the sandbox in {folder}?", "--yes")
        removed = reset_sandbox(folder)
    status = "removed" if removed else "was not there"
    app.sink.one(columns.SANDBOX, {"path": str(folder), "status": status})


@command.command(examples=("bindist sandbox path",))
@pass_app
def path(app: App) -> None:
    """Print the folder with the sandbox's data."""
    folder = str(app.settings.sandbox_dir)
    if app.settings.output in (None, "table"):
        app.sink.text(folder)
    else:
        app.sink.one(columns.PATHS, {"path": folder})


def _folder(app: App, data_dir: str | None) -> Path:
    return Path(data_dir) if data_dir else app.settings.sandbox_dir


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Turns the sandbox's own errors into this program's."""
    from bindist.sandbox import SandboxError

    try:
        yield
    except SandboxError as error:
        raise CliError(str(error), Exit.FAILED, code="SANDBOX") from error
    except ModuleNotFoundError as error:
        raise CliError(
            "the sandbox needs the extra `sandbox`", hint="`pip install 'bindist[sandbox]'`"
        ) from error
