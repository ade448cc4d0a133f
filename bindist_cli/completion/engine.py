"""Completes command lines. A shell asks at every press of TAB, so this module must be fast.

Commands and options come from a generated file, and values on the server from a cache; click and
the HTTP modules are imported only to query the server. Errors are never printed, because they would
end up in the line being typed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys

from . import scripts
from .cache import Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from .cache import Item

    Json = dict[str, Any]

WORDS = os.path.join(os.path.dirname(__file__), "grammar.json")  # noqa: PTH118, PTH120

_FIELDS = "fields"  # the shared option whose values depend on the command

NEEDS: dict[str, dict[str, Any]] = {
    "profiles": {},
    "applications": {},
    "customers": {},
    "versions": {"app_id": None, "test_channel": True},
    "files": {"app_id": None, "version": None},
}
"""Kinds of remote values, and the parameters that they depend on, with the default of each."""


def complete(instruction: str, env: Mapping[str, str]) -> None:
    """Prints the script for `bash_source`, and the completions of `env` for `bash_complete`."""
    with contextlib.suppress(BaseException):  # Ctrl-C too: messages would end up in the line
        shell, _, wanted = instruction.partition("_")
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
        text = scripts.SCRIPTS[shell] if wanted == "source" else _completions(shell, env)
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()


def _completions(shell: str, env: Mapping[str, str]) -> str:
    arguments, word = scripts.typed(shell, env["COMP_WORDS"], env["COMP_CWORD"])
    line = Line(json.loads(_grammar()), arguments)
    quoted = scripts.quoting(shell, env)
    printed = []
    for kind, value, meaning in line.completions(word, env):
        form, shown = quoted(value) if kind == "plain" else (kind, value)
        if shown is not None and value.isprintable():  # a terminal could obey control characters
            printed.append(scripts.written(shell, form, shown, meaning))
    return "".join(printed)


def _grammar() -> bytes:
    """The file of the words, from a zip archive too: importlib.resources takes long to import."""
    loader: Any = globals()["__loader__"]
    return bytes(loader.get_data(WORDS))


class Line:
    """A command line up to the word that is being typed: the command, and its parameters."""

    def __init__(self, root: Json, arguments: Iterable[str]) -> None:
        self.shared: Json = {}
        self.given: Json = {}
        self._everywhere: list[Json] = root["shared"]
        self._words: list[str] = []
        self._open: Json | None = None
        self._options_end = self._lost = False
        self._enter(root)
        for argument in arguments:
            self._take(argument)
        self._next = self._bind()

    def _enter(self, command: Json) -> None:
        self._command = command
        # The command's own options come last, to replace shared ones of the same name.
        options = [*self._everywhere, *command["options"]]
        self._options = {name: each for each in options for name in each["names"]}
        self.given = {each["name"]: False for each in command["options"] if each["flag"]}

    def _take(self, argument: str) -> None:
        if self._open:
            self._give(self._open, argument)
            self._open = None
        elif argument == "--":
            self._options_end = True
        elif self._options_end or argument == "-" or not argument.startswith("-"):
            self._take_word(argument)
        elif argument.startswith("--"):
            name, equals, value = argument.partition("=")
            self._take_option(name, value if equals else None)
        else:
            self._take_letters(argument)

    def _take_word(self, word: str) -> None:
        if not self._command["commands"]:
            self._words.append(word)
        elif word in self._command["commands"]:
            self._enter(self._command["commands"][word])
        else:
            self._lost = True

    def _take_option(self, name: str, value: str | None) -> None:
        option = self._options.get(name)
        if option is None:
            return
        if option["flag"]:
            self.given[option["name"]] = name not in option["off"]
        elif value is None:
            self._open = option
        else:
            self._give(option, value)

    def _take_letters(self, argument: str) -> None:
        """Parses `-qo json` or `-ojson`: flags in one word, then an option with its value."""
        for at, letter in enumerate(argument[1:], 2):
            name = f"-{letter}"
            if name in self._options and not self._options[name]["flag"]:
                self._take_option(name, argument[at:] or None)
                return
            self._take_option(name, None)

    def _give(self, option: Json, value: str) -> None:
        name = option["name"]
        if option in self._everywhere:
            self.shared[name] = value
        else:
            self.given[name] = (*self.given.get(name, ()), value) if option["many"] else value

    def _bind(self) -> Json | None:
        """Assigns the words to the arguments; returns the argument that comes next."""
        next_one = None
        words = list(self._words)
        for argument in self._command["arguments"]:
            name, many = argument["name"], argument["many"]
            if next_one is None and (many or not words):
                next_one = argument
            self.given[name] = tuple(words) if many else words.pop(0) if words else None
            if self.given[name] is None:
                self.given[name] = argument["default"]
        return next_one

    def completions(self, word: str, env: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
        """Yields the completions of `word`: kind (plain, file, dir), value, description."""
        if self._open:
            yield from self._values(self._open, "", word, env)
        elif word.startswith("-") and not self._options_end:
            name, equals, start = word.partition("=")
            if equals and name in self._options:
                yield from self._values(self._options[name], f"{name}=", start, env)
            elif not equals:
                yield from self._option_names(word)
        elif self._command["commands"] and not self._lost:
            for name, command in self._command["commands"].items():
                if name.startswith(word):
                    yield "plain", name, command["help"]
        elif self._next:
            yield from self._values(self._next, "", word, env)

    def _option_names(self, word: str) -> Iterator[tuple[str, str, str]]:
        for option in (*self._command["options"], *self._everywhere):
            name = option["name"]
            if option["many"] or not (self.given.get(name) or name in self.shared):
                for each in option["names"]:
                    if each.startswith(word) and self._options[each] is option:
                        yield "plain", each, option["help"]

    def _values(
        self, parameter: Json, before: str, word: str, env: Mapping[str, str]
    ) -> Iterator[tuple[str, str, str]]:
        values = parameter["values"]
        if isinstance(values, dict):
            values = values["of"].get(self.given.get(values["by"]), ())
        if values in ("file", "dir"):
            yield values, before + word, ""
            return
        already = self.given.get(parameter["name"])
        if parameter["name"] == _FIELDS and parameter in self._everywhere:
            values = self._command["fields"]
            listed, comma, word = word.rpartition(",")
            already, before = tuple(listed.split(",")), before + listed + comma
        found = self._remote(values, env) if isinstance(values, str) else values
        for value, meaning in (*parameter.get("also", ()), *found):
            given = isinstance(already, tuple) and value in already
            if value.startswith(word) and not given:
                yield "plain", before + value, meaning

    def _remote(self, kind: str, env: Mapping[str, str]) -> list[Item]:
        """Returns the values of a kind from the cache, refreshed after a minute."""
        words = [
            default if self.given.get(name) is None else self.given[name]
            for name, default in NEEDS[kind].items()
        ]
        if None in words:
            return []
        cache = Cache(env, self.shared)
        name = " ".join((kind, *map(str, words)))
        known, fresh = cache.read(name)
        if fresh:
            return known
        from .values import fetch  # slow: imports the settings and the HTTP modules

        found = fetch(kind, words, self.shared, env)
        if found:
            cache.write(name, found)
        return known if found is None else found
