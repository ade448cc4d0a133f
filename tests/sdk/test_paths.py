"""Every public call that takes a path takes a `str` and any `os.PathLike`."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bindist.checksums
import bindist.file_system
import bindist.mirror
import bindist.sandbox
import bindist.special_files
from bindist import AdminClient, probe_server
from bindist.sandbox import SandboxServer
from tests.sdk.canned import CERTIFICATE, CannedServer

NAMES = {"path", "paths", "path_or_file", "folder", "journal", "verify", "data_dir"}


class OtherPath(os.PathLike[str]):
    """A path of another library: it has nothing of `pathlib.Path` but this."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __fspath__(self) -> str:
        return self._path


@pytest.fixture(params=[str, OtherPath])
def as_path(request: pytest.FixtureRequest) -> Callable[[Path], Any]:
    """Makes the kind of path that is tested out of a `Path`."""
    kind: Callable[[Path], Any] = request.param
    return kind


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tool.exe"
    path.write_bytes(b"bytes")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "folder"
    path.mkdir()
    return path


def test_upload_file(admin: AdminClient, application: str, file: Path, as_path: Any) -> None:
    admin.upload_file(application, "1.0", as_path(file)).raise_for_error()


def test_publish(
    admin: AdminClient, application: str, file: Path, folder: Path, as_path: Any
) -> None:
    for paths in (as_path(file), [as_path(file)]):
        preview = admin.preview_publish(application, "1.0", paths, journal=as_path(folder))
        admin.publish(application, "1.0", paths, journal=as_path(folder))
    assert preview.status == "unchanged"
    assert list(folder.glob("*.json"))


def test_downloads(
    admin: AdminClient, application: str, file: Path, folder: Path, as_path: Any
) -> None:
    admin.publish(application, "1.0", file, enable=True)
    admin.download_to_file(application, "1.0", as_path(folder))
    admin.download_to_file(application, "1.0", as_path(folder / "one"))
    admin.download_version(application, "1.0", as_path(folder / "all"))
    assert {path.name for path in folder.rglob("*")} == {"tool.exe", "one", "all"}


def test_ca_bundle(canned_tls: CannedServer, connect: Any, as_path: Any) -> None:
    for _ in range(2):
        canned_tls.answer({"success": True, "data": {}})
    bundle = as_path(CERTIFICATE)
    assert connect(canned_tls.url, verify=bundle).get_application("tool").success
    assert probe_server(canned_tls.url, verify=bundle).status_code == 200


def test_checksums_and_special_files(file: Path, as_path: Any) -> None:
    assert bindist.checksums.sha256_file(as_path(file)) == hashlib.sha256(b"bytes").hexdigest()
    assert bindist.special_files.is_special(as_path(Path(os.devnull)))
    assert not bindist.special_files.is_special(as_path(file))
    assert bindist.special_files.descriptor_of(as_path(file)) is None


def test_file_system(file: Path, folder: Path, as_path: Any) -> None:
    with bindist.file_system.exclusive_lock(as_path(folder / "lock")):
        bindist.file_system.replace_file(as_path(file), b"new", as_path(folder / "draft"))
    assert file.read_bytes() == b"new"
    assert bindist.file_system.free_bytes(as_path(folder))
    assert bindist.file_system.max_name_bytes(as_path(folder)) > 100


def test_mirror(
    admin: AdminClient, application: str, file: Path, folder: Path, as_path: Any
) -> None:
    admin.publish(application, "1.0", file, enable=True)
    assert bindist.mirror.plan(admin, as_path(folder))
    bindist.mirror.pull(admin, as_path(folder))
    assert [each.status for each in bindist.mirror.verify(as_path(folder))] == ["ok"]
    assert [each.status for each in bindist.mirror.push(admin, as_path(folder))] == ["unchanged"]


def test_sandbox(folder: Path, as_path: Any) -> None:
    with bindist.sandbox.open_sandbox(as_path(folder)) as endpoint:
        assert endpoint.own
    with SandboxServer(as_path(folder)):
        assert bindist.sandbox.find_running(as_path(folder)) is None  # only `serve` announces it
    assert bindist.sandbox.check_removable(as_path(folder))
    assert bindist.sandbox.reset(as_path(folder))


def annotated_paths() -> Iterator[tuple[str, str, str]]:
    """(callable, parameter, annotation) of what looks like a path in the public modules."""
    found = [bindist.checksums.sha256_file, bindist.special_files.is_special]
    found += [bindist.special_files.descriptor_of, probe_server, AdminClient.__init__]
    for module in (bindist.file_system, bindist.mirror):
        found += [getattr(module, name) for name in module.__all__]
    methods = inspect.getmembers(AdminClient, inspect.isfunction)
    found += [value for name, value in methods if not name.startswith("_")]
    found += [getattr(bindist.sandbox, name) for name in bindist.sandbox.__all__]
    for function in found:
        if inspect.isfunction(function) or function is SandboxServer:
            for parameter in inspect.signature(function).parameters.values():
                if parameter.name in NAMES or "Path" in str(parameter.annotation):
                    yield function.__name__, parameter.name, str(parameter.annotation)


@pytest.mark.parametrize(("function", "name", "annotation"), list(annotated_paths()))
def test_the_type_says_so(function: str, name: str, annotation: str) -> None:
    assert (function, name) == ("request", "path") or "StrPath" in annotation
