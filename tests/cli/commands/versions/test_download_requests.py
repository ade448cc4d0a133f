"""What `bindist versions download` asks the server for, and how often it reads a file."""

from __future__ import annotations

import pytest

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def released(release, inside, at_server):
    release("1.0.0", tool_exe=CONTENT, tool_dll=b"library", notes_txt=b"notes")
    at_server.requests.clear()


def listings(server):
    return [each.path for each in server.requests if each.path.endswith("/files")]


@pytest.mark.parametrize(
    "options",
    [(), ("--all",), ("--file", "tool.dll", "--file", "notes.txt"), ("-O", "x"), ("-O", "-")],
    ids=" ".join,
)
def test_the_files_of_a_version_are_listed_once(invoke, released, at_server, options):
    assert invoke("versions", "download", "tool", "1.0.0", *options).exit_code == 0
    assert len(listings(at_server)) == 1


def test_a_second_download_is_one_request(invoke, released, at_server):
    assert invoke("versions", "download", "tool", "1.0.0", "--all").exit_code == 0
    at_server.requests.clear()
    assert invoke("versions", "download", "tool", "1.0.0", "--all").exit_code == 0
    assert len(at_server.requests) == len(listings(at_server)) == 1


def test_remote_verification_lists_the_files_once(invoke, released, at_server):
    assert invoke("versions", "verify", "tool", "1.0.0", "--remote").exit_code == 0
    assert len(listings(at_server)) == 1


def test_files_that_would_overwrite_each_other_are_a_usage_error(
    invoke, release, inside, at_server
):
    release("2.0.0", tool_exe=b"1", tool_exe_part=b"2")
    result = invoke("versions", "download", "tool", "2.0.0", "--all", "--dir", "out")
    assert result.exit_code == 2
    assert "get in each other's way" in result.stderr
    assert "--file ID -O PATH" in result.stderr
    assert not (inside / "out").exists()
