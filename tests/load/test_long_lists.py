"""Ten thousand applications and two thousand versions: work in line with their number, memory not.

Work is counted in requests and in calls of Python functions, which are the same on any machine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from bindist.sandbox import SandboxServer
from bindist.sandbox.storage.database import Session
from bindist.sandbox.storage.folder import DATABASE
from tests.load.conftest import lines_of

APPLICATIONS, VERSIONS = 10_000, 2_000
FEWER = 5  # so many times fewer, to compare with
MIB = 1024 * 1024
MADE = "2026-01-01T00:00:00.000Z"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak of memory"),
]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """A server with all of them, written as its routes write them."""
    with SandboxServer(tmp_path_factory.mktemp("full"), catalogue=False) as server:
        with closing(Session(server.data_dir / DATABASE)) as session, session.writing():
            for number in range(APPLICATIONS):
                session.put("applications", ("applicationId",), **an_application(number))
            for application_id, count in (("app-0", VERSIONS), ("app-1", VERSIONS // FEWER)):
                for number in range(count):
                    session.put("versions", ("applicationId", "version"),
                                **a_version(application_id, number))  # fmt: skip
        yield server


def an_application(number: int) -> dict[str, Any]:
    return {
        "applicationId": f"app-{number}",
        "name": f"Application {number}",
        "description": "One of very many. " * 10,
        "isActive": True,
        "createdAt": MADE,
        "updatedAt": MADE,
        "tags": ["many", "load"],
    }


def version_of(number: int) -> str:
    return f"{number // 100}.{number % 100}.0"


def a_version(application_id: str, number: int) -> dict[str, Any]:
    version = version_of(number)
    return {
        "applicationId": application_id,
        "version": version,
        "versionId": f"{application_id}-{version}",
        "releaseNotes": "Bug fixes. " * 20,
        "isActive": True,
        "isEnabled": True,
        "createdAt": MADE,
        "updatedAt": MADE,
        "fileSize": 1,
        "checksum": "0" * 64,
        "downloadCount": 0,
    }


def test_listing_applications_takes_linear_work_and_constant_memory(
    full: SandboxServer, measured: Callable[..., dict[str, Any]]
) -> None:
    full.requests.clear()
    few = str(APPLICATIONS // FEWER)
    found = measured("applications", full.url, full.keys.admin, few, APPLICATIONS)
    assert found["count"] == APPLICATIONS
    assert len(full.requests) == APPLICATIONS // 100
    less, more = found[few], found[str(APPLICATIONS)]
    assert more["calls"] < 1.2 * FEWER * less["calls"]
    assert more["peak"] - less["peak"] < 4 * MIB


def test_listing_versions_takes_one_request_and_linear_work(
    full: SandboxServer, measured: Callable[..., dict[str, Any]]
) -> None:
    full.requests.clear()
    found = measured("versions", full.url, full.keys.admin, "app-1", "app-0")
    less, more = found["app-1"], found["app-0"]
    assert (less["count"], more["count"]) == (VERSIONS // FEWER, VERSIONS)
    assert len(full.requests) == 2
    assert more["calls"] < 1.2 * FEWER * less["calls"]
    assert more["peak"] < 64 * MIB


@pytest.fixture
def program(
    full: SandboxServer, start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[list[dict[str, Any]], int]]:
    """Runs a command, and returns the rows that it printed and its memory in bytes."""
    monkeypatch.setenv("BINDIST_API_URL", full.url)
    monkeypatch.setenv("BINDIST_API_KEY", full.keys.admin)

    def run(command: str) -> tuple[list[dict[str, Any]], int]:
        process = start("measured.py", "program", full.url, full.keys.admin, *command.split())
        *rows, report = map(json.loads, lines_of(process))
        assert report["exit"] == 0
        return rows, report["peak"]

    return run


def test_the_program_prints_ten_thousand_applications_page_by_page(
    program: Callable[[str], tuple[list[dict[str, Any]], int]],
) -> None:
    few, less = program(f"apps list -o jsonl --limit {APPLICATIONS // FEWER}")
    rows, more = program("apps list -o jsonl")
    assert len({row["applicationId"] for row in rows}) == len(rows) == APPLICATIONS
    assert rows[: len(few)] == few
    assert more - less < 4 * MIB


def test_the_program_prints_two_thousand_versions_the_highest_first(
    program: Callable[[str], tuple[list[dict[str, Any]], int]],
) -> None:
    rows, peak = program("versions list app-0 -o jsonl")
    assert [row["version"] for row in rows] == [version_of(n) for n in reversed(range(VERSIONS))]
    assert peak < 64 * MIB
