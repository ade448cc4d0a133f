"""What a pipeline's log and its variables get: the result on stdout, everything else on stderr."""

from __future__ import annotations

import json

import pytest

SIZE = 5_000_000


@pytest.fixture
def in_ci(bindist, at_server, application, tmp_path, monkeypatch):
    monkeypatch.setenv("CI", "true")
    (tmp_path / "tool.bin").write_bytes(b"x" * SIZE)
    return bindist


UPLOAD = ("versions", "upload", "tool", "1.0.0", "tool.bin", "--enable")
DOWNLOAD = ("versions", "download", "tool", "--dir", "received")


def test_the_result_is_on_stdout_and_notes_are_on_stderr(in_ci):
    uploaded, downloaded = in_ci(*UPLOAD, "--json"), in_ci(*DOWNLOAD, "--json")
    assert json.loads(uploaded.stdout)["status"] == "created"
    assert [file["status"] for file in json.loads(downloaded.stdout)] == ["downloaded"]
    talk = ((uploaded, "uploading", "tool.bin"), (downloaded, "downloading", "tool.bin"))
    for done, doing, file in talk:
        *notes, first, last = done.stderr.splitlines()
        assert notes == ["the latest version of tool is 1.0.0"] * (doing == "downloading")
        assert first == f"{doing} {file} (5.0 MB)"
        assert last.startswith(f"{file}: 5.0 MB in ")
        assert not set(done.stderr) & set("\x1b\r")


def test_without_a_format_stdout_is_lines_with_tabs(in_ci):
    for words, said in ((UPLOAD, "status\tcreated"), (DOWNLOAD, "downloaded")):
        done = in_ci(*words)
        assert said in done.stdout
        assert all("\t" in line for line in done.stdout.splitlines())
        assert "tool.bin: 5.0 MB in " in done.stderr


def test_an_error_leaves_stdout_empty(in_ci):
    done = in_ci("versions", "download", "tool", "9.9.9", "--json")
    assert (done.returncode, done.stdout) == (3, "")
    assert json.loads(done.stderr)["error"]["exitCode"] == 3
