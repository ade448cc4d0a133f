"""`bindist versions upload`: whole or invisible, safe to run again."""

from __future__ import annotations

import hashlib
import json

import pytest

LARGE = b"0123456789abcdef" * (320 * 1024)  # 5 MiB: over what goes inline


@pytest.fixture
def dist(inside, at_server, application):
    """A release of three files in the current folder."""
    folder = inside / "dist"
    folder.mkdir()
    for name in ("tool.exe", "tool.dll", "README.md"):
        (folder / name).write_bytes(name.encode() * 100)
    return folder


@pytest.fixture
def remote(admin):
    """The checksums on the server by file name, and whether the version is enabled."""

    def look(version="1.0.0"):
        files = admin.list_version_files("tool", version).require()["files"]
        rows = admin.list_versions("tool", True).require()["versions"]
        enabled = [row["isEnabled"] for row in rows if row["version"] == version]
        return {file["fileName"]: file["checksum"] for file in files}, enabled

    return look


def sums(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def changes(server):
    return [r for r in server.requests if r.method != "GET"]


def test_a_file_with_an_explicit_type_is_uploaded_inline(answer, dist, at_server, remote):
    answer("versions", "upload", "tool", "1.0.0", "dist/tool.exe", "--type", "DEPENDENCY")
    assert [r.path for r in changes(at_server)[1:]] == ["/v1/management/upload"]
    assert remote() == ({"tool.exe": sums(dist)["tool.exe"]}, [False])


def test_a_large_file_goes_to_the_object_store(answer, dist, at_server, remote):
    (dist / "tool.exe").write_bytes(LARGE)
    answer("versions", "upload", "tool", "1.0.0", "dist/tool.exe")
    assert [r.bytes_in for r in at_server.requests if r.method == "PUT"] == [len(LARGE)]
    assert remote()[0] == {"tool.exe": hashlib.sha256(LARGE).hexdigest()}


def test_many_files_become_one_version(answer, dist, remote):
    made = answer("versions", "upload", "tool", "1.0.0", *map(str, dist.iterdir()))
    assert remote() == (sums(dist), [False])
    assert {file["fileName"]: file["checksum"] for file in made["files"]} == sums(dist)


def test_upload_prints_the_version_and_its_files(answer, dist):
    made = answer("versions", "upload", "tool", "1.0.0", "dist/tool.exe")
    (file,) = made.pop("files")
    expected = {"applicationId": "tool", "version": "1.0.0", "status": "created"}
    assert made == {**expected, "isEnabled": False}
    assert {"fileName", "fileId", "fileSize", "checksum", "status"} <= set(file)


def test_a_note_names_the_command_that_releases_it(invoke, dist):
    note = invoke("versions", "upload", "tool", "1.0.0", "dist/tool.exe").stderr
    assert "release it with `bindist versions enable tool 1.0.0`" in note


@pytest.mark.parametrize("pattern", ["dist/*", "dist/t*", "dist/[R]EADME.*"])
def test_unexpanded_patterns_are_expanded(answer, dist, remote, inside, pattern):
    answer("versions", "upload", "tool", "1.0.0", pattern)
    assert set(remote()[0]) == {path.name for path in inside.glob(pattern)}


def test_a_file_whose_name_looks_like_a_pattern_is_uploaded(answer, dist, remote):
    (dist / "tool[1].exe").write_bytes(b"one")
    answer("versions", "upload", "tool", "1.0.0", "dist/tool[1].exe")
    assert set(remote()[0]) == {"tool[1].exe"}


def test_a_dash_uploads_stdin(answer, at_server, application, remote):
    answer("versions", "upload", "tool", "1.0.0", "-", "--name", "a.zip", input=b"\x00\r\n\xff")
    assert remote()[0] == {"a.zip": hashlib.sha256(b"\x00\r\n\xff").hexdigest()}


def test_name_option_sets_the_file_name(answer, dist, remote):
    answer("versions", "upload", "tool", "1.0.0", "dist/tool.exe", "--name", "setup.exe")
    assert set(remote()[0]) == {"setup.exe"}


def test_type_option_sets_the_file_type(answer, dist):
    answer("versions", "upload", "tool", "1.0.0", "dist/README.md", "--type", "MAIN")
    (file,) = answer("versions", "files", "tool", "1.0.0")
    assert file["fileType"] == "MAIN"


@pytest.mark.parametrize("options", [("--notes", "Faster"), ("--notes-file", "notes.md")])
@pytest.mark.parametrize("files", [("dist/tool.exe",), ("dist/tool.exe", "dist/tool.dll")])
def test_notes_option_sets_the_release_notes(answer, dist, inside, options, files):
    (inside / "notes.md").write_text("Faster\n")
    answer("versions", "upload", "tool", "1.0.0", *files, *options)
    assert answer("versions", "show", "tool", "1.0.0")["releaseNotes"] == "Faster"


def test_notes_can_be_read_from_stdin(answer, dist):
    words = ("versions", "upload", "tool", "1.0.0", "dist/tool.exe", "--notes-file", "-")
    answer(*words, input="Faster")
    assert answer("versions", "show", "tool", "1.0.0")["releaseNotes"] == "Faster"


def test_enable_option_enables_the_version(answer, dist, remote):
    assert answer("versions", "upload", "tool", "1.0.0", "dist/*", "--enable")["isEnabled"]
    assert remote()[1] == [True]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("missing.zip",), "file not found: missing.zip"),
        (("none*.zip",), "file not found: none*.zip"),
        (("dist",), "try dist/*"),
        (("empty.zip",), "empty"),
        (("dist/tool.exe", "copy/TOOL.EXE"), "the same name"),
        (("dist/tool.exe", "dist/tool.dll", "--name", "x"), "single file"),
        (("dist/tool.exe", "--name", "a/b"), "'/'"),
        (("dist/tool.exe", "--name", "con"), "Windows"),
        (
            ("dist/tool.exe", "--name", "a\u200bb"),
            "'a\\u200bb' is not allowed: it has an invisible",
        ),
        (("-",), "--name NAME"),
        (("-", "dist/tool.exe", "--name", "x"), "the only file"),
        (("-", "--name", "x", "--notes-file", "-"), "stdin can be"),
        (("dist/tool.exe", "--notes", "x" * 5001), "5001 characters"),
        (("dist/tool.exe", "--checksums", "bad.sums"), "line 2"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value)[:40],
)
def test_local_errors_are_reported_before_any_request(invoke, dist, inside, at_server, words, said):
    (inside / "empty.zip").touch()
    (inside / "copy").mkdir()
    (inside / "copy" / "TOOL.EXE").write_bytes(b"x")
    (inside / "bad.sums").write_text("# comment\nnot a checksum\n")
    at_server.requests.clear()
    result = invoke("versions", "upload", "tool", "1.0.0", *words, input="")
    assert result.exit_code == 2
    assert said in result.stderr
    assert at_server.requests == []


