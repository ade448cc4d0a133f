"""The sandbox and the SDK share no code: a mistake in both would not be seen."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bindist

tomllib = pytest.importorskip("tomllib", reason="Python 3.11 reads TOML")

ROOT = Path(__file__).parents[2]
SDK = {f"bindist.{found.name}" for found in pkgutil.iter_modules(bindist.__path__)} - {
    "bindist.sandbox"
}
# The package itself brings these, whatever is imported of it.
WITH_THE_PACKAGE = {"bindist._version", "bindist.errors"}
SERVE = """
import urllib.request
from bindist.sandbox import *
from bindist.sandbox import SandboxServer, open_sandbox, find_running, reset
with SandboxServer(sys.argv[1], faults=["slow:1"]) as server:
    asked = urllib.request.Request(f"{server.url}/v1/applications")
    asked.add_header("Authorization", f"Bearer {server.keys.admin}")
    assert urllib.request.urlopen(asked).status == 200
"""
USE_THE_SDK = """
import pkgutil, importlib, bindist
from bindist import *

def import_all(package):
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if found.name != "bindist.sandbox":
            module = importlib.import_module(found.name)
            import_all(module) if found.ispkg else None

import_all(bindist)
"""


def contracts() -> list[dict[str, Any]]:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = found["tool"]["importlinter"]["contracts"]
    return contracts


def modules_of(kind: str) -> set[str]:
    """The modules that the contracts with the sandbox on one side name on the other side."""
    other = {"source_modules": "forbidden_modules", "forbidden_modules": "source_modules"}[kind]
    return {
        name
        for contract in contracts()
        if contract["type"] == "forbidden" and "bindist.sandbox" in contract[kind]
        for name in contract[other]
    }


@pytest.mark.parametrize("side", ["source_modules", "forbidden_modules"])
def test_the_import_contracts_name_every_module_of_the_sdk(side: str) -> None:
    named = {name for name in modules_of(side) if name.startswith("bindist.")}
    assert named == SDK


def loaded(code: str, *arguments: str) -> set[str]:
    """The modules of the package `bindist` that a new interpreter has after running the code."""
    program = f"import sys\n{code}\nimport json; print(json.dumps([*sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return {name for name in json.loads(done.stdout) if name.partition(".")[0] == "bindist"}


def test_a_sandbox_that_serves_loads_nothing_of_the_sdk(tmp_path: Path) -> None:
    found = {name for name in loaded(SERVE, str(tmp_path)) if "sandbox" not in name}
    assert found - {"bindist"} <= WITH_THE_PACKAGE


def test_the_sdk_loads_nothing_of_the_sandbox() -> None:
    found = loaded(USE_THE_SDK)
    assert found >= SDK
    assert not {name for name in found if name.startswith("bindist.sandbox")}
