"""`bindist auth`: logging in and out, and what is told of a key."""

from __future__ import annotations

import json
import os
import stat

import pytest

from bindist_cli.commands.auth import role_of
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY, CUSTOMER_KEY

TENANT = "0b5fd1a6-52c9-4d2f-9d3d-8a3b6f3b3c11"
ROLES = {
    ADMIN_KEY: "financial administrator",
    APPS_ADMIN_KEY: "administrator",
    CUSTOMER_KEY: "customer",
}


pytestmark = pytest.mark.usefixtures("without_keyring")


@pytest.fixture
def login(invoke, server):
    def run(*options, key=ADMIN_KEY):
        return invoke(
            "auth", "login", "--with-key", "--api-url", server.url, *options, input=f"{key}\n"
        )

    return run


# Logging in


@pytest.mark.parametrize("key", ROLES)
def test_login_stores_the_key_and_prints_its_owner(login, stored, server, environment, key):
    result = login("--json", key=key)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {
        "profile": "default",
        "apiUrl": server.url,
        "role": ROLES[key],
        "keySource": str(environment / "credentials.toml"),
    }
    assert stored() == {"default": {"key": key}}
    assert stored("config") == {"default": {"api_url": server.url}}


def test_the_key_is_checked_by_one_request_for_one_application(login, server):
    login()
    assert [(r.method, r.path) for r in server.requests] == [("GET", "/v1/applications")]


def test_later_commands_use_the_stored_key(login, invoke):
    login()
    assert invoke("apps", "list").exit_code == 0


def test_login_creates_the_named_profile(login, stored, invoke):
    login()
    assert login("--profile", "work", key=CUSTOMER_KEY).exit_code == 0
    assert stored() == {"default": {"key": ADMIN_KEY}, "work": {"key": CUSTOMER_KEY}}
    assert invoke("auth", "token", "--profile", "work").stdout == f"{CUSTOMER_KEY}\n"


def test_a_rejected_key_is_not_stored(login, environment):
    result = login(key="wrong")
    assert result.exit_code == 4
    assert "the server rejects this key" in result.stderr
    assert "the key was not stored" in result.stderr
    assert result.stdout == ""
    assert not environment.exists()


def test_an_unchecked_key_is_not_stored(invoke, environment, refused_url):
    result = invoke(
        *("auth", "login", "--with-key", "--api-url", refused_url, "--retries", "0"), input="key"
    )
    assert result.exit_code == 7
    assert not environment.exists()


@pytest.mark.parametrize(("typed", "words"), [("", "no key"), ("a b", "white space")])
def test_an_invalid_key_is_a_usage_error(login, typed, words):
    result = login(key=typed)
    assert (result.exit_code, words in result.stderr) == (2, True)
    assert "a b" not in result.stderr


def test_white_space_and_a_byte_order_mark_around_a_key_are_removed(invoke, server, stored):
    text = f"\ufeff  {ADMIN_KEY}\r\n".encode()
    result = invoke("auth", "login", "--with-key", "--api-url", server.url, input=text)
    assert (result.exit_code, stored()["default"]["key"]) == (0, ADMIN_KEY)


def test_the_sandbox_needs_no_login(invoke):
    result = invoke("auth", "login", "--with-key", "--profile", "sandbox", input="key")
    assert (result.exit_code, "needs no login" in result.stderr) == (2, True)


@pytest.mark.parametrize("name", ["a b", "../x", "-x", "x" * 51, "\x1b[31m", "ü"])
def test_an_invalid_profile_name_is_refused(login, environment, name):
    result = login(f"--profile={name}")
    assert (result.exit_code, "is not a valid profile name" in result.stderr) == (2, True)
    assert not environment.exists()


@pytest.mark.parametrize("url", ["example.com", "ftp://example.com", "https://a:b@example.com"])
def test_login_without_a_terminal_needs_an_address(invoke, url):
    result = invoke("auth", "login", "--with-key", "--api-url", url, input="key")
    assert result.exit_code == 2
    assert "address" in result.stderr
    assert "a:b" not in result.stderr


