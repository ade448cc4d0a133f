"""Shared options, accepted before or after every command, and the classes that add them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import click

from .params import DURATION, OUTPUTS, PROFILE
from .signals import limit_time

FLAGS = "bindist.flags"
"""The key in `Context.meta` that holds the shared options given on the command line."""

PARAMETERS = "bindist.parameters"
"""The key in `Context.meta` that holds the parameters of the command that runs, by name."""

IS_PARSED = "bindist.is_parsed"
"""The key in `Context.meta` that is set once the whole command line has been understood."""


def _collect(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Records a shared option. The rightmost occurrence, on the innermost command, wins."""
    # Compare by identity: 0 is a given value, although it equals False.
    given = not (value is None or value is False or value == ())
    if given and parameter.name and not context.resilient_parsing:
        name, constant = _MEANS.get(parameter.name, (parameter.name, value))
        context.meta.setdefault(FLAGS, {})[name] = constant
    return value


_MEANS = {"as_json": ("output", "json")}


_VALUE_OPTION = re.compile(r"(?s)--(output|profile)(?:=(.*))?|-[qv]*(o)(.+)?")


def flags_in(arguments: Sequence[str]) -> dict[str, str]:
    """The output format and the profile that a command line asks for, if it has not been parsed.

    As far as that can be told: a word that looks like one of these options counts as one.
    """
    found: dict[str, str] = {}
    words = iter(arguments)
    for word in words:
        if word == "--":
            break
        if word == "--json":
            found["output"] = "json"
        elif match := _VALUE_OPTION.fullmatch(word):
            name = match[1] or "output"
            value = match[2] if match[1] else match[4]
            value = next(words, "") if value is None else value
            if name == "profile" or value in OUTPUTS:
                found[name] = value
    return found


