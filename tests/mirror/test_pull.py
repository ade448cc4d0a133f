"""Pulling: what arrives, what is not fetched again, and what an interruption leaves."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from bindist import AdminClient, BusyError, CustomerClient, IntegrityError, NotFoundError, mirror
from bindist.mirror import Mirror, Selection
from bindist.sandbox import SandboxServer
from bindist.signing import SigningKey
from tests.conftest import CUSTOMER_KEY
from tests.mirror.conftest import EXPECTED, Publish, tree
from tests.sdk.canned import CannedServer


def statuses(results: list[mirror.Pulled]) -> dict[str, str]:
    return {f"{each.application_id} {each.version}": each.status for each in results}


def counted(server: SandboxServer) -> int:
    return sum(each.path == "/v1/downloads/url" for each in server.requests)


def test_a_mirror_is_a_plain_tree_with_records_and_checksums(
    customer: CustomerClient, folder: Path
) -> None:
    results = mirror.pull(customer, folder)
    assert statuses(results) == {
        "anvil 1.0": "fetched",
        "anvil 1.1": "fetched",
        "bench 2.0": "fetched",
    }
    assert tree(folder) == EXPECTED
    record = json.loads((folder / "anvil" / "1.0+version.json").read_text())
    assert (record["version"], record["isEnabled"]) == ("1.0", True)
    assert record["releaseNotes"] == "Notes of 1.0"
    assert {row["fileName"] for row in record["files"]} == {"anvil.exe", "readme.txt"}
    index = json.loads((folder / "index.json").read_text())
    assert index["server"] == customer.base_url
    assert [(app["applicationId"], app["versions"]) for app in index["applications"]] == [
        ("anvil", ["1.0", "1.1"]),
        ("bench", ["2.0"]),
    ]
    everything = "".join(path.read_text("latin-1") for path in folder.rglob("*") if path.is_file())
    assert CUSTOMER_KEY not in everything
    assert "X-Amz" not in everything


@pytest.mark.skipif(os.name == "nt", reason="needs sha256sum")
def test_sha256sum_reads_the_checksums(customer: CustomerClient, folder: Path) -> None:
    mirror.pull(customer, folder)
    subprocess.run(("sha256sum", "-c", "1.0+SHA256SUMS"), cwd=folder / "anvil", check=True)


def test_a_second_pull_asks_for_no_download_and_reads_no_file(
    customer: CustomerClient, folder: Path, source: SandboxServer
) -> None:
    mirror.pull(customer, folder)
    for path in folder.rglob("*.exe"):
        path.chmod(0o000)  # root reads it all the same, and nobody else can
    source.requests.clear()
    assert set(statuses(mirror.pull(customer, folder)).values()) == {"unchanged"}
    asked = [each.path for each in source.requests]
    assert sorted(asked) == [
        "/v1/applications",
        "/v1/applications/anvil/versions",
        "/v1/applications/bench/versions",
    ]


def test_a_new_version_is_fetched_alone(
    customer: CustomerClient, folder: Path, source: SandboxServer, publish: Publish
) -> None:
    mirror.pull(customer, folder)
    publish("bench", "2.1", {"bench.exe": b"new"})
    source.requests.clear()
    assert statuses(mirror.pull(customer, folder))["bench 2.1"] == "fetched"
    assert counted(source) == 1


def test_files_that_versions_share_are_fetched_once_and_linked(
    customer: CustomerClient, folder: Path, source: SandboxServer
) -> None:
    mirror.pull(customer, folder, Selection(["anvil"], keep=1))
    source.requests.clear()
    mirror.pull(customer, folder, Selection(["anvil"]))
    assert counted(source) == 1, "readme.txt is linked"
    old, new = (folder / "anvil" / version / "readme.txt" for version in ("1.0", "1.1"))
    assert old.samefile(new)


def test_a_file_that_was_touched_is_read_again_and_fetched_if_it_differs(
    customer: CustomerClient, folder: Path, source: SandboxServer
) -> None:
    mirror.pull(customer, folder)
    path = folder / "bench" / "2.0" / "bench.exe"
    path.write_bytes(b"damaged")
    assert statuses(mirror.pull(customer, folder))["bench 2.0"] == "fetched"
    assert tree(folder) == EXPECTED


def test_check_finds_what_neither_size_nor_time_shows(
    customer: CustomerClient, folder: Path
) -> None:
    mirror.pull(customer, folder)
    path = folder / "bench" / "2.0" / "bench.exe"
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"X")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert set(statuses(mirror.pull(customer, folder)).values()) == {"unchanged"}
    assert statuses(mirror.pull(customer, folder, check=True))["bench 2.0"] == "fetched"
    assert tree(folder) == EXPECTED


def test_a_version_that_changed_its_state_gets_another_record_only(
    customer: CustomerClient, folder: Path, source: SandboxServer, admin: AdminClient
) -> None:
    mirror.pull(customer, folder)
    admin.update_version("anvil", "1.0", release_notes="Other notes").raise_for_error()
    source.requests.clear()
    assert statuses(mirror.pull(customer, folder))["anvil 1.0"] == "updated"
    assert counted(source) == 0
    record = json.loads((folder / "anvil" / "1.0+version.json").read_text())
    assert record["releaseNotes"] == "Other notes"


def test_what_the_source_no_longer_shows_is_removed_only_if_asked(
    customer: CustomerClient, folder: Path, admin: AdminClient
) -> None:
    mirror.pull(customer, folder)
    admin.update_version("anvil", "1.0", is_enabled=False).raise_for_error()
    assert [each.action for each in mirror.plan(customer, folder)].count("prune") == 1
    assert statuses(mirror.pull(customer, folder))["anvil 1.0"] == "gone"
    assert (folder / "anvil" / "1.0").is_dir()
    assert statuses(mirror.pull(customer, folder, prune=True))["anvil 1.0"] == "pruned"
    assert not list((folder / "anvil").glob("1.0*"))
    assert mirror.verify(folder)


@pytest.mark.parametrize(
    ("selection", "versions"),
    [
        (Selection(), {"anvil 1.0", "anvil 1.1", "bench 2.0"}),
        (Selection(["bench"]), {"bench 2.0"}),
        (Selection(["anvil"], keep=1), {"anvil 1.1"}),
        (Selection(["anvil"], since="1.0"), {"anvil 1.1"}),
        (Selection(["anvil"], pre_releases=True, keep=1), {"anvil 2.0-rc.1"}),
    ],
    ids=["all", "applications", "keep", "since", "pre-releases"],
)
def test_a_selection_decides_on_the_versions(
    customer: CustomerClient, folder: Path, selection: Selection, versions: set[str]
) -> None:
    assert set(statuses(mirror.pull(customer, folder, selection))) == versions


def test_the_test_channel_shows_versions_that_are_not_enabled(
    admin: AdminClient, source: SandboxServer, folder: Path
) -> None:
    results = mirror.pull(admin, folder, Selection(["anvil"], test_channel=True))
    assert statuses(results)["anvil 3.0"] == "fetched"


def test_patterns_choose_the_files(customer: CustomerClient, folder: Path) -> None:
    mirror.pull(customer, folder, Selection(patterns=["*.exe"]))
    assert {Path(path).suffix for path in tree(folder)} == {".exe"}


def test_a_plan_counts_nothing_and_says_the_sizes(
    customer: CustomerClient, folder: Path, source: SandboxServer
) -> None:
    planned = mirror.plan(customer, folder)
    assert {each.action for each in planned} == {"fetch"}
    assert sum(each.size for each in planned) == sum(map(len, EXPECTED.values()))
    assert counted(source) == 0
    assert not folder.exists()


def test_a_version_that_fails_leaves_the_others_to_go_on(
    customer: CustomerClient, folder: Path, source: SandboxServer
) -> None:
    source.faults.add("status:403,path=/store/*bench.exe,times=0")
    found = statuses(mirror.pull(customer, folder))
    assert found == {"anvil 1.0": "fetched", "anvil 1.1": "fetched", "bench 2.0": "failed"}
    assert not (folder / "bench" / "2.0").exists()
    source.faults.clear()
    source.requests.clear()
    assert statuses(mirror.pull(customer, folder))["bench 2.0"] == "fetched"
    assert counted(source) == 1, "what had arrived is kept"
    assert tree(folder) == EXPECTED


def test_an_unknown_application_is_an_error(customer: CustomerClient, folder: Path) -> None:
    with pytest.raises(NotFoundError):
        mirror.pull(customer, folder, Selection(["unknown"]))


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", None, "x" * 200])
def test_a_servers_name_that_leads_out_of_the_folder_is_refused(folder: Path, name: object) -> None:
    with CannedServer() as canned:
        canned.open()
        canned.answer({"success": True, "data": {"applications": [{"applicationId": name}]}})
        with (
            CustomerClient(canned.url, "any-key", backoff=0.001) as client,
            pytest.raises(IntegrityError, match="is not that of an application"),
        ):
            mirror.pull(client, folder)


def test_two_pulls_at_once_are_refused(customer: CustomerClient, folder: Path) -> None:
    with Mirror(folder).locked(), pytest.raises(BusyError, match="another process"):
        mirror.pull(customer, folder)


def test_a_disk_with_too_little_space_is_an_error_before_the_first_byte(
    customer: CustomerClient, folder: Path, source: SandboxServer, admin: AdminClient
) -> None:
    admin.complete_large_upload(
        str(uuid.uuid4()), "anvil", "5.0", "vast.bin", 10**15, "0" * 64
    ).raise_for_error()
    admin.update_version("anvil", "5.0", is_enabled=True).raise_for_error()
    with pytest.raises(OSError, match="bytes are needed"):
        mirror.pull(customer, folder)
    assert counted(source) == 0


def test_only_versions_that_a_trusted_key_signed_are_mirrored(
    admin: AdminClient, source: SandboxServer, folder: Path, tmp_path: Path
) -> None:
    key = SigningKey.generate()
    path = tmp_path / "signed.exe"
    path.write_bytes(b"signed")
    admin.publish("anvil", "4.0", path, signer=key, enable=True)

    def trusted(application: str) -> list[str] | None:
        return [str(key.trusted_key)] if application == "anvil" else None

    found = statuses(mirror.pull(admin, folder, trusted_keys=trusted))
    assert found["anvil 4.0"] == "fetched"
    assert found["anvil 1.0"] == "failed"
    assert found["bench 2.0"] == "fetched"
    checked = mirror.verify(
        folder, trusted_keys=lambda name: [key.trusted_key] if name == "anvil" else None
    )
    assert {each.status for each in checked} == {"ok"}


PULL = """
import sys
from bindist import CustomerClient, mirror
with CustomerClient(sys.argv[1], sys.argv[2], backoff=0.001) as client:
    mirror.pull(client, sys.argv[3])
