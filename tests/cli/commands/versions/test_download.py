"""`bindist versions download`: verified, and the whole file or none."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

PROGRAM = bytes(range(256)) * 40


@pytest.fixture
def released(release, inside):
    """Versions 1.9.0, 1.10.0 with three files, and 2.0.0 that is not enabled."""
    release("1.9.0", tool_exe=b"old")
    checksums = release("1.10.0", tool_exe=PROGRAM, tool_dll=b"library", notes_txt=b"notes")
    release("2.0.0", enable=False, tool_exe=b"new")
    return checksums


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_without_options_the_main_file_of_the_highest_enabled_version_is_downloaded(
    answer, released, inside
):
    (row,) = answer("versions", "download", "tool")
    assert row == {
        "fileName": "tool.exe",
        "path": "tool.exe",
        "fileSize": len(PROGRAM),
        "checksum": released["tool.exe"],
        "status": "downloaded",
        "applicationId": "tool",
        "version": "1.10.0",
    }
    assert (inside / "tool.exe").read_bytes() == PROGRAM


def test_latest_means_the_highest_enabled_version(answer, released):
    assert answer("versions", "download", "tool", "latest")[0]["checksum"] == released["tool.exe"]


def test_a_version_is_downloaded_by_its_number(answer, released, inside):
    answer("versions", "download", "tool", "1.9.0")
    assert (inside / "tool.exe").read_bytes() == b"old"


def test_all_downloads_every_file(answer, released, inside):
    rows = answer("versions", "download", "tool", "--all", "--dir", "new/folder")
    assert {row["fileName"]: row["checksum"] for row in rows} == released
    assert names(inside / "new/folder") == ["notes.txt", "tool.dll", "tool.exe"]


def test_files_are_chosen_by_name_and_by_id(answer, released, inside):
    files = answer("versions", "files", "tool", "1.10.0")
    (library,) = [file["fileId"] for file in files if file["fileName"] == "tool.dll"]
    answer("versions", "download", "tool", "--file", "notes.txt", "--file", library)
    assert names(inside) == ["notes.txt", "tool.dll"]


def test_a_file_named_twice_is_downloaded_once(answer, released):
    rows = answer("versions", "download", "tool", "--file", "notes.txt", "--file", "notes.txt")
    assert len(rows) == 1


def test_output_option_names_the_file(answer, released, inside):
    assert answer("versions", "download", "tool", "-O", "x.bin")[0]["path"] == "x.bin"
    assert names(inside) == ["x.bin"]


def test_output_option_can_name_a_folder(answer, released, inside):
    (inside / "out").mkdir()
    answer("versions", "download", "tool", "-O", "out")
    assert names(inside / "out") == ["tool.exe"]


def test_a_dash_writes_to_stdout(invoke, released, inside):
    result = invoke("versions", "download", "tool", "-O", "-")
    assert result.stdout_bytes == PROGRAM
    assert names(inside) == []


def test_binary_data_is_not_written_to_a_terminal(terminal, released):
    screen = terminal("versions", "download", "tool", "-O", "-")
    assert screen.returncode == 2
    assert "refusing to write binary data to a terminal" in screen.text


def test_an_unchanged_file_counts_no_download(answer, released, downloads_counted):
    answer("versions", "download", "tool", "--all")
    before = downloads_counted()
    rows = answer("versions", "download", "tool", "--all")
    assert {row["status"] for row in rows} == {"unchanged"}
    assert downloads_counted() == before == 3


def test_other_content_is_not_replaced(invoke, released, inside, downloads_counted):
    (inside / "tool.exe").write_bytes(b"mine")
    result = invoke("versions", "download", "tool")
    assert result.exit_code == 6
    assert "--force" in result.stderr
    assert (inside / "tool.exe").read_bytes() == b"mine"
    assert downloads_counted() == 0


def test_force_replaces_other_content(answer, released, inside):
    (inside / "tool.exe").write_bytes(b"mine")
    answer("versions", "download", "tool", "--force")
    assert (inside / "tool.exe").read_bytes() == PROGRAM


@pytest.fixture
def appears(released, at_server, inside):
    """Puts somebody's file in the place of `tool.exe` while it is downloaded."""
    at_server.faults.add("stall-body:5000/1.5,path=/store/*")

    def put() -> None:
        deadline = time.monotonic() + 30
        while not (inside / "tool.exe.part.journal").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        (inside / "mine").write_bytes(b"mine")
        (inside / "mine").replace(inside / "tool.exe")

    thread = threading.Thread(target=put)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize("force", [(), ("--force",)], ids=["", "forced"])
