"""A pytest plugin: counts what passing tests have tried, and prints the sums at the end of a run.

A test that tries one thing is marked, alone or with its whole module:

    @pytest.mark.counts("hostile")       # or counts("hostile", 3) for three things

A test that knows the number only while it runs records it with pytest's own fixture:

    record_property("bytes", size)

A test that does not pass counts nothing. With pytest-xdist the reports of the workers bring the
numbers, so each number is counted once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

KINDS = {
    "faults": "faults of the network, the API and the object store survived",
    "hostile": "hostile inputs and surroundings refused",
    "kills": "kills (SIGKILL) survived",
    "bytes": "bytes moved under faults, kills and load, all of them right",
}

Record = Callable[[str, object], None]
"""The type of `record_property`."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "counts(kind, number=1): adds to a sum when the test passes")
    config.pluginmanager.register(Counters(), "bindist-counters")


def pytest_runtest_setup(item: pytest.Item) -> None:
    marker = item.get_closest_marker("counts")
    if marker:
        kind, number = (*marker.args, 1)[:2]
        if kind not in KINDS:
            raise pytest.UsageError(f"counts({kind!r}): the kinds are {', '.join(KINDS)}")
        item.user_properties.append((kind, number))


class Counters:
    """The sums of one run."""

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            for kind, number in report.user_properties:
                if kind in KINDS:
                    self._sums[kind] += int(str(number))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._sums:
            return
        terminalreporter.section("survived and refused")
        for kind, meaning in KINDS.items():
            terminalreporter.line(f"{self._sums[kind]:>15,}  {meaning}")
