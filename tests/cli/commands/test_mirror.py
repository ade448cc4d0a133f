"""`bindist mirror`: a folder pulled, verified, and pushed to another server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY

Invoke = Callable[..., Result]


@pytest.fixture
def folder(at_catalogue: SandboxServer, tmp_path: Path) -> Path:
    return tmp_path / "mirror"


@pytest.fixture
def ok(invoke: Invoke) -> Callable[..., Any]:
    def run(*words: str) -> Any:
        done = invoke("mirror", *words, "--json")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """Another, empty server, which the command line is pointed at."""
    with SandboxServer(tmp_path / "second", catalogue=False, admin_key=ADMIN_KEY) as server:
        monkeypatch.setenv("BINDIST_API_URL", server.url)
        yield server


def test_the_sample_catalogue_is_pulled_verified_and_pushed(
    folder: Path, ok: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    planned = ok("pull", str(folder), "--dry-run")
    assert {row["action"] for row in planned} == {"fetch"}
    assert not folder.exists()
    pulled = ok("pull", str(folder))
    assert [row["status"] for row in pulled] == ["fetched"] * len(planned)
    assert {row["status"] for row in ok("verify", str(folder))} == {"ok"}
    assert {row["status"] for row in ok("pull", str(folder))} == {"unchanged"}
    request.getfixturevalue("second")
    assert {row["status"] for row in ok("push", str(folder), "--create-apps", "--dry-run")} == {
        "planned"
    }
    pushed = ok("push", str(folder), "--create-apps")
    assert [row["status"] for row in pushed] == ["created"] * len(planned)
    assert {row["status"] for row in ok("push", str(folder))} == {"unchanged"}


def test_a_selection_of_versions_and_files(folder: Path, ok: Callable[..., Any]) -> None:
    rows = ok("pull", str(folder), "--app", "skylark", "--keep", "1", "--file", "*.exe")
    assert [row["applicationId"] for row in rows] == ["skylark"]
    files = [path.suffix for path in folder.rglob("*") if path.is_file() and "+" not in str(path)]
    assert set(files) - {".json"} == {".exe"}


def test_a_changed_file_is_found_with_exit_code_8(
    folder: Path, ok: Callable[..., Any], invoke: Invoke
) -> None:
    ok("pull", str(folder), "--app", "skylark")
    path = next(folder.rglob("*.exe"))
    path.write_bytes(b"changed")
    found = invoke("mirror", "verify", str(folder), "--json")
    assert found.exit_code == 8
    assert str(path) in found.stderr
    assert "different" in {row["status"] for row in json.loads(found.stdout)}


def test_versions_that_fail_are_reported_and_the_rest_goes_on(
    folder: Path, at_catalogue: SandboxServer, invoke: Invoke
) -> None:
    at_catalogue.faults.add("status:403,path=/store/*.exe,times=0")
    done = invoke("mirror", "pull", str(folder), "--json")
    assert done.exit_code == 9
    assert "versions failed" in done.stderr
    statuses = {row["status"] for row in json.loads(done.stdout)}
    assert statuses == {"fetched", "failed"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("pull", "{}", "--keep", "1", "--since", "1.0"), 2),
        (("pull", "{}", "--app", "unknown"), 3),
        (("verify", "{}/absent"), 2),
        (("pull", "{}", "--require-signature"), 8),
    ],
    ids=["keep and since", "unknown application", "no folder", "no trusted key"],
)
def test_wrong_usage(folder: Path, invoke: Invoke, words: tuple[str, ...], code: int) -> None:
    done = invoke("mirror", *(word.format(folder) for word in words))
    assert done.exit_code == code, done.stderr
