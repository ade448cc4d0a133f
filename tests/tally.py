"""What the suite tried and what survived it: counted by the tests, added up, printed at the end.

    N faults tried, N survived ...

A test takes the fixture `tally` and calls it once for each thing that it has tried *and seen turn
out right*: a test that fails before has counted nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

KINDS = {
    "faults": "faults of the network, the API and the object store survived",
    "hostile": "hostile inputs and surroundings refused",
    "kills": "kills (SIGKILL) survived",
    "bytes": "bytes moved under faults, kills and load, all of them right",
}

_counted: Counter[str] = Counter()
_KEY = "bindist_tally"


@pytest.fixture
def tally() -> Callable[..., None]:
    """Counts: `tally("faults")`, `tally("bytes", size)`."""

    def count(kind: str, number: int = 1) -> None:
        assert kind in KINDS
        _counted[kind] += number

    return count


class Tally:
    """Adds up what the workers counted, and prints it before the closing line."""

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:  # a worker of pytest-xdist: it prints nothing itself
            output[_KEY] = dict(_counted)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        _counted.update(getattr(node, "workeroutput", {}).get(_KEY, {}))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not _counted:
            return
        terminalreporter.section("survived and refused")
        for kind, meaning in KINDS.items():
            terminalreporter.line(f"{_counted[kind]:>15,}  {meaning}")
