"""Every `bindist ...` command that the README or a topic shows can be parsed."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bindist_cli.cli import cli
from tests.readme.page import BLOCKS, TEXTS, inline_code

# What stands for a value in a text, and a value of that kind.
PLACEHOLDERS = {
    "VERSION": "1.0",
    "PATH...": "acme.exe",
    "PATHS...": "acme.exe",
    "FILE...": "acme.exe",
    "COMMAND": "apps",
    "TOPIC": "releases",
}


def _in_blocks() -> Iterator[str]:
    """The command lines in code blocks, each up to where the shell ends it."""
    for block in BLOCKS:
        if block.language != "python" and "│" not in block.text:  # which draws
            joined = re.sub(r"\\?\n {2,}", " ", block.text)
            joined = re.sub(r'"\$\{?(\w+)[^"]*"', _value, joined)
            for command in re.findall(r"(?:^|[ (])(bindist [a-z-][^|;&\n)>#]*)", joined, re.M):
                yield re.sub(r" \d?$", "", command)


def _value(variable: re.Match[str]) -> str:
    return "acme" if variable[1] == "app" else "1.0"


def _in_texts() -> Iterator[str]:
    for text in TEXTS.values():
        yield from (code for code in inline_code(text) if code.startswith("bindist "))


COMMANDS = sorted({line.strip() for line in (*_in_blocks(), *_in_texts())})


def parse(line: str) -> None:
    """Parses a command line as the program does, without running it."""
    _, *words = [PLACEHOLDERS.get(word, word) for word in shlex.split(line)]
    words = ["acme.exe" if word.startswith("dist/") else word for word in words]
    command: click.Command = cli
    context = click.Context(cli, info_name="bindist")
    while isinstance(command, click.Group):
        _, rest, _ = command.make_parser(context).parse_args(words)
        if not rest:
            return
        name, words = rest[0], rest[1:]
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name}"
        if not words:  # a text may name a command without its arguments
            return
        command, context = found, click.Context(found, info_name=name, parent=context)
    with contextlib.suppress(click.exceptions.Exit):  # which follows --help
        command.make_context(command.name, words, parent=context.parent)


def test_commands_are_found_in_the_texts() -> None:
    assert len(COMMANDS) > 40
    assert "bindist sandbox demo" in COMMANDS
    assert any("versions upload" in line and "--checksums" in line for line in COMMANDS)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_that_is_shown_can_be_parsed(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme.exe").touch()
    monkeypatch.chdir(tmp_path)
    parse(line)


@pytest.mark.parametrize(
    "line", ["bindist app list", "bindist apps list --bogus", "bindist versions show acme"]
)
def test_a_wrong_command_is_noticed(line: str) -> None:
    with pytest.raises((click.UsageError, AssertionError)):
        parse(line)
