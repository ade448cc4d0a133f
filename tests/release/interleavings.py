"""Two runs of a release on a server that is not atomic, in any order of the server's steps.

`all_orders` tries all of them as a script, `test_interleavings` a sample.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from bindist import AdminClient, BinDistError
from bindist.release import publish as releases
from bindist.release.files import local_files
from bindist.release.results import Release
from bindist.release.version_requests import VersionRequests
from bindist.sandbox import SandboxServer, Step, VersionState
from bindist.transfer.config import AtOnce
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY

APPLICATION = "tool"
SETTLE = 0.25
CALLERS = {"admin": "A", "admin-apps": "B"}
GATED = (
    "files",
    "versions",
    "large-url.read-version",
    "upload.read-version",
    "upload.write-version",
    "complete.write-version",
    "complete.write-file",
    "update-version.read-version",
    "update-version.write-version",
)
LOOKS = ("files", "versions")
AT_ONCE = (*LOOKS, "complete.write-version")
"""The first steps of what a run asks for at once."""

COUNTED = ("list_files", "list_versions", "complete")
"""The calls that a run makes at once, and whose requests have steps that are held."""

CONTENTS = {
    "one": {"tool.exe": b"program"},
    "another": {"tool.exe": b"another program"},
    "two": {"tool.exe": b"program", "a.txt": b"text"},
    "two others": {"tool.exe": b"program", "a.txt": b"other text"},
    "three": {"tool.exe": b"program", "a.txt": b"text", "b.txt": b"more text"},
    "four": {"tool.exe": b"program", "a.txt": b"text", "b.txt": b"more", "c.txt": b"most"},
}
PAIRS = (
    ("one", "one"),
    ("one", "another"),
    ("one", "two"),
    ("two", "one"),
    ("two", "two"),
    ("two", "two others"),
    ("two", "three"),
    ("two", "four"),
    ("three", "two"),
)
ENABLE = ((True, True), (True, False), (False, True))
FAULTS = (
    "lost",
    "refuse",
    f"late-completion={SETTLE / 3}",
    "duplicate",
    f"duplicate={SETTLE / 3}",
)
UPLOAD, COMPLETE = "/v1/management/upload", "/v1/management/upload/large-complete"
WRITES = (("POST", UPLOAD), ("POST", COMPLETE), ("PATCH", "*"))


ORDERS = ("one at a time", "files first", "record first", "in turns")
"""Whether a run makes one request at a time, or which of those that it makes at once is carried out
first: of a look, the files or the version's record; of completions, one whole, the last whole, or a
step of each in turns."""

GRACE = 0.003
"""Seconds without another request after which a run is taken to have made all that it makes."""


@dataclass(frozen=True)
class Scenario:
    """Two runs: their contents, whether each enables, how many steps each takes before the other
    has its turn (`segments`, the last ones to the end), a fault of the server, and the `order`, one
    of `ORDERS`, of the requests that a run makes at once."""

    contents: tuple[str, str]
    enable: tuple[bool, bool]
    segments: tuple[tuple[str, int | None], ...]
    fault: str = ""
    order: str = ORDERS[0]


@dataclass
class Outcome:
    """What became of both runs, and of the version.

    `wrong` are the states in which the version was enabled with other content than that of one run;
    `overtaken` those of them where a single request of one run was under way while the other run
    did everything from its first write to reading all back. No client can see such a request.
    """

    ended: dict[str, Release | Exception]
    state: VersionState | None
    steps: dict[str, int]
    wrong: list[str]
    overtaken: list[str]
    waited: bool
    fault_struck: bool

    def files(self) -> set[tuple[str, str]]:
        return content_of(self.state)


def content_of(state: VersionState | None) -> set[tuple[str, str]]:
    """The names and checksums of a version's files; the same file twice counts once."""
    return {(name, checksum) for _, name, checksum in state.files} if state else set()


@dataclass(frozen=True)
class Event:
    """A step of a run that has been asked for, or taken (`taken`)."""

    run: str
    request: int
    name: str
    writes: bool
    taken: bool


def is_overtaken(events: Sequence[Event]) -> bool:
    """Whether one request was under way from before the first write of the run that has enabled the
    version until after this run had read all back."""
    enabled = max(
        place for place, event in enumerate(events) if event.name == "update-version.write-version"
    )
    run = events[enabled].run
    mine = [place for place, event in enumerate(events) if event.run == run and event.taken]
    first = next(place for place in mine if events[place].writes)
    asked = next(place for place in mine if events[place].name == "update-version.read-version")
    looked = max(place for place in mine if events[place].name == "files" and place < asked)
    for request in {event.request for event in events if event.run != run}:
        places = [place for place, event in enumerate(events) if event.request == request]
        if places[0] < first and places[-1] > looked:
            return True
    return False


