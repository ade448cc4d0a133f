"""Every command in every format, as a process: what people see, and what scripts can rely on."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from bindist_cli.generate.reference import walk
from bindist_cli.output.formatting import unescape

LIST, ONE, TEXT = "list", "one", "text"


@dataclass(frozen=True)
class Case:
    """Arguments that make a command succeed on the sample catalogue, and what it prints."""

    arguments: str
    shape: str
    exit: int = 0


CASES = {
    "apps list": Case("", LIST),
    "apps show": Case("harbor", ONE),
    "apps create": Case("fresh --name Fresh --tag new", ONE),
    "apps delete": Case("harbor --yes", ONE),
    "apps stats": Case("skylark", ONE),
    "apps grant": Case("harbor globex", ONE),
    "apps revoke": Case("harbor acme", ONE),
    "versions list": Case("skylark --test-channel", LIST),
    "versions show": Case("skylark 1.10.0", ONE),
    "versions latest": Case("skylark", TEXT),
    "versions files": Case("skylark 1.10.0", LIST),
    "versions checksums": Case("skylark 1.10.0", LIST),
    "versions upload": Case("harbor 9.0 file.bin --enable", ONE),
    "versions update": Case("skylark 1.10.0 --notes changed", ONE),
    "versions enable": Case("skylark 2.0.0", ONE),
    "versions disable": Case("skylark 1.9.0", ONE),
    "versions download": Case("skylark --all --dir got", LIST),
    "versions verify": Case("harbor 1.0.1 file.bin", LIST, exit=8),
    "versions share": Case("skylark 1.10.0", ONE),
    "customers list": Case("", LIST),
    "customers show": Case("acme", ONE),
    "customers create": Case("--name New --email new@example.com", ONE),
    "customers update": Case("acme --notes changed", ONE),
    "customers enable": Case("acme", ONE),
    "customers disable": Case("acme", ONE),
    "customers rotate-key": Case("acme --yes", ONE),
    "activity list": Case("--limit 5", LIST),
    "audit list": Case("--limit 5", LIST),
    "admin rotate-key": Case("--apps-admin --yes", ONE),
    "auth status": Case("", ONE),
    "auth token": Case("", TEXT),
    "auth logout": Case("", ONE),
    "config list": Case("", LIST),
    "config get": Case("api_url", TEXT),
    "config set": Case("timeout 20", ONE),
    "config unset": Case("timeout", ONE),
    "config path": Case("", TEXT),
    "sandbox path": Case("", TEXT),
    "sandbox reset": Case("--yes", ONE),
    "api": Case("GET applications", TEXT),
    "doctor": Case("", LIST),
    "completion": Case("bash", TEXT),
    "help": Case("", LIST),
}
ELSEWHERE = {
    "auth login": "asks a person: test_auth.py",
    "sandbox serve": "runs until it is stopped: test_sandbox_command.py",
    "sandbox demo": "tells a story: test_sandbox_command.py",
}
SHAPED = [path for path, case in CASES.items() if case.shape != TEXT]


@pytest.fixture(autouse=True)
def file(tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(b"some bytes" * 100)


def words(path: str, *more: str) -> list[str]:
    return [*path.split(), *CASES[path].arguments.split(), *more]


def test_every_command_is_here_or_tested_elsewhere():
    assert {path for path, _ in walk()} == set(CASES) | set(ELSEWHERE)


@pytest.mark.parametrize("path", CASES)
def test_on_a_terminal(path, at_catalogue, terminal):
    screen = terminal(*words(path))
    assert screen.returncode == CASES[path].exit, screen.text
    assert screen.text.strip()
    assert "Traceback" not in screen.text


@pytest.mark.parametrize("path", CASES)
def test_in_a_pipe(path, at_catalogue, bindist):
    done = bindist(*words(path))
    assert done.returncode == CASES[path].exit, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert lines
    if path == "versions checksums":
        assert all(re.fullmatch(r"[0-9a-f]{64}  \S+", line[0]) for line in lines)
    elif CASES[path].shape == LIST:
        assert len({len(line) for line in lines}) == 1
    elif CASES[path].shape == ONE:
        assert all(len(line) == 2 and re.fullmatch(r"\w+", line[0]) for line in lines)


@pytest.mark.parametrize("path", SHAPED)
def test_as_json(path, at_catalogue, bindist):
    done = bindist(*words(path, "--json"))
    assert done.returncode == CASES[path].exit, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list if CASES[path].shape == LIST else dict)
    assert found


@pytest.mark.parametrize("path", SHAPED)
def test_as_json_lines(path, at_catalogue, bindist):
    done = bindist(*words(path, "-o", "jsonl"))
    assert done.returncode == CASES[path].exit, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(isinstance(row, dict) for row in rows)
    assert len(rows) == 1 if CASES[path].shape == ONE else rows


@pytest.mark.parametrize("path", SHAPED)
def test_as_csv(path, at_catalogue, bindist):
    done = bindist(*words(path, "-o", "csv"))
    assert done.returncode == CASES[path].exit, done.stderr
    head, *rows = csv.reader(io.StringIO(done.stdout, newline=""))
    assert all(re.fullmatch(r"\w+", name) for name in head)
    assert rows
    assert {len(row) for row in rows} == {len(head)}


@pytest.mark.parametrize("path", SHAPED)
def test_as_tab_separated_lines(path, at_catalogue, bindist):
    done = bindist(*words(path, "-o", "tsv"))
    assert done.returncode == CASES[path].exit, done.stderr
    lines = [[unescape(field) for field in line.split("\t")] for line in done.stdout.splitlines()]
    assert lines
    assert len({len(line) for line in lines}) == 1
