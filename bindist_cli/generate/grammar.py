"""Generates the grammar for completion: `python -m bindist_cli.generate.grammar`.

Reading this file is several times as fast as importing click and the commands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from bindist.sandbox import KINDS

from .. import topics
from ..cli import COMMANDS, cli
from ..completion.engine import WORDS
from ..options import is_shared
from ..output.fields import PRINTED
from ..settings.config_file import KEYS, PROFILE
from ..settings.profile_keys import PROFILE_KEYS

Json = dict[str, Any]


def words() -> Json:
    """Returns the shared options, and the tree of commands with their own options."""
    root = click.Context(cli, info_name="bindist")
    shared = [each for each in cli.get_params(root) if _is_everywhere(each)]
    return {"shared": _options(shared), **_command(cli, root)}


def _command(command: click.Command, context: click.Context) -> Json:
    own = [each for each in command.get_params(context) if not _is_everywhere(each)]
    below: Json = {}
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            each = command.get_command(context, name)
            if each is not None and not each.hidden:
                below[name] = _command(each, click.Context(each, info_name=name, parent=context))
                if command is cli:
                    below[name]["help"] = COMMANDS[name]
    return {
        "help": command.get_short_help_str(200),
        "options": _options(own),
        "arguments": [_argument(each) for each in own if isinstance(each, click.Argument)],
        "commands": below,
        "fields": _fields(context.command_path),
    }


def _fields(path: str) -> list[tuple[str, str]]:
    """Returns the fields of a command's result, with their headings."""
    return [(each.key, each.title) for each in PRINTED.get(path.partition(" ")[2], ())]


def _is_everywhere(parameter: click.Parameter) -> bool:
    return is_shared(parameter) or "--help" in parameter.opts


def _options(parameters: Iterable[click.Parameter]) -> list[Json]:
    options = (each for each in parameters if isinstance(each, click.Option))
    return [_option(each) for each in options if not each.hidden]


def _option(option: click.Option) -> Json:
    return {
        "name": option.name,
        "names": [*option.opts, *option.secondary_opts],
        "off": option.secondary_opts,
        "flag": option.is_flag,
        "many": option.multiple,
        "help": option.help or "",
        "values": _values(option.type),
        **_also(option.type),
    }


def _argument(argument: click.Argument) -> Json:
    default = argument.default
    return {
        "name": argument.name,
        "many": argument.nargs == -1,
        "default": default if isinstance(default, str) else None,
        "values": _values(argument.type),
        **_also(argument.type),
    }


def _values(kind: Any) -> str | list[tuple[str, str]] | Json:
    """Returns the values of a parameter with descriptions, or the kind to look up."""
    if isinstance(kind, click.Choice):
        return [(str(each), "") for each in kind.choices]
    if isinstance(kind, click.Path):
        return "file" if kind.file_okay else "dir"
    name = str(getattr(kind, "kind", ""))
    # With a dictionary, the values depend on another parameter.
    return _KNOWN[name]() if name in _KNOWN else name or []


def _also(kind: Any) -> Json:
    """Returns the values that are offered before those to look up."""
    also = getattr(kind, "also", ())
    return {"also": list(also)} if also else {}


def _help_subjects() -> list[tuple[str, str]]:
    """What `bindist help` shows; where a topic and a command have one name, the topic."""
    return list({**COMMANDS, **{name: topics.summary(name) for name in topics.names()}}.items())


def _setting_values() -> Json:
    """The values of each setting, which is the argument before."""
    known: Json = {PROFILE: "profiles"}
    for name, key in PROFILE_KEYS.items():
        if key.is_file:
            known[name] = "file"
        elif key.values:
            known[name] = [(value, "") for value in key.values]
    return {"by": "key", "of": known}


def _faults() -> list[tuple[str, str]]:
    return [(name, f"{name}{kind.form}: {kind.does}") for name, kind in KINDS.items()]


_KNOWN: dict[str, Callable[[], Any]] = {
    "settings": lambda: list(KEYS.items()),
    "setting_values": _setting_values,
    "faults": _faults,
    "help": _help_subjects,
}
"""The kinds of values that do not depend on a server."""


def text() -> str:
    """Returns the content of the file."""
    return json.dumps(words(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(WORDS).write_text(text(), encoding="utf-8", newline="\n")
