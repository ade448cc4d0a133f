"""Far more than fits into memory, in 64 MiB of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.counters import Record
from tests.load.endless import SHA256, SIZE, ZEROS_SHA256, ZEROS_SIZE

MEMORY = 64 * 1024 * 1024

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak of memory"),
]
Measured = Callable[..., dict[str, Any]]


@pytest.fixture
def endless(start: Callable[..., Any]) -> str:
    """The address of a server of a file of that size."""
    url: str = start("endless.py").stdout.readline().strip()
    return url


def test_five_gibibytes_are_downloaded_in_64_mib_of_memory(
    endless: str, measured: Measured, record_property: Record
) -> None:
    found = measured("download", endless, "key")
    assert (found["size"], found["checksum"]) == (SIZE, SHA256)
    assert found["peak"] <= MEMORY
    record_property("bytes", SIZE)


def test_a_gibibyte_is_uploaded_in_64_mib_of_memory(
    endless: str, measured: Measured, tmp_path: Path, record_property: Record
) -> None:
    sparse = tmp_path / "sparse.bin"
    sparse.touch()
    os.truncate(sparse, ZEROS_SIZE)  # zeros that take no disk
    found = measured("upload", endless, "key", sparse)
    assert (found["size"], found["checksum"]) == (ZEROS_SIZE, ZEROS_SHA256)
    assert found["peak"] <= MEMORY
    record_property("bytes", ZEROS_SIZE)
