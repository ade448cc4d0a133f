"""Completion in real shells with names that a shell would run: nothing runs, the name arrives."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bindist_cli.completion import engine, scripts

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)
from tests.cli.shell_terminal import PROMPT, SETUP, Terminal

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")

NAMES = (
    "$(touch pwned).exe",
    "`./run`.exe",
    "b\\$(touch pwned)",
    'c";touch pwned;"',
    "d';touch pwned;'",
    "e!!$(touch pwned)!e",
    "f & touch pwned #",
    "g=h:$(touch pwned)=i",
    "*?[i]~{j,k}|<touch>(l)^",
    "~root",
    "!m",
    "$HOME",
    "n\\",
    "'r",
    "s'",
    '"t',
    "u!",
    'v"',
    "‘o’",
)
"""File names, each the only file of the version of its number."""

OFFERED_NOWHERE = {"fish": ("~root",), "bash": ("`./run`.exe",), "zsh": ("`./run`.exe",)}
"""What a shell cannot be made to quote, wherever it stands."""

PREFIXED = ("p1$(touch pwned)", "p2`touch pwned`", "p3 q'\";touch pwned;\"'!")
"""Values of the other kinds, which the first two characters tell apart."""


def _answer(path: str) -> dict[str, Any]:
    *_, kind = path.split("?")[0].split("/")
    if kind == "files":
        number = int(path.split("/")[-2].removeprefix("v"))
        return {"files": [{"fileName": NAMES[number], "fileType": "MAIN"}]}
    key = {"applications": "applicationId", "customers": "customerId", "versions": "version"}[kind]
    return {kind: [{key: value, "name": "", "isEnabled": True} for value in PREFIXED]}


class _Hostile(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"success": True, "data": _answer(self.path)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server whose every name is meant to be run; the command line uses it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hostile) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("BINDIST_API_URL", url)
        monkeypatch.setenv("BINDIST_API_KEY", "test-key")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield url
        server.shutdown()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder with a program that notes what it is called with, and local files."""
    folder = tmp_path / "home"
    folder.mkdir()
    record = folder / "record"
    record.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\" > ~/received\nprintf '<%s>\\n' recorded\n")
    (folder / "run").write_text("#!/bin/sh\ntouch pwned\n")
    for script in (record, folder / "run"):
        script.chmod(0o755)
    for name in PREFIXED:
        (folder / name).touch()
    return folder


@pytest.fixture
def at_prompt(
    hostile: str,
    home: Path,
    profile: Callable[..., Path],
    program: str,
    wait_until: Callable[[Callable[[], Any]], None],
) -> Iterator[Callable[..., Terminal]]:
    """Opens a shell whose completion knows the values of the hostile server."""
    profile("".join(f"[profiles.{json.dumps(name)}]\n" for name in PREFIXED))
    opened: list[Terminal] = []

    def warm(line: str) -> bool:
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        return bool(engine._completions("powershell", {**os.environ, **asked}))

    def open_shell(shell: str, before: str = "") -> Terminal:
        if not shutil.which(shell):
            pytest.skip(f"{shell} is not installed")
        script = home / f"_bindist.{shell}"
        script.write_text(scripts.SCRIPTS[shell])
        (home / ".zshrc").write_text("autoload -U compinit; compinit -D -u\n")
        terminal = Terminal(shell, home, program)
        opened.append(terminal)
        if shell == "zsh":
            terminal.ready(f"PROMPT='{PROMPT}'")
        elif shell == "fish":
            terminal.ready(f"function fish_prompt; echo -n '{PROMPT}'; end")
        terminal.ready(f"{before}source {script}")
        return terminal

    for kind in ("apps show ", "customers show ", "versions show app "):
        wait_until(lambda line=f"bindist {kind}": warm(line))
    for number in range(len(NAMES)):
        wait_until(lambda line=f"bindist versions share app v{number} --file ": warm(line))
    yield open_shell
    for terminal in opened:
        terminal.close()


def _ran(home: Path) -> list[Path]:
    return list(home.rglob("pwned"))


@pytest.mark.parametrize("shell", SETUP)
def test_a_file_name_is_completed_and_not_run(
    shell: str, at_prompt: Callable[..., Terminal], home: Path
) -> None:
    terminal = at_prompt(shell)
    got, wanted = {}, {}
    for quote in ("", '"', "'"):
        for number, name in enumerate(NAMES):
            line = f"bindist versions share app v{number} --file {quote}"
            if name in OFFERED_NOWHERE.get(shell, ()):
                continue
            wanted[line] = name
            got[line] = terminal.received(line)[-1]
    assert not _ran(home)
    assert got == wanted


