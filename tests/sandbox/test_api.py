"""Behaviour of the API that the recorded exchanges show only by example."""

from __future__ import annotations

import hashlib

import pytest

from bindist.sandbox import SandboxServer

CREATE = "/v1/management/applications"
GOOD = {"applicationId": "tool", "name": "Tool"}


def message(answer) -> str:
    return answer.json["error"]["message"]


def problems(*texts: str) -> str:
    return "Validation failed: " + ", ".join(texts)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"applicationId": None}, ['"applicationId" must be a string']),
        ({"applicationId": ""}, ['"applicationId" is not allowed to be empty']),
        ({"applicationId": "ü" * 101},
         ['"applicationId" length must be less than or equal to 100 characters long',
          f'"applicationId" with value "{"ü" * 101}" fails to match the required pattern:'
          ' /^[a-zA-Z0-9_-]+$/']),
        ({"name": "😀" * 101},
         ['"name" length must be less than or equal to 200 characters long']),
        ({"tags": "cli"}, ['"tags" must be an array']),
        ({"tags": ["t"] * 21}, ['"tags" must contain less than or equal to 20 items']),
        ({"tags": ["ok", "", 5, None, "t" * 51]},
         ['"tags[1]" is not allowed to be empty', '"tags[2]" must be a string',
          '"tags[3]" must be a string',
          '"tags[4]" length must be less than or equal to 50 characters long']),
        ({"customerIds": ["a b"], "name": 5},
         ['"customerIds[0]" with value "a b" fails to match the required pattern:'
          ' /^[a-zA-Z0-9_-]+$/', '"name" must be a string']),
        ({"description": ["x"]}, ['"description" must be a string']),
    ],
)  # fmt: skip
def test_all_errors_are_reported_in_the_order_of_the_schema(call, change, wrong):
    answer = call("POST", CREATE, {**GOOD, **change})
    assert (answer.status, message(answer)) == (400, problems(*wrong))


@pytest.mark.parametrize(
    ("size", "wrong"),
    [
        (None, "must be a number"),
        (True, "must be a number"),
        ([], "must be a number"),
        ("", "must be a number"),
        ("1e400", "must be a safe number"),
        ("9007199254740993", "must be a safe number"),
        (0.5, 'must be an integer, "fileSize" must be greater than or equal to 1'),
        (-1, "must be greater than or equal to 1"),
        (1e300, "must be a safe number"),
    ],
)
def test_numbers(call, application, size, wrong):
    body = {"applicationId": "tool", "version": "1", "fileName": "a", "fileSize": size}
    answer = call("POST", "/v1/management/upload/large-url", body)
    assert (answer.status, message(answer)) == (400, problems(f'"fileSize" {wrong}'))


@pytest.mark.parametrize("size", [5, 5.0, "5", " 5 ", "5.0", "+5", "05", "5e0"])
def test_numbers_may_be_text(call, application, size):
    body = {"applicationId": "tool", "version": "1", "fileName": "a", "uploadId": "u",
            "checksum": "0" * 64, "fileSize": size}  # fmt: skip
    answer = call("POST", "/v1/management/upload/large-complete", body)
    assert (answer.status, answer.data["fileSize"]) == (201, 5)


@pytest.mark.parametrize(
    ("query", "status"),
    [("limit=1.9", 200), ("limit=2x", 200), ("limit=x", 400), ("page=-1", 400), ("limit=101", 400),
     ("isActive=maybe", 200), ("isActive=", 200), ("sortBy=", 400), ("sortBy=size", 400),
     ("sortOrder=ASC", 400), ("page=1&page=x", 400), ("page=x&page=1", 200), ("search=", 200),
     ("page=99999999999999999999", 400)],
)  # fmt: skip
def test_the_list_reads_its_numbers_leniently(call, query, status):
    assert call("GET", f"/v1/applications?{query}").status == status


def test_an_unknown_choice_is_refused(call):
    answer = call("GET", "/v1/applications?sortBy=")
    assert message(answer) == problems(
        '"sortBy" must be one of [name, createdAt, updatedAt]',
        '"sortBy" is not allowed to be empty',
    )


@pytest.mark.parametrize(
    ("name", "stored"),
    [("Tool.EXE", "Tool.EXE"), ("\uff21\uff22.exe", "AB.exe"), ("console.txt", "console.txt")],
)
def test_file_names_are_kept_in_one_form(call, application, name, stored):
    body = {"applicationId": "tool", "version": "1", "fileName": name, "fileContent": "YQ=="}
    call("POST", "/v1/management/upload", body)
    files = call("GET", "/v1/applications/tool/versions/1/files").data["files"]
    assert files[0]["fileName"] == stored


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/applications/", 200),
        ("//v1//applications", 200),
        ("/v1/applications?", 200),
        ("/v1/Applications", 404),
        ("/v1/applications/%zz", 500),
        ("/v1/applications/%ff", 500),
        ("/v1/applications/a%2Fb", 404),
        ("/v1/applications/%00", 500),
    ],
)
def test_paths(call, path, status):
    assert call("GET", path).status == status


