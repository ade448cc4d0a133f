"""What an error suggests where a command, an application, a version or a customer is not there."""

from __future__ import annotations

import json

import pytest

from bindist_cli.suggestions import did_you_mean, near_matches
from tests.conftest import CUSTOMER_KEY


def hint(result):
    found = [line for line in result.stderr.splitlines() if line.startswith("  hint: ")]
    return found[0].removeprefix("  hint: ") if found else None


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        ("upload", ["versions upload"]),
        ("download", ["versions download"]),
        ("login", ["auth login"]),
        ("list", ["apps list", "versions list", "customers list"]),
        ("ls", ["apps list", "versions list", "customers list"]),
        ("whoami", ["auth status"]),
        ("logn", ["auth login", "auth logout"]),
        ("apps upload", ["versions upload"]),
        ("versions rm", ["apps delete"]),
        ("customers ls", ["customers list"]),
        ("-V", ["--version"]),
        ("versions -V", ["--version"]),
    ],
)
def test_a_command_that_is_elsewhere_is_named(invoke, words, commands):
    result = invoke(*words.split())
    assert result.exit_code == 2
    if "Did you mean" in result.stderr:  # click has found it in the same group
        assert commands[0].split()[-1] in result.stderr
    else:
        *others, last = [f"`bindist {command}`" for command in commands]
        assert (
            hint(result) == f"did you mean {' or '.join([', '.join(others), last][not others :])}?"
        )


def test_a_word_like_no_command_is_answered_with_the_help(invoke):
    assert hint(invoke("xyzzy")) == "see `bindist --help`"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("apps show skylrk", "skylark"),
        ("apps show SKYLARK", "skylark"),
        ("apps delete harborcli --yes", "harbor"),
        ("versions list skylrk", "skylark"),
        ("versions download tide", "tidewatch"),
        ("versions show skylark 1.10", "1.10.0"),
        ("versions show skylark v1.9.0", "1.9.0"),
        ("versions download skylark 1.10.O", "1.10.0"),
        ("versions enable skylark 2.0", "2.0.0"),
        ("versions diff skylark 1.9.0 1.10.1", "1.10.0"),
        ("customers show acm", "acme"),
        ("customers show CRM-1002", "globex"),
        ("customers rotate-key acmee --yes", "acme"),
        ("apps grant harbor globx", "globex"),
    ],
)
def test_a_name_that_is_nearly_right_is_suggested(invoke, at_catalogue, words, meant):
    result = invoke(*words.split())
    assert result.exit_code in (2, 3)
    assert hint(result) == f"did you mean {meant}?"


def test_a_suggestion_is_in_json_too(invoke, at_catalogue):
    result = invoke("apps", "show", "skylrk", "--json")
    assert json.loads(result.stderr)["error"]["hint"] == "did you mean skylark?"


def test_without_a_name_like_it_the_usual_hint_stays(invoke, at_catalogue):
    assert "see `bindist versions list" in str(hint(invoke("versions", "show", "skylark", "77")))


def test_a_customer_is_told_only_what_it_may_see(invoke, at_catalogue, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", CUSTOMER_KEY)
    assert hint(invoke("apps", "show", "harbour")) == "did you mean harbor?"
    assert hint(invoke("apps", "show", "tidewatch")) is None
    assert invoke("customers", "show", "acm").exit_code == 5


def test_an_error_while_looking_for_suggestions_is_not_shown(invoke, at_catalogue):
    at_catalogue.faults.add("status:503,path=/v1/applications,times=0")
    result = invoke("apps", "show", "skylrk", "--retries", "0")
    assert result.exit_code == 3
    assert "503" not in result.stderr


def test_no_other_error_costs_a_request(invoke, at_catalogue):
    at_catalogue.faults.add("status:409,path=/v1/applications/skylark,times=0")
    assert invoke("apps", "show", "skylark").exit_code == 6
    assert len(at_catalogue.requests) == 1


@pytest.mark.parametrize(
    ("words", "path"),
    [("versions download skylark -o x.exe", "x.exe"), ("versions download -o - skylark", "-")],
)
def test_a_lower_case_o_for_the_output_file_is_explained(invoke, at_catalogue, words, path):
    result = invoke(*words.split())
    assert result.exit_code == 2
    assert f"did you mean -O {path}?" in result.stderr
    assert at_catalogue.requests == []


def test_other_commands_do_not_suggest_an_option_that_they_lack(invoke):
    assert "-O" not in invoke("apps", "list", "-o", "x").stderr


@pytest.mark.parametrize(
    ("word", "names", "near"),
    [
        ("b", [], []),
        ("ABC", ["abc", "xyz"], ["abc"]),
        ("abc", ["abc"], []),
        ("abcd", ["abc", "ABC", "abcde"], ["abcde", "abc", "ABC"]),
    ],
)
def test_near_matches(word, names, near):
    assert sorted(near_matches(word, names)) == sorted(near)


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ([], None),
        (["a"], "did you mean a?"),
        (["a", "b"], "did you mean a or b?"),
        (["a", "b", "c"], "did you mean a, b or c?"),
    ],
)
def test_the_question(words, question):
    assert did_you_mean(words) == question
