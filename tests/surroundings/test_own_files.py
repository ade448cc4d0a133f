"""Our own files in a wrong state: the error names the command that fixes them."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess

import pytest

from tests.conftest import ADMIN_KEY

posix = pytest.mark.skipif(os.name != "posix", reason="needs the permissions of POSIX")
KEYS = f"[profiles.default]\nkey = '{ADMIN_KEY}'\n"


@pytest.fixture
def own(tmp_path, monkeypatch, server):
    """Both files of ours, in a folder with a name that a shell would take apart."""
    folder = tmp_path / "it's mine; $HOME"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("BINDIST_CONFIG_DIR", str(folder))
    (folder / "config.toml").write_text(f"[profiles.default]\napi_url = '{server.url}'\n")
    (folder / "credentials.toml").write_text(KEYS)
    for path in folder.iterdir():
        path.chmod(0o600)
    return folder


def hinted(text: str) -> list[str]:
    return re.findall(r"`(chmod .*)`", text)


@posix
@pytest.mark.parametrize(("name", "mode"), [("config.toml", 0o666), ("credentials.toml", 0o644)])
def test_the_hint_for_a_file_that_others_can_use_fixes_it(invoke, own, server, tally, name, mode):
    (own / name).chmod(mode)
    refused = invoke("apps", "list")
    assert refused.exit_code == 2
    assert server.requests == []
    (command,) = hinted(refused.stderr)
    subprocess.run(["sh", "-c", command], check=True)
    assert stat.S_IMODE((own / name).stat().st_mode) == 0o600
    assert invoke("apps", "list").exit_code == 0
    tally("hostile")


@posix
def test_the_hints_of_doctor_fix_what_it_found(invoke, own, server, tally):
    (own / "config.toml").chmod(0o666)
    (own / "credentials.toml").chmod(0o644)
    own.chmod(0o777)
    hints = [str(row["hint"]) for row in json.loads(invoke("doctor", "--json").stdout)]
    commands = set(hinted("\n".join(hints)))
    assert len(commands) == 3
    for command in commands:
        subprocess.run(["sh", "-c", command], check=True)
    assert invoke("doctor").exit_code == 0
    tally("hostile", 3)


def huge(path):
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)


THINGS = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": lambda path: os.mkfifo(path, 0o600),
    "100 MB": huge,
    "no TOML": lambda path: path.write_text("[profiles.default\n"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00\x00"),
    "a link to itself": lambda path: path.symlink_to(path),
}


@posix
@pytest.mark.parametrize("name", ["config.toml", "credentials.toml"])
@pytest.mark.parametrize("thing", THINGS)
def test_something_else_in_place_of_a_file(invoke, own, server, tally, name, thing):
    path = own / name
    path.unlink()
    THINGS[thing](path)
    if path.is_file():
        path.chmod(0o600)
    result = invoke("apps", "list")
    assert result.exit_code == 2, result.stderr
    assert str(path) in result.stderr
    assert "Traceback" not in result.stderr
    assert ADMIN_KEY not in result.stderr
    assert server.requests == []
    tally("hostile")


@posix
@pytest.mark.parametrize("name", ["config.toml", "credentials.toml"])
def test_a_byte_order_mark_and_other_line_ends_do_no_harm(invoke, own, server, tally, name):
    path = own / name
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert invoke("apps", "list").exit_code == 0
    tally("hostile")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.mkdir(), "Is a directory|Permission denied"),
        (huge, "too large for a key"),
        (lambda path: path.symlink_to("/dev/zero"), "too large for a key"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "not UTF-8 text"),
        (lambda path: path.write_text("one key\nanother key\n"), "white space"),
    ],
    ids=["a folder", "100 MB", "without end", "no text", "two keys"],
)
def test_a_file_for_the_key_that_is_none(
    invoke, at_server, monkeypatch, tmp_path, tally, make, words
):
    path = tmp_path / "key"
    make(path)
    if path.is_symlink() and not path.exists():
        pytest.skip("this system has no /dev/zero")
    monkeypatch.delenv("BINDIST_API_KEY")
    monkeypatch.setenv("BINDIST_API_KEY_FILE", str(path))
    result = invoke("apps", "list")
    assert result.exit_code == 2
    assert re.search(words, result.stderr)
    assert "another" not in result.stderr
    assert at_server.requests == []
    tally("hostile")


@posix
@pytest.mark.parametrize("leads_to", ["precious", "nothing"])
def test_a_link_in_the_place_of_a_key_file_is_not_written_through(
    invoke, at_server, inside, tmp_path, tally, leads_to
):
    (tmp_path / "precious").write_text("precious")
    (inside / "new.key").symlink_to(tmp_path / leads_to)
    result = invoke("admin", "rotate-key", "--yes", "--key-file", "new.key")
    assert result.exit_code == 2
    assert "never overwritten" in result.stderr
    assert at_server.requests == []
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "nothing").exists()
    tally("hostile")


# Whatever the umask


@posix
def test_whatever_the_umask_what_is_secret_is_private(sh, own, server, application, inside, tally):
    for name in ("a.bin", "b.bin"):
        (inside / name).write_bytes(b"bytes")
    server.faults.add("status:500,path=*large-complete,times=0")
    environment = {"COMP_WORDS": "bindist apps show ", "COMP_CWORD": "3"}
    for words, before, code in [
        ("config set timeout 5 --profile new", "", 0),
        ("customers create --name New --key-file new.key", "", 0),
        ("versions upload tool 1.0 a.bin b.bin --retries 0", "", 7),
        ("--profile sandbox apps list", "", 0),
        ("", "export _BINDIST_COMPLETE=bash_complete", 0),
    ]:
        done = sh(words, before=f"umask 000; {before}", **environment)
        assert done.returncode == code, done.stderr
    made = [own, *own.iterdir(), *own.glob("releases/*"), inside / "new.key"]
    kinds = {path.suffix or path.name for path in made}
    assert kinds >= {"sandbox", "releases", ".json", ".toml", ".key"}
    assert [path.name for path in made if path.name.startswith("completion-")]
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []
    tally("hostile")


@posix
@pytest.mark.parametrize(("umask", "mode"), [("000", 0o666), ("077", 0o600)])
def test_a_download_is_as_open_as_the_umask_says(sh, published, inside, umask, mode):
    assert sh("versions download tool 1.0", before=f"umask {umask}").returncode == 0
    assert stat.S_IMODE((inside / "tool.bin").stat().st_mode) == mode


# Without a home


@posix
def test_without_a_home_and_without_a_name(stranger, program, published, tally):
    """As in a container that runs with a user id of its own."""
    kept = ("PATH", "PYTHONPATH", "BINDIST_API_URL", "BINDIST_API_KEY", "BINDIST_NO_KEYRING")
    env = {name: os.environ[name] for name in kept if name in os.environ}

    def run(*words):
        return subprocess.run(
            (*stranger, program, *words),
            env=env,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=60,
        )

    done = run("apps", "list")
    assert (done.returncode, done.stderr) == (0, "")
    done = run("config", "set", "timeout", "5")
    assert done.returncode == 2
    assert "no home folder" in done.stderr
    done = run("doctor")
    assert "there is no home folder for settings" in done.stdout
    tally("hostile", 3)


@posix
def test_a_netrc_is_not_even_opened(invoke, at_server, tmp_path, tally):
    os.mkfifo(tmp_path / ".netrc", 0o600)  # whoever reads it waits for ever
    assert invoke("apps", "list").exit_code == 0
    assert invoke("doctor").exit_code == 0
    tally("hostile")
