"""Two runs on a server that is not atomic: enabled means exactly one run's content, whole, and exit
codes say what is so. `interleavings` and `races` try all of it as scripts; here is a sample."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.counters import Record
from tests.release.interleavings import (
    FAULTS,
    PAIRS,
    WRITES,
    Explorer,
    Scenario,
    faults_found,
    orders,
)
from tests.release.races import PAIRS as RACED
from tests.release.races import faults_of, race

STRIDE = 23
"""Each of so many orders is tried, another one for each pair of contents."""

LENGTHS = {1: 11, 2: 19, 3: 22, 4: 25}
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
    start = PAIRS.index(contents) * 5 + enable.index(True)
    for segments in itertools.islice(orders(first, second), start % STRIDE, None, STRIDE):
        scenario = Scenario(contents, enable, segments)
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
        )
        outcome = explorer.carry_out(scenario)
        assert not faults_found(scenario, outcome, explorer), (scenario, outcome.ended)
        record_property("faults", 1)


def test_a_run_of_two_files_takes_as_many_steps_as_the_orders_count(explorer: Explorer) -> None:
    outcome = explorer.carry_out(Scenario(PAIRS[4], (True, True), (("A", None), ("B", None))))
    assert outcome.steps["A"] == LENGTHS[2]


def test_machines_that_release_at_once_make_one_whole_version(tmp_path: Path) -> None:
    with Explorer(tmp_path, like="aws") as explorer:
        explorer.server.faults.add("slow-db=6")
        explorer.server.faults.add("slow-store=80")
        for found in race(explorer, 50, RACED):
            assert not faults_of(found, explorer), (found.contents, found.ended)
