"""The file of keys, which nobody else can read, and what it must withstand."""

from __future__ import annotations

import json
import os
import stat
import subprocess

import pytest

from bindist_cli.auth.key_store import KeyStore
from bindist_cli.exit_codes import CliError, Exit
from bindist_cli.settings import private_files
from bindist_cli.settings.resolve import config_dir, load_config
from bindist_cli.settings.toml_edit import change
from tests.conftest import ADMIN_KEY

posix = pytest.mark.skipif(os.name != "posix", reason="needs the permissions of POSIX")


@pytest.fixture
def store(tmp_path):
    return KeyStore(tmp_path / "keys", use_keyring=False)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


# The file


def test_a_stored_key_is_found(store):
    assert store.find("work") is None
    assert store.store("work", "secret") == str(store.path)
    assert store.find("work") == ("secret", str(store.path))
    assert store.find("other") is None


def test_storing_again_replaces_the_key(store):
    store.store("work", "old")
    store.store("work", "new")
    assert store.find("work") == ("new", str(store.path))


@pytest.mark.parametrize("name", ["default", "a.b", "with space", "ü", '"', "profiles", "1"])
@pytest.mark.parametrize("key", ["plain", 'quo"te', "back\\slash", "'", "{tenant}.x"])
def test_names_and_keys_are_read_back_unchanged(store, name, key):
    store.store(name, key)
    assert store.find(name) == (key, str(store.path))


def test_removing_a_key_keeps_the_others(store):
    store.store("work", "secret")
    store.store("other", "kept")
    assert store.remove("work") == [str(store.path)]
    assert store.remove("work") == []
    assert (store.find("work"), store.find("other")) == (None, ("kept", str(store.path)))


@posix
def test_the_file_and_its_folder_are_private(store):
    store.store("work", "secret")
    assert (mode(store.path), mode(store.path.parent)) == (0o600, 0o700)


def test_comments_and_unknown_settings_are_kept(store):
    text = (
        "# my keys\n\n[profiles.work] # the office\nkey = 'old' # from Ann\nmine = 1\n\n"
        "[other]\nx = [1, 2] # two\n"
    )
    store.path.parent.mkdir()
    store.path.write_text(text, encoding="utf-8")
    store.path.chmod(0o600)
    store.store("work", "new")
    assert store.path.read_text("utf-8") == text.replace("'old'", '"new"')


def test_writing_leaves_no_temporary_file(store):
    store.store("work", "secret")
    store.remove("work")
    left = {path.name for path in store.path.parent.iterdir()}
    assert left == {store.path.name}


# Files that are not as they should be


@pytest.fixture
def written(store):
    def write(content=b"[profiles.work]\nkey = 'secret'\n", permissions=0o600):
        store.path.parent.mkdir(exist_ok=True)
        store.path.write_bytes(content)
        store.path.chmod(permissions)
        return store.path

    return write


def refusal(call, *arguments):
    with pytest.raises(CliError) as caught:
        call(*arguments)
    assert caught.value.exit is Exit.USAGE
    assert "secret" not in str(caught.value)
    return caught.value


def every_use(store):
    return [(store.find, "work"), (store.store, "work", "x"), (store.remove, "work")]


@posix
@pytest.mark.parametrize("permissions", [0o640, 0o604, 0o602, 0o666, 0o610])
def test_a_file_that_others_can_read_is_refused_and_not_changed(store, written, permissions):
    path = written(permissions=permissions)
    for call in every_use(store):
        error = refusal(*call)
        assert error.hint == f"`chmod 600 {path}`"
    assert (mode(path), b"secret" in path.read_bytes()) == (permissions, True)


@pytest.mark.parametrize("wrong", [b"[profiles.work]\n\nkey = secret\n", b"\n\n= 1", b"a=1\n\na=2"])
def test_invalid_toml_is_an_error_with_its_line_and_not_changed(store, written, wrong):
    path = written(wrong)
    for call in every_use(store):
        assert "line 3" in str(refusal(*call))
    assert path.read_bytes() == wrong


@pytest.mark.parametrize("wrong", [b"\xff\xfe", b"profiles = 5", b"#" * 2_000_000])
def test_invalid_content_is_refused(store, written, wrong):
    written(wrong)
    for call in every_use(store):
        refusal(*call)


def test_tables_without_a_key_are_accepted(store, written):
    written(b"[profiles]\nwork = 5\nother = {key = 7}\n[profiles.third]\n")
    assert store.find("work") is None


