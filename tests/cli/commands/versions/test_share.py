"""`bindist versions share`: a link, and commands for those who do not have this program."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from bindist_cli.commands.versions.share import powershell_commands, shell_commands

CHECKSUM = "ab" * 32


@pytest.mark.parametrize(
    ("expires", "minutes"), [("5m", 5), ("24h", 1440), ("1d", 1440), ("45", 45), (None, 30)]
)
def test_a_link_expires_after_the_given_time(answer, at_catalogue, expires, minutes):
    options = ("--expires", expires) if expires else ()
    found = answer("versions", "share", "skylark", "1.10.0", *options)
    assert found["expiresInMinutes"] == minutes


@pytest.mark.parametrize("expires", ["4m", "25h", "2d", "soon", "", "1h30m"])
def test_the_lifetime_of_a_link_is_limited_as_on_the_server(invoke, expires):
    assert invoke("versions", "share", "tool", "1", "--expires", expires).exit_code == 2


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
