"""The options that every command takes, wherever they stand."""

from __future__ import annotations

import json

import click
import pytest

from bindist.clients.base import DEFAULT_RETRIES, DEFAULT_TIMEOUT
from bindist_cli.cli import cli
from bindist_cli.context import App
from bindist_cli.options import SHARED, is_shared
from bindist_cli.settings.profile_keys import DEFAULT_URL, PROFILE_KEYS


def leaves(command, path=()):
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), (*path, name))
    else:
        yield path, command


COMMANDS = dict(leaves(cli))
PLACES = [
    ("{}", "apps", "list"),
    ("apps", "{}", "list"),
    ("apps", "list", "{}"),
]


def placed(place, *option):
    return [word for part in place for word in (option if part == "{}" else (part,))]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_takes_the_shared_options(path):
    shared = {option for p in COMMANDS[path].params if is_shared(p) for option in p.opts}
    wanted = {name for make in SHARED for name in make().opts}
    own = {"-q"} if path == ("api",) else set()
    assert shared == wanted - own


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
@pytest.mark.parametrize("option", [("--json",), ("-o", "json"), ("--output=json",)], ids=" ".join)
def test_a_shared_option_is_accepted_at_any_position(invoke, at_server, place, option):
    result = invoke(*placed(place, *option))
    assert json.loads(result.stdout) == []


@pytest.mark.parametrize(
    ("words", "format"),
    [
        (("-o", "csv", "apps", "list", "--json"), "json"),
        (("--json", "apps", "list", "-o", "jsonl"), "jsonl"),
        (("--json", "apps", "-o", "csv", "list"), "csv"),
        (("apps", "--json", "list", "-o", "csv"), "csv"),
    ],
    ids=str,
)
def test_an_option_after_the_command_overrides_one_before_it(
    invoke, at_server, application, words, format
):
    expected = invoke("apps", "list", "-o", format).stdout
    assert invoke(*words).stdout == expected


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
def test_retries_0_sends_one_request(invoke, at_server, place):
    at_server.faults.add("status:503,path=/v1/applications,times=0")
    invoke(*placed(place, "--retries", "0"))
    assert len(at_server.requests) == 1


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
def test_fields(invoke, at_server, application, place):
    assert invoke(*placed(place, "--fields", " name, applicationId,")).stdout == "Tool\ttool\n"


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
def test_a_profile(invoke, place):
    assert "no profile 'nobody'" in invoke(*placed(place, "--profile", "nobody")).stderr


def test_a_timeout_of_zero_is_a_usage_error(invoke, at_server):
    result = invoke("apps", "list", "--timeout", "0")
    assert (result.exit_code, "more than 0 seconds" in result.stderr) == (2, True)


def test_q_means_query_for_api(answer, at_server, application, admin):
    admin.create_application("other", "Other").raise_for_error()
    found = answer("api", "GET", "applications", "-q", "limit=1")
    assert len(found["data"]["applications"]) == 1


def test_api_accepts_the_long_quiet_option(invoke, at_server):
    assert invoke("api", "GET", "applications", "--quiet").exit_code == 0


def test_quiet_suppresses_notes(invoke, at_server):
    assert invoke("customers", "create", "--name", "Initech", "--quiet").stderr == ""


def test_verbose_has_one_line_per_request(invoke, at_server):
    lines = invoke("apps", "list", "-v").stderr.splitlines()
    assert [line.split(" in ")[0] for line in lines] == [
        f"GET {at_server.url}/v1/applications?limit=100 -> 200"
    ]


def test_debug_has_headers_and_bodies_and_no_key(invoke, at_server):
    shown = invoke("apps", "list", "--debug").stderr
    assert "> Authorization: Bearer ***" in shown
    assert '"success":true' in shown
    assert at_server.keys.admin not in shown


def test_a_command_leaves_no_log_handlers_behind(invoke, at_server):
    invoke("apps", "list", "-v")
    assert invoke("apps", "list").stderr == ""


def test_there_is_no_option_for_the_key(invoke):
    result = invoke("apps", "list", "--api-key", "key")
    assert (result.exit_code, "No such option" in result.stderr) == (2, True)


def test_a_missing_ca_bundle_is_a_usage_error(invoke):
    assert invoke("apps", "list", "--ca-bundle", "nothing.pem").exit_code == 2


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("api_url", DEFAULT_URL),
        ("timeout", "{:g} and {:g}".format(*DEFAULT_TIMEOUT)),
        ("retries", str(DEFAULT_RETRIES)),
    ],
)
def test_the_help_shows_the_default_that_is_used(name, default):
    (option,) = (option for make in SHARED if (option := make()).name == name)
    assert option.help.endswith(f"[default: {default}]")
    if name != "api_url":
        assert PROFILE_KEYS[name].help.endswith(f"[default: {default}]")


def test_no_input_is_named_as_the_reason_for_not_asking(invoke, at_catalogue, monkeypatch):
    asked = ("apps", "delete", "harbor")
    reason = "confirmation required, but --no-input or BINDIST_NO_INPUT is set"
    assert reason in invoke(*asked, "--no-input").stderr
    assert "confirmation required, but stdin is not a terminal" in invoke(*asked).stderr
    monkeypatch.setenv("BINDIST_NO_INPUT", "1")
    assert reason in invoke(*asked).stderr


def test_settings_are_resolved_only_when_used():
    assert set(vars(App({"profile": "nobody"}))) == {"_flags", "_closing", "to_resume"}
