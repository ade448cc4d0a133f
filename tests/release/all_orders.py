"""All orders of two runs with at most three switches between them, for several contents, with and
without enabling, and with each request lost, late or doubled once:

    python -m tests.release.all_orders [SECONDS [PROCESSES]]

By default it stops after 3600 seconds, and says so, and uses 4 processes.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.release.interleavings import (
    ENABLE,
    FAULTS,
    ORDERS,
    PAIRS,
    WRITES,
    Explorer,
    Outcome,
    Scenario,
    faults_found,
    number_is_lost,
    orders,
    undone,
)


@dataclass(frozen=True)
class Block:
    """Scenarios that one server is used for: one pair of contents, who enables, maybe a fault of
    one kind for one kind of request, and the order of the requests that a run makes at once."""

    contents: tuple[str, str]
    enable: tuple[bool, bool]
    fault: str = ""
    order: str = ORDERS[0]

    @property
    def name(self) -> str:
        return f"{' and '.join(self.contents)}{', fault' if self.fault else ''}, {self.order}: "

    def outcomes(self, explorer: Explorer) -> Iterator[tuple[Scenario, Outcome]]:
        """Carries out all scenarios of the block."""
        alone = explorer.carry_out(Scenario(self.contents, self.enable, (("A", None), ("B", None))))
        other = explorer.carry_out(Scenario(self.contents, self.enable, (("B", None), ("A", None))))
        first, second = (max(run.steps.get(name, 0) for run in (alone, other)) for name in "AB")
        if self.fault:
            yield from self._faulty(explorer, first)
            return
        for segments in orders(first, second):
            scenario = Scenario(self.contents, self.enable, segments, order=self.order)
            yield scenario, explorer.carry_out(scenario)

    def _faulty(self, explorer: Explorer, first: int) -> Iterator[tuple[Scenario, Outcome]]:
        """Each request of both runs has the fault once, with A ahead by any number of steps."""
        for nth in itertools.count(1):
            any_struck = False
            for count in range(0, first + 1, 2):
                segments = (("A", count), ("B", None), ("A", None))
                fault = f"{self.fault},nth={nth}"
                scenario = Scenario(self.contents, self.enable, segments, fault, self.order)
                outcome = explorer.carry_out(scenario)
                if outcome.fault_struck:
                    any_struck = True
                    yield scenario, outcome
            if not any_struck:  # neither run makes so many requests of this kind
                return


def all_blocks() -> list[Block]:
    """Every pair of contents in every order; then each request of a run lost, late or doubled."""
    pairs = list(itertools.product(PAIRS, ENABLE))
    writes = itertools.product(FAULTS, WRITES)
    faults = [f"{fault},method={method},path={path}" for fault, (method, path) in writes]
    return [
        *(Block(*pair, order=order) for order in ORDERS for pair in pairs),
        *(Block(*pair, fault, order) for order in ORDERS for pair in pairs for fault in faults),
    ]


def explore(block: Block, deadline: float) -> tuple[Counter[str], list[str]]:
    """Carries out a block until the deadline; returns counts, and what was wrong."""
    counts: Counter[str] = Counter()
    found: list[str] = []
    if time.time() > deadline:
        return Counter({block.name + "NOT TRIED": 1}), found
    with tempfile.TemporaryDirectory() as folder, Explorer(Path(folder)) as explorer:
        for scenario, outcome in block.outcomes(explorer):
            if time.time() > deadline:
                counts[block.name + "NOT TRIED TO THE END"] += 1
                break
            undone_by_other = any(undone(scenario, outcome, explorer, index) for index in (0, 1))
            counts[block.name + "scenarios"] += 1
            counts[block.name + "waited"] += outcome.waited
            counts[block.name + "enabled while overtaken"] += bool(outcome.overtaken)
            counts[block.name + "number lost"] += number_is_lost(outcome)
            counts[block.name + "undone afterwards"] += undone_by_other
            if wrong := faults_found(scenario, outcome, explorer):
                counts["wrong"] += 1
                counts[block.name + "wrong"] += 1
                found.append("\n  ".join(map(str, (scenario, wrong, outcome.ended))))
    return counts, found


def main(seconds: float = 3600.0, processes: float = 4) -> int:
    """Tries all scenarios, or as many as fit; prints what was wrong, and the counts."""
    counts: Counter[str] = Counter()
    with ProcessPoolExecutor(int(processes)) as pool:
        blocks = all_blocks()
        deadline = itertools.repeat(time.time() + seconds)
        for done, (block_counts, found) in enumerate(pool.map(explore, blocks, deadline), 1):
            counts += block_counts
            print(f"{done} of {len(blocks)} blocks", *found, sep="\n", flush=True)
    for name, count in sorted(counts.items()):
        print(f"{count:8}  {name}")
    print(sum(count for name, count in counts.items() if name.endswith("scenarios")), "in all")
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:])))