"""


@pytest.mark.slow
@pytest.mark.counts("kills")
@pytest.mark.parametrize("moment", [0.0, 0.3, 0.6, 0.9])
def test_a_pull_that_is_killed_is_finished_by_the_next(
    customer: CustomerClient, folder: Path, source: SandboxServer, moment: float
) -> None:
    source.faults.add("slow:20000,path=/store/*,times=0")
    process = subprocess.Popen((sys.executable, "-c", PULL, source.url, CUSTOMER_KEY, str(folder)))
    deadline = time.monotonic() + 60
    wanted = max(1, int(moment * 6))
    while sum(each.path.startswith("/store/") for each in source.requests) < wanted:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.communicate()
    source.faults.clear()
    for path, content in tree(folder).items():
        assert content == EXPECTED[path], "what has its name is whole"
    mirror.pull(customer, folder)
    assert tree(folder) == EXPECTED
    assert not list(folder.rglob("*+incoming"))
    sent = sum(each.bytes_out for each in source.requests if each.path.startswith("/store/"))
    assert sent <= 1.6 * sum(map(len, EXPECTED.values())) + 20_000
    checked = mirror.verify(folder)
    assert {each.status for each in checked} == {"ok"}
    assert {hashlib.sha256(each.path.read_bytes()).hexdigest() for each in checked}