# SHA256SUMS


def write_sums(folder, **changed):
    listed = {**sums(folder), **{name.replace("_", "."): value for name, value in changed.items()}}
    path = folder.parent / "SHA256SUMS"
    path.write_text("".join(f"{value} *./dist/{name}\n" for name, value in listed.items() if value))
    return str(path)


def test_files_that_match_the_checksum_list_are_uploaded(answer, dist, remote):
    answer("versions", "upload", "tool", "1.0.0", "dist/*", "--checksums", write_sums(dist))
    assert remote()[0] == sums(dist)


def test_a_file_that_differs_from_the_checksum_list_is_refused(invoke, dist, at_server):
    path = write_sums(dist, tool_exe="0" * 64)
    result = invoke("versions", "upload", "tool", "1.0.0", "dist/*", "--checksums", path)
    assert result.exit_code == 8
    assert len(changes(at_server)) == 1, "but for the application nothing was made"


@pytest.mark.parametrize("changed", [{"tool_exe": ""}, {"other_exe": "0" * 64}], ids=str)
def test_the_checksum_list_must_name_exactly_the_files(invoke, dist, changed):
    path = write_sums(dist, **changed)
    result = invoke("versions", "upload", "tool", "1.0.0", "dist/*", "--checksums", path)
    assert result.exit_code == 2


# Dry run


def test_a_dry_run_changes_nothing(answer, dist, at_server, admin):
    planned = answer("versions", "upload", "tool", "1.0.0", "dist/*", "--enable", "--dry-run")
    assert {row["fileName"]: row["checksum"] for row in planned} == sums(dist)
    assert admin.list_version_files("tool", "1.0.0").status_code == 404
    assert len(changes(at_server)) == 1, "the application"


@pytest.mark.parametrize(("version", "status"), [("1.0.0", "unchanged"), ("2.0.0", "created")])
def test_a_dry_run_predicts_the_result(answer, invoke, dist, version, status):
    answer("versions", "upload", "tool", "1.0.0", "dist/*")
    result = invoke("versions", "upload", "tool", version, "dist/*", "--dry-run")
    assert f"version {version} of tool would be {status}; nothing was changed" in result.stderr


