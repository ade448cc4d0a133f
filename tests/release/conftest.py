"""A release of three files, and what must be true of it however it came about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from bindist.sandbox.steps import Like
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY, CUSTOMER_KEY
from tests.warm.commands import Commands

APPLICATION = "tool"
CONTENTS = {
    "tool.exe": b"program" * 9000,
    "tool.dll": b"library" * 100,
    "manual.txt": b"manual",
}
TYPES = {"tool.exe": "MAIN", "tool.dll": "DEPENDENCY", "manual.txt": "DOCUMENTATION"}
COMPLETE = "/v1/management/upload/large-complete"


@dataclass
class Watched:
    """A server, and the files of a release on disk."""

    server: SandboxServer
    admin: AdminClient
    paths: list[Path]
    commands: Commands

    def check(self, version: str) -> None:
        """Three right files, of the right types, with the right bytes; enabled, and never reset.

        A run that finishes an earlier one counts a download for each file whose bytes it shows to
        be there, before it enables the version.
        """
        rows = self.admin.list_version_files(APPLICATION, version).require()["files"]
        assert {row["fileName"]: row["checksum"] for row in rows} == {
            name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()
        }
        assert {row["fileName"]: row["fileType"] for row in rows} == TYPES
        assert len(rows) == 3
        assert self.is_enabled(version)
        for row in rows:
            stored = self.admin.download_file(APPLICATION, version, row["fileId"])[0]
            assert stored == CONTENTS[row["fileName"]]
        listed = self.admin.list_versions(APPLICATION).require()["versions"]
        (found,) = [row for row in listed if row["version"] == version]
        counted = found["downloadCount"] - len(rows)
        assert 0 <= counted <= len(rows), "a completion has reset the count"
        assert found["fileSize"] == len(CONTENTS["tool.exe"]), "the MAIN file comes last"

    def is_enabled(self, version: str) -> bool:
        rows = self.admin.list_versions(APPLICATION).require()["versions"]
        return any(row["version"] == version for row in rows)

    def is_whole(self, version: str) -> bool:
        answer = self.admin.list_version_files(APPLICATION, version)
        return answer.success and len(answer.require()["files"]) == 3

    def is_invisible_or_whole(self, version: str) -> bool:
        return self.is_whole(version) or not self.is_enabled(version)


@pytest.fixture
def watched(tmp_path_factory: pytest.TempPathFactory, commands: Commands) -> Iterator[Watched]:
    """A server with an application, three files to make a version of, and what starts commands."""
    with watch(tmp_path_factory.mktemp("release"), commands) as found:
        yield found


@contextmanager
def watch(folder: Path, commands: Commands, like: Like = "ideal") -> Iterator[Watched]:
    """The same in a folder, with a server that is `like` a real one."""
    paths = []
    for name, content in CONTENTS.items():
        (folder / name).write_bytes(content)
        paths.append(folder / name)
    with (
        SandboxServer(
            folder / "server",
            like=like,
            catalogue=False,
            admin_key=ADMIN_KEY,
            apps_admin_key=APPS_ADMIN_KEY,
            customer_key=CUSTOMER_KEY,
        ) as server,
        AdminClient(server.url, ADMIN_KEY, backoff=0.001) as admin,
    ):
        admin.create_application(APPLICATION, "Tool").raise_for_error()
        server.requests.clear()
        yield Watched(server, admin, paths, commands)
