"""The system keyring, used where there is one that answers.

As a process: keyring keeps its backend for as long as a process lives.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from tests.conftest import ADMIN_KEY, CUSTOMER_KEY

BACKEND = """
import json, os, threading
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

class InAFile(KeyringBackend):
    priority = 9
    name = "a file"
    path = os.environ.get("RING", "")

    def entries(self):
        return json.load(open(self.path)) if os.path.exists(self.path) else {}

    def write(self, entries):
        with open(self.path, "w") as file:
            json.dump(entries, file)

    def get_password(self, service, username):
        return self.entries().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self.write({**self.entries(), f"{service}/{username}": password})

    def delete_password(self, service, username):
        entries = self.entries()
        if not entries.pop(f"{service}/{username}", None):
            raise PasswordDeleteError
        self.write(entries)

class Hanging(InAFile):
    def get_password(self, *_):
        threading.Event().wait()
    set_password = delete_password = get_password

class Failing(InAFile):
    def get_password(self, *_):
        raise OSError("it is locked")
    set_password = delete_password = get_password

class Telling(InAFile):
    def set_password(self, service, username, password):
        raise OSError(f"cannot store {password!r} at 5 o'clock")

class TellingAlways(InAFile):
    def get_password(self, *_):
        raise OSError("cannot decode 'stored-key-0123456789' of org.freedesktop.secrets")
    set_password = delete_password = get_password

class Forgetting(InAFile):
    def get_password(self, *_):
        return None
"""


@pytest.fixture
def ring(bindist, tmp_path, server):
    """Runs the program with a keyring of that kind; `entries()` is what is in it."""
    pytest.importorskip("keyring", reason="needs the extra `keyring`")
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "ring_for_tests.py").write_text(BACKEND)

    def run(*arguments, kind="ring_for_tests.InAFile", **options):
        here = {"PYTHONPATH": str(tmp_path / "modules"), "BINDIST_NO_KEYRING": ""}
        options = {**here, **options}
        return bindist(
            *arguments, PYTHON_KEYRING_BACKEND=kind, RING=str(tmp_path / "ring"), **options
        )

    def entries():
        path = tmp_path / "ring"
        return json.loads(path.read_text()) if path.exists() else {}

    def login(*options, key=ADMIN_KEY, **environment):
        done = run(
            *("auth", "login", "--with-key", "--api-url", server.url, "--json", *options),
            **{"input": key, **environment},
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)["keySource"], done.stderr

    run.login, run.entries = login, entries
    return run


def test_a_key_goes_into_the_keyring_and_into_no_file(ring, environment):
    assert ring.login() == ("the system keyring (a file)", "")
    assert list(ring.entries().values()) == [ADMIN_KEY]
    assert not (environment / "credentials.toml").exists()
    status = json.loads(ring("auth", "status", "--json").stdout)
    assert status["keySource"] == 'profile "default" (the system keyring (a file))'
    assert ring("apps", "list").returncode == 0


def test_profiles_and_folders_do_not_share_keys(ring, tmp_path):
    ring.login()
    ring.login("--profile", "work", key=CUSTOMER_KEY)
    ring.login(BINDIST_CONFIG_DIR=str(tmp_path / "second"), key=CUSTOMER_KEY)
    assert len(ring.entries()) == 3
    assert ring("auth", "token").stdout == f"{ADMIN_KEY}\n"


def test_logout_removes_it_from_the_keyring(ring):
    ring.login()
    done = ring("auth", "logout", "--json")
    assert json.loads(done.stdout)["places"] == ["the system keyring (a file)"]
    assert ring.entries() == {}
    assert "was not there" in ring("auth", "logout").stdout


def test_a_key_that_was_in_the_file_moves_to_the_keyring(ring, environment):
    ring.login(BINDIST_NO_KEYRING="1", key=CUSTOMER_KEY)
    assert CUSTOMER_KEY in (environment / "credentials.toml").read_text()
    ring.login()
    assert "key" not in (environment / "credentials.toml").read_text()
    assert ring("auth", "token").stdout == f"{ADMIN_KEY}\n"


def test_the_variable_turns_it_off(ring, environment):
    place, _ = ring.login(BINDIST_NO_KEYRING="1")
    assert (place, ring.entries()) == (str(environment / "credentials.toml"), {})


@pytest.mark.parametrize("kind", ["keyring.backends.fail.Keyring", "keyring.backends.null.Keyring"])
def test_a_keyring_without_a_backend_is_none(ring, environment, kind):
    assert ring.login(kind=kind) == (str(environment / "credentials.toml"), "")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("Failing", "it is locked"),
        ("Forgetting", "does not return"),
        ("Missing", "the keyring failed"),
    ],
)
def test_a_keyring_that_fails_is_done_without(ring, environment, kind, why):
    place, told = ring.login(kind=f"ring_for_tests.{kind}")
    assert place == str(environment / "credentials.toml")
    assert why in told


def test_a_keyring_that_hangs_is_waited_for_3_seconds(ring, environment):
    started = time.monotonic()
    place, told = ring.login(kind="ring_for_tests.Hanging")
    assert 3 <= time.monotonic() - started < 9
    assert place == str(environment / "credentials.toml")
    assert "did not respond within 3 s" in told


def test_a_key_that_a_silent_keyring_may_have_is_told_so(ring):
    done = ring("apps", "list", kind="ring_for_tests.Failing")
    assert done.returncode == 4
    assert "the system keyring may hold it, but the keyring failed" in done.stderr


def test_a_newer_key_in_the_file_wins_over_an_older_one_in_the_keyring(ring):
    ring.login(key=CUSTOMER_KEY)
    ring.login(kind="ring_for_tests.Failing")
    assert ring("auth", "token").stdout == f"{ADMIN_KEY}\n"


def test_nothing_asks_the_keyring_where_the_environment_has_the_key(ring, at_server):
    assert ring("apps", "list", kind="ring_for_tests.Hanging").returncode == 0


def test_keyring_is_not_imported_where_it_is_not_asked(at_server):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bindist_cli", "apps", "list"],
        capture_output=True,
        text=True,
    )
    assert "keyring" not in done.stderr.replace("bindist_cli", "").split()


@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_what_a_keyring_says_of_its_failure_shows_no_key(ring, debug):
    _, said = ring.login(*debug, kind="ring_for_tests.Telling")
    assert "the keyring failed: OSError: cannot store '***' at 5 o'clock" in said
    assert ADMIN_KEY not in said


@pytest.mark.parametrize("words", [("auth", "status"), ("auth", "logout"), ("doctor",)])
def test_a_key_that_only_the_keyring_knows_is_not_shown_either(ring, words):
    done = ring(*words, "--debug", kind="ring_for_tests.TellingAlways")
    assert "stored-key-0123456789" not in done.stdout + done.stderr
    assert words == ("doctor",) or "org.freedesktop.secrets" in done.stderr
