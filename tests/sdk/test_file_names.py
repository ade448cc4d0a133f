"""File names: none leaves its folder, and none surprises the server."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bindist import AdminClient, IntegrityError
from bindist.choices import CHOICES
from bindist.file_names import (
    beyond_latin_1,
    derived_file_type,
    latin_1_name,
    name_problem,
    safe_file_name,
)

NAMES = st.text(max_size=300) | st.text("ab.. /\\:'\"<>|?*\0\x7fÅé\ufeff😀", max_size=12)
USUAL = [
    "app.exe",
    "my app-1.2.3.tar.gz",
    "日本語.zip",
    "Ångström.dmg",
    "_",
    "com10",
    "a.b.c",
    "😀",
]
UNSAFE = [
    "",
    ".",
    "..",
    "...",
    "../up",
    "a/b",
    "a\\b",
    "/etc/passwd",
    "C:evil",
    "a..b",
    ".hidden",
    "dot.",
    " lead",
    "trail ",
    "tab\t",
    "nul\0",
    "del\x7f",
    "line\nbreak",
    'quo"te',
    "quo'te",
    "a<b",
    "a>b",
    "a|b",
    "a?b",
    "a*b",
    "CON",
    "nul.txt",
    "com1",
    "Lpt9.log",
    "aux .txt",
    "fdp\u202eexe",
    "zero\u200bwidth.exe",
    "left\u200emark.exe",
    "join\u2060er.exe",
    "times\u2062.exe",
    "bom\ufeff.exe",
    "soft\u00adhyphen.exe",
    "tag\U000e0041.exe",
    "filler\u3164.exe",
    "full\uff0fwidth",
    "\ufeffbom.txt",
    "\ud800",
    "x" * 256,
    "😀" * 128,
]


@pytest.mark.parametrize("name", USUAL)
def test_an_ordinary_name_has_no_problem(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize("name", UNSAFE, ids=lambda name: ascii(name)[1:20])
def test_an_unsafe_name_has_a_problem(name: str) -> None:
    assert name_problem(name)


@pytest.mark.parametrize("name", UNSAFE, ids=lambda name: ascii(name)[1:20])
def test_an_unsafe_name_from_the_server_is_an_integrity_error(name: str) -> None:
    with pytest.raises(IntegrityError):
        safe_file_name(name)


@pytest.mark.parametrize("name", [None, 5, [], b"bytes.txt"])
def test_a_name_that_is_not_a_string_is_an_integrity_error(name: object) -> None:
    with pytest.raises(IntegrityError):
        safe_file_name(name)


def test_the_error_shows_the_name_escaped() -> None:
    with pytest.raises(IntegrityError) as caught:
        safe_file_name("\x1b[2J/\ud800")
    assert str(caught.value).isascii() and str(caught.value).isprintable()


@pytest.mark.parametrize("name", USUAL)
def test_a_safe_name_is_unchanged(name: str) -> None:
    assert safe_file_name(name) == name


@given(NAMES)
def test_a_name_without_a_problem_stays_in_its_folder_on_every_platform(name: str) -> None:
    if name_problem(name) is None:
        for kind in (PurePosixPath, PureWindowsPath):
            joined = kind("folder") / name
            assert joined.parent == kind("folder") and joined.name == name


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES)
@example(name="a'b")
@example(name="x" * 255)
@example(name="😀" * 127)
@example(name="ﷺ" * 20)
def test_a_name_without_a_problem_is_accepted_by_the_server(admin: AdminClient, name: str) -> None:
    if not admin.get_application("tool").success:
        admin.create_application("tool", "Tool").raise_for_error()
    if name_problem(name) is None:
        assert admin.get_large_upload_url("tool", "1.0", name, 1).success


# Types


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("setup.exe", "MAIN"),
        ("Setup.MSI", "MAIN"),
        ("libx.so", "DEPENDENCY"),
        ("settings.yaml", "CONFIGURATION"),
        ("manual.pdf", "DOCUMENTATION"),
        ("archive.tar.gz", "MAIN"),
        ("README", "MAIN"),
        ("exe", "MAIN"),
        ("md", "MAIN"),
        ("a.exe.txt", "DOCUMENTATION"),
    ],
)
def test_the_type_comes_from_the_last_extension(name: str, kind: str) -> None:
    assert derived_file_type(name) == kind


@pytest.mark.parametrize("name", ["a.exe", "b.dll", "c.json", "d.md", "e.bin", "README"])
def test_the_server_derives_the_same_type(admin: AdminClient, application: str, name: str) -> None:
    admin.complete_large_upload("u1", application, "1.0", name, 1, "0" * 64).raise_for_error()
    files = admin.list_version_files(application, "1.0").require()["files"]
    assert files[0]["fileType"] == derived_file_type(name)


@given(NAMES)
def test_every_name_has_one_of_the_four_types(name: str) -> None:
    assert derived_file_type(name) in CHOICES["file_type"]


# Names that S3 can hand out


@pytest.mark.parametrize(
    ("name", "works"),
    [
        ("Überblick – 日本語.pdf", "Überblick - _.pdf"),
        ("naïve café.txt", "naïve café.txt"),
        ("日本語.zip", "file.zip"),
        ("–.exe", "file.exe"),
        ("Győr “2”.tar.gz", "Gyor 2.tar.gz"),
        ("Œuvre €5.pdf", "OEuvre EUR5.pdf"),
        ("a.“”.b", "a.b"),
        ("ćon", "file-con"),
        ("😀", "file"),
        ("ﬁle.exe", "file.exe"),
        ("tool.日", "tool._"),
    ],
)
def test_a_similar_name_in_latin_1(name: str, works: str) -> None:
    assert latin_1_name(name) == works
    assert beyond_latin_1(works) == ""


@given(NAMES)
@example("con.–")
def test_the_suggested_name_is_one_that_works(name: str) -> None:
    if name_problem(name) is None and beyond_latin_1(name):
        assert name_problem(latin_1_name(name)) is None
        assert beyond_latin_1(latin_1_name(name)) == ""
