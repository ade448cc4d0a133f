"""Fifty processes at one server."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from tests.counters import Record
from tests.load.conftest import report
from tests.load.measured import content_of

PROCESSES = 50
REQUESTS = 10
"""How many requests a process needs to upload a file, to enable it, and to download two."""

COMMON = hashlib.shake_128(b"common").digest(1_000_000)

pytestmark = pytest.mark.slow


def test_fifty_simultaneous_processes_all_succeed(
    server: SandboxServer,
    admin: AdminClient,
    application: str,
    start: Callable[..., Any],
    tmp_path: Path,
    record_property: Record,
) -> None:
    admin.upload_large_file(application, "1.0", "common.bin", COMMON).raise_for_error()
    admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
    numbers = range(1, PROCESSES + 1)
    parent = start("measured.py", "releases", server.url, server.keys.admin, PROCESSES, tmp_path)
    assert parent.stdout.readline() == "ready\n", parent.stderr.read()
    server.requests.clear()
    found = report(parent)
    during = list(server.requests)

    checksums = {n: hashlib.sha256(content_of(n)).hexdigest() for n in numbers}
    common = hashlib.sha256(COMMON).hexdigest()
    assert found == {str(n): {"own": checksums[n], "common": common} for n in numbers}
    versions = admin.list_versions(application).require()["versions"]
    assert {row["version"]: row["downloadCount"] for row in versions} == {
        "1.0": PROCESSES,
        **{f"1.{n}": 1 for n in numbers},
    }
    stats = admin.get_stats(application).require()
    assert stats["totalDownloads"] == 2 * PROCESSES
    for n in numbers:
        (file,) = admin.list_version_files(application, f"1.{n}").require()["files"]
        assert file["checksum"] == checksums[n]
    assert Counter(record.status // 100 for record in during) == {2: len(during)}
    assert len(during) == PROCESSES * REQUESTS, "something was sent twice"
    record_property("bytes", sum(2 * len(content_of(n)) + len(COMMON) for n in numbers))