def test_a_dry_run_fails_as_the_real_one_would(invoke, answer, dist):
    answer("versions", "upload", "tool", "1.0.0", "dist/*")
    (dist / "tool.exe").write_bytes(b"new")
    assert invoke("versions", "upload", "tool", "1.0.0", "dist/*", "--dry-run").exit_code == 6


# Again


@pytest.mark.parametrize(
    ("option", "same", "other"),
    [
        ((), (0, "unchanged"), (6, "DIFFERENT_CONTENT")),
        (("--if-exists", "match"), (0, "unchanged"), (6, "DIFFERENT_CONTENT")),
        (("--if-exists", "skip"), (0, "skipped"), (0, "skipped")),
        (("--if-exists", "fail"), (6, "EXISTS"), (6, "EXISTS")),
    ],
    ids=str,
)
@pytest.mark.parametrize("content", ["same", "other"])
def test_if_exists_decides_what_happens_to_an_existing_version(
    invoke, answer, dist, remote, content, option, same, other
):
    answer("versions", "upload", "tool", "1.0.0", "dist/tool.exe")
    before = remote()
    if content == "other":
        (dist / "tool.exe").write_bytes(b"other")
    result = invoke("versions", "upload", "tool", "1.0.0", "dist/tool.exe", "--json", *option)
    code, word = same if content == "same" else other
    said = (
        json.loads(result.stdout)["status"]
        if result.stdout
        else json.loads(result.stderr.splitlines()[-1])["error"]["code"]
    )
    assert (result.exit_code, said) == (code, word)
    assert remote() == before


def test_more_or_fewer_files_are_different_content(invoke, answer, dist):
    answer("versions", "upload", "tool", "1.0.0", "dist/tool.exe", "dist/tool.dll")
    assert invoke("versions", "upload", "tool", "1.0.0", "dist/*").exit_code == 6
    assert invoke("versions", "upload", "tool", "1.0.0", "dist/tool.exe").exit_code == 6


def test_an_unchanged_disabled_version_is_enabled(answer, dist, remote):
    answer("versions", "upload", "tool", "1.0.0", "dist/*")
    again = answer("versions", "upload", "tool", "1.0.0", "dist/*", "--enable")
    assert (again["status"], again["isEnabled"]) == ("unchanged", True)
    assert remote()[1] == [True]


def test_a_second_upload_sends_no_bytes_and_changes_nothing(answer, dist, at_server):
    answer("versions", "upload", "tool", "1.0.0", "dist/*", "--enable")
    at_server.requests.clear()
    answer("versions", "upload", "tool", "1.0.0", "dist/*", "--enable")
    assert changes(at_server) == []


def test_a_failed_upload_is_not_enabled_and_can_be_repeated(
    invoke, answer, dist, at_server, remote
):
    at_server.faults.add("status:403,method=PUT,path=/store/*,times=0")
    words = ("versions", "upload", "tool", "1.0.0", "dist/*", "--enable", "--retries", "0")
    assert invoke(*words).exit_code == 5
    at_server.faults.clear()
    assert answer(*words)["status"] == "created"
    assert remote() == (sums(dist), [True])


def test_a_missing_application_is_not_found(invoke, dist):
    assert invoke("versions", "upload", "nothing", "1.0.0", "dist/*").exit_code == 3


# Progress


def test_a_log_gets_a_line_when_a_file_starts_and_one_when_it_ends(invoke, dist):
    (dist / "tool.exe").write_bytes(LARGE)
    lines = invoke("versions", "upload", "tool", "1.0.0", "dist/tool.exe").stderr.splitlines()
    assert lines[0] == "uploading tool.exe (5.2 MB)"
    assert lines[1].startswith("tool.exe: 5.2 MB in ")


def test_a_speed_of_zero_is_not_shown(invoke, dist):
    lines = invoke("versions", "upload", "tool", "1.0.0", "dist/*").stderr
    assert " 0 bytes/s" not in lines


def test_quiet_prints_nothing_on_stderr(invoke, dist):
    assert invoke("versions", "upload", "tool", "1.0.0", "dist/*", "-q").stderr == ""


@pytest.mark.parametrize(("variables", "bars"), [({}, True), ({"CI": "1"}, False)], ids=str)
def test_a_terminal_gets_bars_unless_it_is_ci(terminal, dist, variables, bars):
    words = ("versions", "upload", "tool", "1.0.0", str(dist / "tool.exe"))
    screen = terminal(*words, **variables)
    assert screen.returncode == 0
    assert ("━" in screen.text) is bars


# Interrupted, and without a place for what that needs