def test_a_file_that_appears_during_the_download_is_not_replaced_and_the_part_is_kept(
    invoke, answer, appears, at_server, inside, force
):
    result = invoke("versions", "download", "tool", "--json", *force)
    assert result.exit_code == 6, result.stderr
    error = json.loads(result.stderr.splitlines()[-1])["error"]
    assert error["code"] == "EXISTS"
    assert error["message"] == (
        "tool.exe appeared while the file was downloaded, and was not replaced; "
        "what was downloaded is in tool.exe.part"
    )
    assert (inside / "tool.exe").read_bytes() == b"mine"
    assert (inside / "tool.exe.part").read_bytes() == PROGRAM
    assert invoke("versions", "download", "tool").exit_code == 6
    at_server.requests.clear()
    (row,) = answer("versions", "download", "tool", "--force")
    assert row["status"] == "resumed"
    assert not [asked for asked in at_server.requests if asked.path.startswith("/store/")]
    assert (inside / "tool.exe").read_bytes() == PROGRAM
    assert names(inside) == ["tool.exe"]


def test_force_does_not_replace_a_file_that_changes_during_the_download(invoke, inside, appears):
    (inside / "tool.exe").write_bytes(b"an older one")
    result = invoke("versions", "download", "tool", "--force")
    assert result.exit_code == 6
    assert "tool.exe was changed while" in result.stderr
    assert (inside / "tool.exe").read_bytes() == b"mine"


def test_a_journal_left_by_a_kill_makes_no_other_file_ours(invoke, released, at_server, inside):
    at_server.faults.add("cut:5000,path=/store/*,times=0")
    assert invoke("versions", "download", "tool", "--retries", "0").exit_code == 7
    at_server.faults.clear()
    (inside / "tool.exe.part").unlink()
    (inside / "tool.exe.part").write_bytes(b"precious")
    for options in ((), ("--force",), ("--no-resume",), ("--force", "--no-resume")):
        result = invoke("versions", "download", "tool", *options)
        assert result.exit_code == 2
        assert "tool.exe.part is in the way" in result.stderr
        assert (inside / "tool.exe.part").read_bytes() == b"precious"


def test_the_test_channel_has_disabled_versions(answer, released, inside):
    answer("versions", "download", "tool", "--test-channel")
    assert (inside / "tool.exe").read_bytes() == b"new"


@pytest.mark.parametrize("options", [(), ("-O", "-"), ("--all",)], ids=str)
def test_a_disabled_version_is_refused_with_a_hint(invoke, released, options):
    result = invoke("versions", "download", "tool", "2.0.0", *options)
    assert result.exit_code == 5
    assert "release it with `bindist versions enable tool 2.0.0`, or add --test-channel" in (
        result.stderr
    )


def test_without_an_enabled_version_there_is_no_latest(invoke, release):
    release("1.0.0", enable=False, tool_exe=b"x")
    result = invoke("versions", "download", "tool")
    assert result.exit_code == 3
    assert "`bindist versions list tool --test-channel`" in result.stderr


@pytest.mark.parametrize(
    "words", [("9.9",), ("1.10.0", "--file", "missing.txt"), ("1.10.0", "--file", "TOOL.EXE")]
)
def test_missing_applications_versions_and_files_are_not_found(invoke, released, words):
    assert invoke("versions", "download", "tool", *words).exit_code == 3


