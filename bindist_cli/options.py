"""Options that every command takes, before it or after it, and the classes that add them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from .params import OUTPUTS, PROFILE

FLAGS = "bindist.flags"
"""The key in `Context.meta` under which the shared options that were given are collected."""


def _collect(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Notes a shared option; what stands further to the right, and so deeper, wins."""
    # By identity: 0 is a value, though equal to False.
    given = not (value is None or value is False or value == ())
    if given and parameter.name and not context.resilient_parsing:
        name, constant = _MEANS.get(parameter.name, (parameter.name, value))
        context.meta.setdefault(FLAGS, {})[name] = constant
    return value


_MEANS = {"as_json": ("output", "json")}


def _fields(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    names = tuple(name.strip() for name in (value or "").split(",") if name.strip())
    return _collect(context, parameter, names)


def _option(*names: str, **settings: Any) -> Callable[[], click.Option]:
    settings.setdefault("callback", _collect)
    return lambda: click.Option(names, expose_value=False, **settings)


SHARED: tuple[Callable[[], click.Option], ...] = (
    _option(
        "--profile",
        metavar="NAME",
        type=PROFILE,
        help="Profile with the address and the key to use; `sandbox` is a local server.",
    ),
    _option("--api-url", metavar="URL", help="Address of the API."),
    _option("--json", "as_json", is_flag=True, help="Print JSON, with every field of the API."),
    _option(
        "-o",
        "--output",
        type=click.Choice(OUTPUTS),
        help="Output format. For CSV that goes into a spreadsheet, see --csv-safe.",
    ),
    _option(
        "--csv-safe",
        is_flag=True,
        help="In CSV, put ' before texts that a spreadsheet would run: =, +, -, @ at the start.",
    ),
    _option("--fields", metavar="A,B", callback=_fields, help="Print only these fields."),
    _option("-q", "--quiet", is_flag=True, help="Print neither notes nor progress."),
    _option("--no-color", is_flag=True, help="No colours."),
    _option("--no-input", is_flag=True, help="Never ask a question; exit with 2 instead."),
    _option("--timeout", type=float, metavar="SECONDS", help="Seconds to wait for a response."),
    _option(
        "--retries",
        type=click.IntRange(min=0),
        metavar="N",
        help="Retries of a request, where repeating it is safe.",
    ),
    _option(
        "--ca-bundle",
        type=click.Path(exists=True),
        metavar="FILE",
        help="File of certificates to trust.",
    ),
    _option("-v", "--verbose", is_flag=True, help="Log one line per request to stderr."),
    _option("--debug", is_flag=True, help="Log headers and bodies too, with secrets masked."),
)


def _add_shared(command: click.Command) -> None:
    """Adds the shared options, less the letters that the command uses itself (`api -q`)."""
    taken = {name for parameter in command.params for name in parameter.opts}
    for make in SHARED:
        option = make()
        option.opts = [name for name in option.opts if name not in taken]
        if option.opts:
            command.params.append(option)


def is_shared(parameter: click.Parameter) -> bool:
    """Whether it is one of the options that every command takes."""
    return isinstance(parameter, click.Option) and parameter.callback in (_collect, _fields)


def _help_names(command: click.Command) -> list[str]:
    """`-h` and `--help`, whatever context is asked first: click remembers that one's answer."""
    taken = {name for parameter in command.params for name in parameter.opts}
    return [name for name in ("-h", "--help") if name not in taken]


def _write_own_options(
    command: click.Command, context: click.Context, formatter: click.HelpFormatter
) -> None:
    """The command's own options; the shared ones in one line instead of fourteen a page."""
    rows = [
        row
        for parameter in command.get_params(context)
        if isinstance(parameter, click.Option)
        and not is_shared(parameter)
        and (row := parameter.get_help_record(context))
    ]
    with formatter.section("Options"):
        formatter.write_dl(rows)
    formatter.write_paragraph()
    formatter.write_text(
        "--json, -o, --fields, --profile, -q and more work with every command: see `bindist -h`."
    )


class Command(click.Command):
    """A command that takes the shared options; `examples` are shown in its help."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples
        _add_shared(self)

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
    """A group of commands; takes the shared options too."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invoke_without_command, self.no_args_is_help = True, False
        _add_shared(self)

    def invoke(self, ctx: click.Context) -> Any:
        """Named alone, a group shows its commands: that is an answer, not an error."""
        result = super().invoke(ctx)
        if ctx.invoked_subcommand is None:
            click.echo(self.get_help(ctx), color=ctx.color)
        return result

    def get_help_option_names(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return _help_names(self)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        _write_own_options(self, ctx, formatter)
