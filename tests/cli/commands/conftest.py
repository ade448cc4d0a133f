"""Keys and settings on disk, for the tests of the commands that change them."""

from __future__ import annotations

import pytest
import tomlkit


@pytest.fixture
def without_keyring(monkeypatch):
    monkeypatch.setenv("BINDIST_NO_KEYRING", "1")


@pytest.fixture
def stored(environment):
    def read(name="credentials"):
        path = environment / f"{name}.toml"
        text = path.read_text("utf-8") if path.exists() else ""
        return tomlkit.parse(text).unwrap().get("profiles", {})

    return read
