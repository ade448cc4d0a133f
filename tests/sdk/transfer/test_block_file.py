"""Writing past the page cache: what the system does not do that way is done the usual way."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from bindist.transfer.block_file import PAGE, BlockFile

CONTENT = os.urandom(5 * PAGE + 17)


def blocks() -> list[memoryview]:
    """The content in three blocks, the inner ones of whole pages."""
    view = memoryview(CONTENT)
    return [view[: 2 * PAGE], view[2 * PAGE : 4 * PAGE], view[4 * PAGE :]]


class Disk:
    """Opens a file; `refuses` is the error of an attempt to go past the cache, `direct` a file that
    is used for it instead."""

    def __init__(self, path: Path, refuses: int = 0, direct: str = "") -> None:
        self._path = path
        self._refuses = refuses
        self._direct = direct or path
        path.touch()

    def __call__(self, *, write: bool = False, extra_flags: int = 0) -> BinaryIO:
        if extra_flags and self._refuses:
            raise OSError(self._refuses, os.strerror(self._refuses))
        path = self._direct if extra_flags else self._path
        return open(path, "r+b" if write else "rb", buffering=0)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Lets no file grow beyond that size: a write that crosses it is cut short."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_system_without_direct_io_is_written_normally(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with closing(BlockFile(Disk(path, refuses=errno.EINVAL), direct=True)) as file:
        file.write(0, blocks())
    assert path.read_bytes() == CONTENT


def test_a_system_without_direct_io_is_written_normally(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delattr(os, "O_DIRECT", raising=False)
    path = tmp_path / "file"
    with closing(BlockFile(Disk(path, refuses=errno.EACCES), direct=True)) as file:
        file.write(0, blocks())
    assert path.read_bytes() == CONTENT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_file_system_that_refuses_it_only_at_the_write_gets_the_bytes_the_usual_way(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file"
    with closing(BlockFile(Disk(path, direct="/dev/full"), direct=True)) as file:
        file.write(0, blocks())
    assert path.read_bytes() == CONTENT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_an_error() -> None:
    with (
        closing(BlockFile(Disk(Path("/dev/full")), direct=True)) as file,
        pytest.raises(OSError, match="No space"),
    ):
        file.write(0, blocks())


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="this system has no way past the cache")
def test_a_short_write_within_a_page_is_an_error_after_the_bytes_that_fit(
    tmp_path: Path,
) -> None:
    path, space = tmp_path / "file", 2 * PAGE + 100
    with (
        closing(BlockFile(Disk(path), direct=True)) as file,
        largest_file(space),
        pytest.raises(OSError, match="too large"),
    ):
        file.write(0, blocks())
    assert path.read_bytes() == CONTENT[:space]
