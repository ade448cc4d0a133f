"""Names as the server stores them (NFKC), SHA256SUMS files, and release notes in its units."""

from __future__ import annotations

import hashlib
import unicodedata

import pytest

from bindist import AdminClient
from bindist.file_names import server_name
from bindist.release_notes import check_release_notes
from bindist_cli.commands.versions.checksum_listing import read_listing
from bindist_cli.exit_codes import CliError

DECOMPOSED = unicodedata.normalize("NFD", "Überblick.txt")
LIGATURE = "ﬁle①.bin"
NAMES = [DECOMPOSED, LIGATURE]
SUM, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def dist(inside, at_server, application):
    folder = inside / "dist"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(name.encode())
    return folder


def sums(folder):
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    return "".join(f"{checksum}  {name}\n" for name, checksum in found.items())


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_fresh_upload_passes_its_own_checks(invoke, answer, dist, inside, form):
    (inside / "SHA256SUMS").write_text(unicodedata.normalize(form, sums(dist)), encoding="utf-8")
    paths = [str(path) for path in dist.iterdir()]
    words = ("tool", "1.0", *paths, "--checksums", "SHA256SUMS")
    done = invoke("versions", "upload", *words, "--enable")
    assert done.exit_code == 0, done.stderr
    assert f"the server stores {LIGATURE} as file1.bin" in done.stderr
    told = [line for line in done.stderr.splitlines() if line.startswith("the server stores")]
    assert not any(DECOMPOSED in line for line in told), "both forms look the same"
    for verified in (paths, ["dist"]):
        rows = answer("versions", "verify", "tool", "1.0", *verified)
        assert [row["status"] for row in rows] == ["ok", "ok"]
        assert {row["fileName"] for row in rows} == set(NAMES)
    assert answer("versions", "upload", *words)["status"] == "unchanged"


@pytest.mark.parametrize("name", [*NAMES, *map(server_name, NAMES)])
def test_a_file_is_downloaded_by_either_form_of_its_name(invoke, dist, inside, name):
    paths = [str(path) for path in dist.iterdir()]
    assert invoke("versions", "upload", "tool", "1.0", *paths, "--enable").exit_code == 0
    done = invoke("versions", "download", "tool", "1.0", "--file", name, "--dir", "got")
    assert done.exit_code == 0, done.stderr
    (got,) = (inside / "got").iterdir()
    assert got.name == server_name(name)


def test_two_names_that_the_server_stores_as_one_are_refused(invoke, dist, at_server):
    (dist / server_name(DECOMPOSED)).write_bytes(b"x")
    at_server.requests.clear()
    done = invoke("versions", "upload", "tool", "1.0", *map(str, dist.iterdir()))
    assert done.exit_code == 2
    assert "would have the same name" in done.stderr
    assert at_server.requests == []


def test_two_checksums_that_are_expected_of_one_file_are_refused(admin: AdminClient, dist):
    expected = {DECOMPOSED: SUM, server_name(DECOMPOSED): OTHER}
    with pytest.raises(ValueError, match="two different checksums"):
        admin.publish("tool", "1.0", dist / DECOMPOSED, expected=expected)


# SHA256SUMS


@pytest.mark.parametrize(
    "line",
    [
        f"{SUM}  tool.exe",
        f"{SUM} *./dist/tool.exe",
        f"{SUM.upper()}  dist\\tool.exe\r",
        f"SHA256 (dist/tool.exe) = {SUM}",
        f"SHA256(tool.exe)= {SUM}",
    ],
    ids=["GNU", "binary", "Windows", "BSD", "OpenSSL"],
)
def test_each_form_of_a_line_is_read(line):
    assert read_listing("SUMS", f"# made by us\n\n{line}\n") == {"tool.exe": SUM}


def test_names_with_spaces_and_brackets_are_read():
    text = f"{SUM}  my tool (1).exe\nSHA256 (my (2).exe) = {OTHER}\n"
    assert read_listing("SUMS", text) == {"my tool (1).exe": SUM, "my (2).exe": OTHER}


def test_one_name_with_two_checksums_is_an_error_that_names_both_lines():
    text = f"{SUM}  linux/tool\n{SUM}  copy/tool\n{OTHER}  mac/tool\n"
    with pytest.raises(CliError, match=r"SUMS, line 3: another checksum of tool than in line 1"):
        read_listing("SUMS", text)
    assert read_listing("SUMS", text.replace(OTHER, SUM)) == {"tool": SUM}


@pytest.mark.parametrize("line", ["no checksum", SUM, f"{SUM} ", f"MD5 (tool) = {SUM}", SUM[:40]])
def test_a_line_of_another_form_is_an_error(line):
    with pytest.raises(CliError, match="line 1: expected checksum and file name"):
        read_listing("SUMS", line)


# Release notes


@pytest.mark.parametrize("text", [None, "", "x" * 5000, "😀" * 2500, f" \n{'x' * 5000}\ufeff\n"])
def test_notes_that_the_server_accepts(text, admin, application):
    check_release_notes(text)
    admin.upload_small_file("tool", "1.0", "a.bin", b"x", text).raise_for_error()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * 5001, "5001 characters"),
        ("😀" * 2501, r"5002 characters; .* \(an emoji counts as 2\)"),
        ("a\0b", "NUL"),
        ("a\udcff", "not valid Unicode"),
    ],
    ids=["too long", "too long in UTF-16", "NUL", "a lone surrogate"],
)
def test_notes_that_it_does_not_accept_are_refused_before_any_request(
    text, words, admin, application, at_server, inside, invoke
):
    path = inside / "a.bin"
    path.write_bytes(b"x")
    at_server.requests.clear()
    for call in (
        lambda: admin.publish("tool", "1.0", path, release_notes=text),
        lambda: admin.upload_file("tool", "1.0", path, release_notes=text),
        lambda: admin.upload_small_file("tool", "1.0", "a.bin", b"x", text),
        lambda: admin.upload_large_file("tool", "1.0", "a.bin", b"x", text),
        lambda: admin.update_version("tool", "1.0", release_notes=text),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    for options in (["--dry-run"], []):
        done = invoke("versions", "upload", "tool", "1.0", str(path), "--notes", text, *options)
        assert done.exit_code == 2, done.stderr
    assert at_server.requests == []


def test_a_nul_in_any_text_is_refused_before_any_request(admin, at_server):
    with pytest.raises(ValueError, match="name has a NUL character"):
        admin.create_application("new", "a\0b")
    with pytest.raises(ValueError, match="description has a NUL character"):
        admin.create_application("new", "New", description="\0")
    assert at_server.requests == []
