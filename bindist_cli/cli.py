"""The root of the command tree: groups loaded when they are used, errors turned into exit codes."""

from __future__ import annotations

import errno
import importlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from bindist import __version__

from .exit_codes import CliError, Exit
from .options import FLAGS, SHARED, Group, is_shared
from .output import streams

COMMANDS = {
    "apps": "Applications: what is distributed, and who may have it.",
    "versions": "Versions and their files: upload, release, download, verify, share.",
    "customers": "Customers and their keys.",
    "activity": "Who uploaded and downloaded what.",
    "audit": "Administrative events; only a financial administrator may see them.",
    "admin": "The administrator's own key.",
    "auth": "Log in and out; which key is in use, and whether it works.",
    "config": "Settings of profiles.",
    "sandbox": "A complete local server for trying bindist and for tests.",
    "api": "Send any request to the API.",
    "doctor": "Check this installation and explain how to solve each problem.",
    "completion": "Print the script that makes a shell complete commands, options and values.",
    "help": "Show a help topic, or the help of a command.",
}


class Root(Group):
    """Loads a group's module only when that group is named."""

    def list_commands(self, context: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f".commands.{name}", __package__)
        command: click.Command = module.command
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, args)
        except click.exceptions.NoSuchCommand as error:  # it knows of no commands to suggest
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=COMMANDS, ctx=context
            ) from None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(context, formatter)
        rows = [
            row
            for parameter in self.get_params(context)
            if (row := parameter.get_help_record(context))
        ]
        with formatter.section("Options, before or after any command"):
            formatter.write_dl(rows)

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Runs the program, with everything that it prints guarded, and exits. click's own would
        answer an interrupt outside of `invoke`, as while modules are imported, by `Aborted!` and
        1."""
        with streams.guarded():
            try:
                code = super().main(*args, **{**kwargs, "standalone_mode": False})
            except (KeyboardInterrupt, click.Abort):
                code = _failed(CliError("interrupted", Exit.INTERRUPTED), {})
            except click.ClickException as error:
                code = _failed(error, {})
        sys.exit(code or Exit.DONE)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except (click.UsageError, OSError) as error:
            raise click.exceptions.Exit(_failed(error, {})) from None

    def invoke(self, context: click.Context) -> None:
        """Runs the command; whatever it raises becomes a message and an exit code, here alone."""
        from .context import App  # not for a help text, which has to be quick

        flags = context.meta.setdefault(FLAGS, {})
        app = context.obj = App(flags)
        streams.hide(lambda: app.secrets)
        context.call_on_close(app.close)
        try:
            super().invoke(context)
            sys.stdout.flush()
            return
        except (click.exceptions.Exit, SystemExit):
            raise
        except (KeyboardInterrupt, click.Abort):
            code = _failed(CliError("interrupted", Exit.INTERRUPTED), flags)
        except Exception as error:
            code = _failed(error, flags, app.facts(error), app.hint(error))
        raise click.exceptions.Exit(code)


def _failed(
    error: Exception, flags: dict[str, Any], facts: Sequence[str] = (), hint: str | None = None
) -> Exit:
    from .output import error_output
    from .settings import resolve

    if isinstance(error, OSError):
        gone = error.errno == errno.EPIPE and error_output.reader_has_gone()
        error_output.settle_stdout()
        if gone:  # the reader, such as `head`, has read enough
            return Exit.DONE
    env = resolve.environment()
    # A command line that could not be parsed leaves no flags; what it asked for still counts.
    as_json = flags.get("output", env.get("BINDIST_OUTPUT")) in ("json", "jsonl")
    as_json = as_json or (isinstance(error, click.UsageError) and "--json" in sys.argv[1:])
    color = resolve.color(flags, env)
    debug = bool(flags.get("debug")) or _debug_is_set(env)
    return error_output.show(error, facts, hint, as_json=as_json, color=color, debug=debug)


def _debug_is_set(env: Mapping[str, str]) -> bool:
    from .settings.resolve import is_set

    try:
        return is_set(env, "BINDIST_DEBUG")
    except CliError:  # reported where the settings are resolved
        return False


@click.command(
    cls=Root,
    name="bindist",
    context_settings={"max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """Publish, download and administer binaries with BinDist.

    Without an account: `bindist --profile sandbox apps list`. `bindist help` lists topics, such
    as releases, settings and troubleshooting.
    """


__all__ = ["COMMANDS", "SHARED", "cli", "is_shared"]
