"""Fixtures for the fault matrix: one server for many cases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.faults.bench import Bench, make_catalogue
from tests.faults.calls import Call
from tests.sdk.canned import CannedServer

MakeBench = Callable[[float], Bench]


@pytest.fixture(scope="module")
def resources() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def workshop(
    resources: ExitStack, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[float], Bench]:
    """Makes benches whose clients wait so many seconds for an answer."""
    folder = tmp_path_factory.mktemp("faults")
    elsewhere = resources.enter_context(CannedServer())
    elsewhere.answer(b"", 404)
    elsewhere.open()
    numbers = count()
    right: dict[Call, Any] = {}

    def make(timeout: float) -> Bench:
        catalogue = folder / "catalogue"
        if not catalogue.exists():
            make_catalogue(catalogue)
            time.sleep(1.0)  # a list with what is younger than its `Date` is read twice
        own = folder / str(next(numbers))
        own.mkdir()
        bench = Bench(own, catalogue, elsewhere, right, timeout)
        return resources.enter_context(closing(bench))

    return make


@pytest.fixture(scope="module")
def shared() -> dict[str, Bench]:
    return {}


@pytest.fixture
def bench(environment: Path, workshop: MakeBench, shared: dict[str, Bench]) -> Bench:
    """The one bench of the module, made by the first test: then there is no proxy any more."""
    if not shared:
        shared["bench"] = workshop(15.0)
    return shared["bench"]
