"""The cache of completion: its age, its owner, and what remains when the server fails."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY, CUSTOMER_KEY

Run = Callable[..., subprocess.CompletedProcess[str]]
Complete = Callable[..., list[str]]


@pytest.fixture
def cache(environment: Path) -> Callable[[], Path]:
    """The file of the cache, of which there must be one."""

    def find() -> Path:
        (found,) = environment.glob("completion-*.json")
        return found

    return find


@pytest.fixture
def aged(cache: Callable[[], Path]) -> Callable[[float], None]:
    """Makes the cache older by so many seconds, and renames what is in it."""

    def change(seconds: float) -> None:
        lists = json.loads(cache().read_text())
        for entry in lists.values():
            entry[0] -= seconds
            entry[1] = [[f"old-{value}", meaning] for value, meaning in entry[1]]
        cache().write_text(json.dumps(lists))

    return change


def test_a_minute_passes_without_a_request(
    at_catalogue: SandboxServer, complete: Complete, aged: Callable[[float], None]
) -> None:
    complete("bindist apps show ")
    assert len(at_catalogue.requests) == 1
    aged(50)
    assert complete("bindist apps show ") == ["old-harbor", "old-skylark", "old-tidewatch"]
    assert len(at_catalogue.requests) == 1
    aged(11)
    assert complete("bindist apps show ") == ["harbor", "skylark", "tidewatch"]
    assert len(at_catalogue.requests) == 2
    aged(-100)  # the clock was put back
    complete("bindist apps show ")
    assert len(at_catalogue.requests) == 3


def test_the_cache_is_for_its_owner_alone(
    at_catalogue: SandboxServer, complete: Complete, cache: Callable[[], Path], environment: Path
) -> None:
    complete("bindist apps show ")
    assert stat.S_IMODE(cache().stat().st_mode) == 0o600
    assert stat.S_IMODE(environment.stat().st_mode) == 0o700
    assert ADMIN_KEY not in cache().read_text() + cache().name
    assert [each.name for each in environment.iterdir()] == [cache().name]


def test_each_key_has_its_own(
    at_catalogue: SandboxServer, complete: Complete, environment: Path
) -> None:
    assert complete("bindist customers show a")
    assert complete("bindist customers show a", BINDIST_API_KEY=CUSTOMER_KEY) == []
    complete("bindist apps show ", BINDIST_API_KEY=CUSTOMER_KEY)
    assert len(list(environment.glob("completion-*.json"))) == 2


OLD = "completion-0123456789abcdef.json"


@pytest.mark.parametrize(
    ("name", "content", "kept"),
    [
        (OLD, '{"apps": [1.0, [["tool", ""]]]}', False),
        (OLD, "{}", False),
        (OLD, '{"apps": [1, 2, 3]}', True),
        (OLD, '["mine"]', True),
        (OLD, "mine", True),
        (OLD, "", True),
        ("completion-rules.json", '{"apps": [1.0, []]}', True),
        ("completion-.json", "{}", True),
    ],
)
def test_an_old_file_is_removed_where_name_and_content_are_those_of_a_cache(
    at_catalogue: SandboxServer,
    complete: Complete,
    environment: Path,
    name: str,
    content: str,
    kept: bool,
) -> None:
    environment.mkdir(mode=0o700, exist_ok=True)
    (environment / name).write_text(content)
    (environment / name).chmod(0o600)
    os.utime(environment / name, (1, 1))
    complete("bindist apps show ")
    assert (environment / name).exists() == kept


@pytest.mark.parametrize("fault", ["stall:50", "refuse", "status:503", "html", "not-json"])
def test_where_the_server_fails_the_old_values_stay(
    at_catalogue: SandboxServer,
    complete: Complete,
    aged: Callable[[float], None],
    fault: str,
) -> None:
    complete("bindist apps show ")
    aged(3600)
    at_catalogue.faults.add(f"{fault},times=0")
    begun = time.monotonic()
    assert complete("bindist apps show h") == []
    assert complete("bindist apps show old-h") == ["old-harbor"]
    assert complete("bindist customers show ") == []
    assert time.monotonic() - begun < 25  # three processes on a busy machine, and no stall


def test_a_server_that_stalls_costs_the_limit_and_no_more(
    at_catalogue: SandboxServer, ask: Run
) -> None:
    ask("bindist apps show ")
    at_catalogue.faults.add("stall:50,times=0")

    def seconds(line: str) -> float:
        begun = time.monotonic()
        ask(line)
        return time.monotonic() - begun

    warm = min(seconds("bindist apps show ") for _ in range(5))
    cold = min(seconds("bindist customers show ") for _ in range(5))
    assert 0.4 < cold < warm + 0.4 + 1.5  # to import what speaks HTTP takes a while


@pytest.mark.parametrize("content", ["", "[]", "{", '{"applications": 3}', '{"a": [[1]]}'])
def test_a_broken_cache_is_none(
    at_catalogue: SandboxServer, complete: Complete, cache: Callable[[], Path], content: str
) -> None:
    complete("bindist apps show ")
    cache().write_text(content)
    assert complete("bindist apps show s") == ["skylark"]
    assert complete("bindist apps show s") == ["skylark"]
    assert len(at_catalogue.requests) == 2


def test_a_cache_that_others_can_read_is_not_believed(
    at_catalogue: SandboxServer, complete: Complete, cache: Callable[[], Path]
) -> None:
    complete("bindist apps show ")
    cache().chmod(0o644)
    assert complete("bindist apps show s") == ["skylark"]
    assert len(at_catalogue.requests) == 2
    assert stat.S_IMODE(cache().stat().st_mode) == 0o600
