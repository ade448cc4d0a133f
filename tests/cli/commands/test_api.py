"""`bindist api`"""

from __future__ import annotations

import json

import pytest

from tests.sdk.canned import CannedServer


@pytest.fixture
def echoed(answer, at_server):
    """What a field of a customer is after it was sent: to see its type."""

    def send(field):
        made = answer("api", "POST", "management/customers/admin/apikeys", "-f", field)
        return made["data"]["name"]

    return send


def test_the_whole_envelope_is_printed(answer, at_catalogue):
    found = answer("api", "GET", "/v1/applications/harbor")
    assert (found["success"], found["data"]["name"]) == (True, "Harbor CLI")
    assert found["meta"]["requestId"]


@pytest.mark.parametrize("path", ["/v1/applications", "applications", "/applications"])
def test_the_version_of_the_api_is_optional(answer, at_catalogue, path):
    assert answer("api", "GET", path)["success"]
    assert at_catalogue.requests[0].path == "/v1/applications"


@pytest.mark.parametrize("method", ["get", "GET", "Get"])
def test_the_method_is_case_insensitive(answer, at_catalogue, method):
    answer("api", method, "applications")
    assert at_catalogue.requests[0].method == "GET"


def test_a_query_option_becomes_a_query_parameter(answer, at_catalogue):
    found = answer("api", "GET", "applications", "-q", "search=Harbor CLI", "-q", "limit=1")
    assert [row["applicationId"] for row in found["data"]["applications"]] == ["harbor"]
    assert at_catalogue.requests[0].query == "search=Harbor+CLI&limit=1"


@pytest.mark.parametrize(
    ("field", "name"), [("name=Initech", "Initech"), ('name="5"', "5"), ("name=a=b", "a=b")]
)
def test_a_text_field_is_sent_as_a_string(echoed, field, name):
    assert echoed(field) == name


@pytest.mark.parametrize("value", ["true", "5", "null", '["a"]', '{"a":1}'])
def test_a_json_field_is_sent_as_json(invoke, at_server, value):
    words = ("api", "POST", "management/customers/admin/apikeys", "-f", f"name={value}")
    result = invoke(*words)
    assert result.exit_code == 2
    assert "must be a string" in json.loads(result.stdout)["error"]["message"]


@pytest.mark.parametrize("value", ["1.0", "true", "5", "null", '["a"]', '"5"', "a=b", " ", ""])
def test_a_raw_field_is_sent_as_it_stands(invoke, monkeypatch, value):
    monkeypatch.setenv("BINDIST_API_KEY", "a-key")
    with CannedServer() as canned:
        canned.open()
        canned.answer({"success": True, "data": {}})
        words = ("-F", f"version={value}", "-f", "number=1.0", "-f", "text=v1.0")
        assert invoke("--api-url", canned.url, "api", "POST", "x", *words).exit_code == 0
    assert canned.asked[0].json == {"version": value, "number": 1.0, "text": "v1.0"}


@pytest.mark.parametrize("option", ["-f", "-F"])
def test_fields_exclude_a_body(invoke, at_server, option):
    result = invoke("api", "POST", "x", option, "a=b", "--input", "-", input="{}")
    assert (result.exit_code, at_server.requests) == (2, [])


def test_the_body_is_read_from_stdin(answer, at_server):
    words = ("api", "POST", "management/customers/admin/apikeys", "--input", "-")
    assert answer(*words, input='{"name": "Initech"}')["data"]["name"] == "Initech"


def test_the_body_is_read_from_a_file(answer, at_server, inside):
    (inside / "body.json").write_text('{"name": "Größe"}', encoding="utf-8-sig")
    words = ("api", "POST", "management/customers/admin/apikeys", "--input", "body.json")
    assert answer(*words)["data"]["name"] == "Größe"


def test_a_header_option_is_sent(answer, at_catalogue):
    words = ("api", "GET", "applications/skylark/versions", "-H", "X-Channel: Test")
    assert len(answer(*words)["data"]["versions"]) == 4


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_paginate_joins_the_pages(answer, at_catalogue, limit):
    found = answer("api", "GET", "applications", "--paginate", "-q", f"limit={limit}")
    ids = [row["applicationId"] for row in found["data"]["applications"]]
    assert ids == ["harbor", "skylark", "tidewatch"]


@pytest.mark.parametrize("options", [(), ("--paginate",)], ids=str)
@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("applications/nothing", 3, "Application 'nothing' not found"),
        ("nowhere", 3, "Not Found"),
    ],
)
def test_a_failed_response_is_printed_and_sets_the_exit_code(
    invoke, at_server, options, path, code, message
):
    result = invoke("api", "GET", path, *options)
    assert result.exit_code == code
    found = json.loads(result.stdout)
    assert found.get("error", found)["message"] == message
    assert message in result.stderr


def test_a_response_that_is_not_json_prints_nothing(invoke, at_server):
    at_server.faults.add("html:502,times=0")
    result = invoke("api", "GET", "applications", "--retries", "0")
    assert (result.exit_code, result.stdout) == (7, "")


def test_head_prints_nothing(invoke, at_catalogue):
    at_catalogue.faults.add("empty:200,method=HEAD")
    result = invoke("api", "HEAD", "applications")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize(
    "words",
    [
        ("FETCH", "applications"),
        ("GET",),
        ("GET", "applications", "-q", "limit"),
        ("GET", "applications", "-q", "=1"),
        ("POST", "applications", "-f", "name"),
        ("GET", "applications", "-H", "X-Channel"),
        ("GET", "applications", "-H", "authorization: Bearer x"),
        ("POST", "applications", "--input", "missing.json"),
        ("POST", "applications", "--input", "-"),
        ("POST", "applications", "--input", "-", "-f", "a=b"),
    ],
    ids=" ".join,
)
def test_invalid_arguments_send_no_request(invoke, at_server, inside, words):
    assert invoke("api", *words, input="no json").exit_code == 2
    assert at_server.requests == []


def test_paginate_needs_a_list(invoke, at_catalogue):
    query = ("-q", "applicationId=harbor", "-q", "version=1.0.0")
    result = invoke("api", "GET", "downloads/url", *query, "--paginate")
    assert (result.exit_code, "exactly one list" in result.stderr) == (2, True)


def test_server_text_is_escaped_on_a_terminal(invoke, at_server, admin):
    admin.create_application("evil", "\x1b[31m \x9b2J \u202e").raise_for_error()
    shown = invoke("api", "GET", "applications/evil").stdout
    assert not set(shown) & {"\x1b", "\x9b", "\u202e"}
    assert json.loads(shown)["data"]["name"] == "\x1b[31m \x9b2J \u202e"
