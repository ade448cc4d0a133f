"""Versions of two applications that have the same id on the server, and so would share files."""

from __future__ import annotations

import pytest

from bindist import AdminClient, ConflictError, ServerError
from bindist.version_id import namesakes

CONTENT = b"bytes"


@pytest.mark.parametrize(
    ("application", "version", "others"),
    [
        ("zeta", "1.0", []),
        ("zeta", "cli-1.0", [("zeta-cli", "1.0")]),
        ("zeta-cli", "1.0", [("zeta", "cli-1.0")]),
        ("tool", "1.0.0-beta", []),
        ("a-b", "c-1", [("a", "b-c-1"), ("a-b-c", "1")]),
        ("a", "-1", [("a-", "1")]),
        ("-", "1", []),
        ("x" * 60 + "-" + "y" * 60, "1", []),
        ("x" * 48 + "-" + "y" * 48, "1", [("x" * 48, "y" * 48 + "-1")]),
    ],
)
def test_every_other_split_of_the_same_id_is_found(application, version, others):
    assert list(namesakes(application, version)) == others


@pytest.fixture
def live(admin: AdminClient) -> AdminClient:
    """Version 1.0 of zeta-cli is enabled; zeta has no version."""
    for name in ("zeta", "zeta-cli"):
        admin.create_application(name, name).raise_for_error()
    admin.upload_small_file("zeta-cli", "1.0", "a.exe", CONTENT).raise_for_error()
    admin.update_version("zeta-cli", "1.0", is_enabled=True).raise_for_error()
    return admin


def upload_file(client, tmp_path):
    path = tmp_path / "b.exe"
    path.write_bytes(CONTENT)
    return client.upload_file("zeta", "cli-1.0", path)


CALLS = [
    lambda c, _: c.upload_small_file("zeta", "cli-1.0", "b.exe", CONTENT),
    lambda c, _: c.upload_large_file("zeta", "cli-1.0", "b.exe", CONTENT),
    upload_file,
    lambda c, _: c.get_large_upload_url("zeta", "cli-1.0", "b.exe", 5),
    lambda c, _: c.complete_large_upload("u1", "zeta", "cli-1.0", "b.exe", 5, "0" * 64),
    lambda c, _: c._make_empty_version("zeta", "cli-1.0", "b.exe", None),
]


@pytest.mark.parametrize("call", CALLS)
def test_no_upload_reaches_a_version_of_another_application(call, live, server, tmp_path):
    server.requests.clear()
    answer = call(live, tmp_path)
    assert (answer.status_code, answer.error["code"]) == (409, "SAME_VERSION_ID")
    assert "version 1.0 of zeta-cli" in answer.error["message"]
    assert {each.method for each in server.requests} == {"GET"}
    assert len(live.list_version_files("zeta-cli", "1.0").rows("files")) == 1
    assert live._is_enabled("zeta-cli", "1.0")


def test_the_check_alone_raises_a_conflict(live):
    with pytest.raises(ConflictError, match=r"version 1\.0 of zeta-cli: .* zeta-cli-1\.0 for both"):
        live._check_version_id("zeta", "cli-1.0")


def test_the_other_version_may_be_disabled(live):
    live.update_version("zeta-cli", "1.0", is_enabled=False).raise_for_error()
    assert live.upload_small_file("zeta", "cli-1.0", "b.exe", CONTENT).status_code == 409


def test_the_id_is_free_where_the_other_version_or_application_does_not_exist(live):
    live.upload_small_file("zeta", "cli-2.0", "b.exe", CONTENT).raise_for_error()
    live.upload_small_file("zeta", "gui-1.0", "b.exe", CONTENT).raise_for_error()


def test_an_unambiguous_id_needs_no_request(live, server):
    server.requests.clear()
    live.upload_small_file("zeta", "1.0.0-beta", "b.exe", CONTENT).raise_for_error()
    assert [each.method for each in server.requests] == ["POST"]


def test_a_free_id_is_looked_up_once_for_the_calls_of_one_release(live, server):
    server.requests.clear()
    live.upload_large_file("zeta", "cli-2.0", "b.exe", CONTENT).raise_for_error()
    looks = [each for each in server.requests if each.path.endswith("/zeta-cli/versions/2.0/files")]
    assert len(looks) == 1


def test_nothing_is_sent_if_the_check_fails(live, server):
    server.faults.add("status:500,times=0,path=/v1/applications/zeta-cli/*")
    server.requests.clear()
    assert live.upload_small_file("zeta", "cli-2.0", "b.exe", CONTENT).status_code == 500
    assert [each.method for each in server.requests] == ["GET"]
    with pytest.raises(ServerError):
        live._check_version_id("zeta", "cli-2.0")


@pytest.mark.parametrize("call", CALLS)
def test_no_upload_reaches_a_hidden_version_of_another_application(call, live, server, tmp_path):
    live.update_version("zeta-cli", "1.0", is_active=False).raise_for_error()
    answer = call(live, tmp_path)
    assert (answer.status_code, answer.error["code"]) == (409, "SAME_VERSION_ID")
    assert server.version_state("zeta", "cli-1.0") is None
