"""The root of the command tree: imports groups on demand, turns errors into exit codes."""

from __future__ import annotations

import errno
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import click

from bindist import __version__

from . import signals
from .exit_codes import CliError, Exit
from .options import FLAGS, IS_PARSED, PARAMETERS, SHARED, Group, flags_in, help_rows, is_shared
from .output import streams
from .suggestions import did_you_mean, near_commands

COMMANDS = {
    "apps": "Applications, and the customers that may download them.",
    "versions": "Versions and their files: upload, release, download, verify, share.",
    "customers": "Customers and their API keys.",
    "keys": "Keys that sign releases.",
    "trust": "The vendors' keys that you trust.",
    "mirror": "Copies of applications in a plain folder, for sites without a network.",
    "activity": "Uploads and downloads: who, what and when.",
    "audit": "The log of administrative events.",
    "admin": "The API keys of administrators.",
    "auth": "Log in, log out, and check the key in use.",
    "config": "Settings, stored per profile.",
    "sandbox": "A complete local server for trials and tests.",
    "api": "Send any request to the API.",
    "doctor": "Check this installation and suggest a fix for each problem.",
    "completion": "Print or install the script for shell completion.",
    "help": "Show a help topic, or the help of a command.",
}


_UNPARSED_FLAGS = "bindist.unparsed_flags"


class Root(Group):
    """Imports the module of a group only when that group is used."""

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
        except click.exceptions.NoSuchCommand as error:  # click would suggest loaded groups only
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=COMMANDS, ctx=context
            ) from None

    def paths(self, context: click.Context) -> Iterator[str]:
        """Yields every command that is not a group with its path: `apps list`."""
        for name in COMMANDS:
            command = self.get_command(context, name)
            if isinstance(command, click.Group):
                yield from (f"{name} {each}" for each in command.commands)
            else:
                yield name

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(context, formatter)
        with formatter.section("Options, before or after any command"):
            formatter.write_dl(help_rows(self.get_params(context), context))

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Runs the program with guarded output streams, and exits.

        An interrupt outside of `invoke`, for instance during an import, exits with 130; click
        alone would print `Aborted!` and exit with 1.
        """
        given = args[0] if args else kwargs.get("args")
        flags = flags_in(sys.argv[1:] if given is None else given)
        with streams.guarded(), signals.raised_signals():
            try:
                code = super().main(*args, **{**kwargs, "standalone_mode": False})
            except (KeyboardInterrupt, click.Abort) as error:
                code = _failed(_interrupted(error), flags)
            except click.ClickException as error:
                code = _failed(error, flags)
        sys.exit(code or Exit.DONE)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        flags = flags_in(args)  # click empties the list
        try:
            context = super().make_context(info_name, args, parent, **extra)
        except (click.UsageError, OSError) as error:
            hint = _usage_hint(error, ())
            raise click.exceptions.Exit(_failed(error, flags, hint=hint)) from None
        context.meta[_UNPARSED_FLAGS] = flags
        return context

    def invoke(self, context: click.Context) -> None:
        """Runs the command. The only place that turns an exception into a message and exit code."""
        from . import not_found
        from .context import App  # imported late, to keep --help fast

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
        except (KeyboardInterrupt, click.Abort) as error:
            code = _failed(_interrupted(error, app.to_resume), _flags(context))
        except Exception as error:
            if isinstance(signals.cause_of(error), signals.SignalledError):
                # The terminal is gone, and with it what cleaning up would have written to.
                code = _failed(_interrupted(error, app.to_resume), _flags(context))
            else:
                hint = app.hint(error) or _usage_hint(error, self.paths(context))
                hint = hint or not_found.hint(app, error, context.meta.get(PARAMETERS, {}))
                code = _failed(error, _flags(context), app.facts(error), hint)
        raise click.exceptions.Exit(code)


def _usage_hint(error: Exception, paths: Iterable[str]) -> str | None:
    """Returns a hint for a command or option that does not exist, if one like it does."""
    if isinstance(error, click.exceptions.NoSuchOption) and error.option_name == "-V":
        return did_you_mean(["`bindist --version`"])
    if isinstance(error, click.exceptions.NoSuchCommand) and not error.possibilities:
        group = (error.ctx.command_path if error.ctx else "").partition(" ")[2]
        near = near_commands(error.command_name, group, paths)
        return did_you_mean(f"`bindist {path}`" for path in near)
    return None


def _flags(context: click.Context) -> dict[str, Any]:
    """The shared options that were given, also where the command line could not be parsed."""
    unparsed = {} if context.meta.get(IS_PARSED) else context.meta[_UNPARSED_FLAGS]
    return {**unparsed, **context.meta[FLAGS]}


def _interrupted(error: BaseException, to_resume: str = "") -> CliError:
    """What ended the command: Ctrl-C, a signal, or the time limit; and how to continue."""
    cause = signals.cause_of(error)
    if isinstance(cause, signals.TimeLimitError):
        return CliError(
            f"the command took longer than --max-time {cause.seconds:g}s",
            Exit.UNAVAILABLE,
            facts=[to_resume] if to_resume else [],
            hint="run the same command again, or with a longer --max-time",
            code="TIME_LIMIT",
        )
    if isinstance(cause, signals.SignalledError):
        return CliError(f"ended by {cause}", Exit(128 + cause.number), hint=to_resume or None)
    return CliError("interrupted", Exit.INTERRUPTED, hint=to_resume or None)


def _failed(
    error: Exception, flags: Mapping[str, Any], facts: Sequence[str] = (), hint: str | None = None
) -> Exit:
    """Prints the error as text, or as JSON where that was asked for, in whichever way."""
    from .output import error_output
    from .settings import resolve

    if isinstance(error, OSError):
        gone = error.errno == errno.EPIPE and error_output.reader_has_gone()
        error_output.settle_stdout()
        if gone:  # the reader, such as `head`, has read all that it wants
            return Exit.DONE
    env = resolve.environment()
    as_json = resolve.requested_output(flags, env) in ("json", "jsonl")
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
    """Publish, download and manage software releases with BinDist.

    To try it without an account: `bindist --profile sandbox apps list`.

    `bindist help` lists the help topics, such as releases, settings and troubleshooting.
    """


__all__ = ["COMMANDS", "SHARED", "cli", "is_shared"]
