"""A server with two applications and some versions, and a folder for its mirror."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from bindist import AdminClient, CustomerClient
from bindist.sandbox import SandboxServer
from tests.conftest import CUSTOMER_KEY

Publish = Callable[..., None]


def tree(folder: Path) -> dict[str, bytes]:
    """The files of a mirror that people read, by their paths; neither records nor state."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "+" not in str(path) and path.parent != folder
    }


@pytest.fixture
def publish(admin: AdminClient, tmp_path: Path) -> Publish:
    """Publishes a version with files of this content, by their names."""

    def make(
        application: str,
        version: str,
        files: Mapping[str, bytes],
        *,
        enable: bool = True,
        notes: str | None = None,
    ) -> None:
        folder = tmp_path / "made" / application / version
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        admin.publish(
            application, version, sorted(folder.iterdir()), enable=enable, release_notes=notes
        )

    return make


CONTENT: dict[tuple[str, str], dict[str, bytes]] = {
    ("anvil", "1.0"): {"anvil.exe": b"anvil 1" * 99, "readme.txt": b"the same"},
    ("anvil", "1.1"): {"anvil.exe": b"anvil 1.1" * 99, "readme.txt": b"the same"},
    ("bench", "2.0"): {"bench.exe": b"bench" * 99, "bench.dll": bytes(range(256)) * 12},
}


@pytest.fixture
def source(server: SandboxServer, admin: AdminClient, publish: Publish) -> SandboxServer:
    for name in ("anvil", "bench"):
        admin.create_application(
            name, name.title(), customer_ids=["seed-customer"], description=f"The {name}"
        ).raise_for_error()
    for (application, version), files in CONTENT.items():
        publish(application, version, files, notes=f"Notes of {version}")
    publish("anvil", "2.0-rc.1", {"anvil.exe": b"candidate"})
    publish("anvil", "3.0", {"anvil.exe": b"not enabled"}, enable=False)
    server.requests.clear()
    return server


@pytest.fixture
def customer(source: SandboxServer) -> Iterator[CustomerClient]:
    with CustomerClient(source.url, CUSTOMER_KEY, backoff=0.001) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


EXPECTED = {
    f"{application}/{version}/{name}": content
    for (application, version), files in CONTENT.items()
    for name, content in files.items()
}