def test_methods(call):
    assert call("HEAD", "/v1/applications").status == 404
    assert call("PROPFIND", "/v1/applications").status == 404
    answer = call("OPTIONS", "/v1/applications", key=None)
    assert (answer.status, answer.body) == (200, b"")
    assert "PATCH" not in answer.headers["access-control-allow-methods"]


def test_audit_looks_at_the_path_itself(call):
    answer = call("GET", "/v1/audit/")
    assert (answer.status, message(answer)) == (404, "Endpoint not found")


@pytest.mark.parametrize("header", ["bearer test-admin", "Bearer", "Bearer x y", "test-admin"])
def test_authorization_is_read_strictly(call, header):
    assert (
        call("GET", "/v1/applications", key=None, headers={"Authorization": header}).status == 401
    )


def test_spaces_around_a_key_do_not_matter(call):
    headers = {"Authorization": "Bearer   test-admin  "}
    assert call("GET", "/v1/applications", key=None, headers=headers).status == 200


def test_the_order_of_the_checks(call, application):
    url = "/v1/management/upload/large-url"
    body = {"applicationId": "nope", "version": "1", "fileName": "a", "fileSize": 1}
    asked = [
        call("POST", url, "{", key=None),
        call("POST", url, "{", key="test-customer"),
        call("POST", url, "{"),
        call("POST", url, {**body, "fileSize": 0}),
        call("POST", url, body),
    ]
    assert [answer.status for answer in asked] == [401, 403, 400, 400, 404]
    assert call("POST", "/v1/nowhere", key=None).status == 404


def test_a_body_that_is_not_json_is_refused(call, application):
    new_customer = "/v1/management/customers/admin/apikeys"
    assert message(call("POST", CREATE, "")) == "Request body is required"
    assert message(call("POST", CREATE, '{"a": NaN}')) == "Invalid JSON in request body"
    assert message(call("POST", "/v1/downloads/share", "{")) == "Invalid JSON body"
    assert message(call("POST", new_customer, "")) == "Request body is required"
    answer = call("POST", new_customer, "nope")
    assert (answer.status, answer.json["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert message(answer) == "Unexpected token 'o', \"nope\" is not valid JSON"


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"name": None}, 500, "Cannot read properties of null (reading 'trim')"),
        ({"name": 5}, 500, "body.name.trim is not a function"),
        ({"email": None}, 500, "Cannot read properties of null (reading 'trim')"),
        ({"email": "a b@c.de"}, 400, "Invalid email"),
        ({"email": "a@b"}, 400, "Invalid email"),
        ({"isActive": "perhaps"}, 500, 'invalid input syntax for type boolean: "perhaps"'),
        ({"name": "a\0b"}, 500, 'invalid byte sequence for encoding "UTF8": 0x00'),
    ],
)
def test_customer_updates_have_no_schema(call, change, status, text):
    answer = call("PATCH", "/v1/management/customers/seed-customer", change)
    assert (answer.status, message(answer)) == (status, text)


def test_completing_again_resets_the_version_but_not_its_notes(call, download_url):
    call("PATCH", "/v1/applications/tool/versions/2.0.0", {"isEnabled": True,
                                                          "releaseNotes": "kept"})  # fmt: skip
    body = {"applicationId": "tool", "version": "2.0.0", "fileName": "b.txt", "fileSize": 3,
            "uploadId": "u", "checksum": "1" * 32}  # fmt: skip
    assert call("POST", "/v1/management/upload/large-complete", body).status == 201
    versions = call("GET", "/v1/applications/tool/versions", headers={"X-Channel": "tEST"})
    (version,) = versions.data["versions"]
    assert (version["isEnabled"], version["downloadCount"]) == (False, 0)
    assert (version["fileSize"], version["releaseNotes"]) == (3, "kept")


def test_the_main_file_is_sent_unless_another_is_named(call, download_url):
    body = {"applicationId": "tool", "version": "2.0.0", "fileName": "b.txt", "fileSize": 3,
            "uploadId": "u", "checksum": "1" * 32}  # fmt: skip
    call("POST", "/v1/management/upload/large-complete", body)
    query = {"applicationId": "tool", "version": "2.0.0"}
    headers = {"X-Channel": "Test"}
    ask = "/v1/downloads/url"
    assert call("GET", ask, query=query, headers=headers).data["fileName"] == "tool.bin"
    named = call("GET", ask, query={**query, "fileId": "u"}, headers=headers)
    assert named.data["fileName"] == "b.txt"
    unknown = call("GET", ask, query={**query, "fileId": "v"}, headers=headers)
    assert message(unknown) == "File 'v' not found in version '2.0.0'"


def test_deleted_ids_are_gone_for_good(call, application):
    assert call("DELETE", f"{CREATE}/tool").status == 200
    answer = call("POST", CREATE, GOOD)
    assert (answer.status, message(answer)) == (
        409,
        "Application 'tool' was previously deleted; IDs cannot be reused",
    )
    assert call("GET", "/v1/applications/tool", key="test-customer").status == 404


