"""Which version a file is of, what changed between two versions, and waiting for a new one."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest

from bindist import AdminClient, IntegrityError, NotFoundError, ServerError, TransportError
from bindist.comparison import compare_files
from bindist.sandbox import SandboxServer
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY, CUSTOMER_KEY

SUMS = ["ab" * 32, "cd" * 32]


@pytest.fixture
def catalogue(tmp_path):
    """A server with the sample catalogue, of which nothing has been downloaded."""
    with SandboxServer(
        tmp_path / "catalogue",
        admin_key=ADMIN_KEY,
        apps_admin_key=APPS_ADMIN_KEY,
        customer_key=CUSTOMER_KEY,
    ) as running:
        yield running


@pytest.fixture
def client(catalogue):
    with AdminClient(catalogue.url, ADMIN_KEY, backoff=0.001) as client:
        yield client


@pytest.fixture
def publish(admin, application, tmp_path):
    """Publishes a version with these files."""

    def files(version, contents, *, enable=True):
        folder = tmp_path / "dist"
        folder.mkdir(exist_ok=True)
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        admin.publish(application, version, [folder / name for name in contents], enable=enable)

    return files


def versions_of(client):
    return [
        (app["applicationId"], row["version"])
        for app in client.iter_applications()
        for row in client.list_versions(app["applicationId"], test_channel=True).rows("versions")
    ]


def downloads(client):
    return sum(
        client.get_stats(app["applicationId"]).require()["totalDownloads"]
        for app in client.iter_applications()
    )


@pytest.fixture
def samples(client, tmp_path):
    """All files of the sample catalogue, in a folder for each version."""
    for app, version in versions_of(client):
        client.download_version(
            app, version, tmp_path / "samples" / app / version, test_channel=True
        )
    return tmp_path / "samples"


def test_every_file_of_the_sample_catalogue_is_identified_without_a_download(client, samples):
    counted = downloads(client)
    found = client.identify_files(samples)
    assert len(found) == sum(len(files) for *_, files in os.walk(samples)) == 12
    for file in found:
        app, version, name = file.path.relative_to(samples).parts
        (only,) = file.found
        assert (only.application_id, only.version, only.file_name) == (app, version, name)
        assert file.file_size == file.path.stat().st_size
        assert only.is_enabled is (version != "2.0.0")
    assert downloads(client) == counted


def test_the_enabled_versions_that_are_higher_are_counted(client, samples):
    found = client.identify_files(samples / "skylark", "skylark")
    newer = {each.version: each.newer for file in found for each in file.found}
    assert newer == {"1.9.0": 2, "1.10.0-beta": 1, "1.10.0": 0, "2.0.0": 0}


def test_other_content_is_not_found_and_read_only_if_its_size_is_known(client, samples, tmp_path):
    readme = samples / "skylark" / "1.10.0" / "README.md"
    readme.write_bytes(readme.read_bytes()[::-1])
    (tmp_path / "other").write_bytes(b"of another size")
    same_size, other = client.identify_files([readme, str(tmp_path / "other")], ["skylark"])
    assert (same_size.found, other.found) == ([], [])
    assert same_size.checksum
    assert other.checksum is None


def test_a_file_of_several_versions_has_the_highest_first(admin, publish, tmp_path):
    for version in ("1.9", "1.10"):
        publish(version, {"same.bin": b"same", f"{version}.bin": b"x"})
    (tmp_path / "renamed").write_bytes(b"same")
    (found,) = admin.identify_files(tmp_path / "renamed")
    assert [each.version for each in found.found] == ["1.10", "1.9"]
    assert {each.file_name for each in found.found} == {"same.bin"}


def test_lists_that_do_not_change_are_asked_for_once(client, catalogue, samples):
    cache: dict[str, list[Any]] = {}
    first = client.identify_files(samples, file_lists=cache)
    assert len(cache) == 8  # not of the one that is not enabled
    catalogue.requests.clear()
    assert client.identify_files(samples, file_lists=cache) == first
    asked = [each.path for each in catalogue.requests]
    assert [path for path in asked if path.endswith("/files")] == [
        "/v1/applications/skylark/versions/2.0.0/files"
    ]
    assert len(asked) == 1 + 3 + 1


def test_a_new_version_is_not_kept_yet(admin, publish, tmp_path):
    publish("1.0", {"a.bin": b"content"})
    cache: dict[str, list[Any]] = {}
    (tmp_path / "a").write_bytes(b"content")
    admin.identify_files(tmp_path / "a", file_lists=cache)
    assert cache == {}


@pytest.mark.parametrize("spoilt", [None, "text", [1], [{}], [{"fileSize": 1}]])
def test_what_is_no_file_list_is_not_taken_from_a_cache(client, samples, spoilt):
    cache: dict[str, Any] = {}
    first = client.identify_files(samples, file_lists=cache)
    assert client.identify_files(samples, file_lists=dict.fromkeys(cache, spoilt)) == first


def test_a_list_that_cannot_be_read_is_an_error(client, catalogue, samples):
    catalogue.faults.add("status:503,path=/v1/applications/harbor/*,times=0")
    with pytest.raises(ServerError):
        client.identify_files(samples)


def test_a_missing_file_is_an_error_before_any_request(client, catalogue, tmp_path):
    with pytest.raises(FileNotFoundError):
        client.identify_files([tmp_path / "missing"])
    assert catalogue.requests == []


def test_a_customer_identifies_files_of_its_own_applications(catalogue, client, samples):
    with AdminClient(catalogue.url, CUSTOMER_KEY) as customer:
        found = customer.identify_files(samples)
    assert {each.application_id for file in found for each in file.found} == {"skylark", "harbor"}
    assert len([file for file in found if not file.found]) == 2  # of tidewatch


# Comparing


def row(name, checksum, size=1):
    return {"fileName": name, "checksum": checksum, "fileSize": size}


def test_files_are_compared_by_name_and_checksum():
    old = [row("a", SUMS[0]), row("b", SUMS[0], 2), row("c", f"sha256:{SUMS[0].upper()}")]
    new = [row("b", SUMS[1], 3), row("c", SUMS[0]), row("d", SUMS[0])]
    found = compare_files(old, new)
    assert [(each.file_name, each.status) for each in found] == [
        ("b", "changed"),
        ("d", "added"),
        ("a", "removed"),
        ("c", "same"),
    ]
    changed, added, removed, _ = found
    assert (changed.old_size, changed.new_size) == (2, 3)
    assert (changed.old_checksum, changed.new_checksum) == (SUMS[0], SUMS[1])
    assert (added.old_size, added.new_checksum) == (None, SUMS[0])
    assert (removed.old_size, removed.new_checksum) == (1, None)


def test_names_are_compared_as_the_server_stores_them():
    (only,) = compare_files([row("\ufb01le", SUMS[0])], [row("file", SUMS[0])])
    assert only.status == "same"


def test_files_without_a_checksum_are_not_the_same():
    assert compare_files([row("a", None)], [row("a", None)])[0].status == "changed"


def test_a_name_with_two_checksums_cannot_be_compared():
    with pytest.raises(IntegrityError):
        compare_files([row("a", SUMS[0]), row("a", SUMS[1])], [])


@pytest.mark.parametrize(
    ("old", "new", "between"),
    [
        ("1.9.0", "1.10.0", ["1.10.0", "1.10.0-beta"]),
        ("1.10.0", "1.9.0", ["1.10.0", "1.10.0-beta"]),
        ("1.10.0", "2.0.0", ["2.0.0"]),
        ("1.9.0", "1.9.0", []),
    ],
)
def test_versions_are_compared_with_what_is_between_them(client, old, new, between):
    found = client.compare_versions("skylark", old, new)
    assert (found.old_version, found.new_version) == (old, new)
    assert [row["version"] for row in found.versions] == between
    setup = "same" if old == new else "changed"
    assert found.names(setup) == ["skylark-setup.exe"]


@pytest.mark.parametrize("versions", [("9.9", "1.10.0"), ("1.10.0", "9.9")])
def test_a_version_that_does_not_exist_cannot_be_compared(client, versions):
    with pytest.raises(NotFoundError):
        client.compare_versions("skylark", *versions)


# Waiting


@pytest.mark.parametrize(
    ("than", "options", "expected"),
    [
        ("1.9.0", {}, "1.10.0"),
        ("1.10.0", {}, None),
        ("v1.10", {}, None),
        ("1.10.0-beta", {}, "1.10.0"),
        ("1.10.0", {"test_channel": True}, "2.0.0"),
        ("0", {}, "1.10.0"),
    ],
)
def test_a_newer_version(client, than, options, expected):
    found = client.wait_for_newer_version("skylark", than, **options)
    assert (found and found["version"]) == expected


def test_a_version_that_is_enabled_meanwhile_is_waited_for(admin, application, publish):
    publish("1.0", {"a.bin": b"a"}, enable=False)
    enabling = threading.Timer(
        0.2, lambda: admin.update_version(application, "1.0", is_enabled=True)
    )
    enabling.start()
    found = admin.wait_for_newer_version(application, "0", timeout=30, interval=0.05)
    enabling.join()
    assert found
    assert found["version"] == "1.0"


def test_waiting_ends_in_time_and_asks_at_intervals(client, catalogue):
    catalogue.requests.clear()
    began = time.monotonic()
    assert client.wait_for_newer_version("skylark", "9", timeout=0.3, interval=0.1) is None
    assert 0.3 <= time.monotonic() - began < 5
    assert 2 <= len(catalogue.requests) <= 5


def test_the_interval_is_cut_short_by_the_end(client):
    began = time.monotonic()
    assert client.wait_for_newer_version("skylark", "9", timeout=0.1) is None
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("fault", ["refuse", "status:503", "status:429"])
def test_waiting_survives_a_failure_that_may_pass(catalogue, fault):
    catalogue.faults.add(f"{fault},times=1")
    with AdminClient(catalogue.url, ADMIN_KEY, retries=0) as client:
        found = client.wait_for_newer_version("skylark", "1.9.0", timeout=30, interval=0.01)
    assert found
    assert len(catalogue.requests) == 2


def test_a_failure_of_the_last_look_is_raised(catalogue):
    catalogue.faults.add("refuse,times=0")
    with (
        AdminClient(catalogue.url, ADMIN_KEY, retries=0) as client,
        pytest.raises(TransportError),
    ):
        client.wait_for_newer_version("skylark", "1.9.0", timeout=0.05, interval=0.01)


def test_a_failure_that_stays_is_raised_at_once(client):
    with pytest.raises(NotFoundError):
        client.wait_for_newer_version("missing", "1", timeout=60)


@pytest.mark.parametrize("wrong", [{"timeout": -1}, {"interval": 0}, {"timeout": float("nan")}])
def test_seconds_out_of_range(client, catalogue, wrong):
    with pytest.raises(ValueError, match="seconds"):
        client.wait_for_newer_version("skylark", "1", **wrong)
    assert catalogue.requests == []
