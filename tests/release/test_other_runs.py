"""What a run does with what others do to the same version, step by step."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, BusyError, ConflictError, DifferentContentError
from bindist.release.files import local_files
from bindist.sandbox import SandboxServer, Step
from tests.conftest import ADMIN_KEY, APPS_ADMIN_KEY, PROGRAM
from tests.publishing import publish
from tests.release.conftest import APPLICATION, COMPLETE, Watched, watch
from tests.release.test_killed import VERSION, kinds, start
from tests.warm.commands import Commands

SETTLE = 0.4
OTHER_TEXT = "0" * 64


@pytest.fixture
def stepped(tmp_path_factory: pytest.TempPathFactory, commands: Commands) -> Iterator[Watched]:
    """A server whose steps other requests can come between; A is its administrator's client."""
    with watch(tmp_path_factory.mktemp("release"), commands, like="scaleway") as found:
        yield found


@pytest.fixture
def other(stepped: Watched) -> Iterator[AdminClient]:
    """The client of B, on another machine."""
    with AdminClient(stepped.server.url, APPS_ADMIN_KEY, backoff=0.001) as client:
        yield client


def make(client: AdminClient, watched: Watched, **more: Any) -> Any:
    options = {"enable": True, "settle": SETTLE, "parallel": 1, **more}
    return publish(client, APPLICATION, VERSION, local_files(watched.paths), **options)


def once_after(server: SandboxServer, name: str, act: Callable[[], object]) -> None:
    """Acts once, after the next step of A with that name and before A has its answer."""

    def hook(step: Step) -> None:
        if step.name == name and step.caller == "admin":
            server.after_step = None
            act()

    server.after_step = hook


def add_file(client: AdminClient, name: str, checksum: str = OTHER_TEXT) -> Callable[[], object]:
    """Lets another run complete a file of the version."""
    upload_id = client.get_large_upload_url(APPLICATION, "unused", name, 6).require()["uploadId"]
    return lambda: client._complete_upload(
        upload_id, APPLICATION, VERSION, name, 6, checksum, None
    ).raise_for_error()


def switch(client: AdminClient, *, enabled: bool) -> None:
    client.update_version(APPLICATION, VERSION, is_enabled=enabled).raise_for_error()


# Another run has made it


def test_a_whole_version_of_another_run_is_enabled_once_it_is_settled(
    stepped: Watched, other: AdminClient
) -> None:
    make(other, stepped, enable=False)
    notices: list[str] = []
    done = make(stepped.admin, stepped, settle=2.0, notify=notices.append)
    assert (done.status, done.is_enabled) == ("unchanged", True)
    assert len(notices) == 1
    assert "another run may still be writing" in notices[0]
    stepped.check(VERSION)


def test_a_whole_version_that_settled_long_ago_is_enabled_without_a_wait(
    stepped: Watched, other: AdminClient
) -> None:
    make(other, stepped, enable=False)
    time.sleep(1.1)  # `Date` counts whole seconds
    notices: list[str] = []
    assert make(stepped.admin, stepped, settle=0.05, notify=notices.append).is_enabled
    assert not notices


def test_without_enabling_a_whole_version_of_another_run_is_unchanged(
    stepped: Watched, other: AdminClient
) -> None:
    make(other, stepped, enable=False)
    done = make(stepped.admin, stepped, enable=False)
    assert (done.status, done.is_enabled) == ("unchanged", False)


def race(watched: Watched, other: AdminClient) -> threading.Event:
    """Between the read and the write of A's reservation, B makes the version, whole. Returns the
    event that tells that it has."""
    begun = threading.Event()

    def hold(step: Step) -> None:
        if step.name == "upload.write-version" and step.caller == "admin" and not begun.is_set():
            begun.set()
            make(other, watched, enable=False)

    watched.server.on_step = hold
    return begun


def test_after_a_race_without_enabling_the_run_is_busy(
    stepped: Watched, other: AdminClient
) -> None:
    """`created` would be said of a version that another run may still change."""
    begun = race(stepped, other)
    with pytest.raises(BusyError):
        make(stepped.admin, stepped, enable=False)
    assert begun.is_set()
    assert not stepped.is_enabled(VERSION)


def test_after_a_race_for_the_same_content_the_version_is_enabled(
    stepped: Watched, other: AdminClient
) -> None:
    begun = race(stepped, other)
    assert make(stepped.admin, stepped).is_enabled
    assert begun.is_set()
    assert stepped.is_enabled(VERSION)