class _Output(click.Choice[str]):
    """The format of the output; knows `-o FILE` of other programs, which is `-O FILE` here."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        others = [name for each in (ctx.command.params if ctx else ()) for name in each.opts]
        if value not in self.choices and "-O" in others:
            formats = ", ".join(self.choices)
            self.fail(f"{value!r} is none of {formats}; did you mean -O {value}?", param, ctx)
        return super().convert(value, param, ctx)


def _fields(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    names = tuple(name.strip() for name in (value or "").split(",") if name.strip())
    return _collect(context, parameter, names)


def _limit_time(context: click.Context, parameter: click.Parameter, value: float | None) -> Any:
    if value is not None and not context.resilient_parsing:
        limit_time(value)
    return _collect(context, parameter, value)


def _option(*names: str, **settings: Any) -> Callable[[], click.Option]:
    settings.setdefault("callback", _collect)
    return lambda: click.Option(names, expose_value=False, **settings)


SHARED: tuple[Callable[[], click.Option], ...] = (
    _option(
        "--profile",
        metavar="NAME",
        type=PROFILE,
        help="Profile whose settings and key to use; `sandbox` is a local server. "
        "[default: default]",
    ),
    _option(
        "--api-url",
        metavar="URL",
        help="Base URL of the API. [default: https://api.bindist.eu]",
    ),
    _option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print JSON with every field that the API returns. Same as -o json.",
    ),
    _option(
        "-o",
        "--output",
        type=_Output(OUTPUTS),
        help="Output format. [default: table on a terminal, else tsv]",
    ),
    _option(
        "--csv-safe",
        is_flag=True,
        help="In CSV, prefix text that a spreadsheet would run as a formula (=, +, -, @) with '.",
    ),
    _option(
        "--fields",
        metavar="FIELD,...",
        callback=_fields,
        help="Print only these fields, in this order.",
    ),
    _option("-q", "--quiet", is_flag=True, help="Suppress notes and progress."),
    _option("--no-color", is_flag=True, help="Disable colours."),
    _option("--no-input", is_flag=True, help="Never prompt; exit with 2 instead."),
    _option(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="Seconds to wait for a connection, and for each read. [default: 10 and 60]",
    ),
    _option(
        "--max-time",
        type=DURATION,
        metavar="DURATION",
        callback=_limit_time,
        help="Maximum duration of the whole command, such as 90s, 10m or 1h; exit with 7 then. "
        "[default: no limit]",
    ),
    _option(
        "--retries",
        type=click.IntRange(min=0),
        metavar="N",
        help="Maximum retries of a request that is safe to repeat. [default: 3]",
    ),
    _option(
        "--ca-bundle",
        type=click.Path(exists=True),
        metavar="FILE",
        help="CA certificates to trust, in PEM format.",
    ),
    _option("-v", "--verbose", is_flag=True, help="Log one line per request to stderr."),
    _option(
        "--debug",
        is_flag=True,
        help="Also log headers and bodies, without secrets, and print tracebacks.",
    ),
)


def _add_shared(command: click.Command) -> None:
    """Adds the shared options, except for names that the command itself uses (`api -q`)."""
    taken = {name for parameter in command.params for name in parameter.opts}
    for make in SHARED:
        option = make()
        option.opts = [name for name in option.opts if name not in taken]
        if option.opts:
            command.params.append(option)


def is_shared(parameter: click.Parameter) -> bool:
    """Whether the parameter is one of the shared options."""
    return isinstance(parameter, click.Option) and parameter.callback in (
        _collect,
        _fields,
        _limit_time,
    )


def _help_names(command: click.Command) -> list[str]:
    """`-h` and `--help`, except for names that the command itself uses.

    click would cache the names of the context that asks first.
    """
    taken = {name for parameter in command.params for name in parameter.opts}
    return [name for name in ("-h", "--help") if name not in taken]


def help_rows(
    parameters: Iterable[click.Parameter], context: click.Context
) -> list[tuple[str, str]]:
    """Returns names and help of the options. Default and range share a pair of brackets.

    click appends the range to a default in the text as `[default: 3]  [x>=0]`.
    """
    records = filter(
        None,
        (each.get_help_record(context) for each in parameters if isinstance(each, click.Option)),
    )
    return [(names, text.replace("]  [", "; ").replace("  [", " [")) for names, text in records]


def _write_own_options(
    command: click.Command, context: click.Context, formatter: click.HelpFormatter
) -> None:
    """Writes the command's own options, and one line about the shared ones."""
    own = [each for each in command.get_params(context) if not is_shared(each)]
    with formatter.section("Options"):
        formatter.write_dl(help_rows(own, context))
    formatter.write_paragraph()
    formatter.write_text(
        "All commands also accept --json, -o, --fields, --profile, -q and more: see `bindist -h`."
    )


def _with_help(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a command, with the help text that PYTHONOPTIMIZE=2 drops."""
    callback = settings.get("callback")
    if sys.flags.optimize < 2 or settings.get("help") or callback is None:
        return settings
    return {**settings, "help": _docstrings(callback.__module__).get(callback.__name__)}


@lru_cache
def _docstrings(module: str) -> dict[str, str | None]:
    """The docstrings of a module's functions, from its source; none where there is no source."""
    import ast
    import inspect

    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except OSError:
        return {}
    functions = (each for each in tree.body if isinstance(each, ast.FunctionDef))
    return {each.name: ast.get_docstring(each) for each in functions}


class Command(click.Command):
    """A command that accepts the shared options; its help shows `examples`."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **_with_help(kwargs))
        self.examples = examples
        _add_shared(self)

    def invoke(self, ctx: click.Context) -> Any:
        ctx.meta[IS_PARSED] = True
        ctx.meta[PARAMETERS] = ctx.params
        return super().invoke(ctx)

    def get_help_option_names(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return _help_names(self)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_own_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


class Group(click.Group):
    """A group of commands that accepts the shared options."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **_with_help(kwargs))
        self.invoke_without_command, self.no_args_is_help = True, False
        _add_shared(self)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the subcommand; without one, prints the help and succeeds."""
        result = super().invoke(ctx)
        if ctx.invoked_subcommand is None:
            click.echo(self.get_help(ctx), color=ctx.color)
        return result

    def get_help_option_names(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return _help_names(self)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        _write_own_options(self, ctx, formatter)
