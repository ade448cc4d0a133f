"""Moving bytes, measured: `python tests/bench/transfers.py [--runs 7] [--mib 1024]`.

Each of our figures is the wall time of the whole program, from its start to its exit, against the
public tools doing the same work in the same run, in turns; the table has medians and their ratios.
Both sides flush to disk. Needs nginx, curl, openssl and aria2c; nothing here is ever a test.
"""

from __future__ import annotations

import argparse
import filecmp
import hashlib
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from servers import Api, Store, api, nginx

MIB = 1024 * 1024
_ZEROS = bytes(MIB)


@dataclass(frozen=True)
class Case:
    """A row of the table: our command, theirs, and the ratio that is promised."""

    work: str
    against: str
    ours: str
    theirs: str
    at_most: float
    source: Path
    made: Path
    """What both sides must have made of the source, byte for byte."""


def make_file(path: Path, mib: int) -> str:
    digest = hashlib.sha256()
    source = random.Random(7)
    with path.open("wb") as file:
        for _ in range(mib):
            block = source.randbytes(MIB)
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def timed(
    command: str, environment: dict[str, str], before: Callable[[], None]
) -> tuple[float, float]:
    """Seconds that a command takes, and the share of all cores that was in use meanwhile."""
    before()
    busy, whole = ticks()
    started = time.perf_counter()
    done = subprocess.run(
        ["bash", "-c", f"set -e; {command}"], env=environment, capture_output=True
    )
    took = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{command}\n{done.stderr.decode()}")
    busy_now, whole_now = ticks()
    return took, (busy_now - busy) / max(whole_now - whole, 1)


def ticks() -> tuple[int, int]:
    """(busy, all) ticks of all cores since the start of the machine; zeros where nobody counts."""
    try:
        counted = [int(n) for n in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    except OSError:
        return 0, 0
    return sum(counted) - counted[3] - counted[4], sum(counted)


def measure(case: Case, runs: int, environment: dict[str, str], clean: Callable[[], None]) -> str:
    """A row of the table. How busy all cores were in our runs, the store's work included, says how
    much faster anything could be that does the same work."""
    ours, theirs, busy = [], [], []
    for _ in range(runs):
        for command, times in ((case.theirs, theirs), (case.ours, ours)):
            took, share = timed(command, environment, clean)
            times.append(took)
            if times is ours:
                busy.append(share)
            if not filecmp.cmp(case.source, case.made, shallow=False):
                raise SystemExit(f"{command}\ndid not make {case.made} what {case.source} is")
    one, other = statistics.median(ours), statistics.median(theirs)
    row = f"| {case.work} | `{case.against}` | {one:.2f} s | {other:.2f} s "
    row += f"| {one / other:.2f} | {case.at_most:.2f} "
    row += f"| {statistics.median(busy):.0%} |"
    print(row, flush=True)
    return row


def peak_memory(command: str, environment: dict[str, str], before: Callable[[], None]) -> float:
    """MiB that the largest process of a command had in memory."""
    before()
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
        "stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command.split()],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout.split()[-1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--only", default="", help="only rows whose work starts so")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bindist-bench-") as name, nginx(Path(name)) as store:
        run(store, arguments)