@pytest.mark.slow
def test_the_command_exits_with_7_after_a_race_without_enabling(
    stepped: Watched, other: AdminClient, tmp_path: Path
) -> None:
    begun = race(stepped, other)
    files = map(str, stepped.paths)
    ended = subprocess.run(
        [*PROGRAM, "versions", "upload", APPLICATION, VERSION, *files, "--timeout", "3"],
        env={
            **os.environ,
            "BINDIST_API_URL": stepped.server.url,
            "BINDIST_API_KEY": ADMIN_KEY,
            "BINDIST_CONFIG_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, begun.is_set()) == (7, True), ended.stderr
    assert not stepped.is_enabled(VERSION)


# Somebody changes what this run has enabled


def test_a_version_that_gets_another_runs_file_when_it_is_enabled_is_disabled_again(
    stepped: Watched, other: AdminClient
) -> None:
    late = add_file(other, "more.txt")

    def add_and_enable() -> None:
        late()
        switch(other, enabled=True)

    once_after(stepped.server, "update-version.write-version", add_and_enable)
    with pytest.raises(DifferentContentError, match="another run") as raised:
        make(stepped.admin, stepped)
    assert raised.value.mixed
    assert [name for name, _, _ in raised.value.differences] == ["more.txt"]
    assert not stepped.is_enabled(VERSION)


def test_a_version_that_somebody_disables_after_the_enabling_is_left_so(
    stepped: Watched, other: AdminClient
) -> None:
    once_after(stepped.server, "update-version.write-version", lambda: switch(other, enabled=False))
    with pytest.raises(ConflictError, match="somebody has disabled"):
        make(stepped.admin, stepped)
    assert [method for method, _ in kinds(stepped)].count("PATCH") == 2, "one of each"
    assert not stepped.is_enabled(VERSION)


def test_a_version_that_a_reservation_resets_after_the_enabling_is_enabled_again(
    stepped: Watched, other: AdminClient
) -> None:
    """B read that there is no version before A made it, and writes when A has enabled it."""
    reached, opened = threading.Event(), threading.Event()

    def hold(step: Step) -> None:
        if step.name == "upload.write-version" and step.caller == "admin-apps":
            reached.set()
            assert opened.wait(10)

    stepped.server.on_step = hold
    thread = threading.Thread(
        target=other._make_empty_version, args=(APPLICATION, VERSION, "tool.exe", None)
    )
    thread.start()
    assert reached.wait(10)

    def reset() -> None:
        opened.set()
        thread.join(10)

    once_after(stepped.server, "update-version.write-version", reset)
    done = make(stepped.admin, stepped)
    assert (done.status, done.is_enabled) == ("created", True)
    assert [method for method, _ in kinds(stepped)].count("PATCH") == 2
    assert stepped.is_enabled(VERSION)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["disabled", "mixed"])
def test_the_command_exits_with_6_where_somebody_changes_what_it_has_enabled(
    stepped: Watched, other: AdminClient, tmp_path: Path, kind: str
) -> None:
    late = add_file(other, "more.txt")

    def add_and_enable() -> None:
        late()
        switch(other, enabled=True)

    act = add_and_enable if kind == "mixed" else lambda: switch(other, enabled=False)
    once_after(stepped.server, "update-version.write-version", act)
    process = start(stepped, tmp_path)
    _, said = process.communicate(timeout=60)
    error = json.loads(said.splitlines()[-1])["error"]
    assert process.returncode == 6, said
    assert not stepped.is_enabled(VERSION)
    if kind == "mixed":
        assert error["code"] == "MIXED"
        assert f"`bindist versions update {APPLICATION} {VERSION} --inactive`" in error["hint"]


# Others write while this run does


def test_a_version_that_gets_other_content_between_the_completions_is_not_enabled(
    stepped: Watched, other: AdminClient
) -> None:
    once_after(stepped.server, "complete.write-file", add_file(other, "manual.txt"))
    with pytest.raises(DifferentContentError) as raised:
        make(stepped.admin, stepped)
    assert raised.value.mixed
    assert kinds(stepped).count(("PATCH", f"/v1/applications/{APPLICATION}/versions/1.0")) == 0
    assert ("POST", COMPLETE) in kinds(stepped)
