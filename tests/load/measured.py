"""A process of its own that works against a server, and prints what that took, as JSON.

python measured.py TASK URL KEY [ARGUMENT...]
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import multiprocessing
import sys
from collections.abc import Callable
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import IO, Any, cast

from bindist import AdminClient
from bindist.transfer.config import TransferConfig
from bindist.transfer.hashing import sha256_bytes, sha256_file

Report = dict[str, Any]
SECONDS = 60


def peak() -> int:
    """How many bytes this process had in memory at most."""
    with contextlib.suppress(OSError):
        # getrusage would tell of the process that has started this one, if that was larger.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )


class Calls:
    """Counts the calls of Python functions: work, whatever the machine is doing meanwhile."""

    def __init__(self) -> None:
        self.number = 0

    def __enter__(self) -> Calls:
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, _frame: object, event: str, _argument: object) -> None:
        self.number += event == "call"


class Sink(io.RawIOBase):
    """A stream that keeps nothing."""

    size = 0

    def write(self, block: Any) -> int:
        self.size += len(block)
        return len(block)


def applications(client: AdminClient, *marks: str) -> Report:
    """Lists all applications; what that took up to each of the marks, and in the end."""
    wanted, report, number = set(map(int, marks)), {}, 0
    with Calls() as calls:
        for number, _ in enumerate(client.iter_applications(), 1):
            if number in wanted:
                report[str(number)] = {"calls": calls.number, "peak": peak()}
    return {**report, "count": number}


def versions(client: AdminClient, *application_ids: str) -> Report:
    """Lists the versions of applications; what that took for each of them."""
    report: Report = {}
    for application_id in application_ids:
        with Calls() as calls:
            rows = client.list_versions(application_id).require()["versions"]
        report[application_id] = {"calls": calls.number, "peak": peak(), "count": len(rows)}
    return report


def download(client: AdminClient) -> Report:
    sink = Sink()
    found = client.download_to_stream("tool", "1.0", cast("IO[bytes]", sink))
    return {"size": sink.size, "checksum": found.checksum, "peak": peak()}


def upload(client: AdminClient, path: str) -> Report:
    answer = client.upload_file("tool", "1.0", path).require()
    return {"size": answer["fileSize"], "checksum": answer["checksum"], "peak": peak()}


def content_of(number: int) -> bytes:
    """What process `number` uploads: the even ones what is too large to go inline."""
    size = TransferConfig.inline_limit + 100_000 if number % 2 == 0 else 100_000
    return hashlib.shake_128(str(number).encode()).digest(size)


def releases(_: AdminClient, count: str, folder: str) -> Report:
    """Waits for a line on stdin; then makes that many versions at once, each in a process of its
    own that has started before, and returns what each has found by its number."""
    together = multiprocessing.Barrier(int(count) + 1)
    found: SimpleQueue[tuple[int, Report]] = multiprocessing.SimpleQueue()
    processes = [
        multiprocessing.Process(target=release, args=(number, folder, together, found))
        for number in range(1, int(count) + 1)
    ]
    for process in processes:
        process.start()
    together.wait(SECONDS)
    print("ready", flush=True)
    sys.stdin.readline()
    together.wait(SECONDS)
    for process in processes:
        process.join(SECONDS)
    failed = [process.name for process in processes if process.exitcode != 0]
    return {"failed": failed} if failed else dict(found.get() for _ in processes)


def release(
    number: int, folder: str, together: Barrier, found: SimpleQueue[tuple[int, Report]]
) -> None:
    """Makes version 1.NUMBER, and downloads it and version 1.0."""
    version, path = f"1.{number}", Path(folder) / f"{number}.bin"
    path.write_bytes(content_of(number))
    with AdminClient(*sys.argv[2:4]) as client:
        together.wait(SECONDS)
        together.wait(SECONDS)
        client.upload_file("tool", version, path).raise_for_error()
        client.update_version("tool", version, is_enabled=True).raise_for_error()
        own, _ = client.download_file("tool", version)
        common = client.download_to_file("tool", "1.0", Path(folder) / f"{number}-common.bin")
    found.put((number, {"own": sha256_bytes(own), "common": sha256_file(common.path or path)}))


def program(client: AdminClient, *arguments: str) -> Report:
    """Runs the command line in this process."""
    from bindist_cli.cli import cli

    try:
        cli.main(arguments, prog_name="bindist")
    except SystemExit as done:
        return {"exit": done.code or 0, "peak": peak()}


TASKS: dict[str, Callable[..., Report]] = {
    "applications": applications,
    "versions": versions,
    "download": download,
    "upload": upload,
    "releases": releases,
    "program": program,
}


def main() -> None:
    task, url, key, *arguments = sys.argv[1:]
    with AdminClient(url, key) as client:
        print(json.dumps(TASKS[task](client, *arguments)))


if __name__ == "__main__":
    main()
