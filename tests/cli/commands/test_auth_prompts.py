"""`bindist auth login` at a terminal, where it asks for the URL and the key."""

from __future__ import annotations

import os

import pytest
import tomlkit

from tests.conftest import ADMIN_KEY, CUSTOMER_KEY


@pytest.fixture(autouse=True)
def without_keyring(monkeypatch):
    monkeypatch.setenv("BINDIST_NO_KEYRING", "1")


@pytest.fixture
def stored(environment):
    def read(name="credentials"):
        path = environment / f"{name}.toml"
        text = path.read_text("utf-8") if path.exists() else ""
        return tomlkit.parse(text).unwrap().get("profiles", {})

    return read


@pytest.fixture
def typing(program, tmp_path):
    pexpect = pytest.importorskip("pexpect", reason="needs pexpect")
    if os.name == "nt":
        pytest.skip("needs pseudo-terminals")
    children = []

    def start(*arguments):
        child = pexpect.spawn(
            program,
            list(arguments),
            cwd=str(tmp_path),
            env={**os.environ, "TERM": "xterm"},
            encoding="utf-8",
            timeout=30,
        )
        child.logfile_read = (tmp_path / "screen").open("w+", encoding="utf-8")
        children.append(child)
        return child

    yield start
    for child in children:
        child.close(force=True)
        child.logfile_read.close()


def screen(tmp_path):
    return (tmp_path / "screen").read_text("utf-8")


def end(child):
    import pexpect

    child.expect(pexpect.EOF)
    child.close()
    child.logfile_read.flush()
    return child.exitstatus


def test_the_key_is_asked_for_without_echo(typing, server, tmp_path, stored):
    child = typing("auth", "login", "--profile", "work")
    child.expect("API URL.*api.bindist.eu.*: ")
    child.sendline("nonsense")
    child.expect("address.*API URL.*: ")
    child.sendline(server.url)
    child.expect("API key.*: ")
    assert child.waitnoecho(30)
    child.sendline(ADMIN_KEY)
    child.expect("financial administrator")
    assert end(child) == 0
    assert ADMIN_KEY not in screen(tmp_path)
    assert "credentials.toml" in "".join(screen(tmp_path).split())
    assert stored()["work"]["key"] == ADMIN_KEY


def test_the_address_of_the_profile_is_the_one_suggested(typing, server, profile):
    profile(f"[profiles.default]\napi_url = '{server.url}'\n")
    child = typing("auth", "login")
    child.expect_exact(f"[{server.url}]")
    child.sendline("")
    child.expect("API key.*: ")
    child.sendline(CUSTOMER_KEY)
    child.expect("customer")
    assert end(child) == 0


def test_an_address_that_is_given_is_not_asked_for(typing, server, tmp_path):
    child = typing("auth", "login", "--api-url", server.url)
    child.expect("API key.*: ")
    child.sendline(ADMIN_KEY)
    assert end(child) == 0
    assert "API URL [" not in screen(tmp_path)


def test_ctrl_c_at_the_question_stores_nothing(typing, server, environment):
    child = typing("auth", "login", "--api-url", server.url)
    child.expect("API key.*: ")
    assert child.waitnoecho(30)
    child.sendintr()
    child.expect("interrupted")
    assert end(child) == 130
    assert not environment.exists()