def run(store: Store, arguments: argparse.Namespace) -> None:
    folder = store.folder
    big, slow = folder / "files" / "big.bin", folder / "files" / "slow.bin"
    checksum = make_file(big, arguments.mib)
    slow_checksum = make_file(slow, 400_000_000 // MIB)
    work, put = folder / "work", folder / "put"
    work.mkdir()
    apis: list[Api] = []

    def clean() -> None:
        """The same start for both sides: nothing left of earlier runs, and memory at hand.

        A virtual machine gives free memory back to its host and pays for touching it again; a
        scratch file just before, as large as what is to come, pays that for the next one.
        """
        for path in [*work.iterdir(), *put.iterdir()]:
            path.unlink()
        for each in apis:
            each.forget()
        scratch = work / "scratch"
        with scratch.open("wb", buffering=0) as file:
            for _ in range(arguments.mib + 128):
                file.write(_ZEROS)
        scratch.unlink()
        os.sync()  # what others have left on its way to the disk is nothing to wait for

    environment = {
        **os.environ,
        "BINDIST_API_KEY": "bench",
        "BINDIST_CONFIG_DIR": str(folder / "config"),
        "CI": "1",
    }
    # As installed: compiled already, and with nobody's settings.
    for name in ("BINDIST_PROFILE", "PYTHONDONTWRITEBYTECODE"):
        environment.pop(name, None)
    program = f"{sys.executable} -m bindist_cli -q"
    with (
        api(store.plain, big.name, big.stat().st_size, checksum) as plain,
        api(store.tls, big.name, big.stat().st_size, checksum) as tls,
        api(store.plain, slow.name, slow.stat().st_size, slow_checksum, "slow") as limited,
    ):
        apis += [plain, tls, limited]
        secure = f"--api-url {tls.url} --ca-bundle {store.certificate}"
        f, sent = work / "f", put / big.name
        get = f"{program} versions download a 1.0 -O {f}"
        send = f"{program} versions upload a 9.9 {big}"
        curl = f"curl -sS -o {f} {store.plain}/files/{big.name}"
        curl_tls = f"curl -sS --cacert {store.certificate} -o {f} {store.tls}/files/{big.name}"
        digest = "openssl dgst -sha256"
        digests = f"md5sum {big} & {digest} {big}; wait"  # as ours, the MD5 beside the SHA-256
        ours_get, ours_put = f"{get} --api-url {plain.url}", f"{send} --api-url {plain.url}"
        at_slow = f"{get} --api-url {limited.url} --connections"
        aria = "aria2c -q --allow-overwrite=true --file-allocation=none"
        cases = [
            Case("download and verify", "curl -o f; openssl dgst -sha256 f",
                 ours_get, f"{curl}; {digest} {f}; sync {f}", 0.58, big, f),
            Case("download and verify", "aria2c -x4; sha256sum",
                 ours_get, f"{aria} -x4 -s4 -d {work} -o f {store.plain}/files/{big.name}; "
                 f"sha256sum {f}; sync {f}", 0.30, big, f),
            Case("download and verify", "curl -o f alone, no hash",
                 ours_get, f"{curl}; sync {f}", 1.0, big, f),
            Case("upload and hash", "md5sum f & openssl dgst -sha256 f; wait; curl -T f",
                 ours_put, f"{digests}; curl -sS -T {big} {store.plain}/put/{big.name}",
                 0.58, big, sent),
            Case("download and verify, TLS", "curl -o f; openssl dgst -sha256 f",
                 f"{get} {secure}", f"{curl_tls}; {digest} {f}; sync {f}", 0.75, big, f),
            Case("upload and hash, TLS", "md5sum f & openssl dgst -sha256 f; wait; curl -T f",
                 f"{send} {secure}", f"{digests}; curl -sS --cacert {store.certificate} "
                 f"-T {big} {store.tls}/put/{big.name}", 0.80, big, sent),
            Case("20 MB/s a connection, 4 of ours", "1 of ours",
                 f"{at_slow} 4", f"{at_slow} 1", 0.28, slow, f),
            Case("20 MB/s a connection, 8 of ours", "1 of ours",
                 f"{at_slow} 8", f"{at_slow} 1", 0.15, slow, f),
            Case("20 MB/s a connection, 8 of ours", "aria2c -x8; openssl dgst",
                 f"{at_slow} 8", f"{aria} -x8 -s8 -k1M -d {work} -o f "
                 f"{store.plain}/slow/{slow.name}; {digest} {f}; sync {f}", 0.95, slow, f),
        ]  # fmt: skip
        print(f"{arguments.mib} MiB, {arguments.runs} runs, {platform.platform()}, "
              f"{os.cpu_count()} cores, Python {platform.python_version()}\n")  # fmt: skip
        print("| work | against | ours | theirs | ratio | at most | cores busy |")
        print("|---|---|---|---|---|---|---|")
        for case in cases:
            if case.work.startswith(arguments.only):
                short = "connection" in case.work and "1 of ours" in case.against
                measure(case, min(arguments.runs, 3) if short else arguments.runs,
                        environment, clean)  # fmt: skip
        print()
        for label, command in (("download", ours_get), ("upload", ours_put)):
            print(f"peak memory, {label}: {peak_memory(command, environment, clean):.0f} MiB")


if __name__ == "__main__":
    main()
