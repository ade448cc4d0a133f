"""Errors as people and scripts read them."""

from __future__ import annotations

import json
import re

import click
import pytest

from bindist import errors
from bindist.http.response import failure
from bindist_cli.exit_codes import Exit, exit_for
from bindist_cli.output.error_output import to_cli_error

SECRET = "hush-hush-hush-hush"


def shapes(result):
    return json.loads(result.stderr)["error"]


# Text


def test_an_error_has_the_facts_a_hint_and_the_exit_code(invoke):
    result = invoke("apps", "list")
    assert result.stderr.splitlines() == [
        "error: not authenticated: no API key found",
        '  looked in: BINDIST_API_KEY, BINDIST_API_KEY_FILE, profile "default"',
        "  hint: run `bindist auth login`, or set BINDIST_API_KEY",
    ]
    assert result.exit_code == 4


def test_an_error_of_the_server_names_the_request(invoke, at_server):
    error, request = invoke("apps", "show", "nobody").stderr.splitlines()
    assert error == "error: Application 'nobody' not found"
    assert request.startswith("  request: ")


def test_different_content_is_shown_file_by_file(invoke, release, tmp_path):
    release("2.1.0", tool_exe=b"program")
    (tmp_path / "tool.exe").write_bytes(b"another")
    result = invoke("versions", "upload", "tool", "2.1.0", str(tmp_path / "tool.exe"))
    error, fact, hint = result.stderr.splitlines()
    assert error == "error: version 2.1.0 of tool exists with different content"
    assert re.fullmatch(r"  tool\.exe  server [0-9a-f]{6}…  local [0-9a-f]{6}…", fact)
    assert hint == "  hint: upload the files under a new version number"


def test_a_disabled_version_has_the_command_that_enables_it_as_hint(invoke, release):
    release("2.1.0", enable=False, tool_exe=b"program")
    result = invoke("versions", "download", "tool", "2.1.0", "-O", "-")
    assert "hint: release it with `bindist versions enable tool 2.1.0`, or add" in result.stderr


