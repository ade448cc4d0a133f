"""GitHub's runner is told to hide a new key before anything shows it."""

from __future__ import annotations

import json

import pytest

from tests.sdk.canned import CannedServer

MAKES_A_KEY = {
    "a new customer": ("customers", "create", "--name", "Initech"),
    "a customer's new key": ("customers", "rotate-key", "seed-customer", "--yes"),
    "the administrator's new key": ("admin", "rotate-key", "--yes"),
    "the other administrator's new key": ("admin", "rotate-key", "--apps-admin", "--yes"),
}
every_command = pytest.mark.parametrize("words", MAKES_A_KEY.values(), ids=MAKES_A_KEY)


@pytest.fixture
def on_github(monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")


@every_command
def test_a_key_is_masked_before_it_is_shown(invoke, at_server, on_github, words):
    result = invoke(*words, "--json", "--quiet")
    key = json.loads(result.stdout)["apiKey"]
    assert f"::add-mask::{key}\n" in result.stderr
    assert result.output.index(f"::add-mask::{key}\n") < result.output.index(result.stdout)


@every_command
def test_a_key_that_goes_into_a_file_is_masked_too(invoke, at_server, on_github, words, tmp_path):
    path = tmp_path / "new.key"
    result = invoke(*words, "--key-file", str(path))
    assert f"::add-mask::{path.read_text().strip()}\n" in result.stderr


@every_command
def test_elsewhere_nothing_is_masked(invoke, at_server, words):
    assert "::add-mask::" not in invoke(*words).output


def test_the_secret_half_of_a_hosted_key_is_masked_by_itself(
    invoke, at_server, on_github, monkeypatch
):
    with CannedServer() as canned:
        canned.open()
        canned.answer(
            {"success": True, "data": {"customerId": "acme", "apiKey": "t.s1", "apiSecret": "s1"}}
        )
        monkeypatch.setenv("BINDIST_API_URL", canned.url)
        result = invoke("customers", "rotate-key", "acme", "--yes", "--json")
    assert "::add-mask::s1\n" in result.stderr
    assert "::add-mask::t.s1\n" in result.stderr


def test_what_a_workflow_command_cannot_carry_is_escaped(invoke, at_server, on_github, monkeypatch):
    with CannedServer() as canned:
        canned.open()
        canned.answer({"success": True, "data": {"customerId": "acme", "apiKey": "50%of"}})
        monkeypatch.setenv("BINDIST_API_URL", canned.url)
        result = invoke("customers", "create", "--name", "Initech", "--json")
    assert [line for line in result.stderr.splitlines() if line.startswith("::")] == [
        "::add-mask::50%25of"
    ]


def test_the_mask_is_written_before_the_key_where_both_go_into_one_log(shell, at_server, on_github):
    log = shell("bindist customers create --name Initech 2>&1").stdout
    key = _field(log, "apiKey")
    assert log.index(f"::add-mask::{key}") < log.index(f"apiKey\t{key}")


def _field(lines: str, name: str) -> str:
    (value,) = [line.split("\t")[1] for line in lines.splitlines() if line.startswith(f"{name}\t")]
    return value
