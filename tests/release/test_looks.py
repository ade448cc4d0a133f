"""A write of a release only ever follows a look at the version, and one that is fresh."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bindist import AdminClient, DifferentContentError
from bindist.release.files import local_files
from bindist.sandbox import Step
from tests.publishing import publish
from tests.release.conftest import APPLICATION, COMPLETE, CONTENTS, Watched
from tests.release.test_killed import kinds, start
from tests.release.test_other_runs import SETTLE, VERSION, make, other, stepped

__all__ = ["other", "stepped"]


def test_a_completion_that_the_server_refuses_for_now_is_preceded_by_a_look(
    stepped: Watched, other: AdminClient
) -> None:
    """B has reserved the number, and the server is busy for longer than `settle`: A, which had sent
    its bytes before, makes the version meanwhile, and B leaves it alone."""
    reserved = threading.Event()

    def hold(step: Step) -> None:
        if step.name == "upload.read-version" and step.caller == "admin":
            reserved.wait(10)
        if step.name == "complete.read-application" and step.caller == "admin-apps":
            raise AssertionError("B completes a file of a version that A has made")

    def note(step: Step) -> None:
        if step.name == "upload.write-version" and step.caller == "admin-apps":
            reserved.set()

    main = next(path for path in stepped.paths if path.suffix == ".exe")
    (main.parent / "elsewhere").mkdir()
    theirs = main.parent / "elsewhere" / main.name
    theirs.write_bytes(b"other content")
    ended: list[Any] = []
    options: dict[str, Any] = {"enable": True, "settle": SETTLE}
    a = threading.Thread(
        target=lambda: ended.append(
            publish(stepped.admin, APPLICATION, VERSION, local_files([main]), **options)
        )
    )
    stepped.server.on_step, stepped.server.after_step = hold, note
    stepped.server.faults.add(f"status:429/1,path={COMPLETE}")
    a.start()
    while not any(method == "PUT" for method, _ in kinds(stepped)):
        time.sleep(0.005)
    with pytest.raises(DifferentContentError):
        publish(other, APPLICATION, VERSION, local_files([theirs]), **options)
    a.join()
    assert [each.status for each in ended] == ["created"]
    state = stepped.server.version_state(APPLICATION, VERSION)
    assert state is not None
    assert (state.is_enabled, len(state.files)) == (True, 1)


@pytest.mark.parametrize("fault", ["status:429", "status:425", "refuse"])
def test_a_refused_write_is_sent_again_after_a_look(stepped: Watched, fault: str) -> None:
    for path in ("/v1/management/upload", COMPLETE):
        stepped.server.faults.add(f"{fault},path={path}")
    stepped.server.faults.add(f"{fault},method=PATCH,path=*")
    assert make(stepped.admin, stepped).status == "created"
    sent = kinds(stepped)
    for place, (method, path) in enumerate(sent[:-1]):
        if method == "PATCH" or path == COMPLETE:
            assert sent[place + 1] != (method, path) or path == COMPLETE
    stepped.check(VERSION)


def test_a_version_that_another_run_has_finished_gets_no_file_added(
    stepped: Watched, other: AdminClient
) -> None:
    """B's release has no MAIN file, so that nothing but its end tells that it is whole."""
    files = [path for path in stepped.paths if path.suffix != ".exe"]
    held = threading.Event()

    def hold(step: Step) -> None:
        if step.name == "upload.read-version" and step.caller == "admin" and not held.is_set():
            held.set()
            stepped.server.on_step = None
            publish(other, APPLICATION, VERSION, local_files(files), settle=SETTLE)

    stepped.server.on_step = hold
    with pytest.raises(DifferentContentError):
        make(stepped.admin, stepped)
    state = stepped.server.version_state(APPLICATION, VERSION)
    assert state is not None
    assert sorted(name for _, name, _ in state.files) == sorted(path.name for path in files)
    assert len(files) == len(CONTENTS) - 1


@pytest.mark.slow
@pytest.mark.counts("kills")
def test_the_last_of_several_slow_completions_is_waited_for_after_a_kill(
    stepped: Watched, tmp_path: Path
) -> None:
    """The third is under way when the run is killed, long after the first was sent."""
    third, land = threading.Event(), threading.Event()
    seen: list[Step] = []

    def slow(step: Step) -> None:
        if step.name != "complete.write-version":
            return
        seen.append(step)
        if len(seen) < 3:
            time.sleep(2.0)
        elif len(seen) == 3:
            third.set()
            land.wait(30)

    stepped.server.on_step = slow
    process = start(stepped, tmp_path)
    assert third.wait(30)
    process.kill()
    process.communicate()
    threading.Timer(1.5, land.set).start()  # within the 3 s of `settle`
    again = start(stepped, tmp_path)
    _, said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    time.sleep(0.5)
    stepped.check(VERSION)
    assert stepped.is_enabled(VERSION)
