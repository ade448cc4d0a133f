"""`bindist versions`: looking, changing, verifying, sharing."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def readme(invoke, at_catalogue, inside):
    """A file of skylark 1.10.0, in the current folder."""
    invoke("versions", "download", "skylark", "1.10.0", "--file", "README.md")
    return inside / "README.md"


def numbers(rows):
    return [row["version"] for row in rows]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), ["1.10.0", "1.10.0-beta", "1.9.0"]),
        (("--test-channel",), ["2.0.0", "1.10.0", "1.10.0-beta", "1.9.0"]),
        (("--changelog", "SEARCH"), ["1.10.0", "1.10.0-beta"]),
        (("--limit", "1"), ["1.10.0"]),
    ],
    ids=str,
)
def test_list_has_the_highest_first(answer, at_catalogue, options, found):
    assert numbers(answer("versions", "list", "skylark", *options)) == found


def test_an_empty_list_mentions_versions_that_are_not_enabled(invoke, release):
    release("1.0.0", enable=False, tool_exe=b"program")
    note = invoke("versions", "list", "tool", "-o", "table").stderr
    assert note == (
        "no enabled versions of tool; 1 not enabled (1.0.0): list them with --test-channel\n"
    )


@pytest.mark.parametrize("changelog", [(), ("--changelog", "tabs")], ids=str)
def test_a_table_says_how_many_versions_are_not_enabled(invoke, at_catalogue, changelog):
    note = invoke("versions", "list", "skylark", "-o", "table", *changelog).stderr
    assert "1 not enabled (2.0.0): list them with --test-channel\n" in note
    assert invoke("versions", "list", "skylark", "-o", "table", "--test-channel").stderr == ""
    assert invoke("versions", "list", "harbor", "-o", "table").stderr == ""
    assert invoke("versions", "list", "skylark").stderr == ""


@pytest.mark.parametrize(
    ("words", "note"),
    [
        ("versions list harbor --changelog zz", "no enabled versions of harbor match 'zz'"),
        ("versions list harbor --changelog zz --test-channel", "no versions of harbor match 'zz'"),
        ("apps list --tag zz", "no applications match"),
        ("apps list --search zz", "no applications match"),
        ("apps list --inactive", "no applications match"),
        ("apps list --page 9", "no applications match"),
        ("activity list --since 1s", "no uploads or downloads match"),
        ("activity list --app harbor --type upload --until 400d", "no uploads or downloads match"),
        ("audit list --since 1s", "no events match"),
        ("audit list --type PAYMENT_FAILED", "no events match"),
    ],
)
def test_an_empty_list_with_a_filter_does_not_say_that_there_is_nothing(
    invoke, at_catalogue, words, note
):
    result = invoke(*words.split(), "-o", "table")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines()[0] == note


def test_an_empty_list_costs_a_script_one_request(invoke, at_server, application):
    at_server.requests.clear()
    assert invoke("versions", "list", "tool").output == ""
    assert len(at_server.requests) == 1


def test_a_list_without_versions_has_a_hint(invoke, at_server, application):
    note = invoke("versions", "list", "tool", "-o", "table").stderr
    assert "create one with `bindist versions upload tool VERSION FILE...`" in note


def test_show_has_the_files_and_both_channels(answer, at_catalogue):
    shown = answer("versions", "show", "skylark", "2.0.0")
    assert (shown["isEnabled"], shown["isActive"]) == (False, True)
    assert [file["fileName"] for file in shown["files"]] == ["skylark-setup.exe"]


def test_show_of_a_missing_version_is_not_found(invoke, at_catalogue):
    assert invoke("versions", "show", "skylark", "9.9").exit_code == 3


def test_files(answer, at_catalogue):
    files = answer("versions", "files", "skylark", "1.10.0")
    assert {file["fileType"] for file in files} == {
        "MAIN",
        "DEPENDENCY",
        "DOCUMENTATION",
        "CONFIGURATION",
    }


def test_checksums_are_lines_that_sha256sum_accepts(shell, at_catalogue):
    done = shell(
        "bindist versions download skylark 1.10.0 --all -q >&2\n"
        "bindist versions checksums skylark 1.10.0 | sha256sum -c"
    )
    assert done.stdout.count(": OK\n") == 4


def test_checksums_in_json(answer, at_catalogue):
    found = answer("versions", "checksums", "skylark", "1.10.0")
    assert {row["fileName"] for row in found} >= {"README.md", "skylark.ini"}


# Changing


def test_update_changes_the_notes(answer, at_catalogue):
    assert answer("versions", "update", "harbor", "1.0.0", "--notes", "x")["releaseNotes"] == "x"


def test_update_takes_the_notes_from_a_file(answer, at_catalogue, inside):
    (inside / "notes.md").write_text("# Größer\n", encoding="utf-8-sig")
    found = answer("versions", "update", "harbor", "1.0.0", "--notes-file", "notes.md")
    assert found["releaseNotes"] == "# Größer"


def test_update_takes_the_notes_from_stdin(answer, at_catalogue):
    words = ("versions", "update", "harbor", "1.0.0", "--notes-file", "-")
    assert answer(*words, input="from a pipe\n")["releaseNotes"] == "from a pipe"


@pytest.mark.parametrize("words", [("--clear-notes",), ("--notes", "")], ids=str)
def test_clearing_notes_fails_if_the_server_keeps_them(invoke, at_catalogue, words):
    result = invoke("versions", "update", "harbor", "1.0.0", *words)
    assert result.exit_code == 1
    assert "but kept the release notes" in result.stderr


def test_clear_notes_removes_the_notes(answer, at_catalogue):
    assert not answer("versions", "update", "harbor", "0.9.3", "--clear-notes")["releaseNotes"]


def test_an_inactive_version_is_in_no_list(answer, at_catalogue):
    answer("versions", "update", "harbor", "1.0.0", "--inactive")
    assert "1.0.0" not in numbers(answer("versions", "list", "harbor", "--test-channel"))


def test_of_an_inactive_version_it_is_said_that_it_is_hidden_everywhere(invoke, at_catalogue):
    done = invoke("versions", "update", "harbor", "1.0.0", "--inactive", "-o", "table")
    assert "hidden everywhere" in done.stdout
    assert "1.0.0 is hidden everywhere: on the test channel, too" in done.stderr


def test_an_inactive_version_can_be_made_active_again(answer, at_catalogue):
    answer("versions", "update", "harbor", "1.0.0", "--inactive")
    answer("versions", "update", "harbor", "1.0.0", "--active")
    assert "1.0.0" in numbers(answer("versions", "list", "harbor"))


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--notes", "x", "--notes-file", "-"),
        ("--notes", "x", "--clear-notes"),
        ("--notes", "x" * 5001),
        ("--notes-file", "missing"),
    ],
    ids=lambda options: " ".join(options)[:30],
)
def test_an_invalid_update_sends_no_request(invoke, at_catalogue, inside, options):
    assert invoke("versions", "update", "harbor", "1.0.0", *options).exit_code == 2
    assert at_catalogue.requests == []


def test_enable_and_disable(answer, at_catalogue):
    enabled = [
        answer("versions", verb, "skylark", "2.0.0")["isEnabled"] for verb in ("enable", "disable")
    ]
    assert enabled == [True, False]


@pytest.mark.parametrize("wrong", ["", "..", "1/2", "x" * 51, "1 0"])
def test_an_invalid_version_is_a_usage_error(invoke, at_catalogue, wrong):
    assert invoke("versions", "enable", "harbor", wrong).exit_code == 2
    assert at_catalogue.requests == []


# Verifying


def test_verify_reports_matching_files_as_ok(answer, readme):
    (row,) = answer("versions", "verify", "skylark", "1.10.0", "README.md")
    assert row["status"] == "ok"


def test_verify_counts_no_download(answer, readme):
    def counted():
        return answer("apps", "stats", "skylark")["totalDownloads"]

    before = counted()
    answer("versions", "verify", "skylark", "1.10.0", "README.md")
    assert counted() == before


@pytest.mark.parametrize(
    ("path", "status"), [("README.md", "different"), ("other.txt", "unknown"), (".", "missing")]
)
def test_verify_exits_with_8_if_a_file_differs(invoke, readme, path, status):
    readme.write_text("altered")
    readme.with_name("other.txt").write_text("other")
    result = invoke("versions", "verify", "skylark", "1.10.0", path, "--json")
    assert result.exit_code == 8
    assert status in {row["status"] for row in json.loads(result.stdout)}


def test_verify_of_a_folder_reports_other_files(invoke, at_catalogue, inside):
    invoke("versions", "download", "skylark", "1.10.0", "--all", "--dir", "got")
    (inside / "got" / "evil.dll").write_bytes(b"extra")
    (inside / "got" / "folder").mkdir()
    result = invoke("versions", "verify", "skylark", "1.10.0", "got", "--json")
    assert result.exit_code == 0
    rows = {row["fileName"]: row["status"] for row in json.loads(result.stdout)}
    assert rows.pop("evil.dll") == "extra"
    assert set(rows.values()) == {"ok"}
    assert result.stderr == "1 file in the folder that version 1.10.0 does not have\n"


def test_verify_of_a_folder_looks_for_every_file_of_the_version(invoke, at_catalogue, inside):
    invoke("versions", "download", "skylark", "1.10.0", "--all", "--dir", "got")
    result = invoke("versions", "verify", "skylark", "1.10.0", "got", "--json")
    assert [row["status"] for row in json.loads(result.stdout)] == ["ok"] * 4
