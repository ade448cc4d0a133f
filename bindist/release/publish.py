"""A release: several files as one version, whole or invisible.

First all bytes go to the object store, then the version is made and each file completed, the MAIN
file last; then all is read back, and only where every checksum is right is the version enabled.
`plan` decides on each step; a journal keeps what the same call needs to finish an interrupted
release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from ..clients.admin import AdminClient
from .files import ReleaseFile, completion_order
from .journal import Journal, ReleaseId
from .plan import Action
from .run import SETTLE_SECONDS, Release, Reporter, Run

__all__ = ["Preview", "Release", "Reporter", "preview", "publish"]

Protection = Callable[[], "AbstractContextManager[object]"]
_WHOLE = {Action.ENABLE, Action.CHECK_BYTES}


@dataclass(frozen=True)
class Preview:
    """What would become of a release: its `status`, and whether this run would enable it."""

    status: str
    enable: bool


def publish(
    client: AdminClient,
    application_id: str,
    version: str,
    files: Sequence[ReleaseFile],
    *,
    if_exists: str = "match",
    enable: bool = False,
    release_notes: str | None = None,
    expected: Mapping[str, str] | None = None,
    progress: Reporter | None = None,
    parallel: int = 4,
    journal: Path | None = None,
    settle: float = SETTLE_SECONDS,
    notify: Callable[[str], None] | None = None,
    protect: Protection | None = None,
) -> Release:
    """Makes a version of `files`, or finds that it is there; returns what was read of it last.

    Safe to call again at any point: what was interrupted is finished. Where another run makes the
    same version at the same time, this one waits until the other has ended, and compares.

    Args:
        files: from `local_files`.
        if_exists: what to do where the version exists already: `match` compares (default), `skip`
            leaves it, `fail` raises. What this release itself has begun is finished in any case.
        enable: True releases it to the production channel, once all that was read back is right.
        release_notes: up to 5000 characters.
        expected: checksums by file name that the bytes sent must have.
        progress: gives the callback for a file's bytes.
        parallel: how many files are sent at once; default 4.
        journal: a folder to keep in what is needed to finish an interrupted release; default None:
            a release of several files that is interrupted between its first and its last completion
            can then not be finished, and its version, disabled, not be used any more.
        settle: how many seconds a request that got no response may still be carried out; default
            60. A shorter read time-out of the client shortens it. An undisturbed run never waits.
        notify: called with a sentence where the release waits, or counts a download; default None.
        protect: gives a context manager to be in from the first completion to the last, such as one
            that holds signals: what ends the process there may cost the version number; default
            None.

    Raises DifferentContentError; ConflictError where the version is another's or was disabled;
    BusyError where another run is at the same release, also without `enable`; ApiError,
    TransportError, IntegrityError, OSError. This run has then not left the version enabled, except
    where an error says that it could not read, or undo, the last state.
    """
    release = _release_id(client, application_id, version)
    with Journal.opened(journal, release) as opened:
        run = Run(client, release, opened, completion_order(files), if_exists, enable)
        run.settle = min(settle, client._transport.read_timeout)
        run.release_notes = release_notes
        run.expected = expected or {}
        run.progress = progress
        run.parallel = parallel
        run.notify = notify or run.notify
        return run.run(protect or nullcontext)


def preview(
    client: AdminClient,
    application_id: str,
    version: str,
    files: Sequence[ReleaseFile],
    *,
    if_exists: str = "match",
    enable: bool = False,
    journal: Path | None = None,
) -> Preview:
    """What `publish` would do; changes nothing, and locks no journal.

    Raises as `publish` does where the version has other content.
    """
    release = _release_id(client, application_id, version)
    opened = Journal.read(journal, release) if journal else Journal(None, release)
    run = Run(client, release, opened, completion_order(files), if_exists, enable)
    run.settle = 0.0  # what would be done once nobody else is at it
    step = run.first_step()
    status = step.status or ("unchanged" if step.action in _WHOLE else "created")
    return Preview(status, enable and status != "skipped" and not run.is_enabled)


def _release_id(client: AdminClient, application_id: str, version: str) -> ReleaseId:
    return ReleaseId.of(client.base_url, client._transport.api_key, application_id, version)
