"""Verifying a mirror without a network, and pushing it to another server."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bindist import AdminClient, CustomerClient, DifferentContentError, IntegrityError, mirror
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY
from tests.mirror.conftest import EXPECTED, tree


@pytest.fixture
def pulled(customer: CustomerClient, folder: Path) -> Path:
    mirror.pull(customer, folder)
    return folder


def wrong(folder: Path) -> dict[str, str]:
    return {
        each.path.relative_to(folder).as_posix(): each.status
        for each in mirror.verify(folder)
        if each.status != "ok"
    }


def test_a_mirror_is_verified_without_a_socket(
    pulled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    with monkeypatch.context() as patch:
        patch.setattr(socket, "socket", refuse)
        checked = mirror.verify(pulled)
    assert len(checked) == len(EXPECTED)
    assert {each.status for each in checked} == {"ok"}


def flip(folder: Path) -> None:
    path = folder / "anvil" / "1.0" / "anvil.exe"
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)


def remove(folder: Path) -> None:
    (folder / "bench" / "2.0" / "bench.dll").unlink()


def add(folder: Path) -> None:
    (folder / "bench" / "2.0" / "evil.dll").write_bytes(b"evil")


def link(folder: Path) -> None:
    path = folder / "bench" / "2.0" / "bench.exe"
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")


def add_version(folder: Path) -> None:
    (folder / "bench" / "9.9").mkdir()


HARM: dict[Callable[[Path], None], dict[str, str]] = {
    flip: {"anvil/1.0/anvil.exe": "different"},
    remove: {"bench/2.0/bench.dll": "missing"},
    add: {"bench/2.0/evil.dll": "extra"},
    link: {"bench/2.0/bench.exe": "missing"},
    add_version: {"bench/9.9": "extra"},
}


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_what_was_changed_is_found(pulled: Path, harm: Callable[[Path], None]) -> None:
    harm(pulled)
    assert wrong(pulled) == HARM[harm]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": [{}]}', '{"files": [1]}'])
def test_a_broken_record_is_an_error(pulled: Path, text: str) -> None:
    (pulled / "anvil" / "1.0+version.json").write_text(text)
    with pytest.raises(IntegrityError, match="is not the record"):
        mirror.verify(pulled)


def test_a_record_cannot_lead_out_of_the_folder(pulled: Path) -> None:
    path = pulled / "anvil" / "1.0+version.json"
    record = json.loads(path.read_text())
    record["files"][0]["fileName"] = "../../outside"
    path.write_text(json.dumps(record))
    with pytest.raises(IntegrityError):
        mirror.verify(pulled)


@pytest.fixture
def second(tmp_path: Path) -> Iterator[AdminClient]:
    """An administrator of another, empty server."""
    with (
        SandboxServer(tmp_path / "second", catalogue=False, admin_key=ADMIN_KEY) as server,
        AdminClient(server.url, ADMIN_KEY, backoff=0.001) as client,
    ):
        yield client


def test_a_mirror_that_is_pushed_and_pulled_again_is_the_same(
    pulled: Path, second: AdminClient, tmp_path: Path
) -> None:
    results = mirror.push(second, pulled, create_applications=True)
    assert [each.status for each in results] == ["created"] * 3
    mirror.pull(second, tmp_path / "again")
    assert tree(tmp_path / "again") == tree(pulled)
    for path in pulled.glob("*/*+version.json"):
        one = json.loads(path.read_text())
        other = json.loads((tmp_path / "again" / path.relative_to(pulled)).read_text())
        for name in ("version", "releaseNotes", "isEnabled", "applicationId"):
            assert one[name] == other[name]
    shown = second.get_application("anvil").require()
    assert (shown["name"], shown["description"]) == ("Anvil", "The anvil")
    assert [each.status for each in mirror.push(second, pulled)] == ["unchanged"] * 3


def test_versions_are_pushed_in_the_order_of_their_creation(
    pulled: Path, second: AdminClient
) -> None:
    results = mirror.push(second, pulled, create_applications=True)
    assert [each.version for each in results if each.application_id == "anvil"] == ["1.0", "1.1"]


def test_a_dry_run_of_a_push_changes_nothing(pulled: Path, second: AdminClient) -> None:
    planned = mirror.push(second, pulled, create_applications=True, dry_run=True)
    assert {each.status for each in planned} == {"planned"}
    assert second.list_applications().require()["applications"] == []


def test_an_application_that_the_server_lacks_is_created_only_if_asked(
    pulled: Path, second: AdminClient
) -> None:
    results = mirror.push(second, pulled)
    assert {each.status for each in results} == {"failed"}
    assert "not found" in str(results[0].error)


def test_a_conflict_is_reported_and_the_rest_goes_on(
    pulled: Path, second: AdminClient, tmp_path: Path
) -> None:
    second.create_application("anvil", "Anvil").raise_for_error()
    other = tmp_path / "other.exe"
    other.write_bytes(b"other")
    second.publish("anvil", "1.0", other, enable=True)
    results = mirror.push(second, pulled, create_applications=True)
    found = {(each.application_id, each.version): each for each in results}
    assert found["anvil", "1.0"].status == "failed"
    assert isinstance(found["anvil", "1.0"].error, DifferentContentError)
    assert found["anvil", "1.1"].status == found["bench", "2.0"].status == "created"


def test_a_file_that_was_changed_on_disk_is_not_pushed(pulled: Path, second: AdminClient) -> None:
    flip(pulled)
    results = mirror.push(second, pulled, create_applications=True)
    failed = [each for each in results if each.status == "failed"]
    assert [(each.version, type(each.error)) for each in failed] == [("1.0", IntegrityError)]
    assert second.list_version_files("anvil", "1.0").status_code == 404
