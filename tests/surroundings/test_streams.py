"""Streams and terminals as nobody wants them: closed, full, one column wide, in ASCII."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata

import pytest

from tests.surroundings.conftest import CONTENT

posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX shell")
full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")

GONE, FULL = "error: Bad file descriptor\n", "error: No space left on device\n"
EVERYTHING = "<&- >&- 2>&-"


@posix
@pytest.mark.parametrize(
    ("words", "redirections", "code", "said"),
    [
        ("apps list", "<&-", 0, ""),
        ("apps list", ">&-", 1, GONE),
        ("apps list -o table", ">&-", 1, GONE),
        ("apps list", "2>&-", 0, ""),
        ("apps list", EVERYTHING, 1, ""),
        ("--help", ">&-", 1, GONE),
        ("--version", EVERYTHING, 1, ""),
        ("apps show nobody", EVERYTHING, 3, ""),
        ("no-such-command", EVERYTHING, 2, ""),
        ("apps delete tool", "<&-", 2, None),
        ("auth login --with-key", "<&-", 2, None),
        ("versions download tool 1.0 -O -", ">&-", 1, None),
        pytest.param("versions download tool 1.0 -O -", ">/dev/full", 1, None, marks=full),
        pytest.param("apps list -o table", ">/dev/full", 1, FULL, marks=full),
        pytest.param("api GET applications", ">/dev/full", 1, FULL, marks=full),
        pytest.param("--version", ">/dev/full", 1, "", marks=full),
        pytest.param("apps show nobody", "2>/dev/full", 3, "", marks=full),
        pytest.param("no-such-command", "2>/dev/full", 2, "", marks=full),
        pytest.param("apps list -v", "2>/dev/full", None, "", marks=full),
    ],
)
def test_streams_that_are_closed_or_full(sh, published, tally, words, redirections, code, said):
    done = sh(words, redirections)
    assert code is None or done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr
    assert said is None or done.stderr == said
    tally("hostile")


@posix
def test_what_was_asked_for_is_done_with_no_stream_at_all(sh, invoke, published, inside, tally):
    sh("versions download tool 1.0", EVERYTHING)
    assert (inside / "tool.bin").read_bytes() == CONTENT
    sh("apps create other", EVERYTHING)
    assert invoke("apps", "show", "other").exit_code == 0
    tally("hostile", 2)


@posix
def test_a_reader_that_has_enough(sh, published, tally):
    if not shutil.which("head"):
        pytest.skip("needs head")
    done = sh("versions download tool 1.0 -O -", "| head -c 3 | od -An -tx1")
    assert (done.stdout.split(), done.stderr.count("error")) == (["00", "01", "02"], 0)
    tally("hostile")


# Terminals


@pytest.mark.parametrize("columns", ["0", "1", "2", "-5", "many", "", "100000"])
def test_any_number_of_columns(invoke, at_catalogue, monkeypatch, tally, columns):
    monkeypatch.setenv("COLUMNS", columns)
    for words in (
        ("apps", "list"),
        ("apps", "show", "skylark"),
        ("apps", "stats", "skylark"),
        ("versions", "show", "skylark", "1.10.0"),
        ("doctor",),
    ):
        result = invoke(*words, "-o", "table")
        assert result.exit_code == 0, result.stderr
        assert result.stdout.strip()
    assert invoke("--help").exit_code == 0
    tally("hostile")


def test_a_dumb_terminal_gets_no_escapes(at_catalogue, terminal, tally):
    for columns in (1, 80):
        screen = terminal("apps", "list", TERM="dumb", columns=columns)
        assert screen.returncode == 0
        assert "\x1b" not in screen.text
    tally("hostile")


# Encodings

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
WORDS = "Überraschung 漢字 \u202e\x1b[31m 😀"


@posix
@pytest.mark.parametrize("form", ["table", "json", "csv", "tsv"])
def test_the_text_of_a_server_in_a_system_of_ascii(sh, admin, published, tally, form):
    admin.create_application("other", WORDS).raise_for_error()
    done = sh(f"apps show other -o {form}", **ASCII)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()
    controls = {c for c in done.stdout if unicodedata.category(c) == "Cc"} - set("\r\n\t")
    assert form == "csv" or not controls  # CSV cannot escape them
    if form == "json":
        assert json.loads(done.stdout)["name"] == WORDS
    tally("hostile")


@posix
def test_a_file_name_that_a_system_of_ascii_cannot_write(
    sh, admin, application, at_server, inside, tally
):
    admin.upload_small_file(application, "2.0", "Übung.bin", CONTENT).raise_for_error()
    admin.update_version(application, "2.0", is_enabled=True).raise_for_error()
    done = sh("versions download tool", **ASCII)
    if done.returncode == 0:  # some systems write any name, whatever their encoding
        assert [path.name for path in inside.iterdir()] == ["Übung.bin"]
    else:
        assert done.returncode == 2
        assert "cannot be encoded in this system's encoding, ascii" in done.stderr
        assert "-O PATH" in done.stderr
        assert list(inside.iterdir()) == []
    done = sh("versions download tool -O plain.bin", **ASCII)
    assert done.returncode == 0, done.stderr
    assert (inside / "plain.bin").read_bytes() == CONTENT
    tally("hostile")
