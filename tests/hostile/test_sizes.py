"""Sizes and checksums that are none, or not those of the bytes: nothing is kept under the name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from bindist_cli.exit_codes import Exit
from tests.hostile.recorded import CONTROLS, GONE, RecordedServer

pytestmark = pytest.mark.counts("hostile")

FILES = "GET /v1/applications/*/versions/*/files"
GRANT = "GET /v1/downloads/url"
PLACES = {"listed": (FILES, ("data", "files", 0)), "granted": (GRANT, ("data",))}
ADDRESSED = [("listed", "-O -"), ("granted", "-O -"), ("listed", "--all"), ("granted", "--all")]

SIZES = [GONE, None, -1, 5.0, 5.5, "5", "", True, [5], {"bytes": 5}]
CHECKSUMS = [GONE, None, "", 5, ["0" * 64], "0" * 32, "0" * 63, "0" * 65, "0" * 128, "g" * 64]


def refused(result: Result, code: Exit, inside: Path) -> str:
    """The one error, with nothing printed, and nothing left under the final name."""
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert not (inside / "tool.exe").exists()
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and not CONTROLS.search(errors[0])
    return errors[0]


@pytest.mark.parametrize("size", SIZES, ids=repr)
@pytest.mark.parametrize(("place", "options"), ADDRESSED)
def test_an_invalid_size_is_an_error(
    recorded: RecordedServer,
    invoke: Callable[..., Result],
    inside: Path,
    place: str,
    options: str,
    size: Any,
) -> None:
    route, keys = PLACES[place]
    recorded.change(route, (*keys, "fileSize"), size)
    result = invoke("versions", "download", "alpha", "1.0.0", *options.split(), "--no-color")
    assert "no usable fileSize" in refused(result, Exit.INTEGRITY, inside)


@pytest.mark.parametrize("size", [2**62, 2**63, 2**70, 10**300])
def test_a_size_beyond_the_disk_is_refused_before_the_first_byte(
    recorded: RecordedServer, invoke: Callable[..., Result], inside: Path, size: int
) -> None:
    recorded.change(GRANT, ("data", "fileSize"), size)
    result = invoke("versions", "download", "alpha", "1.0.0", "--no-color")
    assert f"error: {size} bytes are needed in ." in refused(result, Exit.FAILED, inside)
    assert not [asked for asked in recorded.asked if asked.target.startswith("/store/")]


@pytest.mark.parametrize("size", [0, 1, 4, 6, 10**9])
def test_a_wrong_size_is_an_integrity_error(
    recorded: RecordedServer, invoke: Callable[..., Result], inside: Path, size: int
) -> None:
    recorded.change(GRANT, ("data", "fileSize"), size)
    result = invoke("versions", "download", "alpha", "1.0.0", "--no-color")
    refused(result, Exit.INTEGRITY, inside)


@pytest.mark.parametrize("checksum", CHECKSUMS, ids=lambda found: repr(found)[:12])
@pytest.mark.parametrize("options", ["", "-O -"])
def test_an_invalid_checksum_is_an_error(
    recorded: RecordedServer,
    invoke: Callable[..., Result],
    inside: Path,
    options: str,
    checksum: Any,
) -> None:
    recorded.change(GRANT, ("data", "checksum"), checksum)
    result = invoke("versions", "download", "alpha", "1.0.0", *options.split(), "--no-color")
    assert "no SHA-256 for tool.exe" in refused(result, Exit.INTEGRITY, inside)
    assert not [asked for asked in recorded.asked if asked.target.startswith("/store/")]


@pytest.mark.parametrize("checksum", CHECKSUMS, ids=lambda found: repr(found)[:12])
def test_a_file_without_a_checksum_is_not_verified(
    recorded: RecordedServer,
    invoke: Callable[..., Result],
    inside: Path,
    checksum: Any,
) -> None:
    (inside / "tool.exe").write_bytes(b"bytes")
    recorded.change(FILES, ("data", "files", 0, "checksum"), checksum)
    result = invoke("versions", "verify", "alpha", "1.0.0", "tool.exe")
    assert result.exit_code == Exit.INTEGRITY
    assert result.stdout.split("\t")[1] in ("different", "unknown")
