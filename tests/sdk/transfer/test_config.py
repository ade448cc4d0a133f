"""The limits of transfers: which values are allowed, and that clients keep to them."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, TransferConfig
from bindist.sandbox import SandboxServer
from bindist.transfer.config import MAX_CONNECTIONS, MAX_PARALLEL_FILES, AtOnce
from bindist_cli.commands.versions.cli import download_command, upload_command

KIB, MIB = 1024, 1024 * 1024
Connect = Callable[..., AdminClient]


@pytest.mark.parametrize(
    "values",
    [
        {"connections": 0},
        {"connections": MAX_CONNECTIONS + 1},
        {"parallel_files": 0},
        {"parallel_files": MAX_PARALLEL_FILES + 1},
        {"parallel_large_files": 0},
        {"inline_limit": -1},
        {"memory": MIB // 16},
        {"block_size": 1000},
        {"block_size": 3 * MIB},
        {"block_size": 2 * KIB},
        {"min_piece": 64 * MIB},
        {"min_read": 2 * MIB},
        {"short_read_seconds": 1.0},
        {"piece_seconds": float("nan")},
        {"max_held_seconds": float("inf")},
        {"upload_url_lifetime": -1.0},
        {"fresh_starts": 0},
    ],
    ids=str,
)
def test_a_value_out_of_range_is_a_value_error(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        TransferConfig(**values)


def test_every_attribute_is_documented() -> None:
    documented = inspect.getdoc(TransferConfig) or ""  # Python 3.13 strips the indentation itself
    for name in (field.name for field in dataclasses.fields(TransferConfig)):
        assert f"\n    {name}: " in documented


def ranges(server: SandboxServer) -> list[str]:
    return [
        record.headers["range"]
        for record in server.requests
        if record.path.startswith("/store/") and "range" in record.headers
    ]


def test_a_client_downloads_by_its_own_config(
    server: SandboxServer, connect: Connect, application: str, tmp_path: Path
) -> None:
    content = bytes(range(256)) * (4 * MIB // 256)
    config = TransferConfig(
        parallel_above=MIB,
        min_piece=512 * KIB,
        max_piece=512 * KIB,
        block_size=64 * KIB,
        memory=4 * MIB,
        piece_seconds=0.0,
    )
    for options in ({}, {"transfer_config": config}):
        client = connect(server.url, **options)
        if not options:
            client.upload_large_file(application, "1.0", "a.bin", content).raise_for_error()
        client.download_to_file(application, "1.0", tmp_path / "a", test_channel=True)
        assert (tmp_path / "a").read_bytes() == content
        assert len(ranges(server)) == (8 if options else 0)
        (tmp_path / "a").unlink()


@pytest.mark.parametrize("limit", [4, 5])
def test_a_client_uploads_inline_up_to_its_own_limit(
    limit: int, server: SandboxServer, connect: Connect, application: str, tmp_path: Path
) -> None:
    client = connect(server.url, transfer_config=TransferConfig(inline_limit=limit))
    path = tmp_path / "a.bin"
    path.write_bytes(b"bytes")

    def upload() -> bool:
        return client.upload_file(application, "1.0", path, file_type="DOCUMENTATION").success

    if limit == 5:
        assert upload()
    else:
        with pytest.raises(ValueError, match="DOCUMENTATION"):
            upload()


def test_the_options_of_the_command_line_have_the_ranges_and_defaults_of_the_config() -> None:
    found = {
        option.name: (option.type.min, option.type.max, option.default)
        for option in (*download_command.params, *upload_command.params)
        if option.name in ("connections", "parallel")
    }
    assert found == {
        "connections": (1, MAX_CONNECTIONS, TransferConfig.connections),
        "parallel": (1, MAX_PARALLEL_FILES, None),
    }


def test_few_files_are_large_at_once_unless_a_number_is_given() -> None:
    config = TransferConfig(parallel_files=8, parallel_large_files=3, small_file=MIB)
    assert config.at_once() == AtOnce(8, 3, MIB)
    assert config.at_once(5) == AtOnce(5, 5, MIB)
