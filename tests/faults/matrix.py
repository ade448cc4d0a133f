"""The matrix: a row for each request of a call, a column for each fault; what is required."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tests.faults.calls import CALLS, LARGE, ON_DISK, Call, Step
from tests.faults.required import (
    AFTER_A_CUT,
    API,
    CARRIED_OUT,
    CLASSES,
    CODES,
    FIRST,
    HANDS_OUT,
    STORE,
    TRIES,
    USES,
    Cell,
    kind_of,
    read_table,
)

_API, _STORE = read_table(API), read_table(STORE) | read_table(FIRST)
_AFTER_A_CUT, _HANDS_OUT, _USES = map(read_table, (AFTER_A_CUT, HANDS_OUT, USES))
API_FAULTS = tuple(dict.fromkeys(fault for _, fault in _API))
STORE_FAULTS = tuple(dict.fromkeys(fault for _, fault in _STORE))


Case = tuple[str, bool]
"""A fault, and whether it happens once or stays."""


class Seen(NamedTuple):
    """What became of a call."""

    outcome: str
    requests: tuple[int, ...]
    """How many, for each of its steps."""
    done: tuple[int | None, ...]
    """How often the server carried each step out, where that can be seen."""
    left: str = ""
    """What is on disk where the file was to be: `old`, `new`, or what it should never be."""


@dataclass(frozen=True)
class Row:
    """The step of a call that meets the faults: its first request, or its second."""

    call: Call
    at: int
    nth: int = 1

    def __str__(self) -> str:
        place = f"{self.call}, {self.step.method} {self.step.path}"
        return place if self.nth == 1 else f"{place}, the second"

    @property
    def step(self) -> Step:
        return self.call.steps[self.at]

    @property
    def cases(self) -> list[Case]:
        """All; but each kind once for a large file, whose steps other calls have in small."""
        faults = API_FAULTS if self.step.kind in ("read", "change") else STORE_FAULTS
        if self.call.sends is LARGE:
            return [(fault, True) for fault in {kind_of(fault): fault for fault in faults}.values()]
        return [(fault, once) for fault in faults for once in (True, False)]

    def urls_of(self, seen: Seen) -> int:
        """How many URLs of `shelf` were handed out."""
        done = zip(seen.done, self.call.steps, strict=True)
        return sum(number or 0 for number, step in done if step.url)

    def cell(self, fault: str, once: bool) -> Cell:
        step, found = self.step, None
        if step.url:
            handed_out = "url" if step.method == "GET" else "upload"
            used = self.at + 1 < len(self.call.steps)
            found = (_USES if used else _HANDS_OUT).get((handed_out, fault))
        elif step.cut and self.nth == 2:
            found = _AFTER_A_CUT.get((step.kind, fault))
        cell = (found or {**_API, **_STORE}[step.kind, fault])[0 if once else 1]
        return cell if cell.requests else cell._replace(requests=TRIES + 1 - self.nth)

    def required(self, fault: str, once: bool) -> Seen:
        cell = self.cell(fault, once)
        requests = tuple(self._requests(cell, fault, at) for at in range(len(self.call.steps)))
        # All that came was done, but for what the fault kept from being done.
        kept = 0 if kind_of(fault) in CARRIED_OUT else 1 if once else cell.requests
        done = tuple(
            count - (kept if at == self.at else 0) if step.effect else None
            for at, (count, step) in enumerate(zip(requests, self.call.steps, strict=True))
        )
        left = "old" if self.call.method in ON_DISK else ""
        if left and cell.outcome == "ok":
            left = "new"
        return Seen(self._outcome(cell.outcome), requests, done, left)

    def _requests(self, cell: Cell, fault: str, at: int) -> int:
        step, succeeds = self.call.steps[at], cell.outcome == "ok"
        if at < self.at:
            return 1 + (cell.more_urls if step.url else 0)
        if at == self.at:
            next_page = step.again and not step.cut and self.nth == 1 and succeeds
            return self.nth - 1 + cell.requests + next_page
        if at == self.at + 1 and self.step.url and kind_of(fault) == "expire":
            return cell.requests  # each of the expired URLs is tried
        return int(succeeds)

    def _outcome(self, wanted: str) -> str:
        if wanted == "invalid":
            return "2xx INVALID_RESPONSE" + (" ApiError" if self.call.raises else "")
        if wanted.isdecimal():
            status = int(wanted)
            raised = f" {CLASSES[status]}" if self.call.raises else ""
            return f"{status} {CODES[status]}{raised}"
        return wanted


ROWS = [
    Row(call, at, nth)
    for call in CALLS
    for at, step in enumerate(call.steps)
    for nth in ((1, 2) if step.again else (1,))
]
