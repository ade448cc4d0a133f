"""What a server may call a file: no name leads out of the folder, none is obeyed by a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from bindist import AdminClient, IntegrityError
from bindist_cli.exit_codes import Exit
from bindist_cli.output.formatting import unescape
from tests.hostile.recorded import CHECKSUM, CONTENT, CONTROLS, RecordedServer
from tests.sdk.canned import CannedServer

FILES = "GET /v1/applications/*/versions/*/files"
GRANT = "GET /v1/downloads/url"
LISTED = ("data", "files", 0, "fileName")
GRANTED = ("data", "fileName")

NAMES = [
    "../x",
    "../../around/x",
    "/etc/x",
    "C:\\x",
    "\\\\host\\share\\x",
    "x/../../y",
    "~/x",
    "CON",
    "nul.txt",
    "x\x1b]0;title\x07",
    "\x1b[2J\x1b[31mx",
    "two\nlines",
    "x\r",
    "x\x00.exe",
    "fdp\u202e.exe",
    "\u2066x",
    "zero\u200bwidth.exe",
    "word\u2060joiner.exe",
    "tag\U000e0041.exe",
    "\x9b31mx",
    "\ud800x",
    "x" * 4096,
    "",
    ".",
    "..",
    "x.",
    "x ",
    None,
    5,
    1.5,
    True,
    ["x"],
    {"x": "y"},
]
hostile_names = pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:24])


def all_files(folder: Path) -> list[Path]:
    """What there is in the folder around the current one."""
    return sorted(path for path in folder.parent.rglob("*") if path != folder)


@hostile_names
def test_a_download_into_a_folder_refuses_the_name(
    recorded: RecordedServer,
    connect: Callable[..., AdminClient],
    inside: Path,
    name: Any,
    tally: Any,
) -> None:
    recorded.change(FILES, LISTED, name)
    with pytest.raises(IntegrityError, match="file name"):
        connect(recorded.url).download_to_file("alpha", "1.0.0", inside)
    assert all_files(inside) == []
    assert GRANT not in recorded.routes, "a download was counted"
    tally("hostile")


@hostile_names
@pytest.mark.parametrize(
    "words",
    [
        "download alpha 1.0.0",
        "download alpha 1.0.0 --all --dir .",
        "download alpha 1.0.0 -O .",
        "checksums alpha 1.0.0",
        "verify alpha 1.0.0 .",
    ],
)
def test_a_command_that_would_use_the_name_refuses_it(
    recorded: RecordedServer,
    invoke: Callable[..., Result],
    inside: Path,
    words: str,
    name: Any,
    tally: Any,
) -> None:
    recorded.change(FILES, LISTED, name)
    result = invoke("versions", *words.split(), "--no-color")
    assert result.exit_code == Exit.INTEGRITY
    assert result.stderr.startswith("error: the server's file name ")
    assert len(result.stderr.splitlines()) == 1 and not CONTROLS.search(result.stderr.strip())
    assert (result.stdout, all_files(inside)) == ("", [])
    tally("hostile")


@hostile_names
def test_a_name_that_comes_with_the_address_is_refused_too(
    recorded: RecordedServer, invoke: Callable[..., Result], inside: Path, name: Any, tally: Any
) -> None:
    recorded.change(GRANT, GRANTED, name)
    result = invoke("versions", "download", "alpha", "1.0.0", "--no-color")
    assert result.exit_code == Exit.INTEGRITY
    assert result.stderr.startswith("error: the server's file name ")
    assert [path for path in all_files(inside) if ".part" not in path.name] == []
    tally("hostile")


@hostile_names
@pytest.mark.parametrize("format", ["table", "tsv", "json", "jsonl"])
def test_a_name_that_is_only_shown_is_shown_harmlessly(
    recorded: RecordedServer, invoke: Callable[..., Result], name: Any, format: str, tally: Any
) -> None:
    recorded.change(FILES, LISTED, name)
    result = invoke("versions", "files", "alpha", "1.0.0", "-o", format, "--fields", "fileName")
    assert result.exit_code == 0
    assert not CONTROLS.search(result.stdout)
    if format == "tsv":
        (line,) = result.stdout.splitlines()
        assert not isinstance(name, str) or unescape(line) == name
    elif format != "table":
        found = json.loads(result.stdout)
        assert (found if format == "jsonl" else found[0]) == {"fileName": name}
    tally("hostile")


# Several files


def listed(*names: str) -> list[dict[str, Any]]:
    row = {"fileType": "MAIN", "fileSize": len(CONTENT), "checksum": CHECKSUM}
    return [{**row, "fileName": name, "fileId": f"f{n}"} for n, name in enumerate(names)]


@pytest.mark.parametrize(
    "names",
    [
        ("x.exe", "X.EXE"),
        ("é.exe", "e\u0301.exe"),
        ("x.exe", "x.exe.part"),
        ("x.exe.part.journal", "x.exe"),
        ("x.exe", "x.exe.part.lock"),
    ],
    ids=lambda names: ascii(names[1]),
)
def test_files_that_would_overwrite_each_other_are_refused_before_the_first(
    recorded: RecordedServer,
    invoke: Callable[..., Result],
    inside: Path,
    names: tuple[str, str],
    tally: Any,
) -> None:
    recorded.change(FILES, ("data", "files"), listed(*names))
    result = invoke("versions", "download", "alpha", "1.0.0", "--all", "--no-color")
    assert result.exit_code == Exit.USAGE
    assert result.stderr.startswith("error: two files of this version have the same name")
    assert all_files(inside) == [] and GRANT not in recorded.routes
    tally("hostile")


def test_one_bad_name_among_many_keeps_all_from_being_written(
    recorded: RecordedServer, invoke: Callable[..., Result], inside: Path, tally: Any
) -> None:
    recorded.change(FILES, ("data", "files"), listed("a.exe", "../b.exe", "c.exe"))
    result = invoke("versions", "download", "alpha", "1.0.0", "--all", "--no-color")
    assert result.exit_code == Exit.INTEGRITY
    assert all_files(inside) == []
    tally("hostile")


def test_a_file_without_an_id_is_not_another_file_under_its_name(
    recorded: RecordedServer, invoke: Callable[..., Result], inside: Path, tally: Any
) -> None:
    rows = listed("a.exe", "b.exe")
    del rows[1]["fileId"]
    recorded.change(FILES, ("data", "files"), rows)
    result = invoke("versions", "download", "alpha", "1.0.0", "--all", "--no-color")
    assert result.exit_code == Exit.INTEGRITY
    assert result.stderr.startswith("error: the server gives no usable fileId")
    assert all_files(inside) == []
    tally("hostile")


def test_a_name_too_long_for_the_disk_is_an_error_that_names_it(
    recorded: RecordedServer, invoke: Callable[..., Result], inside: Path, tally: Any
) -> None:
    recorded.change(FILES, LISTED, "é" * 200)  # fine on Windows, and 400 bytes elsewhere
    result = invoke("versions", "download", "alpha", "1.0.0", "--no-color")
    if result.exit_code:
        assert "ile name too long" in result.stderr and result.stderr.startswith("error: é")
        assert all_files(inside) == []
    else:
        assert (inside / ("é" * 200)).read_bytes() == CONTENT
    tally("hostile")


def test_an_empty_list_of_files_verifies_nothing(
    recorded: RecordedServer, invoke: Callable[..., Result], inside: Path, tally: Any
) -> None:
    recorded.change(FILES, ("data", "files"), [])
    result = invoke("versions", "verify", "alpha", "1.0.0", ".", "--no-color")
    assert (result.exit_code, result.stdout) == (Exit.NOT_FOUND, "")
    tally("hostile")


# Lines that other programs read


@pytest.mark.parametrize(
    "checksum",
    [
        None,
        "",
        5,
        "0" * 63,
        "0" * 65,
        "0" * 128,
        f"{'0' * 64}  x\n{'1' * 64}",
        "\x1b[31m" + "0" * 59,
        "g" * 64,
    ],
    ids=lambda checksum: ascii(checksum)[:24],
)
def test_no_line_of_checksums_is_anything_else(
    recorded: RecordedServer, invoke: Callable[..., Result], checksum: Any, tally: Any
) -> None:
    recorded.change(FILES, ("data", "files", 0, "checksum"), checksum)
    result = invoke("versions", "checksums", "alpha", "1.0.0", "--no-color")
    assert (result.exit_code, result.stdout) == (Exit.INTEGRITY, "")
    assert result.stderr == "error: the server has no SHA-256 checksum for tool.exe\n"
    tally("hostile")


@pytest.mark.parametrize("name", ["x\nerror: y", "\x1b[31m", "\ud800"], ids=ascii)
def test_a_version_in_a_note_is_one_line_of_it(
    recorded: RecordedServer,
    canned: CannedServer,
    invoke: Callable[..., Result],
    name: str,
    tally: Any,
) -> None:
    canned.answer({"success": True, "data": {"versions": []}})
    canned.answer({"success": True, "data": {"versions": [{"version": name}]}})
    result = invoke("versions", "list", "alpha", "-o", "table", "--api-url", canned.url)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "1 not enabled (" in result.stderr
    assert len(result.stderr.splitlines()) == 1 and not CONTROLS.search(result.stderr.strip())
    tally("hostile")
