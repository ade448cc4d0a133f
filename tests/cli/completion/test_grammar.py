"""The words of completion: made from the commands, and read from a line as click does it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from click.shell_completion import ShellComplete

from bindist_cli.cli import cli
from bindist_cli.completion.engine import WORDS, Line
from bindist_cli.generate import grammar
from bindist_cli.output.fields import PRINTED
from tests.api_table import COMMANDS, TEXT


def test_the_grammar_matches_the_commands() -> None:
    written = Path(WORDS).read_text(encoding="utf-8")
    assert written == grammar.text(), "python -m bindist_cli.generate.grammar"


def test_a_command_line_is_read_as_click_reads_it() -> None:
    """For every command, and for every word that may stand before the next one."""
    root = json.loads(Path(WORDS).read_text(encoding="utf-8"))

    def walk(path: list[str], command: dict[str, Any]) -> Iterator[list[str]]:
        yield path
        for option in command["options"]:
            yield [*path, option["names"][0]]
            yield [*path, *(["word"] * len(command["arguments"])), option["names"][-1]]
        yield [*path, *(["word"] * len(command["arguments"]))]
        for name, below in command["commands"].items():
            yield from walk([*path, name], below)

    def names(found: Iterable[tuple[str, str, str]]) -> list[tuple[str, str]]:
        return [(kind, value.lower()) for kind, value, _ in found]

    for arguments in walk([], root):
        line = Line(root, arguments)
        clicks = ShellComplete(cli, {}, "bindist", "_BINDIST_COMPLETE")
        # Where an option lacks its value, click offers options, which would be taken for it.
        dashes = () if "".join(arguments[-1:]).startswith("-") else ("-", "--p")
        for word in ("", "s", *dashes):
            items = clicks.get_completions(arguments, word)
            expected = names((each.type, str(each.value), "") for each in items)
            if expected:
                assert names(line.completions(word, {})) == expected, (arguments, word)


def test_every_command_that_prints_fields_has_them_completed() -> None:
    commands = {command.path for command in COMMANDS if command.shape != TEXT}
    assert commands <= set(PRINTED)
    assert set(PRINTED) <= {command.path for command in COMMANDS}
