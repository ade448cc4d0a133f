"""Fixtures for properties. Each file says how many examples the time for the suite allows."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest


@pytest.fixture
def printed() -> Callable[[Callable[[], None]], bytes]:
    """What a call prints, as a process in a pipe would, in bytes."""

    def run(call: Callable[[], None]) -> bytes:
        raw, before = io.BytesIO(), sys.stdout
        sys.stdout = io.TextIOWrapper(
            raw, encoding="utf-8", errors="backslashreplace", newline="\n", write_through=True
        )
        try:
            call()
            return raw.getvalue()
        finally:
            sys.stdout = before

    return run