def test_a_byte_order_mark_is_accepted(store, written):
    written("\ufeff[profiles.work]\r\nkey = 'secret'\r\n".encode())
    assert store.find("work") == ("secret", str(store.path))
    store.store("other", "x")
    assert store.find("work") == ("secret", str(store.path))


def test_a_folder_in_place_of_the_file_is_an_error(store):
    store.path.mkdir(parents=True)
    for call in every_use(store):
        assert "it is a folder" in str(refusal(*call))


@posix
def test_a_pipe_in_place_of_the_file_does_not_block(store):
    store.path.parent.mkdir()
    os.mkfifo(store.path, 0o600)
    for call in every_use(store):
        assert "it is not a regular file" in str(refusal(*call))


@posix
def test_a_link_to_a_private_file_is_followed_and_stays(store, written, tmp_path):
    target = tmp_path / "elsewhere.toml"
    written().rename(target)
    store.path.symlink_to(target)
    assert store.find("work") == ("secret", str(store.path))
    store.store("work", "new")
    assert store.path.is_symlink()
    assert (mode(target), store.find("work")) == (0o600, ("new", str(store.path)))


@posix
def test_a_link_to_a_file_that_others_can_read_is_refused(store, written, tmp_path):
    target = tmp_path / "elsewhere.toml"
    written(permissions=0o644).rename(target)
    store.path.symlink_to(target)
    refusal(store.find, "work")


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_file_of_another_user_is_refused(store, written):
    os.chown(written(), 65534, 65534)
    for call in every_use(store):
        assert "belongs to another user" in str(refusal(*call))


@posix
def test_a_dangling_link_counts_as_a_missing_file(store, tmp_path):
    store.path.parent.mkdir()
    store.path.symlink_to(tmp_path / "later.toml")
    assert store.find("work") is None
    store.store("work", "secret")
    assert store.find("work") == ("secret", str(store.path))


def test_values_are_added_beside_dotted_tables(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("a.b = 1\n[c]\n")
    change(path, {("profiles", "work", "x"): 1}, private=False)
    assert load_config(tmp_path) == {"a": {"b": 1}, "c": {}, "profiles": {"work": {"x": 1}}}


@posix
def test_settings_that_others_can_change_are_refused(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("")
    path.chmod(0o666)
    assert "other users can change" in str(refusal(load_config, tmp_path))
    path.chmod(0o664)
    assert load_config(tmp_path) == {}


# Homes


def test_without_a_home_the_current_folder_is_not_read(invoke, inside, monkeypatch):
    monkeypatch.delenv("BINDIST_CONFIG_DIR")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", "~")  # what a user that the system does not know has
    monkeypatch.setenv("APPDATA", "~")
    planted = inside / "~" / ".config" / "bindist"
    planted.mkdir(parents=True)
    (planted / "config.toml").write_text("broken")
    assert config_dir(os.environ) == private_files.NOWHERE
    assert invoke("apps", "list").exit_code == 4


def test_without_a_home_a_key_in_the_environment_is_used(bindist, at_server):
    done = bindist("apps", "list", BINDIST_CONFIG_DIR="", XDG_CONFIG_HOME="", HOME="~")
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_home_login_names_the_missing_variable(bindist, server):
    done = bindist(
        *("auth", "login", "--with-key", "--api-url", server.url),
        BINDIST_CONFIG_DIR="",
        XDG_CONFIG_HOME="",
        HOME="~",
        input=ADMIN_KEY,
    )
    assert done.returncode == 2
    assert "there is no home folder" in done.stderr
    assert "BINDIST_CONFIG_DIR" in done.stderr


def test_a_read_only_home_is_an_error_only_for_login(
    powerless, program, server, environment, tmp_path
):
    environment.mkdir(mode=0o500)

    def run(*arguments, **variables):
        return subprocess.run(
            [*powerless, program, *arguments],
            input=ADMIN_KEY,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=60,
        )

    refused = run("auth", "login", "--with-key", "--api-url", server.url)
    assert refused.returncode == 2, refused.stderr
    assert f"cannot write {environment}" in refused.stderr
    assert "set BINDIST_CONFIG_DIR to another folder" in refused.stderr
    used = run("apps", "list", BINDIST_API_KEY=ADMIN_KEY, BINDIST_API_URL=server.url)
    assert (used.returncode, used.stderr) == (0, "")
    seen = run("doctor", "--json", BINDIST_API_KEY=ADMIN_KEY, BINDIST_API_URL=server.url)
    rows = {row["check"]: row for row in json.loads(seen.stdout)}
    assert (rows["folder"]["status"], rows["key"]["status"]) == ("warning", "ok")
