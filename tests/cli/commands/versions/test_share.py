"""`bindist versions share`: a link, and commands for those who do not have this program."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from bindist.sandbox import LIKES, SandboxServer
from bindist_cli.commands.versions.share import powershell_commands, shell_commands
from tests.conftest import ADMIN_KEY
from tests.sdk.canned import CannedServer

CHECKSUM = "ab" * 32


@pytest.mark.parametrize(
    ("expires", "minutes"), [("5m", 5), ("24h", 1440), ("1d", 1440), ("45", 45), (None, 30)]
)
def test_a_link_expires_after_the_given_time(answer, at_catalogue, expires, minutes):
    options = ("--expires", expires) if expires else ()
    found = answer("versions", "share", "skylark", "1.10.0", *options)
    assert found["expiresInMinutes"] == minutes


@pytest.mark.parametrize("expires", ["4m", "0", "soon", "", "1h30m", "999999d"])
def test_a_lifetime_that_no_server_takes_is_refused_before_any_request(invoke, expires, at_server):
    assert invoke("versions", "share", "tool", "1", "--expires", expires).exit_code == 2
    assert not at_server.requests


@pytest.mark.parametrize("like", LIKES)
def test_the_maximum_lifetime_of_a_link_is_the_servers(invoke, tmp_path, monkeypatch, like):
    week = 7 * 1440
    monkeypatch.setenv("BINDIST_API_KEY", ADMIN_KEY)
    for maximum in (1440, week):
        folder = tmp_path / str(maximum)
        options = {"admin_key": ADMIN_KEY, "like": like, "share_minutes": maximum}
        with SandboxServer(folder, **options) as server:
            monkeypatch.setenv("BINDIST_API_URL", server.url)
            words = "versions", "share", "harbor", "1.0.0", "--json", "--expires"
            made = invoke(*words, "7d")
            assert made.exit_code == (0 if maximum == week else 2)
            if maximum == week:
                assert json.loads(made.stdout)["expiresInMinutes"] == week
            else:
                assert "less than or equal to 1440" in made.stderr
            assert invoke(*words, "8d").exit_code == 2


@pytest.mark.parametrize("words", ["versions disable", "versions update --inactive", "apps delete"])
@pytest.mark.server
def test_a_link_works_after_the_version_is_gone_and_a_note_says_so(invoke, release, answer, words):
    release("1.0.0", tool_exe=b"program")
    url = answer("versions", "share", "tool", "1.0.0")["shareUrl"]
    group, command, *options = words.split()
    named = ("tool", "--yes") if group == "apps" else ("tool", "1.0.0", *options)
    done = invoke(group, command, *named)
    assert done.exit_code == 0, done.stderr
    assert "links of `versions share` that were made before work until they expire" in done.stderr
    with urllib.request.urlopen(url) as found:
        assert found.read() == b"program"


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_link_is_https_even_where_the_server_is_reached_by_http(invoke, monkeypatch, scheme):
    row = {"fileName": "a.exe", "fileId": "f1", "fileType": "MAIN", "fileSize": 1}
    link = f"{scheme}://127.0.0.1/v1/downloads/d/token"
    with CannedServer() as server:
        server.open()
        server.answer({"success": True, "data": {"files": [{**row, "checksum": "0" * 64}]}})
        server.answer({"success": True, "data": {"shareUrl": link, "token": "token"}})
        monkeypatch.setenv("BINDIST_API_URL", server.url)
        monkeypatch.setenv("BINDIST_API_KEY", ADMIN_KEY)
        done = invoke("versions", "share", "tool", "1.0.0")
    assert done.exit_code == 0, done.stderr
    assert ("only if the server has TLS" in done.stderr) is (scheme == "https")


def test_a_link_can_name_one_file(answer, at_catalogue):
    found = answer("versions", "share", "skylark", "1.10.0", "--file", "README.md")
    assert found["token"]
    assert (found["applicationId"], found["version"]) == ("skylark", "1.10.0")
    assert found["fileName"] == "README.md"


def test_without_a_file_the_link_is_of_the_main_one(answer, at_catalogue):
    assert answer("versions", "share", "skylark", "1.10.0")["fileName"] == "skylark-setup.exe"


def test_a_link_to_a_missing_file_is_refused(invoke, at_catalogue):
    assert invoke("versions", "share", "skylark", "1.10.0", "--file", "x").exit_code == 3


# Commands


@pytest.fixture
def message(invoke, at_catalogue):
    """What to send to a customer."""
    return invoke("versions", "share", "skylark", "latest", "--command", "-q").stdout


@pytest.fixture
def flipped(at_catalogue):
    """One byte of each downloaded file is another one."""
    at_catalogue.faults.add("flip:1000,path=/store/*,times=0")


def lines_of(message, interpreter):
    before, _, after = message.partition("# Windows PowerShell:\n")
    return before if interpreter == "sh" else after


def test_the_message_has_two_lines_for_each_shell_and_says_when_the_link_expires(message):
    assert message.startswith("# The link works until 2")
    for interpreter in ("sh", "powershell"):
        lines = lines_of(message, interpreter).splitlines()
        assert len([line for line in lines if line and not line.startswith("#")]) == 2


@pytest.fixture
def run(message, inside):
    """Pastes the message into a shell, as a customer does, without any setting of ours."""

    def paste(interpreter):
        program = shutil.which("pwsh" if interpreter == "powershell" else interpreter)
        if not program or (interpreter == "sh" and not shutil.which("curl")):
            pytest.skip(f"needs {interpreter} and curl")
        options = ("-NoProfile", "-Command", "-") if interpreter == "powershell" else ()
        return subprocess.run(
            (program, *options),
            input=lines_of(message, interpreter),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return paste


@pytest.mark.parametrize("interpreter", ["sh", "powershell"])
def test_the_commands_download_and_verify_the_file(run, answer, inside, interpreter):
    done = run(interpreter)
    assert "skylark-setup.exe: OK" in done.stdout, done.stderr
    (listed,) = [
        row
        for row in answer("versions", "files", "skylark", "1.10.0")
        if row["fileName"] == "skylark-setup.exe"
    ]
    content = (inside / "skylark-setup.exe").read_bytes()
    assert hashlib.sha256(content).hexdigest() == listed["checksum"]


@pytest.mark.parametrize("interpreter", ["sh", "powershell"])
def test_the_commands_find_one_wrong_byte(flipped, run, interpreter):
    done = run(interpreter)
    assert done.returncode != 0
    assert "skylark-setup.exe: FAILED" in done.stdout + done.stderr
    assert "OK" not in done.stdout


def test_the_commands_are_in_json_too(answer, at_catalogue):
    commands = answer("versions", "share", "skylark", "1.10.0", "--command")["commands"]
    assert {name: len(lines) for name, lines in commands.items()} == {"sh": 2, "powershell": 2}


def test_no_command_is_wrapped_on_a_narrow_terminal(terminal, at_catalogue):
    screen = terminal("versions", "share", "skylark", "latest", "--command", columns=40)
    assert any(line.startswith("curl ") and "/v1/downloads/d/" in line for line in screen.lines)


@pytest.mark.parametrize("name", ["it is (one) $HOME `id` & more.exe", "-rf", "a b;c.exe"])
def test_a_name_is_only_a_name_to_a_shell(name, inside):
    if not shutil.which("curl"):
        pytest.skip("needs curl")
    source = inside / "source"
    source.write_bytes(b"content")
    checksum = hashlib.sha256(b"content").hexdigest()
    lines = shell_commands(source.as_uri(), {"fileName": name, "checksum": checksum})
    done = subprocess.run(
        ["sh"], input="\n".join(lines), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.endswith(": OK\n"), done.stderr
    assert sorted(path.name for path in Path().iterdir()) == sorted([name, "source"])


def test_a_quote_in_a_name_does_not_end_the_text_in_powershell():
    file = {"fileName": "a\u2019b.exe", "checksum": CHECKSUM}
    assert "-OutFile 'a\u2019\u2019b.exe'" in powershell_commands("https://example.com", file)[0]


def test_without_a_checksum_there_are_no_commands(invoke, at_catalogue, monkeypatch):
    from bindist_cli.exit_codes import CliError

    for commands in (shell_commands, powershell_commands):
        with pytest.raises(CliError, match="no SHA-256"):
            commands("https://example.com", {"fileName": "a.exe", "checksum": "soon"})
