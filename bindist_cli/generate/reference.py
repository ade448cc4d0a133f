"""Generates the tables of the help topics from the data that the program uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from bindist.sandbox import KINDS

from ..cli import COMMANDS, cli
from ..exit_codes import MEANINGS
from ..options import is_shared
from ..settings.profile_keys import PROFILE_KEYS, variable_of
from ..settings.resolve import ENVIRONMENT


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    cells = ([cell.replace("\n", " ").replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def walk() -> Iterator[tuple[str, click.Command]]:
    """Yields every command that is not a group, with its path: `apps list`, ..."""
    context = click.Context(cli)
    for name in COMMANDS:
        top = cli.get_command(context, name)
        if isinstance(top, click.Group):
            yield from ((f"{name} {below}", command) for below, command in top.commands.items())
        elif top:
            yield name, top


def usage(path: str, command: click.Command) -> str:
    """Formats a command with its arguments and its own options."""
    context = click.Context(command, info_name=f"bindist {path}")
    arguments = [
        piece
        for parameter in command.params
        if isinstance(parameter, click.Argument)
        for piece in parameter.get_usage_pieces(context)
    ]
    options = [
        "/".join([parameter.opts[-1], *parameter.secondary_opts])
        for parameter in command.params
        if isinstance(parameter, click.Option) and not is_shared(parameter)
    ]
    shown = f"`{' '.join([path, *arguments])}`"
    return f"{shown} `{' '.join(options)}`" if options else shown


def commands() -> str:
    """Formats the table of commands."""
    rows = ((usage(path, command), command.get_short_help_str(200)) for path, command in walk())
    return _table(("command", "what it does"), rows)


def exits() -> str:
    """Formats the table of exit codes."""
    return _table(
        ("exit code", "meaning"), ((str(int(code)), text) for code, text in MEANINGS.items())
    )


def faults() -> str:
    """Formats a row for each kind of fault of the sandbox."""
    rows = ((f"`{name}{kind.form}`", kind.does) for name, kind in KINDS.items())
    return _table(("kind", "what the sandbox does"), rows)


def settings() -> str:
    """Formats the table of settings: variable, name in a profile, meaning."""
    names = {variable_of(key): key for key in PROFILE_KEYS}
    rows = [
        (f"`{variable}`", f"`{names[variable]}`" if variable in names else "", text)
        for variable, text in ENVIRONMENT.items()
    ]
    rows += [
        ("", f"`{key}`", PROFILE_KEYS[key].help)
        for variable, key in names.items()
        if variable not in ENVIRONMENT
    ]
    return _table(("variable", "in a profile", "meaning"), rows)


def layers() -> str:
    """Formats the layers of each package, lowest first, as import-linter enforces them."""
    import tomlkit

    project = Path(__file__).parents[2] / "pyproject.toml"
    settings = tomlkit.parse(project.read_text(encoding="utf-8")).unwrap()
    return "".join(
        f"- `{container.replace('.', '/')}/`: {_upwards(contract['layers'])}\n"
        for contract in settings["tool"]["importlinter"]["contracts"]
        for container in contract.get("containers", ())
    )


def _upwards(layers: list[str]) -> str:
    shown = (", ".join(layer.split(" | ")) for layer in reversed(layers))
    return "; ".join(shown)
