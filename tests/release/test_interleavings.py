"""Two runs on a server that is not atomic: enabled means exactly one run's content, whole, and exit
codes say what is so. `interleavings` and `races` try all of it as scripts; here is a sample."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bindist import DifferentContentError
from bindist.sandbox import Step
from tests.counters import Record
from tests.publishing import publish
from tests.release.interleavings import (
    FAULTS,
    ORDERS,
    PAIRS,
    SETTLE,
    WRITES,
    Explorer,
    Scenario,
    faults_found,
    orders,
)
from tests.release.races import PAIRS as RACED
from tests.release.races import faults_of, race
from tests.sampling import TODAY

STRIDE = 97
"""Each of so many orders is tried, another one for each pair of contents and on each day."""

LENGTHS = {1: 15, 2: 18, 3: 21, 4: 24}
"""How many held steps a run of so many files takes."""


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Explorer]:
    with Explorer(tmp_path_factory.mktemp("interleavings")) as found:
        yield found


@pytest.mark.parametrize("contents", PAIRS, ids=" and ".join)
@pytest.mark.parametrize("enable", [(True, True), (True, False)], ids=str)
def test_enabled_means_one_runs_content_in_any_order_of_the_servers_steps(
    explorer: Explorer, contents: tuple[str, str], enable: tuple[bool, bool]
) -> None:
    first, second = (LENGTHS[len(explorer.files[content])] for content in contents)
    start = PAIRS.index(contents) * 5 + (not enable[1]) + TODAY
    chosen = itertools.islice(orders(first, second), start % STRIDE, None, STRIDE)
    for segments, order in zip(chosen, itertools.cycle(ORDERS), strict=False):
        scenario = Scenario(contents, enable, segments, order=order)
        outcome = explorer.carry_out(scenario)
        assert not faults_found(scenario, outcome, explorer), (scenario, outcome.ended)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("contents", [PAIRS[0], PAIRS[4], PAIRS[5]], ids=" and ".join)
def test_enabled_means_one_runs_content_when_a_write_is_lost_late_or_doubled(
    explorer: Explorer,
    contents: tuple[str, str],
    fault: str,
    record_property: Record,
) -> None:
    for place, (method, path) in enumerate(WRITES):
        scenario = Scenario(
            contents,
            (True, True),
            (("A", 4 + 5 * place), ("B", None), ("A", None)),
            f"{fault},method={method},path={path},nth=1",
            ORDERS[(FAULTS.index(fault) + place + TODAY) % len(ORDERS)],
        )
        outcome = explorer.carry_out(scenario)
        assert not faults_found(scenario, outcome, explorer), (scenario, outcome.ended)
        record_property("faults", 1)


@pytest.mark.parametrize("order", ORDERS)
def test_a_run_of_two_files_takes_as_many_steps_as_the_orders_count(
    explorer: Explorer, order: str
) -> None:
    segments = (("A", None), ("B", None))
    outcome = explorer.carry_out(Scenario(PAIRS[4], (True, True), segments, order=order))
    assert outcome.steps["A"] == LENGTHS[2]


def test_machines_that_release_at_once_make_one_whole_version(tmp_path: Path) -> None:
    with Explorer(tmp_path, like="aws") as explorer:
        explorer.server.faults.add("slow-db=6")
        explorer.server.faults.add("slow-store=80")
        for found in race(explorer, 50, RACED):
            assert not faults_of(found, explorer), (found.contents, found.ended)


def test_an_enabling_that_lands_late_releases_no_mixed_version(explorer: Explorer) -> None:
    """Another run's file arrives after this run has read all back, and its enabling is late."""
    server, client = explorer.server, explorer.clients["A"]
    upload = explorer.clients["B"].get_large_upload_url("tool", "late", "c.txt", 1).require()

    def complete(step: Step) -> None:
        if step.path == "/v1/applications/tool/versions" and step.caller == "admin":
            seen = server.version_state("tool", "late")
            if seen and len(seen.files) == 2 and client_enables.is_set():
                server.on_step = None
                explorer.clients["B"]._complete_upload(
                    upload["uploadId"], "tool", "late", "c.txt", 1, "0" * 64, None
                )

    client_enables = threading.Event()
    server.faults.add("late-completion=0.1,method=PATCH,path=*")
    server.on_step = complete
    server.after_step = lambda step: client_enables.set() if "files" in step.name else None
    with pytest.raises(DifferentContentError):
        publish(client, "tool", "late", explorer.files["two"], enable=True, settle=SETTLE)
    server.on_step = server.after_step = None
    server.faults.clear()
    time.sleep(SETTLE)
    state = server.version_state("tool", "late")
    assert state is not None
    assert not state.is_enabled