def test_a_rejected_key_is_reported_with_its_source(invoke, at_server, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", "another")
    assert "the key comes from BINDIST_API_KEY\n" in invoke("apps", "list").stderr


@pytest.mark.parametrize("words", [("apps",), ("vresions",), ("customer",)])
def test_a_misspelt_group_gets_a_suggestion(invoke, words):
    wrong = words[0] + ("x" if words == ("apps",) else "")
    result = invoke(wrong)
    assert result.exit_code == 2
    assert "Did you mean" in result.stderr


def test_a_usage_error_names_the_help(invoke):
    assert "hint: see `bindist apps show --help`" in invoke("apps", "show").stderr


# JSON


def test_an_error_in_json_has_the_documented_shape(invoke, at_server):
    error = shapes(invoke("apps", "show", "nobody", "--json"))
    request_id = error.pop("requestId")
    assert len(request_id) == 36
    assert error == {
        "code": "NOT_FOUND",
        "message": "Application 'nobody' not found",
        "status": 404,
        "retryable": False,
        "hint": None,
        "exitCode": 3,
    }


def test_an_error_in_json_leaves_stdout_empty(invoke, at_server):
    assert invoke("apps", "show", "nobody", "--json").stdout == ""


@pytest.mark.parametrize("words", [("--json", "apps", "show"), ("apps", "list", "--tga", "--json")])
def test_a_usage_error_is_json_too(bindist, words):
    done = bindist(*words)
    error = json.loads(done.stderr)["error"]
    assert (error["code"], error["status"], error["exitCode"]) == ("USAGE", None, 2)


def test_the_environment_can_select_json_errors(invoke, monkeypatch):
    monkeypatch.setenv("BINDIST_OUTPUT", "json")
    assert shapes(invoke("apps", "list"))["code"] == "NO_API_KEY"


def test_temporary_errors_are_marked_as_retryable(invoke, refused_url, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", "key")
    result = invoke("--api-url", refused_url, "apps", "list", "--json", "--retries", "0")
    error = shapes(result)
    assert (error["code"], error["retryable"], error["exitCode"]) == ("NO_ANSWER", True, 7)


def test_an_interruption_is_json_too(start, interrupt, wait_until, at_server):
    at_server.faults.add("stall:30,path=/v1/applications,times=0")
    process = start("apps", "list", "--json")
    wait_until(lambda: at_server.requests)
    interrupt(process)
    _, stderr = process.communicate(timeout=30)
    assert json.loads(stderr)["error"]["exitCode"] == 130


# Answers that are not the API's


@pytest.mark.parametrize(
    ("fault", "code", "words"),
    [
        ("html:502", 7, "HTTP 502 with an HTML page instead of an API response: 502 Bad Gateway"),
        ("html:403", 5, "HTTP 403 with an HTML page instead of an API response"),
        (
            "not-json",
            1,
            "HTTP 200 with an HTML page instead of an API response: Sign in to the network",
        ),
        ("json-array", 1, "HTTP 200 with an invalid API response"),
        ("empty:503", 7, "HTTP 503 Service Unavailable"),
        ("text:500", 7, "Internal Server Error"),
        ("redirect:https://elsewhere.example/", 1, "https://elsewhere.example/"),
        ("status:413", 1, "Too Large"),
    ],
)
def test_a_response_that_is_not_the_api_is_an_error(invoke, at_server, fault, code, words):
    at_server.faults.add(f"{fault},path=/v1/applications,times=0")
    result = invoke("apps", "list", "--retries", "0")
    assert result.exit_code == code
    assert words in result.stderr
    assert "<" not in result.stderr


def test_a_long_message_is_cut():
    assert len(to_cli_error(errors.ServerError(failure(500, "x" * 9999))).message) < 400


def test_server_text_in_an_error_is_escaped(invoke, at_server):
    result = invoke("api", "GET", "applications/%1b%5b31m")
    assert "\x1b" not in result.stderr + result.stdout


# Tracebacks


def test_debug_shows_the_traceback(invoke, at_server):
    shown = invoke("apps", "show", "nobody", "--debug").stderr
    assert "Traceback (most recent call last)" in shown
    assert shown.rstrip().splitlines()[-2].startswith("error: ")


def test_the_environment_can_turn_the_traceback_on(invoke, at_server, monkeypatch):
    monkeypatch.setenv("BINDIST_DEBUG", "1")
    assert "Traceback" in invoke("apps", "show", "nobody").stderr


@pytest.mark.parametrize(
    "words",
    [
        ("versions", "download", "tool", "1.0.0"),
        ("versions", "download", "tool", "1.0.0", "--no-resume"),
        ("apps", "list"),
    ],
    ids=" ".join,
)
def test_debug_shows_no_secret(invoke, release, at_server, inside, words):
    release("1.0.0", tool_exe=b"program")
    at_server.faults.add("status:500,path=/store/*,times=0")
    result = invoke(*words, "--debug", "--retries", "0")
    signatures = [r.query for r in at_server.requests if r.path.startswith("/store/")]
    secrets = [at_server.keys.admin]
    for query in signatures:
        secrets += [part.split("=")[1] for part in query.split("&") if "ignature=" in part]
    assert not [secret for secret in secrets if secret in result.stderr + result.stdout]


def test_an_expired_url_does_not_show_its_signature(invoke, release, at_server, inside):
    release("1.0.0", tool_exe=b"program")
    at_server.faults.add("expire,path=/store/*,times=0")
    result = invoke("versions", "download", "tool", "1.0.0", "--retries", "0")
    assert result.exit_code == 5
    assert "Signature=" not in result.stderr


# Questions


@pytest.mark.parametrize(
    "words",
    [
        ("apps", "delete", "harbor"),
        ("customers", "rotate-key", "acme"),
    ],
    ids=" ".join,
)
def test_a_question_without_a_terminal_names_the_flag_that_answers_it(invoke, at_catalogue, words):
    result = invoke(*words)
    assert result.exit_code == 2
    assert "hint: add --yes" in result.stderr
    assert {r.method for r in at_catalogue.requests} <= {"GET"}


@pytest.mark.parametrize("how", ["flag", "environment"])
def test_no_input_asks_no_question(terminal, at_catalogue, how):
    words = ("--no-input",) if how == "flag" else ()
    environment = {} if how == "flag" else {"BINDIST_NO_INPUT": "1"}
    screen = terminal("apps", "delete", "harbor", *words, typed="y\n", **environment)
    assert screen.returncode == 2


@pytest.mark.parametrize(
    ("typed", "code", "status"), [("y\n", 0, 404), ("n\n", 1, 200), ("\n", 1, 200)]
)
def test_a_question_is_asked_at_a_terminal(
    terminal, at_catalogue, catalogue_admin, typed, code, status
):
    screen = terminal("apps", "delete", "harbor", typed=typed)
    assert "Delete harbor? Its id can never be used again. [y/N]:" in screen.text
    assert screen.returncode == code
    assert catalogue_admin.get_application("harbor").status_code == status


# The table


ANSWERS = {
    400: Exit.USAGE,
    401: Exit.NOT_AUTHENTICATED,
    403: Exit.NOT_ALLOWED,
    404: Exit.NOT_FOUND,
    409: Exit.CONFLICT,
    410: Exit.NOT_FOUND,
    413: Exit.QUOTA,
    418: Exit.FAILED,
    429: Exit.UNAVAILABLE,
    500: Exit.UNAVAILABLE,
    503: Exit.UNAVAILABLE,
}


@pytest.mark.parametrize("status", ANSWERS)
def test_the_exit_code_follows_the_status(status):
    with pytest.raises(errors.ApiError) as caught:
        failure(status, "no").raise_for_error()
    assert exit_for(caught.value) is ANSWERS[status]


def test_every_exception_of_the_sdk_has_an_exit_code_of_its_own():
    def below(kind):
        return {kind}.union(*map(below, kind.__subclasses__()))

    answers = below(errors.ApiError)  # which the test above is about
    for kind in below(errors.BinDistError) - answers - {errors.BinDistError}:
        assert exit_for(kind.__new__(kind)) is not Exit.FAILED, kind


def test_an_unexpected_exception_is_reported_as_a_bug():
    shown = to_cli_error(RuntimeError("oh"))
    assert (shown.message, shown.exit) == ("unexpected RuntimeError: oh", Exit.FAILED)


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError, IsADirectoryError])
def test_an_unusable_path_is_a_usage_error(error):
    shown = to_cli_error(error(2, "No such file", "a.txt"))
    assert (shown.message, shown.exit) == ("a.txt: No such file", Exit.USAGE)


def test_an_error_in_parsing_has_the_command_in_its_hint():
    context = click.Context(click.Command("x"), info_name="x")
    assert to_cli_error(click.UsageError("no", context)).hint == "see `x --help`"
