"""`bindist auth login` at a terminal, where it asks for the URL and the key."""

from __future__ import annotations

import os

import pytest

from tests.conftest import ADMIN_KEY, CUSTOMER_KEY

pytestmark = pytest.mark.usefixtures("without_keyring")


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


def test_the_key_prompt_does_not_echo(typing, server, tmp_path, stored):
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


def test_login_suggests_the_address_of_the_profile(typing, server, profile):
    profile(f"[profiles.default]\napi_url = '{server.url}'\n")
    child = typing("auth", "login")
    child.expect_exact(f"[{server.url}]")
    child.sendline("")
    child.expect("API key.*: ")
    child.sendline(CUSTOMER_KEY)
    child.expect("customer")
    assert end(child) == 0


def test_login_does_not_ask_for_a_given_address(typing, server, tmp_path):
    child = typing("auth", "login", "--api-url", server.url)
    child.expect("API key.*: ")
    child.sendline(ADMIN_KEY)
    assert end(child) == 0
    assert "API URL [" not in screen(tmp_path)


def test_ctrl_c_at_the_prompt_stores_nothing(typing, server, environment):
    child = typing("auth", "login", "--api-url", server.url)
    child.expect("API key.*: ")
    assert child.waitnoecho(30)
    child.sendintr()
    child.expect("interrupted")
    assert end(child) == 130
    assert not environment.exists()
