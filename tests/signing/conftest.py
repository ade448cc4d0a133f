"""A vendor's keys, a version signed with one of them, and a server that serves what it likes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bindist import AdminClient, Release
from bindist.signing import SIGNATURE_FILE, SUMS_FILE, SigningKey

FILES = {"tool.exe": b"the program" * 50, "tool.dll": b"a library", "manual.txt": b"the manual"}

Serve = Callable[[str, Mapping[str, bytes]], None]
"""Makes an enabled version of files by their names, whatever they are."""


@pytest.fixture(scope="session")
def vendor() -> SigningKey:
    return SigningKey.generate()


@pytest.fixture(scope="session")
def stranger() -> SigningKey:
    """A key that no customer trusts."""
    return SigningKey.generate()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "dist"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return sorted(folder.iterdir())


@pytest.fixture
def release(admin: AdminClient, application: str, files: list[Path], vendor: SigningKey) -> Release:
    """Version 1.0 of `tool`, signed by the vendor, and enabled."""
    return admin.publish(application, "1.0", files, signer=vendor, enable=True)


@pytest.fixture
def serve(admin: AdminClient, application: str, tmp_path: Path) -> Serve:
    def make(version: str, content: Mapping[str, bytes]) -> None:
        folder = tmp_path / f"served-{version}"
        folder.mkdir()
        for name, each in content.items():
            (folder / name).write_bytes(each)
        admin.publish(application, version, sorted(folder.iterdir()), enable=True)

    return make


def signature_files(admin: AdminClient, version: str) -> dict[str, bytes]:
    """The two files of the signature that a version has, as its server serves them."""
    rows = admin.list_version_files("tool", version).rows("files")
    ids = {row["fileName"]: row["fileId"] for row in rows}
    names = (SUMS_FILE, SIGNATURE_FILE)
    return {name: admin.download_file("tool", version, ids[name])[0] for name in names}
