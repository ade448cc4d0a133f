"""Rounds of two machines that release the same version at the same moment, on a server like the one
on AWS, with 6 ms in its database and 80 ms in its object store. Run as a script:

    python -m tests.release.races [ROUNDS]
"""

from __future__ import annotations

import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bindist import AdminClient, BinDistError
from bindist.release.results import Release
from bindist.sandbox import Step, VersionState
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY
from tests.publishing import publish
from tests.release.interleavings import APPLICATION, Explorer, content_of

SETTLE = 1.0
AT_ONCE = 6
PAIRS = (
    ("one", "one"),
    ("two", "two"),
    ("one", "another"),
    ("two", "two others"),
    ("two", "three"),
)


@dataclass
class Round:
    """What became of two runs that started at once."""

    contents: tuple[str, str]
    ended: tuple[Release | Exception, Release | Exception]
    state: VersionState | None
    wrong: list[str]

    @property
    def kind(self) -> str:
        return " and ".join(self.contents)

    @property
    def exits(self) -> str:
        return ", ".join(sorted(_described(end) for end in self.ended))


def _described(end: Release | Exception) -> str:
    return end.status if isinstance(end, Release) else type(end).__name__


def race(explorer: Explorer, rounds: int, pairs: Sequence[tuple[str, str]] = PAIRS) -> list[Round]:
    """Carries out the rounds, several at a time, each on a version of its own."""
    running: dict[str, tuple[str, str]] = {}
    seen: dict[str, list[str]] = {}

    def check(step: Step) -> None:
        for version, contents in list(running.items()) if step.writes else ():
            state = explorer.server.version_state(APPLICATION, version)
            whole = [explorer.content(content) for content in contents]
            if state and state.is_enabled and content_of(state) not in whole:
                seen[version].append(f"enabled with {sorted(state.files)} after {step.name}")

    def carry_out(number: int) -> Round:
        version, contents = f"r{number}", pairs[number % len(pairs)]
        running[version], seen[version] = contents, []
        ended: list[Release | Exception] = [BinDistError("not run")] * 2
        barrier = threading.Barrier(2)

        def run(place: int) -> None:
            key = (ADMIN_KEY, APPS_ADMIN_KEY)[place]
            files = explorer.files[contents[place]]
            with AdminClient(explorer.server.url, key, backoff=0.05, retries=8) as client:
                barrier.wait()
                try:
                    ended[place] = publish(
                        client, APPLICATION, version, files, enable=True, settle=SETTLE
                    )
                except Exception as error:
                    ended[place] = error

        threads = [threading.Thread(target=run, args=(place,)) for place in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        state = explorer.server.version_state(APPLICATION, version)
        del running[version]
        return Round(contents, (ended[0], ended[1]), state, seen[version])

    explorer.server.after_step = check
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(carry_out, range(rounds)))


def faults_of(found: Round, explorer: Explorer) -> list[str]:
    """What is wrong with a round. Of two runs of one content, one at least must end well: a run
    that is held up for longer than `settle` may take the other's rows for a smaller release."""
    wrong = list(found.wrong)
    same = found.contents[0] == found.contents[1]
    for content, end in zip(found.contents, found.ended, strict=True):
        if isinstance(end, Release):
            if content_of(found.state) != explorer.content(content):
                wrong.append(f"{content} ended well, and the version has other files")
            if not (end.is_enabled and found.state and found.state.is_enabled):
                wrong.append(f"{content} ended well, and the version is disabled")
        elif not isinstance(end, BinDistError):
            wrong.append(f"{content} ended with {end!r}")
    if same and not any(isinstance(end, Release) for end in found.ended):
        wrong.append(f"both ended with an error: {found.ended!r}")
    return wrong


def main(rounds: int) -> int:
    """Prints how the rounds ended, and what was wrong with each that was."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, Explorer(Path(folder), like="aws") as explorer:
        explorer.server.faults.add("slow-db=6")
        explorer.server.faults.add("slow-store=80")
        for found in race(explorer, rounds):
            counts[f"{found.kind}: {found.exits}"] += 1
            if wrong := faults_of(found, explorer):
                counts["wrong"] += 1
                print(found.contents, wrong, found.ended, flush=True)
    for name, count in sorted(counts.items()):
        print(f"{count:8}  {name}")
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
