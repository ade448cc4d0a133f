"""Whichever way JSON was asked for, an error is JSON on stderr, in one shape."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess

import pytest

from bindist_cli.options import flags_in

KEYS = {"code", "message", "status", "requestId", "retryable", "hint", "exitCode"}
PROFILES = '[profiles.ci]\noutput = "json"\n[profiles.default]\noutput = "json"\n'

# By name: arguments, environment and config.toml that ask for JSON.
WAYS = {
    "--json": (["--json"], {}, ""),
    "-o json": (["-o", "json"], {}, ""),
    "-ojson": (["-ojson"], {}, ""),
    "-qo json": (["-qo", "json"], {}, ""),
    "--output json": (["--output", "json"], {}, ""),
    "--output=json": (["--output=json"], {}, ""),
    "-o jsonl": (["-o", "jsonl"], {}, ""),
    "the environment": ([], {"BINDIST_OUTPUT": "json"}, ""),
    "the default profile": ([], {}, PROFILES),
    "a profile that an option names": (["--profile", "ci"], {}, PROFILES),
    "a profile that a variable names": ([], {"BINDIST_PROFILE": "ci"}, PROFILES),
    "a profile that config.toml names": ([], {}, f'profile = "ci"\n{PROFILES}'),
}
# By name: arguments, variables, exit code.
ERRORS = {
    "an unknown option of the root": (["--bogus", "apps", "list"], {}, 2),
    "an unknown option of a command": (["apps", "list", "--bogus"], {}, 2),
    "an unknown command": (["app", "list"], {}, 2),
    "an unknown subcommand": (["apps", "lists"], {}, 2),
    "a missing argument": (["apps", "show"], {}, 2),
    "an argument too many": (["apps", "list", "more"], {}, 2),
    "an option without its value": (["apps", "list", "--search"], {}, 2),
    "a wrong value for the root": (["--timeout", "x", "apps", "list"], {}, 2),
    "a wrong value for a command": (["apps", "list", "--page", "0"], {}, 2),
    "a wrong argument": (["apps", "show", "a/b"], {}, 2),
    "a wrong variable": (["apps", "list"], {"BINDIST_TIMEOUT": "x"}, 2),
    "no key": (["apps", "list"], {}, 4),
    "an unknown setting": (["config", "get", "nothing"], {}, 2),
    "a file that is missing": (["versions", "upload", "a", "1", "missing"], {}, 2),
    "a question without a terminal": (["admin", "rotate-key"], {"BINDIST_API_KEY": "key"}, 2),
}


def error_in(text: str) -> dict[str, object]:
    """The error in what was printed, which must be that and nothing else."""
    (line,) = text.splitlines()
    found = json.loads(line)
    assert found.keys() == {"error"}
    assert found["error"].keys() - {"facts"} == KEYS
    return found["error"]


def test_an_error_is_json_where_the_command_line_starts_with_that(invoke):
    for arguments, variables, code in ERRORS.values():
        if not variables:
            result = invoke("-o", "json", *arguments)
            assert error_in(result.stderr)["exitCode"] == result.exit_code == code


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_json(invoke, profile, monkeypatch, way, error):
    options, variables, config = WAYS[way]
    arguments, more, code = ERRORS[error]
    if config:
        profile(config)
    for name, value in {**variables, **more}.items():
        monkeypatch.setenv(name, value)
    # An option without its value would take the next word.
    words = [*options, *arguments] if arguments[-1] == "--search" else [*arguments, *options]
    result = invoke(*words)
    assert result.stdout == ""
    assert error_in(result.stderr)["exitCode"] == result.exit_code == code


@pytest.mark.parametrize("way", ["--json", "-o json", "--output=json", "the environment"])
@pytest.mark.parametrize(
    ("config", "message"),
    [("not toml", "not valid TOML"), ("profiles = 5", "profiles are tables")],
)
def test_a_broken_configuration_is_json(invoke, profile, monkeypatch, way, config, message):
    options, variables, _ = WAYS[way]
    profile(config)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert message in str(error_in(invoke(*options, "apps", "list").stderr)["message"])


def test_an_unknown_profile_is_json(invoke):
    for words in (["--json", "--profile", "nope"], ["--profile=nope", "-o", "json"]):
        assert error_in(invoke(*words, "apps", "list").stderr)["code"] == "NO_PROFILE"


def test_an_address_for_the_sandbox_is_json_where_the_profile_says_so(invoke, profile):
    profile('[profiles.sandbox]\noutput = "json"')
    result = invoke("--profile", "sandbox", "apps", "list", "--api-url", "http://x")
    assert "address of its own" in str(error_in(result.stderr)["message"])


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["--bogus"], {}),
        (["-o", "table", "--bogus"], {"BINDIST_OUTPUT": "json"}),
        (["--json", "-o", "csv", "--bogus"], {}),
        (["--bogus", "--", "--json"], {}),
        (["apps", "list", "--search", "--json"], {}),  # a value, as no key is there to search with
    ],
)
def test_an_error_is_text_where_nothing_asks_for_json(invoke, monkeypatch, words, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert invoke(*words).stderr.startswith("error: ")


@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for one process")
@pytest.mark.parametrize("way", ["-o json", "the environment", "the default profile"])
def test_an_interrupt_is_json(program, profile, way):
    options, variables, config = WAYS[way]
    if config:
        profile(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with subprocess.Popen(
            (program, "apps", "list", "--api-url", url, *options),
            env={**os.environ, **variables, "BINDIST_API_KEY": "key"},
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            connection, _ = listener.accept()
            connection.recv(1)  # the request is under way
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
            connection.close()
    assert error_in(said)["code"] == "INTERRUPTED"
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ("", {}),
        ("--json", {"output": "json"}),
        ("-o csv --json", {"output": "json"}),
        ("--json -o csv", {"output": "csv"}),
        ("-vqo tsv", {"output": "tsv"}),
        ("-o", {}),
        ("-o xml", {}),
        ("--output=xml --json", {"output": "json"}),
        ("--profile a --profile=b", {"profile": "b"}),
        ("--profile -o json", {"profile": "-o"}),
        ("-O json", {}),
        ("-- --json", {}),
    ],
)
def test_flags_of_a_command_line_that_was_not_parsed(words, flags):
    assert flags_in(words.split()) == flags