@pytest.mark.parametrize(("shell", "kind"), [("bash", "quoted"), ("zsh", "plain")])
def test_no_value_with_a_backtick_is_offered(shell: str, kind: str) -> None:
    env = {"COMP_PIECE": "", "COMP_KEPT": ""}
    assert scripts.quoting(shell, env)("a`b") == (kind, None)


@pytest.mark.parametrize("shell", SETUP)
def test_a_name_completed_inside_backticks_does_not_run(
    shell: str, at_prompt: Callable[..., Terminal], home: Path
) -> None:
    terminal = at_prompt(shell)
    for quote in ("", '"', "'"):
        for number, name in enumerate(NAMES):
            if "`" in name:
                line = f"echo `bindist versions share app v{number} --file {quote}"
                terminal.ready(f"{line}\t{quote}`")
    assert not _ran(home)


VALUES = (
    "apps show {}",
    "apps list --profile {}",
    "apps list --profile={}",
    "customers show {}",
    "versions show app {}",
    "apps list --ca-bundle {}",
    "versions upload app 1.0 {}",
    "versions download app 1.0 --dir {}",
)


@pytest.mark.parametrize("shell", SETUP)
def test_no_other_value_is_run(shell: str, at_prompt: Callable[..., Terminal], home: Path) -> None:
    terminal = at_prompt(shell)
    got, wanted = {}, {}
    for command in VALUES:
        for start, name in (("p1", PREFIXED[0]), ('"p1', PREFIXED[0]), ('"p3', PREFIXED[2])):
            if shell != "bash" and "--dir" in command and start.startswith('"'):
                continue  # these close no quote after a folder, whose files may follow
            if "--dir" in command and (home / name).is_file():
                (home / name).unlink()
                (home / name).mkdir()
            words = ["bindist", *command.replace("{}", name).split(" ", command.count(" "))]
            line = f"bindist {command.format(start)}"
            wanted[line] = words[-1]
            got[line] = terminal.received(line)[-1].rstrip("/")
    assert not _ran(home)
    assert got == wanted


@pytest.mark.parametrize("name", ["$(x)", "`x`", 'a"b', "a\\b", "a!b"])
def test_an_older_bash_script_gets_no_value_that_bash_would_run(name: str) -> None:
    """That script put a name into double quotes as it was."""
    assert scripts.quoting("bash", {})(name) == ("plain", None)
    assert scripts.quoting("bash", {})("read me.txt") == ("plain", "read me.txt")


@pytest.mark.parametrize("piece", ['a"b', "a'b", "$'a", "'a'b", '"a"b', "'a'\\''b", '"a"\'b'])
def test_bash_is_offered_nothing_after_mixed_quotes(piece: str) -> None:
    assert scripts.quoting("bash", {"COMP_PIECE": piece, "COMP_KEPT": ""})("ab") == ("quoted", None)
    kept = {"COMP_PIECE": "", "COMP_KEPT": piece}
    assert scripts.quoting("bash", kept)("ab") == ("quoted", None)


def test_fish_is_offered_no_value_that_it_takes_for_a_home_folder() -> None:
    assert scripts.quoting("fish", {})("~root") == ("plain", None)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bindist 'a b' c", ["bindist", "a b", "c"]),
        ('bindist "a\\$b\\"c" d', ["bindist", 'a$b"c', "d"]),
        ('bindist "a\\b', ["bindist", "a\\b"]),
        ("bindist a\\ b\\", ["bindist", "a b"]),
        ("bindist a'b'\"c\"d", ["bindist", "abcd"]),
        ("bindist ''", ["bindist", ""]),
        ("", []),
    ],
)
def test_words_are_split_as_a_shell_splits_them(line: str, words: list[str]) -> None:
    assert scripts.typed("bash", line, str(len(words)))[0] == words[1:]


def test_without_compopt_paths_are_quoted_for_bash(
    at_prompt: Callable[..., Terminal], home: Path
) -> None:
    terminal = at_prompt("bash", "compopt() { return 1; }; ")
    line = "bindist apps list --ca-bundle "
    for name in PREFIXED[:2]:  # local files, which have backticks too
        assert terminal.received(f"{line}{name[:2]}")[-1] == name
    assert not _ran(home)
