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
def test_a_key_written_to_a_file_is_masked_too(invoke, at_server, on_github, words, tmp_path):
    path = tmp_path / "new.key"
    result = invoke(*words, "--key-file", str(path))
    assert f"::add-mask::{path.read_text().strip()}\n" in result.stderr


@every_command
def test_outside_github_actions_no_mask_is_printed(invoke, at_server, words):
    assert "::add-mask::" not in invoke(*words).output


def test_the_secret_half_of_a_hosted_key_is_masked_separately(
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


def test_special_characters_in_a_mask_command_are_escaped(
    invoke, at_server, on_github, monkeypatch
):
    with CannedServer() as canned:
        canned.open()
        canned.answer({"success": True, "data": {"customerId": "acme", "apiKey": "50%of"}})
        monkeypatch.setenv("BINDIST_API_URL", canned.url)
        result = invoke("customers", "create", "--name", "Initech", "--json")
    assert [line for line in result.stderr.splitlines() if line.startswith("::")] == [
        "::add-mask::50%25of"
    ]


def test_the_mask_precedes_the_key_in_a_shared_log(shell, at_server, on_github):
    log = shell("bindist customers create --name Initech 2>&1").stdout
    key = _field(log, "apiKey")
    assert log.index(f"::add-mask::{key}") < log.index(f"apiKey\t{key}")


def _field(lines: str, name: str) -> str:
    (value,) = [line.split("\t")[1] for line in lines.splitlines() if line.startswith(f"{name}\t")]
    return value


@pytest.mark.parametrize(
    "words",
    [
        ("POST", "management/customers/seed-customer/regenerate-key"),
        ("POST", "management/admin/regenerate-key"),
    ],
    ids=" ".join,
)
def test_a_key_in_any_response_is_masked(invoke, at_server, on_github, words):
    result = invoke("api", *words)
    data = json.loads(result.stdout)["data"]
    for name in ("apiKey", "apiSecret"):
        if name in data:
            mask = f"::add-mask::{data[name]}\n"
            assert result.output.index(mask) < result.output.index(result.stdout[:40])
    assert {"apiKey", "apiSecret"} & set(data)


def test_the_token_of_a_link_is_masked(invoke, at_catalogue, on_github):
    words = ("downloads/share", "-f", "applicationId=skylark", "-f", "version=1.10.0")
    result = invoke("api", "POST", *words)
    data = json.loads(result.stdout)["data"]
    tokens = [data[name] for name in ("token", "shareToken") if name in data]
    assert tokens and all(f"::add-mask::{token}\n" in result.stderr for token in tokens)


@pytest.mark.parametrize("options", [(), ("--json",), ("-o", "tsv")], ids=str)
def test_the_key_in_use_is_masked_before_it_is_printed(invoke, on_github, monkeypatch, options):
    monkeypatch.setenv("BINDIST_API_KEY", "tenant.the-secret")
    result = invoke("auth", "token", *options)
    assert result.stderr == "::add-mask::tenant.the-secret\n::add-mask::the-secret\n"
    assert result.output.index("::add-mask::") < result.output.index(result.stdout)


# Which of the two keys of a response works


WHOLE, SECRET = "acme-gmbh.the-new-secret", "the-new-secret"


@pytest.mark.parametrize(
    ("in_use", "made", "works"),
    [
        ("acme-gmbh.old", {"apiKey": WHOLE, "apiSecret": SECRET}, WHOLE),
        ("old", {"apiKey": WHOLE, "apiSecret": SECRET}, SECRET),
        ("other.old", {"apiKey": WHOLE, "apiSecret": SECRET}, SECRET),
        ("acme.old", {"apiKey": WHOLE, "apiSecret": SECRET}, SECRET),
        ("acme-gmbh.old", {"apiKey": SECRET, "apiSecret": SECRET}, SECRET),
        ("acme-gmbh.old", {"apiKey": WHOLE}, WHOLE),
        ("old", {"apiKey": SECRET}, SECRET),
    ],
)
@pytest.mark.parametrize(
    "words",
    [
        ("customers", "rotate-key", "globex", "--yes"),
        ("admin", "rotate-key", "--yes"),
        ("admin", "rotate-key", "--apps-admin", "--yes"),
    ],
    ids=" ".join,
)
def test_the_tenant_of_the_key_in_use_decides_which_new_key_works(
    invoke, monkeypatch, tmp_path, words, in_use, made, works
):
    path = tmp_path / "new.key"
    with CannedServer() as canned:
        canned.open()
        canned.answer({"success": True, "data": {"customerId": "globex", **made}})
        monkeypatch.setenv("BINDIST_API_URL", canned.url)
        monkeypatch.setenv("BINDIST_API_KEY", in_use)
        shown = invoke(*words, "--json")
        assert json.loads(shown.stdout)["apiKey"] == works
        assert invoke(*words, "--key-file", str(path)).exit_code == 0
    assert path.read_text() == f"{works}\n"


# What messages show


KEY = "a-key-that-a-server-repeats"


@pytest.mark.parametrize("options", [(), ("--json",), ("--debug",)], ids=str)
def test_a_key_repeated_by_the_server_is_not_in_the_error(invoke, monkeypatch, options):
    error = {"code": f"X_{KEY}", "message": f"no such key: {KEY}"}
    with CannedServer() as canned:
        canned.open()
        body = {"success": False, "error": error, "meta": {"requestId": KEY}}
        canned.answer(body, 401)
        monkeypatch.setenv("BINDIST_API_URL", canned.url)
        monkeypatch.setenv("BINDIST_API_KEY", KEY)
        for words in (("apps", "list"), ("doctor",)):
            result = invoke(*words, *options)
            assert result.exit_code != 0
            assert KEY not in result.output
            assert "no such key: ***" in result.output


SECRET_ADDRESSES = (
    "user:open-sesame@host",
    "user:open-sesame@host.example:8443/base",
    "https://user:open-sesame@host.example",
    "user:open'sesame@host",
)


@pytest.mark.parametrize("address", SECRET_ADDRESSES)
@pytest.mark.parametrize(
    "words",
    [
        ("apps", "list"),
        ("apps", "list", "--json"),
        ("apps", "list", "--debug"),
        ("doctor",),
        ("doctor", "--json"),
        ("config", "list"),
        ("config", "get", "api_url"),
        ("auth", "status"),
    ],
    ids=" ".join,
)
def test_user_and_password_of_an_address_are_not_shown(invoke, monkeypatch, words, address):
    monkeypatch.setenv("BINDIST_API_URL", address)
    monkeypatch.setenv("BINDIST_API_KEY", "some-key")
    result = invoke(*words)
    assert "sesame" not in result.output
    assert "sesame" not in result.output
    if words[0] != "config":
        assert result.exit_code != 0


@pytest.mark.parametrize("address", SECRET_ADDRESSES)
def test_the_error_for_an_invalid_address_hides_its_password(invoke, address, profile):
    result = invoke("config", "set", "api_url", address)
    assert result.exit_code == 2
    assert "sesame" not in result.output
    with_key = invoke("auth", "login", "--with-key", "--api-url", address, input="some-key")
    assert with_key.exit_code == 2
    assert "sesame" not in with_key.output


def test_the_addresses_of_profiles_are_shown_without_passwords(invoke, profile, bindist):
    profile("[profiles.work]\napi_url = 'user:open-sesame@host'\n", work="some-key")
    result = invoke("--profile", "work", "--api-url", "https://other.example", "apps", "list")
    assert result.exit_code == 2
    assert "sesame" not in result.output
    line = {"COMP_WORDS": "bindist --profile w", "COMP_CWORD": "2"}
    offered = bindist(_BINDIST_COMPLETE="zsh_complete", **line).stdout
    assert "work" in offered and "sesame" not in offered


@pytest.mark.parametrize(
    ("own_key", "shown"),
    [("tenant.own", "tenant.s1"), ("other.own", "s1"), ("own", "s1"), ("tenantown", "s1")],
)
def test_a_rotated_key_has_the_form_that_the_server_expects(
    invoke, at_server, monkeypatch, own_key, shown
):
    """A server may have tenants at any address: the key in use tells."""
    with CannedServer() as canned:
        canned.open()
        made = {"customerId": "acme", "apiKey": "tenant.s1", "apiSecret": "s1"}
        canned.answer({"success": True, "data": made})
        monkeypatch.setenv("BINDIST_API_URL", canned.url)
        monkeypatch.setenv("BINDIST_API_KEY", own_key)
        for words in (("customers", "rotate-key", "acme"), ("admin", "rotate-key")):
            result = invoke(*words, "--yes", "--json")
            assert json.loads(result.stdout)["apiKey"] == shown
