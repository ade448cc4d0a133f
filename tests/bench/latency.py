"""Work on a far network, measured: `python -m tests.bench.latency [--runs 5] [--one-way-ms 50]`.

A proxy of ours delays the API; the object store is near, so that round trips are what is seen.
Each figure is the wall time of the whole program, the median of the runs. The floor beside it is
the number of round trips that must follow each other, times the length of one: no client can be
faster, and starting Python comes on top. Needs curl for one row; nothing here is ever a test.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from tests.delay_proxy import far

KEY = "bench-admin-key"
SIZE = 200_000
AT_ONCE = 16
APPLICATIONS = 3_000
VERSIONS = 1_000


@dataclass(frozen=True)
class Row:
    """A row of the table.

    `command` makes the command line of a run from its number; `trips` are the round trips that
    follow each other, with what each is for; `seconds` and `requests` are what is promised, None
    where nothing is.
    """

    work: str
    command: Callable[[int], Sequence[str]]
    trips: Sequence[tuple[int, str]]
    seconds: float | None = None
    requests: int | None = None
    repeats: bool = False


def rounds(count: int) -> int:
    """How many round trips so many requests take, 16 at once."""
    return math.ceil(count / AT_ONCE)


def release_trips(count: int) -> list[tuple[int, str]]:
    """The round trips of a release of `count` files, its bytes being sent to a store nearby."""
    urls, others = [], [(1, "again")]
    if count > 1:
        urls, others = [(rounds(count), "URLs")], [(rounds(count - 1), "completions"), (1, "look")]
    return [
        (1, "handshake"),
        (1, "first look"),
        *urls,
        (1, "reserve"),
        (1, "look"),
        *(others if count > 1 else []),
        (1, "MAIN"),
        *(others if count == 1 else []),
        (1, "look"),
        (1, "enable"),
        (1, "look"),
    ]


class Bench:
    """A sandbox behind the proxy, the files, and the table."""

    def __init__(self, folder: Path, server: SandboxServer, url: str, trip: float) -> None:
        self.folder = folder
        self.server = server
        self.url = url
        self.trip = trip
        self.environment = {
            **os.environ,
            "BINDIST_API_URL": url,
            "BINDIST_API_KEY": KEY,
            "CI": "1",
        }
        for name in ("BINDIST_PROFILE", "PYTHONDONTWRITEBYTECODE"):
            self.environment.pop(name, None)

    def files(self, count: int, size: int = SIZE) -> list[str]:
        """So many files, of which the last is MAIN."""
        folder = self.folder / f"{count}x{size}"
        if not folder.exists():
            folder.mkdir()
            for number in range(count):
                name = "tool.exe" if number == count - 1 else f"part{number:04}.dll"
                (folder / name).write_bytes(os.urandom(size))
        return sorted(map(str, folder.iterdir()))

    def run(self, words: Sequence[str], config: str) -> tuple[float, Counter[str]]:
        """Runs a command; returns its seconds, and the requests that the server got."""
        environment = {**self.environment, "BINDIST_CONFIG_DIR": str(self.folder / config)}
        self.server.requests.clear()
        started = time.perf_counter()
        done = subprocess.run(words, env=environment, capture_output=True, text=True)
        took = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"{' '.join(words)[:300]}\n{done.stderr}")
        return took, Counter(_kind(sent.method, sent.path) for sent in self.server.requests)

    def measure(self, row: Row, runs: int) -> None:
        """Prints a row of the table."""
        times, counted = [], Counter[str]()
        for run in range(runs):
            if row.repeats:
                self.run(row.command(run), f"config-{run}")
            took, counted = self.run(row.command(run), f"config-{run}")
            times.append(took)
        total = sum(count for count, _ in row.trips)
        floor = " + ".join(f"{count} {what}" for count, what in row.trips)
        limit = "" if row.seconds is None else f"{row.seconds:.1f} s"
        most = "" if row.requests is None else f", at most {row.requests}"
        lists = f", {counted['versions']} lists of versions" if counted["versions"] else ""
        print(
            f"| {row.work} | {statistics.median(times):.2f} s | {limit} "
            f"| {counted.total()}{most}{lists} "
            f"| {total * self.trip:.1f} s = {total} x {self.trip:g} s ({floor}) |",
            flush=True,
        )


def _kind(method: str, path: str) -> str:
    return path.rpartition("/")[2] if method == "GET" else method


def in_parallel(calls: Iterable[Callable[[], object]]) -> None:
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()


def prepare(near: AdminClient, bench: Bench) -> None:
    """Applications, versions and files to work with."""
    near.create_application("tool", "Tool").raise_for_error()
    near.create_application("many", "Many").raise_for_error()
    in_parallel(
        lambda n=n: near.create_application(f"app{n}", f"App {n}").raise_for_error()
        for n in range(APPLICATIONS - 2)
    )
    in_parallel(
        lambda n=n: near._make_empty_version("many", f"0.{n}", "a.exe", None).raise_for_error()
        for n in range(VERSIONS)
    )
    for count in (1, 5, 20, 60):
        near.publish("tool", f"files-{count}", bench.files(count), enable=True)


def rows(bench: Bench, program: Sequence[str]) -> list[Row]:
    """The rows of the table."""

    def release(app: str, count: int, again: bool = False) -> Callable[[int], Sequence[str]]:
        number = f"{count}.{int(again)}"  # a dash would make a namesake, to be asked about
        return lambda run: [
            *program, "versions", "upload", app, f"{number}.{run}", *bench.files(count),
            "--enable",
        ]  # fmt: skip

    def download(count: int) -> Callable[[int], Sequence[str]]:
        return lambda run: [
            *program, "versions", "download", "tool", f"files-{count}", "--all",
            "--dir", str(bench.folder / f"down-{count}-{run}-{time.monotonic_ns()}"),
        ]  # fmt: skip

    found = [
        Row(
            f"release of {count} files" if count > 1 else "release of 1 file",
            release("tool", count),
            release_trips(count),
            seconds,
            3 * count + 12,
        )
        for count, seconds in ((1, 1.3), (5, None), (20, None), (60, 3.0))
    ]
    looks = [(1, "handshake"), (1, "files"), (1, "versions")]
    found.append(Row("release of 60 files again", release("tool", 60, True), looks, repeats=True))
    found.append(
        Row("release of 20 files into 1,000 versions", release("many", 20), release_trips(20), 2.2)
    )
    found += [
        Row(
            f"download of {count} files" if count > 1 else "download of 1 file",
            download(count),
            [(1, "handshake"), (1, "list"), (1, "handshakes"), (rounds(count), "URLs")],
            1.8 if count == 60 else None,
            2 * count + 3,
        )
        for count in (1, 5, 20, 60)
    ]
    pages = APPLICATIONS // 100
    ahead = [(1, "handshake"), (1, "first page"), (1, "handshakes")]
    found.append(
        Row(
            "list of 3,000 applications",
            lambda _: [*program, "apps", "list", "-o", "json"],
            [*ahead, (math.ceil((pages - 1) / 4), "pages")],
            1.4,
            pages,
        )
    )
    return found


def against_curl(bench: Bench, near: AdminClient, runs: int) -> None:
    """60 files by their URLs, which curl is given: it asks for none, and verifies nothing."""
    curl = shutil.which("curl")
    if curl is None:
        return
    listed = near.list_version_files("tool", "files-60").require()["files"]
    host = near.base_url
    config = bench.folder / "curl.conf"
    answers = [near.get_download_url("tool", "files-60", row["fileId"]).require() for row in listed]
    lines = [
        f'url = "{answer["url"].replace(host, bench.url)}"\noutput = "{row["fileName"]}"\n'
        for answer, row in zip(answers, listed, strict=True)
    ]
    config.write_text("".join(lines))
    words = [curl, "-sS", "--parallel", "--parallel-max", "16", "-K", str(config)]
    words += ["--create-dirs", "--output-dir", str(bench.folder / "curl")]
    took = statistics.median(bench.run(words, "curl-config")[0] for _ in range(runs))
    print(f"\n`curl --parallel` of the 60 files, given their URLs, store as far: {took:.2f} s")


def many_files(bench: Bench, near: AdminClient, program: Sequence[str]) -> None:
    """3,000 files of 1 kB on loopback, and 300: the time of a file must not grow."""
    seconds = {}
    for count in (300, 3_000):
        words = [*program, "versions", "upload", "tool", f"small-{count}"]
        words += [*bench.files(count, 1_000), "--enable", "--api-url", near.base_url]
        seconds[count], _ = bench.run(words, "config-many")
    ratio = seconds[3_000] / seconds[300]
    print(
        f"\n3,000 files of 1 kB, loopback: {seconds[3_000]:.1f} s, "
        f"{seconds[3_000] / 3:.1f} ms a file; 300: {seconds[300]:.1f} s; ratio {ratio:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--one-way-ms", type=float, default=50)
    parser.add_argument("--only", default="", help="only rows whose work starts so")
    arguments = parser.parse_args()
    program = [sys.executable, "-m", "bindist_cli", "-q"]
    trip = 2 * arguments.one_way_ms / 1000
    with (
        tempfile.TemporaryDirectory(prefix="bindist-latency-") as name,
        SandboxServer(Path(name) / "server", catalogue=False, admin_key=KEY) as server,
        far(int(server.url.rpartition(":")[2]), trip / 2) as url,
        AdminClient(server.url, KEY) as near,
    ):
        bench = Bench(Path(name), server, url, trip)
        prepare(near, bench)
        print(
            f"{1000 * trip:g} ms a round trip, {arguments.runs} runs, {platform.platform()}, "
            f"{os.cpu_count()} cores, Python {platform.python_version()}\n"
        )
        print("| work | bindist | at most | requests | floor |")
        print("|---|---|---|---|---|")
        for row in rows(bench, program):
            if row.work.startswith(arguments.only):
                bench.measure(row, arguments.runs)
        if not arguments.only:
            against_curl(bench, near, arguments.runs)
        if "3,000 files".startswith(arguments.only[:11]):
            many_files(bench, near, program)


if __name__ == "__main__":
    main()
