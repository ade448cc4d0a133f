"""New keys that are none: neither shown nor kept, and no line for whoever reads the output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from bindist_cli.exits import Exit
from tests.hostile.recorded import GONE, RecordedServer

KEYS = [
    GONE,
    None,
    "",
    5,
    True,
    ["key"],
    {"key": "x"},
    "a key",
    "k\n::error::x",
    "k\x1b[31m",
    "ключ",
]
COMMANDS = {
    "customers create --name New": "POST /v1/management/customers/*/apikeys",
    "customers rotate-key c1 --yes": "POST /v1/management/customers/*/regenerate-key",
    "admin rotate-key --yes": "POST /v1/management/admin/regenerate-key",
}


@pytest.mark.parametrize("key", KEYS, ids=ascii)
@pytest.mark.parametrize("options", ["", "--key-file new.key"], ids=["shown", "kept"])
@pytest.mark.parametrize("words", COMMANDS)
def test_what_is_no_key_is_not_taken_for_one(
    recorded: RecordedServer,
    invoke: Callable[..., Result],
    inside: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    options: str,
    key: Any,
    tally: Any,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    recorded.change(COMMANDS[words], ("data", "apiKey"), key)
    recorded.answers[COMMANDS[words]]["data"].pop("apiSecret", None)
    result = invoke(*words.split(), *options.split(), "--no-color")
    assert (result.exit_code, result.stdout) == (Exit.FAILED, "")
    assert result.stderr == "error: the server's answer has no usable key in it\n"
    assert list(inside.iterdir()) == []
    tally("hostile")