@dataclass
class Turns:
    """Holds each step of both runs until it is its run's turn. Where a run waits for time to pass,
    both go on freely: no request is under way for longer than that."""

    segments: Sequence[tuple[str, int | None]]
    order: str = ORDERS[0]
    asked: Counter[str] = field(default_factory=Counter)
    """How many requests each run has under way."""
    waiting: dict[str, dict[int, str]] = field(default_factory=lambda: {"A": {}, "B": {}})
    """The steps that are held, by their requests."""
    turns: Counter[int] = field(default_factory=Counter)
    done: set[str] = field(default_factory=set)
    steps: Counter[str] = field(default_factory=Counter)
    free: bool = False
    waited: bool = False
    granted: int | None = None
    events: list[Event] = field(default_factory=list)
    condition: threading.Condition = field(default_factory=threading.Condition)

    def on_step(self, step: Step) -> None:
        run = CALLERS.get(step.caller)
        if run is None or step.name not in GATED or "late" in threading.current_thread().name:
            return
        with self.condition:
            self.events.append(Event(run, step.request, step.name, step.writes, taken=False))
            self.waiting[run][step.request] = step.name
            self.condition.notify_all()
            if not self.condition.wait_for(lambda: self.free or self.granted == step.request, 30):
                raise TimeoutError(f"{run} is held for ever before {step.name}")
            del self.waiting[run][step.request]
            self.steps[run] += 1
            self.turns[step.request] += 1
            if not self.free:
                self.granted = None
            self.condition.notify_all()

    def after_step(self, step: Step) -> None:
        run = CALLERS.get(step.caller)
        if run is not None:
            with self.condition:
                self.events.append(Event(run, step.request, step.name, step.writes, taken=True))

    def run_waits(self, _: str) -> None:
        with self.condition:
            self.free = self.waited = True
            self.condition.notify_all()

    def end(self, run: str) -> None:
        with self.condition:
            self.done.add(run)
            self.condition.notify_all()

    def direct(self) -> None:
        """Gives the runs their turns, in the order of the segments."""
        with self.condition:
            for run, count in self.segments:
                for _ in itertools.count() if count is None else range(count):
                    self._wait_for_arrival(run)
                    if self.free or run in self.done:
                        break
                    self.granted = self._chosen(run)
                    self.condition.notify_all()
                    self.condition.wait_for(lambda: self.free or self.granted is None, 30)
                    self._wait_for_arrival(run)
            self.free = True
            self.condition.notify_all()

    def _chosen(self, run: str) -> int:
        """Which of the requests of a run that are held goes on."""
        held = self.waiting[run]
        looks = {name: request for request, name in held.items() if name in LOOKS}
        if looks:
            last = self.order == "record first"
            return looks[max(looks)] if last else looks[min(looks)]
        if self.order == "in turns":
            return min(held, key=lambda request: (self.turns[request], request))
        return max(held) if self.order == "record first" else min(held)

    def _wait_for_arrival(self, run: str) -> None:
        """Waits until the run has ended, or all that it has asked for at once is held."""

        def is_held() -> bool:
            ended = self.free or run in self.done
            return ended or 0 < len(self.waiting[run]) >= self.asked[run]

        self.condition.wait_for(is_held, 30)
        before = -1
        while self.asked[run] != before and not self.free and self._has_begun_several(run):
            before = self.asked[run]
            self.condition.wait(GRACE)
            self.condition.wait_for(is_held, 30)

    def _has_begun_several(self, run: str) -> bool:
        """Whether the run may be about to make more requests at once than are held."""
        held = self.waiting[run].items()
        first = any(name in AT_ONCE and not self.turns[request] for request, name in held)
        return first and self.order != ORDERS[0]

    def counting(self, run: str, requests: VersionRequests) -> VersionRequests:
        """The same requests, which are counted while they are under way."""

        def counted(call: Callable[..., Any]) -> Callable[..., Any]:
            def make(*arguments: Any) -> Any:
                self._count(run, 1)
                try:
                    return call(*arguments)
                finally:
                    self._count(run, -1)

            return make

        names = (each.name for each in fields(requests))
        calls = {name: getattr(requests, name) for name in names if name in COUNTED}
        return replace(requests, **{name: counted(call) for name, call in calls.items()})

    def _count(self, run: str, change: int) -> None:
        with self.condition:
            self.asked[run] += change
            self.condition.notify_all()


