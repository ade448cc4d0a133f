"""The plugin that counts what the tests have tried."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.counters import KINDS

REPOSITORY = Path(__file__).parent.parent
MODULE = """
import pytest

pytestmark = pytest.mark.counts("hostile")

def test_marked_by_its_module(): pass

@pytest.mark.counts("kills", 3)
def test_marked_itself(): pass

@pytest.mark.counts("faults")
def test_that_fails(record_property):
    record_property("bytes", 1)
    assert False

def test_that_records(record_property):
    record_property("bytes", 2**40)
    record_property("other", "x")
"""
EXPECTED = {"faults": "0", "hostile": "2", "kills": "3", "bytes": f"{2**40:,}"}


def run(folder: Path, module: str, *options: str) -> str:
    (folder / "test_module.py").write_text(module)
    command = (sys.executable, "-m", "pytest", "-p", "tests.counters", "-p", "no:cacheprovider")
    done = subprocess.run(
        (*command, *options, "test_module.py"),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        encoding="utf-8",
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_passing_tests_are_counted_once(tmp_path: Path, options: tuple[str, ...]) -> None:
    printed = run(tmp_path, MODULE, *options)
    found = {
        kind: line.split()[0]
        for kind, meaning in KINDS.items()
        for line in printed.splitlines()
        if line.endswith(f"  {meaning}")
    }
    assert found == EXPECTED, printed


def test_an_unknown_kind_is_an_error(tmp_path: Path) -> None:
    printed = run(tmp_path, MODULE.replace('"kills"', '"kilts"'))
    assert "counts('kilts'): the kinds are faults, hostile, kills, bytes" in printed


def test_nothing_is_printed_where_nothing_was_counted(tmp_path: Path) -> None:
    assert "survived and refused" not in run(tmp_path, "def test_one(): pass")