def test_a_network_failure_during_a_release_has_a_hint(invoke, answer, dist, at_server, remote):
    at_server.faults.add("html:502,path=*large-complete,times=0")
    words = ("versions", "upload", "tool", "1.0.0", "dist/*", "--enable", "--retries", "0")
    words += ("--timeout", "2")  # for so long, a write without an answer may still take effect
    failed = invoke(*words)
    assert failed.exit_code == 7
    after = failed.stderr.partition("error: ")[2]
    assert "run the same command again: files that were sent are skipped" in after
    at_server.faults.clear()
    assert answer(*words)["isEnabled"]
    assert remote() == (sums(dist), [True])


def test_a_version_that_another_run_left_unfinished_is_incomplete(invoke, dist, admin):
    admin.upload_small_file(
        "tool", "1.0.0", "tool.dll", (dist / "tool.dll").read_bytes(), file_type="DEPENDENCY"
    )
    result = invoke("versions", "upload", "tool", "1.0.0", "dist/*", "--json", "--dry-run")
    error = json.loads(result.stderr.splitlines()[-1])["error"]
    assert (result.exit_code, error["code"]) == (6, "INCOMPLETE")
    assert "run it again on that machine" in error["hint"]


def test_a_complete_version_with_fewer_files_has_different_content(invoke, dist, admin):
    admin.upload_small_file("tool", "1.0.0", "tool.exe", (dist / "tool.exe").read_bytes())
    result = invoke("versions", "upload", "tool", "1.0.0", "dist/*", "--json", "--dry-run")
    error = json.loads(result.stderr.splitlines()[-1])["error"]
    assert (result.exit_code, error["code"]) == (6, "DIFFERENT_CONTENT")


def test_without_a_journal_folder_the_upload_succeeds_with_a_warning(
    invoke, dist, remote, environment
):
    environment.write_text("a file in the way of the folder")
    result = invoke("versions", "upload", "tool", "1.0.0", "dist/*")
    assert result.exit_code == 0
    assert "is not writable" in result.stderr
    assert remote()[0] == sums(dist)


def test_a_dry_run_says_that_an_unfinished_version_would_be_completed(
    invoke, answer, dist, at_server, admin
):
    at_server.faults.add("html:502,path=*large-complete,times=0")
    words = ("versions", "upload", "tool", "1.0.0", "dist/*", "--retries", "0")
    assert invoke(*words).exit_code == 7
    at_server.faults.clear()
    result = invoke(*words, "--dry-run")
    assert (result.exit_code, "would be created" in result.stderr) == (0, True)
    assert admin.list_version_files("tool", "1.0.0").require()["files"] == []


def test_a_version_that_would_share_the_files_of_another_application_is_refused(
    invoke, at_server, admin, tmp_path
):
    path = tmp_path / "a.exe"
    path.write_bytes(b"bytes")
    for name in ("zeta", "zeta-cli"):
        admin.create_application(name, name).raise_for_error()
    assert invoke("versions", "upload", "zeta-cli", "1.0", str(path), "--enable").exit_code == 0
    path.write_bytes(b"other bytes")
    result = invoke("versions", "upload", "zeta", "cli-1.0", str(path), "--enable")
    assert result.exit_code == 6
    assert "would share the files of version 1.0 of zeta-cli" in result.stderr
    assert len(admin.list_version_files("zeta-cli", "1.0").rows("files")) == 1
    assert admin._is_enabled("zeta-cli", "1.0")


# The names of versions


@pytest.mark.parametrize("name", ["latest", "LATEST"])
@pytest.mark.parametrize("options", [(), ("--dry-run",)], ids=["", "dry run"])
def test_no_version_is_called_latest(invoke, dist, at_server, name, options):
    at_server.requests.clear()
    result = invoke("versions", "upload", "tool", name, "dist/*", *options)
    assert result.exit_code == 2
    assert "stands for the highest enabled version" in result.stderr
    assert at_server.requests == []


@pytest.mark.parametrize("options", [("--enable",), ("--dry-run",)], ids=" ".join)
def test_another_name_of_the_same_number_is_noted(invoke, dist, options):
    invoke("versions", "upload", "tool", "1.10.0", "dist/*")
    result = invoke("versions", "upload", "tool", "v1.10.0", "dist/*", *options)
    assert result.exit_code == 0
    assert (
        "tool has version 1.10.0, too, and v1.10.0 is the same number: neither is newer than the "
        "other"
    ) in result.stderr
    higher = invoke("versions", "upload", "tool", "1.10.1", "dist/*", *options)
    assert "the same number" not in higher.stderr
