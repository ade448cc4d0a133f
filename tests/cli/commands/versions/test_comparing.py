"""`bindist versions identify`, `notes` and `diff`."""

from __future__ import annotations

import json
import os

import pytest


@pytest.fixture
def samples(catalogue_admin, inside):
    """The files of three versions of the sample catalogue, in the current folder."""
    for app, version in (("skylark", "1.9.0"), ("skylark", "1.10.0"), ("harbor", "1.0.0")):
        catalogue_admin.download_version(app, version, inside / app / version)
    return inside


# identify


def test_a_file_is_identified_whatever_its_name_is(answer, at_catalogue, samples):
    (samples / "skylark" / "1.9.0" / "skylark-setup.exe").rename(samples / "download(1)")
    (row,) = answer("versions", "identify", "skylark", "download(1)")
    assert row["path"] == "download(1)"
    assert row["fileSize"] == 181_000
    assert len(row["checksum"]) == 64
    assert row["fileId"]
    expected = {"applicationId": "skylark", "version": "1.9.0", "fileName": "skylark-setup.exe"}
    assert row.items() >= {**expected, "isEnabled": True, "newer": 2}.items()


def test_identifying_counts_no_download(answer, at_catalogue, samples):
    before = answer("apps", "stats", "skylark")["totalDownloads"]
    answer("versions", "identify", "--all-apps", ".")
    assert answer("apps", "stats", "skylark")["totalDownloads"] == before


def test_folders_are_walked_and_all_applications_searched(answer, at_catalogue, samples):
    rows = answer("versions", "identify", "--all-apps", ".")
    found = {(row["path"], row["version"]) for row in rows}
    assert (os.path.join("harbor", "1.0.0", "harbor-1.0.0-linux-x64.tar.gz"), "1.0.0") in found
    assert len(found) == len(rows) == 6


def test_a_newer_version_comes_with_the_command_that_shows_its_notes(invoke, at_catalogue, samples):
    words = ("versions", "identify", "skylark")
    old = invoke(*words, "skylark/1.9.0/skylark-setup.exe").stderr
    assert old == "what is newer: `bindist versions notes skylark --from 1.9.0`\n"
    assert invoke(*words, "skylark/1.10.0/skylark-setup.exe").stderr == ""


def test_an_unknown_file_exits_with_3(invoke, at_catalogue, inside):
    (inside / "other").write_bytes(b"other")
    result = invoke("versions", "identify", "skylark", "other", "--json")
    assert result.exit_code == 3
    (row,) = json.loads(result.stdout)
    assert (row["path"], row["version"]) == ("other", None)
    message = json.loads(result.stderr)["error"]["message"]
    assert message == "other is not in any version of skylark"


def test_a_known_file_among_unknown_ones_is_a_success(invoke, at_catalogue, samples):
    (samples / "other").write_bytes(b"other")
    result = invoke("versions", "identify", "skylark", ".", "-o", "table")
    assert result.exit_code == 0
    assert "2 of 7 files are not in any version of skylark" in result.stderr
    assert "unknown" in result.stdout


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("missing.exe",), "--all-apps missing.exe"),
        (("skylark", "missing.exe"), "file not found: missing.exe"),
        (("not an id", "missing.exe"), "is not a valid id"),
        (("--all-apps", "missing.exe"), "file not found"),
        (("skylark", "empty"), "no file"),
        ((), "Missing argument"),
    ],
)
def test_wrong_arguments_are_found_before_any_request(invoke, at_catalogue, inside, words, hint):
    (inside / "empty").mkdir()
    result = invoke("versions", "identify", *words)
    assert result.exit_code == 2
    assert hint in result.stderr
    assert at_catalogue.requests == []


def lists_asked(server):
    return [each.path for each in server.requests if each.path.endswith("/files")]


def test_file_lists_are_kept_for_the_next_run(answer, at_catalogue, samples, environment):
    answer("versions", "identify", "skylark", "skylark")
    (kept,) = environment.glob("file-lists-*.json")
    assert os.name == "nt" or kept.stat().st_mode & 0o777 == 0o600
    at_catalogue.requests.clear()
    assert len(answer("versions", "identify", "skylark", "skylark")) == 5
    assert lists_asked(at_catalogue) == ["/v1/applications/skylark/versions/2.0.0/files"]


@pytest.mark.parametrize("content", ["", "[]", "no JSON", '{"skylark/1.9.0/x": 3}'])
def test_a_spoilt_file_of_lists_is_ignored(answer, at_catalogue, samples, environment, content):
    answer("versions", "identify", "skylark", "skylark")
    (kept,) = environment.glob("file-lists-*.json")
    kept.write_text(content)
    assert len(answer("versions", "identify", "skylark", "skylark")) == 5


