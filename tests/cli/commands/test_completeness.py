"""Lists and reports that a server cuts without saying so: a warning tells where it may have."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest

from bindist import ApiError
from bindist.rows import MAY_BE_CUT_FROM, json_size, may_be_cut
from bindist.sandbox.storage.database import Session
from bindist.sandbox.storage.folder import DATABASE

TEXT = "n" * 5000
MADE = {"createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z"}


def an_application(number):
    names = {"applicationId": f"a{number}", "name": "A", "description": TEXT, "tags": []}
    return "applications", ("applicationId",), {**names, "isActive": True, **MADE}


def a_customer(number):
    names = {"customerId": f"c{number}", "name": f"N{number}", "notes": TEXT}
    return "customers", ("customerId",), {**names, "isActive": True, "isAdmin": False, **MADE}


def a_version(number):
    names = {"applicationId": "tool", "version": f"1.{number}", "versionId": f"tool-1.{number}"}
    state = {"isActive": True, "isEnabled": True, "fileSize": 1, "downloadCount": 0}
    key = ("applicationId", "version")
    return "versions", key, {**names, "releaseNotes": TEXT, **state, **MADE}


def an_upload(number):
    names = {"uploadId": f"u{number:03}", "applicationId": "tool", "version": "1.0"}
    who = {"customerId": "admin", "uploadedAt": a_day(number), "fileName": "f", "fileSize": 1}
    return "uploads", ("uploadId",), {**names, **who}


def an_event(number):
    names = {"eventId": f"{number:026}", "eventType": "APPLICATION_CREATED", "actor": "user:admin"}
    return "audit", ("eventId",), {**names, "timestamp": a_day(number), "details": {}}


def a_day(number):
    """The first is of 400 days ago, the 400th of half a day ago."""
    moment = datetime.now(timezone.utc) - timedelta(days=399.5 - number)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rows_of(done):
    """The rows that `fill` has made."""
    rows = json.loads(done.stdout)
    return [row for row in rows if (row.get("id") or row["eventId"]).startswith(("u", "0000"))]


@pytest.fixture
def fill(at_server, application):
    def write(make, numbers):
        with closing(Session(at_server.data_dir / DATABASE)) as session, session.writing():
            for number in numbers:
                table, key, values = make(number)
                session.put(table, key, **values)

    return write


LISTS = {
    "apps list": an_application,
    "customers list": a_customer,
    "versions list tool": a_version,
    "versions latest tool": a_version,
}


@pytest.mark.server
@pytest.mark.parametrize("command", LISTS)
def test_a_long_list_is_not_taken_for_complete(fill, invoke, command, like):
    fill(LISTS[command], range(300))
    done = invoke(*command.split(), "--json")
    assert done.exit_code == 0
    assert "may have cut it" in done.stderr
    rows = json.loads(done.stdout)
    if isinstance(rows, list):
        assert (len(rows) < 300) is (like == "aws")


@pytest.mark.parametrize("command", LISTS)
def test_of_a_short_list_nothing_is_said(fill, invoke, command):
    fill(LISTS[command], range(40))
    assert invoke(*command.split(), "--json").stderr == ""


def test_a_list_is_long_from_a_quarter_of_what_is_read():
    row = {"name": "日"}
    assert json_size(row) == len('{"name": "日"}'.encode())
    count = -(-MAY_BE_CUT_FROM // json_size(row))
    assert may_be_cut([row] * count)
    assert not may_be_cut([row] * (count - 1))


@pytest.mark.parametrize("like", ["aws"])
def test_a_version_that_a_cut_list_lacks_is_not_taken_for_absent_or_disabled(
    fill, admin, invoke, inside
):
    fill(a_version, range(300))
    row = {"versionId": "tool-1.299", "fileId": "f", "fileName": "a.exe", "fileType": "MAIN"}
    known = {**row, "fileSize": 1, "checksum": "0" * 64, "order": 1}
    fill(lambda _: ("files", ("versionId", "fileId"), known), [0])
    (inside / "a.exe").write_bytes(b"x")
    assert "cannot be told" in invoke("versions", "show", "tool", "1.299").stderr
    with pytest.raises(ApiError, match="cannot be told"):
        admin.publish("tool", "1.299", "a.exe", settle=0)
    answer = admin.complete_large_upload("new", "tool", "1.299", "b.exe", 1, "0" * 64)
    assert (answer.success, answer.error["code"]) == (False, "INVALID_RESPONSE")
    assert admin.upload_file("tool", "2.0", "a.exe").success, "there is none yet"


@pytest.mark.server
def test_events_of_certain_days_are_not_taken_for_complete(fill, invoke, like):
    fill(an_event, range(400))  # DynamoDB has no order: here the newest come last
    words = ("audit", "list", "--since", "3d", "--json")
    done = invoke(*words)
    assert len(rows_of(done)) == (0 if like == "aws" else 3)
    assert "there may be more" in done.stderr
    assert "on AWS" in done.stderr
    whole = invoke(*words, "--type=APPLICATION_CREATED")
    assert (len(rows_of(whole)), whole.stderr) == (3, "")


@pytest.mark.server
def test_the_activity_of_certain_days_is_complete(fill, invoke, like):
    fill(an_upload, range(400))
    for words in ((), ("--customer", "admin"), ("--type", "upload")):
        done = invoke("activity", "list", "--since", "3d", "--json", *words)
        assert len(rows_of(done)) == 3, words
        assert "warning" not in done.stderr


@pytest.mark.server
def test_events_are_complete_where_the_server_has_few(fill, invoke, at_server):
    fill(an_event, range(350, 400))
    at_server.requests.clear()
    done = invoke("audit", "list", "--since", "3d", "--json")
    assert (len(rows_of(done)), done.stderr) == (3, "")
    assert len(at_server.requests) == 2, "one more, of any day, shows that"
    at_server.requests.clear()
    assert len(rows_of(invoke("audit", "list", "--json"))) == 50
    assert len(at_server.requests) == 1


def test_events_of_one_type_are_selected_by_time_here(fill, invoke):
    fill(an_event, range(390, 400))
    words = "audit", "list", "--type", "APPLICATION_CREATED", "--json"
    assert len(rows_of(invoke(*words, "--since", "4d", "--until", "2d"))) == 2
