"""An import that is killed before and after each of its requests, and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bindist import AdminClient
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY
from tests.sampling import is_due

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL"),
]

CUSTOMERS = 200
FEW = 3
PHASES = {
    # The server has the request, and has done nothing about it.
    "before": "stall:600",
    # It has done it all, and the answer is on its way.
    "after": "stall-body:0/600",
}


def requests_of(customers: int) -> int:
    """Applications and customers first; a list and a creation each; the grant."""
    return 2 + 2 * customers + 1


MATRIX = [
    (customers, step, phase)
    for customers in (FEW, CUSTOMERS)
    for step in range(requests_of(customers))
    for phase in PHASES
]
# Of the small import each kill once in 8 days, of the large one each once in 200.
DUE = [
    case for place, case in enumerate(MATRIX) if is_due(place, 8 if case[0] == FEW else CUSTOMERS)
]


@pytest.fixture
def vendor(server: SandboxServer, admin: AdminClient) -> Iterator[AdminClient]:
    """An administrator with an application, and a customer of another name."""
    admin.create_application("tool", "Tool").raise_for_error()
    admin.create_customer("Other", reference="other").raise_for_error()
    server.requests.clear()
    yield admin


@pytest.fixture
def start(server: SandboxServer, tmp_path: Path) -> Callable[[int], subprocess.Popen[str]]:
    def begin(customers: int) -> subprocess.Popen[str]:
        lines = [f"Customer {n},c{n}@x.example.com,CRM-{n:03}\n" for n in range(customers)]
        (tmp_path / "customers.csv").write_text("name,email,reference\n" + "".join(lines))
        words = "customers import customers.csv --keys-dir keys --grant tool --timeout 2 -o jsonl"
        return subprocess.Popen(
            (sys.executable, "-m", "bindist_cli", *words.split()),
            env={**os.environ, "BINDIST_API_URL": server.url, "BINDIST_API_KEY": ADMIN_KEY},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


def wait_for(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "nothing happens"
        time.sleep(0.002)


def finish(process: subprocess.Popen[str]) -> list[str]:
    printed, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return printed.splitlines()


def check(server: SandboxServer, vendor: AdminClient, keys: Path, customers: int) -> None:
    """Each row is one customer with the application, and its key file has a key that works."""
    rows = vendor.list_customers().rows("customers")
    references = [row["reference"] for row in rows if str(row.get("reference")).startswith("CRM")]
    assert sorted(references) == [f"CRM-{n:03}" for n in range(customers)]
    files = sorted(keys.glob("*.key"))
    assert [path.name for path in files] == [f"CRM-{n:03}.key" for n in range(customers)]
    for path in files:
        with AdminClient(server.url, path.read_text().strip()) as client:
            (application,) = client.list_applications().rows("applications")
            assert application["applicationId"] == "tool"


def test_an_import_takes_these_requests(server, vendor, start, tmp_path):
    assert len(finish(start(FEW))) == FEW
    made = [sent.method for sent in server.requests]
    assert made == ["GET", "GET", *["GET", "POST"] * FEW, "PUT"]
    assert len(made) == requests_of(FEW)
    check(server, vendor, tmp_path / "keys", FEW)


@pytest.mark.parametrize(("customers", "step", "phase"), DUE)
@pytest.mark.counts("kills")
def test_an_import_killed_at_any_request_is_finished_by_the_same_command(
    server: SandboxServer,
    vendor: AdminClient,
    start: Callable[[int], subprocess.Popen[str]],
    tmp_path: Path,
    customers: int,
    step: int,
    phase: str,
) -> None:
    server.faults.add(f"{PHASES[phase]},nth={step + 1}")
    process = start(customers)
    requests = server.requests
    wait_for(lambda: len(requests) > step, process)
    if phase == "after":
        wait_for(lambda: requests[step].status != 0, process)
    process.kill()
    process.communicate()
    server.faults.clear()
    assert len(finish(start(customers))) == customers
    check(server, vendor, tmp_path / "keys", customers)


@pytest.mark.counts("kills")
def test_an_import_killed_again_and_again_is_finished_all_the_same(
    server: SandboxServer,
    vendor: AdminClient,
    start: Callable[[int], subprocess.Popen[str]],
    tmp_path: Path,
) -> None:
    """The second time while the first kill is dealt with: the key is being replaced."""
    server.faults.add("stall-body:0/600,path=*/apikeys")
    server.faults.add("stall-body:0/600,path=*/regenerate-key")
    for path in ("/apikeys", "/regenerate-key"):
        process = start(FEW)
        wait_for(
            lambda path=path: any(
                sent.path.endswith(path) and sent.status for sent in server.requests
            ),
            process,
        )
        process.kill()
        process.communicate()
    assert len(finish(start(FEW))) == FEW
    check(server, vendor, tmp_path / "keys", FEW)