@pytest.mark.parametrize(
    "options",
    [
        ("--all", "--file", "x"),
        ("--all", "-O", "x"),
        ("--dir", "d", "-O", "x"),
        ("--file", "a", "--file", "b", "-O", "x"),
        ("--connections", "0"),
        ("--connections", "33"),
    ],
    ids=" ".join,
)
def test_options_that_exclude_each_other(invoke, options):
    assert invoke("versions", "download", "tool", *options).exit_code == 2


def test_a_folder_in_the_way_is_a_usage_error(invoke, released, inside):
    (inside / "tool.exe").mkdir()
    assert invoke("versions", "download", "tool").exit_code == 2


def test_a_file_in_the_way_of_the_folder_is_a_usage_error(invoke, released, inside):
    (inside / "out").touch()
    assert invoke("versions", "download", "tool", "--dir", "out").exit_code == 2


def test_wrong_bytes_are_not_kept(invoke, released, at_server, inside):
    at_server.faults.add("flip:5,path=/store/*,times=0")
    assert invoke("versions", "download", "tool", "--retries", "0").exit_code == 8
    assert names(inside) == []


def test_wrong_bytes_to_stdout_exit_with_8(invoke, released, at_server):
    at_server.faults.add("flip:5,path=/store/*,times=0")
    assert invoke("versions", "download", "tool", "-O", "-").exit_code == 8


def test_wrong_bytes_can_be_accepted_with_a_warning(invoke, released, at_server, inside):
    at_server.faults.add("flip:5,path=/store/*,times=0")
    result = invoke("versions", "download", "tool", "--no-verify", "-q")
    assert result.exit_code == 0
    assert "warning:" in result.stderr
    assert (inside / "tool.exe").stat().st_size == len(PROGRAM)


def test_a_cut_download_resumes_where_it_stopped(invoke, answer, released, at_server, inside):
    at_server.faults.add("cut:5000,path=/store/*,times=0")
    assert invoke("versions", "download", "tool", "--retries", "0").exit_code == 7
    at_server.faults.clear()
    (row,) = answer("versions", "download", "tool")
    assert row["status"] == "resumed"
    assert at_server.requests[-1].bytes_out < len(PROGRAM)
    assert (inside / "tool.exe").read_bytes() == PROGRAM


def test_no_resume_starts_from_the_first_byte(invoke, answer, released, at_server):
    at_server.faults.add("cut:5000,path=/store/*,times=0")
    invoke("versions", "download", "tool", "--retries", "0")
    at_server.faults.clear()
    assert answer("versions", "download", "tool", "--no-resume")[0]["status"] == "downloaded"


def test_a_partial_failure_names_the_failed_files(invoke, released, inside):
    (inside / "notes.txt").write_bytes(b"mine")
    result = invoke("versions", "download", "tool", "--all", "-q")
    assert result.stderr.splitlines() == [
        "error: 1 of 3 files failed",
        "  notes.txt exists with other content",
        "  hint: replace it with --force, or choose another place with -O or --dir",
    ]


def test_a_failure_common_to_all_files_sets_the_exit_code(invoke, released, at_server):
    at_server.faults.add("status:503,path=/v1/downloads/url,times=0")
    result = invoke("versions", "download", "tool", "--all", "--retries", "0", "--json")
    assert result.exit_code == 7
    assert json.loads(result.stderr.splitlines()[-1])["error"]["code"] == "SOME_FAILED"


