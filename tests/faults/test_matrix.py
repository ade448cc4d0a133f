"""Every call of the SDK under every fault of the sandbox comes to what the tables require.

Of calls whose step is of one kind, one meets a fault that happens once, the next the one that
stays; the other way round the next day. So every call meets every fault on any day, and every kind
of step both forms. All of it, twice as long:

    WHOLE_MATRIX=1 pytest tests/faults
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from bindist import AdminClient, CustomerClient, TransportError
from bindist.sandbox.faults.plan import KINDS, SERVER_FAULTS
from tests.conftest import ADMIN_KEY
from tests.faults.bench import Bench
from tests.faults.calls import CALLS, LARGE, OF_SEVERAL_STEPS, WITHOUT_REQUESTS, Call, Place
from tests.faults.matrix import API_FAULTS, ROWS, STORE_FAULTS, Case, Row, Seen
from tests.faults.required import STALLS, kind_of
from tests.sampling import WHOLE, is_due
from tests.sdk.canned import CannedServer

PATIENCE, LONG_PATIENCE = 0.5, 3.0
"""Seconds until a client of the stalled server gives up."""
BENCHES = 32


def cases(row: Row, *, stalls: bool) -> list[Case]:
    alike = [each for each in ROWS if traits(each) == traits(row)]
    faults = list(dict.fromkeys(fault for fault, _ in row.cases))
    whole = WHOLE or len(alike) == 1 or len(faults) == len(row.cases)
    return [
        (fault, once)
        for fault, once in row.cases
        if (kind_of(fault) in STALLS) is stalls
        and (whole or once is is_due(faults.index(fault) + alike.index(row), 2))
    ]


def traits(row: Row) -> tuple[object, ...]:
    """What the required outcome of a row depends on."""
    step = row.step
    return step.kind, step.method, step.url, step.cut != "", row.nth, row.call.sends is LARGE


def count_right(tally: Callable[..., None], row: Row, found: list[Seen]) -> None:
    tally("faults", len(found))
    tally("bytes", row.call.moves * sum(seen.outcome == "ok" for seen in found))


def differing(seen: dict[Any, Seen], wanted: dict[Any, Seen]) -> dict[Any, tuple[Seen, Seen]]:
    """What was seen, and what is required, where that is not the same."""
    return {case: (seen[case], wanted[case]) for case in wanted if seen[case] != wanted[case]}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_call_comes_to_what_is_required_under_every_fault(
    row: Row, bench: Bench, tally: Callable[..., None]
) -> None:
    bench.learn(row.call)
    before = bench.downloads()
    seen = {case: bench.observe(row, *case) for case in cases(row, stalls=False)}
    wanted = {case: row.required(*case) for case in seen}
    assert differing(seen, wanted) == {}
    assert bench.downloads() - before == sum(map(row.urls_of, seen.values()))
    count_right(tally, row, list(seen.values()))


def test_no_call_hangs_where_the_server_stalls(
    environment: Path, workshop: Callable[[float], Bench], tally: Callable[..., None]
) -> None:
    """All at once: each of them does nothing but wait for its time-outs."""
    wanted = {(row, *case): row.required(*case) for row in ROWS for case in cases(row, stalls=True)}
    benches: SimpleQueue[Bench] = SimpleQueue()
    for _ in range(BENCHES):
        benches.put(workshop(PATIENCE))

    def observe(case: tuple[Row, str, bool]) -> Seen:
        bench = benches.get()
        try:
            return bench.observe(*case)
        finally:
            benches.put(bench)

    alone = workshop(LONG_PATIENCE)
    for call in CALLS:
        alone.learn(call)
    in_turn = sorted(wanted, key=lambda case: -sum(wanted[case].requests))
    with ThreadPoolExecutor(BENCHES) as pool:
        seen = dict(zip(in_turn, pool.map(observe, in_turn), strict=True))
    # On a machine that is busy any answer may be late: those have another try, alone.
    seen |= {case: alone.observe(*case) for case in differing(seen, wanted)}
    assert differing(seen, wanted) == {}
    for (row, *_), what in seen.items():
        count_right(tally, row, [what])


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_a_call_that_nobody_listens_to_was_not_carried_out_and_leaves_nothing(
    call: Call, tmp_path: Path, tally: Callable[..., None]
) -> None:
    for name in ("small.bin", "large.bin"):
        (tmp_path / name).write_bytes(call.sends)
    closed = CannedServer()
    with closed, AdminClient(closed.url, ADMIN_KEY, backoff=0.0002) as client:
        place = Place(client, "m1", tmp_path)
        with pytest.raises(TransportError, match="cannot connect") as caught:
            call.run(place)
    assert caught.value.ambiguous is False
    assert not place.target.parent.exists()
    tally("faults")


# Nothing is left out


def test_every_public_method_is_in_the_matrix() -> None:
    public = {
        name
        for client in (CustomerClient, AdminClient)
        for name, _ in inspect.getmembers(client, callable)
        if not name.startswith("_")
    }
    assert {row.call.method for row in ROWS} == public - WITHOUT_REQUESTS - OF_SEVERAL_STEPS


@pytest.mark.parametrize("faults", [API_FAULTS, STORE_FAULTS], ids=["api", "store"])
def test_every_fault_of_the_sandbox_is_in_the_matrix(faults: tuple[str, ...]) -> None:
    assert {kind_of(fault) for fault in faults} == KINDS.keys() - SERVER_FAULTS


def test_every_pair_says_what_is_required() -> None:
    for row in ROWS:
        for case in row.cases:
            assert row.required(*case).requests[row.at] >= row.nth
