"""The sandbox answers as the reference server did."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bindist.sandbox import LIKES, SandboxServer

HERE = Path(__file__).parent


def _load_replay() -> ModuleType:
    """The helper beside this file; in importlib mode, tests cannot import each other."""
    spec = importlib.util.spec_from_file_location("contract_replay", HERE / "replay.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


replay = _load_replay()
EXCHANGES = replay.read_exchanges(HERE / "exchanges.jsonl")
CHECKED = [number for number, exchange in enumerate(EXCHANGES) if exchange["check"]]


@pytest.fixture(scope="module", params=LIKES)
def differences(request, tmp_path_factory):
    keys = replay.KEYS
    server = SandboxServer(
        tmp_path_factory.mktemp("contract"),
        catalogue=False,
        admin_key=keys["key_admin"],
        apps_admin_key=keys["key_apps_admin"],
        customer_key=keys["key_customer"],
        like=request.param,
    )
    with server:
        return list(replay.replay(server.url, EXCHANGES))


@pytest.mark.parametrize("number", CHECKED, ids=lambda number: EXCHANGES[number]["name"])
def test_the_sandbox_responds_as_recorded(differences, number):
    assert differences[number] == []


def test_every_recorded_exchange_is_replayed():
    assert (len(EXCHANGES), len(CHECKED)) == (469, 454)