def test_lists_are_kept_up_to_a_limit(at_catalogue, environment):
    from bindist_cli.commands.versions.file_list_cache import _text

    rows = [{"fileName": "x" * 1000}] * 100
    text = _text({f"app/{number}/now": rows for number in range(20)})
    assert len(text) < 1024 * 1024
    assert list(json.loads(text))[-1] == "app/19/now"
    assert json.loads(text)["app/19/now"] == rows


# notes


def test_notes_are_markdown_with_the_highest_version_first(invoke, at_catalogue):
    text = invoke("versions", "notes", "skylark", "--from", "1.9.0").stdout
    blocks = text.split("## ")[1:]
    assert [block.split(" ")[0] for block in blocks] == ["1.10.0", "1.10.0-beta"]
    assert blocks[0].endswith(")\n\nThe new search: ten times as fast.\nBug fixes.\n\n")


def test_a_version_without_notes_is_named(invoke, at_catalogue):
    text = invoke("versions", "notes", "harbor", "--to", "0.9.3").stdout
    assert text.endswith("\n\n_No release notes._\n")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), ["1.10.0", "1.10.0-beta", "1.9.0"]),
        (("--test-channel",), ["2.0.0", "1.10.0", "1.10.0-beta", "1.9.0"]),
        (("--from", "1.9.0", "--to", "latest"), ["1.10.0", "1.10.0-beta"]),
        (("--from", "1.9.5", "--to", "1.10.0-beta"), ["1.10.0-beta"]),
        (("--from", "latest"), []),
    ],
    ids=str,
)
def test_notes_as_json_are_the_versions(answer, at_catalogue, options, found):
    rows = answer("versions", "notes", "skylark", *options)
    assert [row["version"] for row in rows] == found
    assert all(row["releaseNotes"] for row in rows)


def test_without_a_newer_version_there_are_no_notes(invoke, at_catalogue):
    result = invoke("versions", "notes", "skylark", "--from", "1.10.0")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "no version of skylark is newer than 1.10.0\n"


@pytest.mark.parametrize(("version", "code"), [("9.9", 3), ("2.0.0", 3), ("1.0", 2)])
def test_notes_up_to_a_version_that_is_not_there(invoke, at_catalogue, version, code):
    result = invoke("versions", "notes", "skylark", "--from", "1.9.0", "--to", version)
    assert result.exit_code == code


# diff


def test_a_difference_is_of_files_and_notes(answer, at_catalogue):
    found = answer("versions", "diff", "skylark", "1.9.0", "latest")
    assert (found["oldVersion"], found["newVersion"]) == ("1.9.0", "1.10.0")
    assert found["changed"] == ["skylark-setup.exe"]
    assert found["added"] == ["README.md", "skylark-spelling.dll", "skylark.ini"]
    assert (found["removed"], found["same"]) == ([], [])
    changed = found["files"][0]
    assert (changed["oldSize"], changed["newSize"]) == (181_000, 188_416)
    assert changed["oldChecksum"] != changed["newChecksum"]
    assert [row["version"] for row in found["versions"]] == ["1.10.0", "1.10.0-beta"]


def test_a_difference_on_a_terminal_ends_with_the_notes(terminal, at_catalogue):
    screen = terminal("versions", "diff", "skylark", "1.9.0", "1.10.0", NO_COLOR="1")
    assert "changed  skylark-setup.exe" in screen.text
    assert screen.lines.index("For testers: the new search.") > 10
    narrow = terminal("versions", "diff", "skylark", "1.9.0", "1.10.0", columns=40, NO_COLOR="1")
    assert max(len(line) for line in narrow.lines if line.startswith(("changed", "added"))) <= 40


@pytest.mark.parametrize(("new", "code"), [("1.9.0", 0), ("1.10.0", 1)])
def test_the_exit_code_tells_a_difference_on_request(invoke, at_catalogue, new, code):
    words = ("versions", "diff", "skylark", "1.9.0", new)
    assert invoke(*words).exit_code == 0
    result = invoke(*words, "--exit-code")
    assert (result.exit_code, result.stderr) == (code, "")


def test_names_of_changed_files_can_be_assigned_in_a_script(invoke, at_catalogue):
    words = ("versions", "diff", "skylark", "1.9.0", "1.10.0", "--fields", "changed")
    assert invoke(*words).stdout == "skylark-setup.exe\n"


def test_a_missing_version_is_not_found(invoke, at_catalogue):
    assert invoke("versions", "diff", "skylark", "1.9.0", "9.9").exit_code == 3
