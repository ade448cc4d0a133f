"""Versions of one file to download, and what a download costs."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer

MIB = 1024 * 1024
STORE = "path=/store/*,method=GET"


def make_bytes(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture
def publish(admin: AdminClient, application: str) -> Callable[[str, bytes], str]:
    """Makes an enabled version of one file, `tool.bin`; returns its checksum."""

    def make(version: str, content: bytes) -> str:
        admin.upload_large_file(application, version, "tool.bin", content).raise_for_error()
        admin.update_version(application, version, is_enabled=True).raise_for_error()
        return hashlib.sha256(content).hexdigest()

    return make


def downloads(admin: AdminClient) -> int:
    """How many downloads the statistics have counted."""
    count = admin.get_stats("tool").require()["totalDownloads"]
    assert isinstance(count, int)
    return count


def fetched(server: SandboxServer) -> int:
    """Bytes of files that have gone out."""
    return sum(r.bytes_out for r in server.requests if r.path.startswith("/store/"))
