"""A new server on AWS: its only administrator has a UUID for an id, which nothing tells."""

from __future__ import annotations

import uuid

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxError, SandboxServer
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY

CREATE = ("customers", "create", "--name", "Globex")


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    with SandboxServer(tmp_path / "fresh", fresh=True, like="aws", admin_key=ADMIN_KEY) as server:
        monkeypatch.setenv("BINDIST_API_URL", server.url)
        monkeypatch.setenv("BINDIST_API_KEY", ADMIN_KEY)
        yield server


@pytest.fixture
def client(fresh):
    with AdminClient(fresh.url, ADMIN_KEY) as found:
        yield found


def parents(server):
    """Under whom customers were to be created."""
    paths = [each.path for each in server.requests if each.path.endswith("/apikeys")]
    return [path.split("/")[-2] for path in paths]


def test_there_is_one_administrator_whose_id_is_a_uuid(fresh, client, tmp_path):
    assert client.list_customers().rows("customers") == []
    assert client.list_applications().data["isFinancialAdmin"]
    assert client.create_customer("Globex").status_code == 404
    assert client.regenerate_apps_admin_key().status_code == 404
    assert (fresh.keys.apps_admin, fresh.keys.customer) == ("", "")
    again = SandboxServer(tmp_path / "fresh", admin_key="another")
    assert again.keys.admin == "another", "the folder knows whose key that is"
    with pytest.raises(SandboxError, match="takes no other keys"):
        SandboxServer(tmp_path / "fresh", apps_admin_key="k")


def test_without_any_report_the_command_says_how_to_get_the_id(fresh, client, invoke, tmp_path):
    path = tmp_path / "globex.key"
    done = invoke(*CREATE, "--key-file", str(path))
    assert done.exit_code == 3
    assert "no others are known" in done.stderr
    assert "bindist apps create APP" in done.stderr
    assert not path.exists()
    client.create_application("tool", "Tool").raise_for_error()
    assert invoke(*CREATE, "--key-file", str(path)).exit_code == 0, "as the hint says"
    with AdminClient(fresh.url, path.read_text().strip()) as customer:
        assert customer.list_applications().success


def test_the_audit_log_tells_the_id(fresh, client, answer, invoke):
    client.create_application("tool", "Tool").raise_for_error()
    fresh.requests.clear()
    done = invoke(*CREATE)
    assert done.exit_code == 0
    first, found = parents(fresh)
    assert (first, client.find_administrators()) == ("admin", [found])
    assert uuid.UUID(found)
    assert f"the parent is {found}" in done.stderr
    assert [row["name"] for row in answer("customers", "list")] == ["Globex"]


def test_a_parent_that_is_named_is_the_only_one_that_is_tried(fresh, client, invoke):
    client.create_application("tool", "Tool").raise_for_error()
    fresh.requests.clear()
    assert invoke(*CREATE, "--parent", "admin").exit_code == 3
    assert parents(fresh) == ["admin"]


def test_uploads_tell_it_to_who_may_not_read_the_audit_log(admin, server, application, invoke):
    admin.upload_small_file(application, "1.0", "a.exe", b"x").raise_for_error()
    with AdminClient(server.url, APPS_ADMIN_KEY) as restricted:
        assert restricted.find_administrators() == ["admin"]
        restricted.upload_small_file(application, "2.0", "a.exe", b"x").raise_for_error()
        assert restricted.find_administrators() == ["admin", "admin-apps"]


def test_where_there_is_an_admin_nothing_is_looked_up(at_server, invoke):
    assert invoke(*CREATE).exit_code == 0
    assert len(at_server.requests) == 1
