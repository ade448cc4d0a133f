"""New keys that are none: neither shown nor kept, and no line for whoever reads the output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from bindist_cli.exit_codes import Exit
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
    recorded.answers[COMMANDS[words]]["data"].pop("apiSecret", None)  # which comes before it
    result = invoke(*words.split(), *options.split(), "--no-color")
    assert (result.exit_code, result.stdout) == (Exit.FAILED, "")
    lines = [line for line in result.stderr.splitlines() if not line.startswith("::add-mask::")]
    assert lines == ["error: the server's response contains no usable key"]
    assert list(inside.iterdir()) == []
    tally("hostile")


@pytest.mark.parametrize("other", [None, 5, ["key"], {"key": "x"}], ids=ascii)
def test_a_key_is_shown_whatever_the_other_half_of_the_answer_is(
    recorded: RecordedServer,
    invoke: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    other: Any,
    tally: Any,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    words = "customers rotate-key c1 --yes"
    recorded.change(COMMANDS[words], ("data", "apiKey"), other)
    key = recorded.answers[COMMANDS[words]]["data"]["apiSecret"]
    result = invoke(*words.split())
    assert result.exit_code == 0, result.stderr
    assert f"apiKey\t{key}\n" in result.stdout and f"::add-mask::{key}\n" in result.stderr
    tally("hostile")
