"""Stores that serve only so many connections at once: fewer are used, and all bytes are moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bindist import AdminClient, IncompleteDownloadError, ServerError
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY
from tests.stores.conftest import CONTENT, LISTED
from tests.stores.odd_server import OddServer

Odd = Callable[..., OddServer]
Connect = Callable[..., AdminClient]
NAMES = [f"part{number}.bin" for number in range(6)]
LIMITS = ["limit1", "limit2", "limit1-reset", "limit2-reset"]


@pytest.fixture(scope="module")
def several(catalogue: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A version of six files."""
    this, folder = ("tool", "6.0"), tmp_path_factory.mktemp("several")
    with AdminClient(catalogue.url, ADMIN_KEY) as admin:
        admin.publish(*this, _written(folder), enable=True, settle=0)
    return this


def _written(folder: Path) -> list[Path]:
    paths = [folder / name for name in NAMES]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number + 1]) * 300_000)
    return paths


def _downloads(catalogue: SandboxServer) -> int:
    with AdminClient(catalogue.url, ADMIN_KEY) as admin:
        return admin.get_stats("tool").unwrap()["totalDownloads"]


@pytest.mark.parametrize("mode", LIMITS)
def test_a_large_file_arrives_over_the_connections_that_are_served(
    odd: Odd, connect: Connect, tmp_path: Path, mode: str
) -> None:
    server = odd(mode)
    found = connect(server.url).download_to_file(*LISTED, tmp_path / "got", connections=4)
    assert (found.status, (tmp_path / "got").read_bytes()) == ("downloaded", CONTENT)
    assert server.refused, "the limit was met"


@pytest.mark.parametrize("mode", LIMITS)
def test_all_files_arrive_and_each_is_counted_once(
    odd: Odd, connect: Connect, catalogue: SandboxServer, several, tmp_path: Path, mode: str
) -> None:
    server, before = odd(mode), _downloads(catalogue)
    found = connect(server.url).download_version(*several, tmp_path / "got", parallel=4)
    assert [each.status for each in found] == ["downloaded"] * len(NAMES)
    assert server.refused, "the limit was met"
    assert _downloads(catalogue) - before == len(NAMES)


@pytest.mark.parametrize("mode", LIMITS)
def test_all_files_are_uploaded(odd: Odd, connect: Connect, tmp_path: Path, mode: str) -> None:
    server = odd(mode)
    paths = _written(tmp_path)
    made = connect(server.url).publish("tool", f"7.0-{mode}", paths, parallel=4, settle=0)
    assert sorted(row["fileName"] for row in made.files) == NAMES
    assert server.refused, "the limit was met"


def test_nothing_goes_on_where_nothing_is_served(
    odd: Odd, connect: Connect, several, tmp_path: Path
) -> None:
    """Each connection makes all of its attempts, and none waits for another."""
    server = odd("limit0")
    client = connect(server.url, retries=2)
    with pytest.raises(ServerError, match="503"):
        client.download_to_file(*LISTED, tmp_path / "got", connections=4)
    assert 3 <= server.refused <= 4 * 3
    with pytest.raises(IncompleteDownloadError) as caught:
        client.download_version(*several, tmp_path / "all", parallel=2)
    assert sorted(caught.value.failures) == NAMES


def test_without_retries_a_refused_connection_leaves_the_others_to_go_on(
    odd: Odd, connect: Connect, tmp_path: Path
) -> None:
    server = odd("limit3-reset")
    client = connect(server.url, retries=0)
    client.download_to_file(*LISTED, tmp_path / "got", connections=4)
    assert (tmp_path / "got").read_bytes() == CONTENT
