"""Start-up is mostly imports: no command loads what it does not use."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("requests", "rich", "tomlkit", "werkzeug", "packaging", "keyring", "sqlite3")
PROGRAM = """
import json, sys
from bindist_cli.cli import cli
try:
    cli.main(sys.argv[2:], prog_name="bindist")
except SystemExit as done:
    code = done.code
loaded = [name for name in json.loads(sys.argv[1]) if name in sys.modules]
print(json.dumps({"code": code, "loaded": loaded}), file=sys.stderr)
"""


def loaded(*arguments: str) -> set[str]:
    """Which of the heavy modules a successful run has loaded, off a terminal."""
    done = subprocess.run(
        (sys.executable, "-c", PROGRAM, json.dumps(HEAVY), *arguments),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = json.loads(done.stderr.splitlines()[-1])
    assert found["code"] == 0, done.stderr
    return set(found["loaded"])


@pytest.mark.parametrize(
    ("arguments", "used"),
    [
        ("--help", ()),
        ("apps", ()),
        ("versions upload --help", ()),
        ("completion bash", ()),
        ("help", ()),
        ("help releases", ()),
        ("help apps list", ()),
        ("config path", ()),
        ("config list", ()),
        ("sandbox path", ()),
        ("auth token", ()),
        ("apps list", ("requests",)),
        ("apps list --json", ("requests",)),
        ("apps show harbor", ("requests",)),
        ("apps stats skylark", ("requests",)),
        ("apps list -o table", ("requests", "rich")),
        ("versions files skylark 1.10.0", ("requests",)),
        ("versions list skylark", ("requests", "packaging")),
        ("customers list", ("requests",)),
        ("activity list", ("requests",)),
        ("api GET applications", ("requests",)),
    ],
)
def test_a_command_imports_only_what_it_uses(arguments, used, at_catalogue):
    assert loaded(*arguments.split()) <= set(used)


def test_the_version_is_printed_without_importing_click():
    done = subprocess.run(
        (sys.executable, "-X", "importtime", "-m", "bindist_cli", "--version"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.startswith("bindist ")
    assert "click" not in done.stderr