def test_no_key_is_sent_over_plain_http_to_another_machine(invoke, environment):
    result = invoke("auth", "login", "--with-key", "--api-url", "http://192.0.2.1", input="key")
    assert result.exit_code == 2
    assert "refusing to send the key unencrypted" in result.stderr
    assert "`bindist config set allow_http true`" in result.stderr


def test_no_question_is_asked_without_a_terminal(invoke):
    result = invoke("auth", "login")
    assert result.exit_code == 2
    assert "--with-key" in result.stderr


def test_an_older_key_is_not_sent_to_the_new_address(login, stored, profile):
    profile("[profiles.default]\napi_url = 'https://old.example'\n", default="older")
    assert login().exit_code == 0
    assert stored() == {"default": {"key": ADMIN_KEY}}


def test_login_names_a_variable_that_overrides_the_stored_key(login, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY_FILE", "/nowhere")
    assert "BINDIST_API_KEY_FILE is set and overrides" in login().stderr


# A hosted key without its tenant. Plain http and a proxy lead this address to the server here.


@pytest.fixture
def hosted(server, profile, monkeypatch):
    profile("[profiles.default]\napi_url = 'http://api.bindist.eu'\nallow_http = true\n")
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)


@pytest.mark.parametrize("words", [("auth", "login", "--with-key"), ("apps", "list")])
def test_a_hosted_key_without_its_tenant_is_reported(hosted, invoke, monkeypatch, words):
    if words[0] == "apps":
        monkeypatch.setenv("BINDIST_API_KEY", "secret-alone")
    result = invoke(*words, "--json", input="secret-alone")
    assert result.exit_code == 4
    hint = json.loads(result.stderr.splitlines()[-1])["error"]["hint"]
    assert "has no `{tenant uuid}.` prefix" in hint


def test_a_hosted_key_with_its_tenant_is_accepted(hosted, invoke):
    result = invoke("auth", "login", "--with-key", input=f"{TENANT}.secret")
    assert (result.exit_code, "tenant" in result.stderr) == (4, False)


# Out


def test_logout_removes_only_the_key(login, invoke, stored, environment):
    login()
    login("--profile", "work")
    result = invoke("auth", "logout", "--json")
    assert json.loads(result.stdout) == {
        "profile": "default",
        "status": "removed",
        "places": [str(environment / "credentials.toml")],
    }
    assert stored() == {"default": {}, "work": {"key": ADMIN_KEY}}
    assert set(stored("config")) == {"default", "work"}
    assert invoke("apps", "list").exit_code == 4


def test_logout_without_a_key_succeeds_and_says_so(invoke, environment):
    result = invoke("auth", "logout")
    assert result.exit_code == 0
    assert "was not there" in result.stdout
    assert not environment.exists()


# Status


@pytest.mark.parametrize("key", ROLES)
def test_status_shows_everything_but_the_key(login, answer, server, key):
    login(key=key)
    found = answer("auth", "status")
    assert found.pop("answerMs") >= 0
    assert found["keySource"].startswith('profile "default" (')
    assert (found["role"], found["status"]) == (ROLES[key], "works")
    assert (found["apiUrl"], found["apiUrlSource"]) == (server.url, "profile default")
    assert found["isAdmin"] is (key != CUSTOMER_KEY)
    assert found["isFinancialAdmin"] is (key == ADMIN_KEY)
    assert key not in str(found)


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv", "tsv"])
def test_status_in_every_format(at_server, invoke, form):
    result = invoke("auth", "status", "-o", form)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "financial administrator" in result.stdout
    assert ADMIN_KEY not in result.stdout


