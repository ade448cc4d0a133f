"""`activity list`, `audit list` and `admin rotate-key`."""

from __future__ import annotations

import json

import pytest

from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY


def sent(server, path):
    return next(each for each in server.requests if each.path == path).query


def test_activity_is_listed_newest_first(at_catalogue, invoke):
    rows = json.loads(invoke("activity", "list", "--type", "download", "--json").stdout)
    times = [row["timestamp"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert {row["type"] for row in rows} == {"download"}


def test_activity_of_one_application_and_customer(at_catalogue, invoke):
    done = invoke("activity", "list", "--app", "skylark", "--customer", "globex", "--json")
    rows = json.loads(done.stdout)
    assert rows
    assert {(row["applicationId"], row["customerId"]) for row in rows} == {("skylark", "globex")}


def test_times_are_sent_as_full_timestamps(at_catalogue, invoke):
    until = ("--until", "2026-11-23T00:00:00Z")
    for words in (("activity", "list", "--customer", "acme"), ("audit", "list", "--since", "7d")):
        assert invoke(*words, *until).exit_code == 0
        query = sent(at_catalogue, f"/v1/{words[0]}")
        assert "endDate=2026-11-23T00%3A00%3A00.000Z" in query
    assert "startDate=20" in query


def test_an_invalid_time_is_refused_before_any_request(at_catalogue, invoke):
    done = invoke("activity", "list", "--since", "lately")
    assert done.exit_code == 2
    assert "such as 2026-11-23" in done.stderr
    assert not at_catalogue.requests


def test_a_note_mentions_the_servers_limit(at_server, invoke, admin, application):
    for number in range(101):
        admin.upload_small_file(application, f"1.{number}", "f", b"x").raise_for_error()
    done = invoke("activity", "list", "--json")
    assert len(json.loads(done.stdout)) == 100
    assert "at most 100 entries" in done.stderr


def test_below_the_limit_there_is_no_note(at_catalogue, invoke):
    assert invoke("activity", "list", "--app", "harbor", "--limit", "3", "--json").stderr == ""


def test_audit_events_of_all_pages_are_listed(at_server, invoke, admin):
    for number in range(103):
        admin.create_application(f"app-{number}", "App").raise_for_error()
    done = invoke("audit", "list", "--type", "application_created", "--json")
    assert len(json.loads(done.stdout)) == 103


def test_without_a_type_a_note_says_that_more_events_exist(at_server, invoke, admin):
    for number in range(103):
        admin.create_application(f"app-{number}", "App").raise_for_error()
    done = invoke("audit", "list", "--json")
    assert len(json.loads(done.stdout)) == 100
    assert "only with --type" in done.stderr


def test_audit_needs_a_financial_administrator(at_server, invoke, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", APPS_ADMIN_KEY)
    assert invoke("audit", "list").exit_code == 5


def test_after_a_rotation_only_the_new_administrators_key_works(
    at_server, invoke, tmp_path, monkeypatch
):
    path = tmp_path / "new.key"
    done = invoke("admin", "rotate-key", "--yes", "--key-file", str(path))
    assert done.exit_code == 0
    assert "BINDIST_API_KEY" in done.stderr
    assert invoke("apps", "list").exit_code == 4
    monkeypatch.setenv("BINDIST_API_KEY", path.read_text().strip())
    assert invoke("apps", "list").exit_code == 0


def test_an_existing_key_file_is_refused_before_any_request(at_server, invoke, tmp_path):
    path = tmp_path / "old.key"
    path.write_text("precious")
    done = invoke("admin", "rotate-key", "--yes", "--key-file", str(path))
    assert done.exit_code == 2
    assert path.read_text() == "precious"
    assert not at_server.requests


@pytest.mark.parametrize("whose", [(), ("--apps-admin",)])
def test_without_confirmation_no_key_is_rotated(whose, at_server, invoke):
    done = invoke("admin", "rotate-key", *whose)
    assert done.exit_code == 2
    assert "--yes" in done.stderr
    assert at_server.keys.admin == ADMIN_KEY
