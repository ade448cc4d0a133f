"""Versions that list a file twice, are not whole, or whose bytes are not stored."""

from __future__ import annotations

import hashlib
import json

import pytest

from bindist_cli.commands.versions.enabling import problem_of

ONE, OTHER = b"one content", b"other content"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def put(admin, application, at_server, inside):
    """Adds a file to version 1.0 of tool as another program may, each time under a new id."""

    def send(*files, stored=True):
        uploads = [
            admin._presign_upload("tool", "1.0", name, len(content)) for name, content in files
        ]
        for upload, (name, content) in zip(uploads, files, strict=True):
            if stored:
                admin._transport.open_store("PUT", upload.url, body=content).close()
            admin.complete_large_upload(
                upload.upload_id, "tool", "1.0", name, len(content), sha256(content)
            ).raise_for_error()
        return [upload.upload_id for upload in uploads]

    return send


@pytest.fixture
def doubled(put):
    """A version that lists one file twice; the smaller id of both."""
    return min(put(("tool.exe", ONE), ("tool.exe", ONE)))


@pytest.fixture
def mixed(put):
    """A version with two files of one name; their ids."""
    return put(("tool.exe", ONE), ("tool.exe", OTHER))


# One name, one checksum


def test_a_file_that_is_listed_twice_is_downloaded_once_by_its_smallest_id(
    answer, at_server, doubled, inside
):
    for options in ((), ("--all",), ("--file", "tool.exe")):
        rows = answer("versions", "download", "tool", "1.0", "--test-channel", *options, "--force")
        assert [row["fileName"] for row in rows] == ["tool.exe"]
        (inside / "tool.exe").unlink()
    asked = [each for each in at_server.requests if each.path == "/v1/downloads/url"]
    assert len(asked) == 3
    assert all(f"fileId={doubled}" in each.query for each in asked)


def test_a_file_that_is_listed_twice_is_verified_and_has_one_checksum(
    answer, invoke, doubled, inside
):
    (inside / "tool.exe").write_bytes(ONE)
    assert [row["status"] for row in answer("versions", "verify", "tool", "1.0", ".")] == ["ok"]
    assert invoke("versions", "checksums", "tool", "1.0").stdout == f"{sha256(ONE)}  tool.exe\n"
    assert len(answer("versions", "checksums", "tool", "1.0")) == 1
    assert [row["fileId"] for row in answer("versions", "show", "tool", "1.0")["files"]] == [
        doubled
    ]


def test_the_raw_list_has_every_row(answer, doubled):
    assert len(answer("versions", "files", "tool", "1.0")) == 2


# One name, two checksums


@pytest.mark.parametrize(
    "words",
    [
        ("download", "tool", "1.0"),
        ("download", "tool", "1.0", "--all"),
        ("download", "tool", "1.0", "--file", "tool.exe"),
        ("download", "tool", "1.0", "-O", "-"),
        ("checksums", "tool", "1.0"),
        ("checksums", "tool", "1.0", "--json"),
        ("verify", "tool", "1.0", "."),
        ("verify", "tool", "1.0", "--remote"),
        ("share", "tool", "1.0", "--file", "tool.exe"),
    ],
    ids=" ".join,
)
def test_one_name_with_two_checksums_is_an_error_that_names_both(
    words, invoke, at_server, mixed, inside
):
    (inside / "tool.exe").write_bytes(ONE)
    result = invoke("versions", *words)
    assert (result.exit_code, result.stdout) == (8, "")
    assert all(text in result.stderr for text in ("tool.exe", sha256(ONE), sha256(OTHER)))
    assert not [each for each in at_server.requests if each.path.startswith("/v1/downloads")]


def test_each_of_two_files_of_one_name_can_be_downloaded_by_its_id(answer, mixed, inside):
    for file_id, content in zip(mixed, (ONE, OTHER), strict=True):
        options = ("--test-channel", "--file", file_id, "-O", f"{file_id}.exe")
        answer("versions", "download", "tool", "1.0", *options)
        assert (inside / f"{file_id}.exe").read_bytes() == content


def test_show_lists_both_and_warns(invoke, mixed):
    result = invoke("versions", "show", "tool", "1.0", "--json")
    assert len(json.loads(result.stdout)["files"]) == 2
    assert sha256(OTHER) in result.stderr


# Enabling


def enable(invoke, *options):
    return invoke("versions", "enable", "tool", "1.0", *options)


def test_a_version_without_files_is_not_enabled(invoke, admin, application, at_server):
    admin._make_empty_version("tool", "1.0", "tool.exe", None).raise_for_error()
    result = enable(invoke)
    assert (result.exit_code, "it has no files" in result.stderr) == (6, True)
    assert "`bindist versions update tool 1.0 --inactive`" in result.stderr
    assert not admin._is_enabled("tool", "1.0")


def test_a_version_of_two_files_of_one_name_is_not_enabled(invoke, admin, mixed):
    result = enable(invoke)
    assert (result.exit_code, sha256(OTHER) in result.stderr) == (6, True)
    assert not admin._is_enabled("tool", "1.0")


def test_a_version_whose_main_file_was_not_sent_last_is_not_enabled(invoke, admin, put):
    put(("tool.exe", ONE), ("readme.txt", OTHER))
    result = enable(invoke)
    assert (result.exit_code, "is not its MAIN file" in result.stderr) == (6, True)
    assert not admin._is_enabled("tool", "1.0")


def test_force_enables_a_mixed_version(invoke, admin, mixed):
    assert enable(invoke, "--force").exit_code == 0
    assert admin._is_enabled("tool", "1.0")


