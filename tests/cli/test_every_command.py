"""Every command in every format: what people see, and what scripts can rely on.

Each day half of the commands run as a process at a terminal, and the others as one in a pipe; all
of them do both in two days, or with WHOLE_MATRIX=1. The formats are printed in this process.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import Result

from bindist_cli.output.fields import PRINTED
from bindist_cli.output.formatting import unescape
from tests.api_table import COMMANDS, LIST, ONE, TEXT
from tests.sampling import is_due

CASES = {command.path: command for command in COMMANDS if not command.elsewhere}
SHAPED = [path for path, case in CASES.items() if case.shape != TEXT]
AT_A_TERMINAL = [path for place, path in enumerate(CASES) if is_due(place, 2)]
IN_A_PIPE = [path for place, path in enumerate(CASES) if is_due(place + 1, 2)]


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file in the current folder."""
    (tmp_path / "file.bin").write_bytes(b"some bytes" * 100)
    (tmp_path / "README.md").write_text("# Skylark 1.10\n\nStart `skylark-setup.exe`.\n")
    (tmp_path / "customers.csv").write_text("name,reference\nInitech,CRM-7\n")
    monkeypatch.chdir(tmp_path)


def words(path: str, *more: str) -> list[str]:
    return [*path.split(), *CASES[path].arguments.split(), *more]


@pytest.mark.parametrize("path", AT_A_TERMINAL)
def test_every_command_prints_on_a_terminal(path, at_catalogue, terminal):
    screen = terminal(*words(path))
    assert screen.returncode == CASES[path].exit, screen.text
    assert screen.text.strip()
    assert "Traceback" not in screen.text


@pytest.mark.parametrize("path", CASES)
def test_every_command_prints_plain_lines(path, at_catalogue, invoke):
    done = invoke(*words(path))
    assert done.exit_code == CASES[path].exit, done.stderr
    check_lines(path, done)


@pytest.mark.parametrize("path", IN_A_PIPE)
def test_every_command_prints_plain_lines_in_a_pipe(path, at_catalogue, bindist):
    done = bindist(*words(path))
    assert done.returncode == CASES[path].exit, done.stderr
    check_lines(path, done)


def check_lines(path: str, done: Result | subprocess.CompletedProcess[str]) -> None:
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
def test_every_command_prints_json(path, at_catalogue, invoke):
    done = invoke(*words(path, "--json"))
    assert done.exit_code == CASES[path].exit, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list if CASES[path].shape == LIST else dict)
    assert found


@pytest.mark.parametrize("path", SHAPED)
def test_every_command_prints_json_lines(path, at_catalogue, invoke):
    done = invoke(*words(path, "-o", "jsonl"))
    assert done.exit_code == CASES[path].exit, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(isinstance(row, dict) for row in rows)
    assert len(rows) == 1 if CASES[path].shape == ONE else rows


@pytest.mark.parametrize("path", SHAPED)
def test_every_command_prints_csv(path, at_catalogue, invoke):
    done = invoke(*words(path, "-o", "csv"))
    assert done.exit_code == CASES[path].exit, done.stderr
    head, *rows = csv.reader(io.StringIO(done.stdout, newline=""))
    assert head == [column.key for column in PRINTED[path]]
    assert rows
    assert {len(row) for row in rows} == {len(head)}


@pytest.mark.parametrize("path", SHAPED)
def test_every_command_prints_tab_separated_lines(path, at_catalogue, invoke):
    done = invoke(*words(path, "-o", "tsv"))
    assert done.exit_code == CASES[path].exit, done.stderr
    lines = [[unescape(field) for field in line.split("\t")] for line in done.stdout.splitlines()]
    assert lines
    assert len({len(line) for line in lines}) == 1