class Explorer:
    """A server and two administrators who release to it."""

    def __init__(self, folder: Path, like: str = "scaleway") -> None:
        self.server = SandboxServer(
            folder / "server",
            like=like,
            catalogue=False,
            admin_key=ADMIN_KEY,
            apps_admin_key=APPS_ADMIN_KEY,
        )
        self.files = {}
        for content, files in CONTENTS.items():
            for name, text in files.items():
                path = folder / content / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text)
            self.files[content] = local_files(sorted((folder / content).iterdir()))
        self._number = 0

    def __enter__(self) -> Explorer:
        self.server.start()
        url, options = self.server.url, {"backoff": 0.005, "retries": 5, "timeout": (10, 20)}
        self.clients = {
            "A": AdminClient(url, ADMIN_KEY, **options),
            "B": AdminClient(url, APPS_ADMIN_KEY, **options),
        }
        self.clients["A"].create_application(APPLICATION, "Tool").raise_for_error()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self.clients.values():
            client.close()
        self.server.stop()

    def carry_out(self, scenario: Scenario) -> Outcome:
        """Carries out one scenario on a version of its own."""
        self._number += 1
        version = str(self._number)
        whole = [self.content(name) for name in scenario.contents]
        turns = Turns(scenario.segments, scenario.order)
        at_once = 1 if scenario.order == ORDERS[0] else 4
        wrong: list[str] = []
        overtaken: list[str] = []
        ended: dict[str, Release | Exception] = {}

        def check(step: Step) -> None:
            turns.after_step(step)
            if step.writes:
                state = self.server.version_state(APPLICATION, version)
                if state and state.is_enabled and content_of(state) not in whole:
                    names = sorted(name for _, name, _ in state.files)
                    found = overtaken if is_overtaken(turns.events) else wrong
                    found.append(f"enabled with {names} after {step.name} of {step.caller}")

        def run(name: str, content: str, enable: bool) -> None:
            try:
                requests = self.clients[name]._version_requests(APPLICATION, version)
                ended[name] = releases.publish(
                    turns.counting(name, requests),
                    self.files[content],
                    enable=enable,
                    at_once=AtOnce(at_once, at_once, 0),
                    settle=SETTLE,
                    notify=turns.run_waits,
                )
            except Exception as error:
                ended[name] = error
            turns.end(name)

        self.server.faults.clear()
        if scenario.fault:
            self.server.faults.add(scenario.fault)
        self.server.on_step, self.server.after_step = turns.on_step, check
        threads = [
            threading.Thread(target=run, args=(name, content, enable))
            for name, content, enable in zip("AB", scenario.contents, scenario.enable, strict=True)
        ]
        for thread in threads:
            thread.start()
        turns.direct()
        for thread in threads:
            thread.join(60)
        struck = self.server.faults.all_struck
        self.server.faults.clear()
        if scenario.fault:
            time.sleep(SETTLE / 2)  # what is late lands
        state = self.server.version_state(APPLICATION, version)
        self.server.on_step = self.server.after_step = None
        self.server.requests.clear()
        return Outcome(ended, state, dict(turns.steps), wrong, overtaken, turns.waited, struck)

    def content(self, name: str) -> set[tuple[str, str]]:
        return {(file, sha256(text).hexdigest()) for file, text in CONTENTS[name].items()}


def faults_found(scenario: Scenario, outcome: Outcome, explorer: Explorer) -> list[str]:
    """What is wrong with an outcome: a wrong state in between, or an exit that does not say what is
    so. What a run has ended well with may be undone by the last request of the other run, if that
    one fails and says so."""
    found = list(outcome.wrong)
    for name, end in outcome.ended.items():
        index = "AB".index(name)
        if not isinstance(end, Release):
            if not isinstance(end, BinDistError):
                found.append(f"{name} ended with {end!r}")
        elif scenario.enable[index] and not end.is_enabled:
            found.append(f"{name} has not enabled the version, and ended well")
        elif scenario.fault.startswith("duplicate="):
            pass  # no client can know that an answered request is carried out once more, later
        elif not any(isinstance(other, BinDistError) for other in outcome.ended.values()):
            found += [f"{name} {what}" for what in undone(scenario, outcome, explorer, index)]
    return found


def undone(scenario: Scenario, outcome: Outcome, explorer: Explorer, index: int) -> list[str]:
    """What is no more as the run said when it ended."""
    end, found = outcome.ended["AB"[index]], []
    if isinstance(end, Release):
        if outcome.files() != explorer.content(scenario.contents[index]):
            found.append("ended well, and the version has other files now")
        if end.is_enabled and not (outcome.state and outcome.state.is_enabled):
            found.append("ended well, and the version is disabled now")
    return found


def number_is_lost(outcome: Outcome) -> bool:
    """Whether no run ended well, and the version holds files that no run alone would make whole."""
    return bool(outcome.files()) and not any(
        isinstance(end, Release) for end in outcome.ended.values()
    )


def orders(first: int, second: int) -> Iterator[tuple[tuple[str, int | None], ...]]:
    """All orders of two runs of so many steps with at most three switches."""
    for one, other, ahead, behind in (("A", "B", first, second), ("B", "A", second, first)):
        for count in range(ahead + 1):
            for then in range(1, behind + 1):
                yield (one, count), (other, then), (one, None), (other, None)