@pytest.mark.parametrize(
    "files",
    [
        [("tool.exe", ONE)],
        [("readme.txt", ONE), ("tool.exe", OTHER)],
        [("a.exe", ONE), ("b.exe", OTHER)],
        [("tool.exe", ONE), ("tool.exe", ONE)],
    ],
    ids=str,
)
def test_a_complete_version_is_enabled(invoke, admin, put, files):
    put(*files)
    assert enable(invoke).exit_code == 0
    assert admin._is_enabled("tool", "1.0")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("readme.txt", ONE)], "no MAIN file"),
        ([("a.dll", ONE), ("readme.txt", OTHER)], "no MAIN file"),
        ([("a.txt", ONE), ("tool.exe", OTHER), ("b.txt", ONE), ("tool.exe", OTHER)], "twice"),
    ],
    ids=["documents", "two uploads without MAIN", "two uploads with MAIN"],
)
def test_a_version_that_may_be_of_several_uploads_is_not_enabled(invoke, admin, put, files, said):
    put(*files)
    result = enable(invoke)
    assert (result.exit_code, said in result.stderr) == (6, True), result.stderr
    assert not admin._is_enabled("tool", "1.0")


def test_a_version_of_documents_that_was_uploaded_here_is_enabled(
    invoke, admin, application, at_server, inside
):
    (inside / "readme.txt").write_bytes(ONE)
    assert invoke("versions", "upload", "tool", "1.0", "readme.txt").exit_code == 0
    assert enable(invoke).exit_code == 0
    assert admin._is_enabled("tool", "1.0")


def test_a_version_whose_upload_from_here_was_interrupted_is_not_enabled(
    invoke, admin, application, at_server, inside
):
    for name in ("a.txt", "tool.exe"):
        (inside / name).write_bytes(ONE)
    at_server.faults.add("status:400,path=*/large-complete,nth=2,times=0")
    assert invoke("versions", "upload", "tool", "1.0", "a.txt", "tool.exe").exit_code != 0
    at_server.faults.clear()
    result = enable(invoke)
    assert (result.exit_code, "was interrupted" in result.stderr) == (6, True), result.stderr


def test_an_unlisted_version_is_not_enabled(invoke, admin, put):
    put(("tool.exe", ONE))
    admin.update_version("tool", "1.0", is_active=False).raise_for_error()
    result = enable(invoke)
    assert (result.exit_code, "or inactive" in result.stderr) == (3, True)


def row(name="tool.exe", kind="MAIN", size=5, checksum="a" * 64):
    return {"fileName": name, "fileType": kind, "fileSize": size, "checksum": checksum}


@pytest.mark.parametrize(
    ("record", "rows", "problem"),
    [
        ({"fileSize": 5}, [row()], None),
        ({}, [row()], None),
        ({"fileSize": 6}, [row()], "of 6 bytes, is not among its files"),
        ({"fileSize": 5, "checksum": "b" * 64}, [row()], "is not among its files"),
        ({"fileSize": 5, "checksum": "sha256:" + "A" * 64}, [row()], None),
        ({"fileSize": 7}, [row(), row("r.txt", "DOCUMENTATION", 7)], "is not its MAIN file"),
        ({"fileSize": 7}, [row("r.txt", "DOCUMENTATION", 7)], "no MAIN file"),
        ({"fileSize": 0}, [], "no files"),
    ],
)
def test_incomplete_versions_are_recognized(record, rows, problem):
    found = problem_of(record, rows)
    assert problem is None if found is None else problem in found


# verify --remote


def downloads(admin):
    return admin.get_stats("tool").require()["totalDownloads"]


def test_verify_remote_checks_every_file_and_reports_the_counted_downloads(invoke, admin, put):
    put(("readme.txt", ONE), ("tool.exe", OTHER))
    result = invoke("versions", "verify", "tool", "1.0", "--remote", "--json")
    assert [(row["fileName"], row["status"]) for row in json.loads(result.stdout)] == [
        ("readme.txt", "stored"),
        ("tool.exe", "stored"),
    ]
    assert (result.exit_code, downloads(admin)) == (0, 2)
    assert (
        "2 downloads were counted" in invoke("versions", "verify", "tool", "1.0", "--remote").stderr
    )


def test_verify_remote_exits_with_8_if_bytes_are_missing(invoke, put):
    put(("tool.exe", ONE), stored=False)
    result = invoke("versions", "verify", "tool", "1.0", "--remote", "--json")
    assert result.exit_code == 8
    assert [row["status"] for row in json.loads(result.stdout)] == ["not-stored"]
    assert "tool.exe: not-stored" in result.stderr


def test_verify_remote_exits_with_8_if_the_size_differs(invoke, admin, put):
    (file_id,) = put(("tool.exe", ONE))
    admin.complete_large_upload(
        file_id, "tool", "1.0", "tool.exe", 99, sha256(ONE)
    ).raise_for_error()
    result = invoke("versions", "verify", "tool", "1.0", "--remote", "--json")
    assert result.exit_code == 8
    assert [row["status"] for row in json.loads(result.stdout)] == ["other-size"]


def test_local_and_stored_files_can_be_verified_together(answer, put, inside):
    put(("tool.exe", ONE))
    (inside / "tool.exe").write_bytes(ONE)
    rows = answer("versions", "verify", "tool", "1.0", "tool.exe", "--remote")
    assert [(row["path"], row["status"]) for row in rows] == [
        ("tool.exe", "ok"),
        (None, "stored"),
    ]


def test_verify_without_files_is_a_usage_error(invoke, at_server):
    result = invoke("versions", "verify", "tool", "1.0")
    assert (result.exit_code, "add --remote" in result.stderr) == (2, True)
    assert at_server.requests == []
