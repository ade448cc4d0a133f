"""`bindist help`"""

from __future__ import annotations

from difflib import get_close_matches

import click

from .. import topics
from ..context import App, pass_app
from ..exit_codes import CliError, Exit
from ..options import Command
from ..output import columns, pager
from ..params import HELP_SUBJECT


@click.command(
    "help",
    cls=Command,
    examples=("bindist help", "bindist help releases", "bindist help apps list"),
)
@click.argument("words", metavar="[TOPIC|COMMAND...]", nargs=-1, type=HELP_SUBJECT)
@click.pass_context
@pass_app
def command(app: App, context: click.Context, words: tuple[str, ...]) -> None:
    """Show a help topic, or the help of a command. Without an argument, list the topics.

    On a terminal, a topic longer than the screen opens in the pager that the variable PAGER names
    [default: less], unless PAGER is empty or --no-input is given. A pipe receives the topic as
    Markdown.
    """
    app.settings, _ = app.resolve_anyway()  # help must work with invalid settings, too
    if not words:
        _list_topics(app)
    elif len(words) == 1 and words[0] in topics.names():
        _show_topic(app, words[0])
    else:
        app.printer.text(_command_help(context.find_root(), words))


def _list_topics(app: App) -> None:
    summaries = {name: topics.summary(name) for name in topics.names()}
    if app.printer.format != "table" or app.settings.fields:
        rows = [{"topic": name, "summary": text} for name, text in summaries.items()]
        app.printer.rows(columns.TOPICS, rows)
        return
    formatter = click.HelpFormatter(width=pager.text_width())
    formatter.write_dl(list(summaries.items()))
    app.printer.text(formatter.getvalue())
    app.printer.note("show a topic with `bindist help TOPIC`; list the commands with `bindist -h`")


def _show_topic(app: App, name: str) -> None:
    if app.printer.on_terminal:
        pager.show(topics.read(name), app.settings)
    else:
        app.printer.text(topics.read(name))


def _command_help(root: click.Context, words: tuple[str, ...]) -> str:
    """Returns the help of the command that `words` name. Raises CliError if there is none."""
    context, command = root, root.command
    for index, word in enumerate(words):
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            raise _unknown(words[: index + 1], _subjects(context, command))
        context = click.Context(below, info_name=word, parent=context)
        command = below
    return command.get_help(context)


def _subjects(context: click.Context, command: click.Command) -> list[str]:
    """Returns the valid words at this place: the commands of a group; at the root, also topics."""
    below = command.list_commands(context) if isinstance(command, click.Group) else []
    return below if context.parent else [*topics.names(), *below]


def _unknown(words: tuple[str, ...], subjects: list[str]) -> CliError:
    *path, word = words
    near = dict.fromkeys(get_close_matches(word, subjects))
    meant = " or ".join(f"`{' '.join(['bindist help', *path, each])}`" for each in near)
    kind = "command" if path else "topic or command"
    listing = f"`bindist help {' '.join(path)}`" if path else "`bindist help`"
    return CliError(
        f"there is no {kind} {' '.join(words)!r}",
        Exit.USAGE,
        hint=f"did you mean {meant}?" if meant else f"see {listing}",
    )