def test_a_customer_downloads_with_its_own_key(answer, released, at_server, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", at_server.keys.customer)
    assert answer("versions", "download", "tool")[0]["status"] == "downloaded"


# Patterns


def test_a_pattern_chooses_all_files_that_it_matches(answer, released, inside):
    rows = answer("versions", "download", "tool", "--file", "tool.*")
    assert {row["fileName"] for row in rows} == {"tool.exe", "tool.dll"}
    assert names(inside) == ["tool.dll", "tool.exe"]


def test_a_pattern_that_matches_nothing_names_the_files_and_the_version(invoke, released):
    result = invoke("versions", "download", "tool", "--file", "*.msi", "-q")
    assert result.exit_code == 3
    error, files = result.stderr.splitlines()
    assert error == "error: version 1.10.0 of tool has no file '*.msi'"
    assert sorted(files.removeprefix("  files: ").split(", ")) == sorted(released)


def test_a_name_that_is_nearly_right_has_a_hint(invoke, released):
    result = invoke("versions", "download", "tool", "--file", "Notes.txt")
    assert "hint: did you mean notes.txt?" in result.stderr


def test_several_files_do_not_fit_into_one(invoke, released, inside):
    result = invoke("versions", "download", "tool", "--file", "tool.*", "-O", "x")
    assert result.exit_code == 2
    assert "tool.dll" in result.stderr
    assert names(inside) == []


# Dry run


@pytest.mark.parametrize(
    ("options", "planned"),
    [
        ((), {"tool.exe": "tool.exe"}),
        (("--file", "*.dll"), {"tool.dll": "tool.dll"}),
        (("--all", "--dir", "d/e"), {n: f"d/e/{n}" for n in ("tool.exe", "tool.dll", "notes.txt")}),
        (("-O", "x.bin"), {"tool.exe": "x.bin"}),
        (("-O", "-"), {"tool.exe": "-"}),
        (("-O", "d/"), {"tool.exe": "d/tool.exe"}),
    ],
    ids=str,
)
def test_a_dry_run_says_what_would_be_downloaded(
    answer, released, inside, downloads_counted, options, planned
):
    rows = answer("versions", "download", "tool", "--dry-run", *options)
    found = {row["fileName"]: row["path"].replace("\\", "/") for row in rows}
    assert found == planned
    assert {row["status"] for row in rows} == {"download"}
    assert {row["fileName"]: row["checksum"] for row in rows}.items() <= released.items()
    assert all(row["version"] == "1.10.0" and row["fileSize"] > 0 for row in rows)
    assert names(inside) == []
    assert downloads_counted() == 0


def test_a_dry_run_ends_with_the_size_of_all(invoke, released):
    note = invoke("versions", "download", "tool", "--all", "--dry-run").stderr.splitlines()[-1]
    assert note == "3 files, 10.3 kB, would be downloaded; nothing was downloaded or counted"


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [((), ["exists", "unchanged"], 9), (("--force",), ["download", "unchanged"], 0)],
)
def test_a_dry_run_knows_what_is_there(invoke, released, inside, options, status, code):
    (inside / "tool.exe").write_bytes(b"mine")
    (inside / "tool.dll").write_bytes(b"library")
    words = ("--file", "tool.exe", "--file", "tool.dll", "--dry-run", "--json")
    result = invoke("versions", "download", "tool", *words, *options)
    assert result.exit_code == code
    assert [row["status"] for row in json.loads(result.stdout)] == status
    assert (inside / "tool.exe").read_bytes() == b"mine"


def test_a_dry_run_fails_for_an_existing_file_as_the_real_run(invoke, released, inside):
    (inside / "tool.exe").write_bytes(b"mine")
    codes = [
        invoke("versions", "download", "tool", *more).exit_code for more in ((), ("--dry-run",))
    ]
    assert codes == [6, 6]


def test_a_dry_run_of_a_version_that_is_not_enabled_is_refused(invoke, released):
    result = invoke("versions", "download", "tool", "2.0.0", "--dry-run")
    assert result.exit_code == 5
    assert "add --test-channel" in result.stderr
    words = ("versions", "download", "tool", "2.0.0", "--dry-run", "--test-channel")
    assert invoke(*words).exit_code == 0


def test_a_target_that_ends_with_a_slash_is_a_folder(answer, released, inside):
    (row,) = answer("versions", "download", "tool", "-O", "new/folder/")
    assert row["path"] == os.path.join("new", "folder", "tool.exe")
    assert names(inside / "new" / "folder") == ["tool.exe"]