def test_status_of_a_rejected_key_exits_with_4(at_server, invoke, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", "wrong")
    result = invoke("auth", "status", "--json")
    assert result.exit_code == 4
    assert json.loads(result.stdout)["status"] == "refused"
    assert json.loads(result.stderr)["error"]["facts"] == ["the key comes from BINDIST_API_KEY"]


def test_status_without_a_key_exits_with_4(invoke):
    result = invoke("auth", "status")
    assert (result.exit_code, result.stdout) == (4, "")


def test_status_of_an_unreachable_server_exits_with_7(invoke, refused_url, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", "key")
    result = invoke("auth", "status", "--api-url", refused_url, "--retries", "0")
    assert (result.exit_code, result.stdout) == (7, "")


def test_status_of_the_sandbox(answer):
    assert answer("auth", "status", "--profile", "sandbox")["keySource"] == "the sandbox"


@pytest.mark.parametrize(
    ("data", "role"),
    [
        (None, "customer"),
        ({}, "customer"),
        ({"isAdmin": False}, "customer"),
        ({"isAdmin": "false"}, "customer"),
        ({"isAdmin": True}, "administrator"),
        ({"isAdmin": True, "isFinancialAdmin": True}, "financial administrator"),
    ],
)
def test_status_shows_the_role(data, role):
    assert role_of(data) == role


# The token


def test_token_prints_only_the_key(at_server, bindist):
    done = bindist("auth", "token")
    assert (done.stdout, done.stderr, done.returncode) == (f"{ADMIN_KEY}\n", "", 0)


def test_token_in_json(at_server, answer):
    assert answer("auth", "token") == {"token": ADMIN_KEY}


# As a process


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_the_stored_key_is_private_under_any_umask(shell, server, environment):
    done = shell(
        f"umask 000; printf %s {ADMIN_KEY} | bindist auth login --with-key --api-url {server.url}",
        BINDIST_CONFIG_DIR=str(environment / "deep" / "down"),
    )
    assert done.returncode == 0, done.stderr
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (environment, *environment.rglob("*"))
    }
    assert modes.pop(".lock", 0o600) == 0o600
    assert modes == {
        environment.name: 0o700,
        "deep": 0o700,
        "down": 0o700,
        "config.toml": 0o600,
        "credentials.toml": 0o600,
    }


def test_simultaneous_logins_store_every_key(shell, server, stored):
    done = shell(
        "for n in 1 2 3 4 5 6 7 8; do\n"
        f"  printf {ADMIN_KEY} | bindist auth login --with-key --api-url {server.url} "
        "--profile p$n &\n"
        "done\nwait",
    )
    assert done.stderr == ""
    names = {f"p{n}" for n in range(1, 9)}
    assert set(stored()) == set(stored("config")) == names


def test_debug_shows_no_key(bindist, server):
    done = bindist(
        "auth", "login", "--with-key", "--api-url", server.url, "--debug", input=ADMIN_KEY
    )
    assert done.returncode == 0
    assert "GET" in done.stderr
    assert ADMIN_KEY not in done.stdout + done.stderr


# Profiles


def test_list_shows_the_profiles_and_where_their_keys_are(answer, profile):
    profile(
        "profile = 'work'\n[profiles.work]\napi_url = 'https://me:pw@bindist.example.com'\n"
        "[profiles.other]\n",
        work="secret-key",
    )
    rows = {row["profile"]: row for row in answer("auth", "list")}
    assert list(rows) == ["default", "work", "other", "sandbox"]
    assert rows["work"]["apiUrl"].endswith("@bindist.example.com")
    assert "pw" not in rows["work"]["apiUrl"]
    assert "credentials.toml" in rows["work"]["keySource"]
    assert [name for name, row in rows.items() if row["isCurrent"]] == ["work"]
    assert rows["other"]["keySource"] is None
    assert rows["sandbox"]["apiUrl"] is None


def test_list_prints_no_key_and_sends_nothing(invoke, profile, at_server, monkeypatch):
    monkeypatch.delenv("BINDIST_API_KEY")
    profile("[profiles.work]\n", work="secret-key")
    done = invoke("auth", "list", "--json")
    assert done.exit_code == 0
    assert "secret-key" not in done.output
    assert not at_server.requests