def test_a_share_link_counts_and_works_without_a_key(call, download_url, content):
    body = {"applicationId": "tool", "version": "2.0.0", "expiresInMinutes": 5}
    share = call("POST", "/v1/downloads/share", body, key="test-customer").data
    answer = call("GET", share["shareUrl"])
    assert (answer.status, answer.headers["cache-control"][:8]) == (302, "no-cache")
    assert call("GET", answer.headers["location"]).body == content
    stats = call("GET", "/v1/applications/tool/stats").data
    assert (stats["totalDownloads"], stats["uniqueCustomers"]) == (2, 2)
    newest = call("GET", "/v1/activity", query={"type": "downloads"}).data["activities"][0]
    assert (newest["downloadSource"], newest["shareToken"]) == ("share", share["token"])


def test_an_expired_share_link(tmp_path, caller_of):
    import sqlite3

    with SandboxServer(tmp_path / "data", admin_key="k") as server:
        call = caller_of(server)
        body = {"applicationId": "skylark", "version": "1.9.0"}
        share = call("POST", "/v1/downloads/share", body, key="k").data
        database = sqlite3.connect(tmp_path / "data" / "sandbox.db")
        with database:
            database.execute("UPDATE shares SET expiresAt = '2020-01-01T00:00:00.000Z'")
        database.close()
        answer = call("GET", share["shareUrl"])
        assert answer.status == 410
        assert answer.json == {
            "success": False,
            "error": {"code": "EXPIRED", "message": "This download link has expired"},
        }


@pytest.mark.parametrize(
    ("query", "count", "limit"),
    [("limit=3", 3, 3), ("limit=0", 0, 0), ("limit=x", 0, None), ("limit=1000", 6, 100),
     ("type=uploads", 5, 50), ("type=upload", 0, 50), ("startDate=2000&endDate=2099", 6, 50),
     ("customerId=admin&limit=2", 2, 2), ("customerId=", 6, 50)],
)  # fmt: skip
def test_activity(call, download_url, query, count, limit):
    for number in range(4):
        body = {"applicationId": "tool", "version": f"0.{number}", "fileName": "a.txt",
                "fileContent": "YQ=="}  # fmt: skip
        assert call("POST", "/v1/management/upload", body).status == 201
    answer = call("GET", f"/v1/activity?{query}").data
    assert (answer["count"], answer["filters"]["limit"]) == (count, limit)
    times = [activity["timestamp"] for activity in answer["activities"]]
    assert times == sorted(times, reverse=True)


def test_audit_pages(call):
    for number in range(5):
        call("POST", CREATE, {"applicationId": f"a{number}", "name": "A"})
    query = {"eventType": "APPLICATION_CREATED", "limit": 2}
    seen: list[str] = []
    for _ in range(3):
        page = call("GET", "/v1/audit", query=query).data
        seen += [event["details"]["applicationId"] for event in page["events"]]
        query["lastEventId"] = page["pagination"]["lastEventId"]
    assert seen == ["a4", "a3", "a2", "a1", "a0"]
    assert not page["pagination"]["hasMore"]


def test_inline_uploads_are_decoded_leniently(call, application):
    texts = {"YWJj": b"abc", "YWJjZA": b"abcd", "YW Jj\n": b"abc", "-__-": b"\xfb\xff\xfe",
             "!!!!": b""}  # fmt: skip
    for number, (text, content) in enumerate(texts.items()):
        body = {"applicationId": "tool", "version": str(number), "fileName": "a",
                "fileContent": text}  # fmt: skip
        answer = call("POST", "/v1/management/upload", body).data
        assert answer["fileSize"] == len(content)
        assert answer["checksum"] == hashlib.sha256(content).hexdigest()


def test_a_connection_serves_many_requests(call, server, raw):
    connections = {call.connection.sock for _ in range(3) if call("GET", "/v1/applications")}
    assert len(connections) == 1
    assert call("POST", CREATE, GOOD, key="wrong").status == 401
    assert call.connection.sock in connections, "an unread body does not end it"
    sock = raw(b"GET / HTTP/1.0\r\n\r\n")
    with sock.makefile("rb") as answer:
        assert b"404" in answer.read().splitlines()[0]


def test_a_large_unread_body_still_gets_a_response(call):
    assert call("POST", CREATE, "x" * 3_000_000, key="wrong").status == 401


def test_a_body_without_a_length_is_refused(raw, server):
    sock = raw(
        b"POST /v1/management/applications HTTP/1.1\r\nHost: x\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    )
    with sock.makefile("rb") as answer:
        assert b" 411 " in answer.readline()


def test_a_request_with_a_truncated_body_is_not_carried_out(raw, call, server):
    body = b'{"applicationId": "half", "name": "Half"}'
    sock = raw(
        b"POST /v1/management/applications HTTP/1.1\r\nHost: x\r\n"
        b"Authorization: Bearer test-admin\r\nContent-Length: 100\r\n\r\n" + body
    )
    sock.shutdown(1)
    assert sock.recv(1) == b""
    assert call("GET", "/v1/applications/half").status == 404
