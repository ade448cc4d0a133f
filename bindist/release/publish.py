"""A release: several files as one version, whole or invisible.

First all bytes go to the object store, then the version is made and each file completed, the MAIN
file last; then all is read back, and only where every checksum is right is the version enabled.
`plan` decides on each step; a journal keeps what the same call needs to finish an interrupted
release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from ..choices import IfExists
from ..file_names import server_name
from ..http.response import ApiResponse, Json
from ..signing import SigningKey
from ..transfer.config import DEFAULTS, AtOnce
from ..transfer.file_rows import main_candidates, preferred_file
from ..transfer.hashing import checksums_match
from ..version_list import same_number
from .files import Checksums, ReleaseFile, check_expected, completion_order
from .journal import Journal, ReleaseId
from .plan import Action
from .results import Release, ReleasePreview
from .run import SETTLE_SECONDS, Run
from .sending import Reporter
from .signed import check_signable, signed
from .version_requests import VersionRequests

_AT_ONCE = DEFAULTS.at_once()
Protection = Callable[[], "AbstractContextManager[object]"]
_WHOLE = {Action.ENABLE, Action.CHECK_BYTES}


def publish(
    requests: VersionRequests,
    files: Sequence[ReleaseFile],
    *,
    if_exists: IfExists = "match",
    enable: bool = False,
    release_notes: str | None = None,
    expected: Mapping[str, str] | None = None,
    progress: Reporter | None = None,
    at_once: AtOnce = _AT_ONCE,
    journal: Path | None = None,
    settle: float | None = None,
    notify: Callable[[str], None] | None = None,
    protect: Protection | None = None,
    signer: SigningKey | None = None,
) -> Release:
    """Makes a version of `files`, or finds that it is there; returns what was read of it last.

    `AdminClient.publish` describes the arguments, but three: `files` are from `local_files`,
    `progress` gives, for each of them, the callback for its bytes, and `at_once` is what its
    `parallel` is made of.
    """
    expected = _by_server_name(expected or {})
    checksum = _checked(files, expected, signer)
    release = _release_id(requests)
    if notify:
        requests = _noting_same_number(requests, notify)
    with ExitStack() as stack:
        if signer is not None:
            files, expected = stack.enter_context(_signed(files, checksum, signer, release))
        opened = stack.enter_context(Journal.opened(journal, release))
        run = Run(requests, opened, completion_order(files), if_exists, enable, checksum)
        wanted = SETTLE_SECONDS if settle is None else settle
        run.settle = min(wanted, requests.transport.read_timeout)
        run.release_notes = release_notes
        run.expected = expected
        run.progress = progress
        run.at_once = at_once
        run.notify = notify or run.notify
        done = run.run(protect or nullcontext)
        if notify and done.status != "skipped":
            chosen = preferred_file(main_candidates(done.files), run.version_size)
            _tell_main(done.files, chosen, notify)
        return done


def preview(
    requests: VersionRequests,
    files: Sequence[ReleaseFile],
    *,
    if_exists: IfExists = "match",
    enable: bool = False,
    expected: Mapping[str, str] | None = None,
    journal: Path | None = None,
    notify: Callable[[str], None] | None = None,
    signer: SigningKey | None = None,
) -> ReleasePreview:
    """What `publish` would do; changes nothing, and locks no journal."""
    if notify:
        requests = _noting_same_number(requests, notify)
    checksum = _checked(files, _by_server_name(expected or {}), signer)
    release = _release_id(requests)
    opened = Journal.read(journal, release) if journal else Journal(None, release)
    with ExitStack() as stack:
        if signer is not None:
            files, _ = stack.enter_context(_signed(files, checksum, signer, release))
        ordered = completion_order(files)
        for file in ordered:
            checksum(file)  # while those of the signature exist
        run = Run(requests, opened, ordered, if_exists, enable, checksum)
        run.settle = 0.0  # what would be done once nobody else is at it
        step = run.first_step()
    if notify and step.status is None:
        requests.list_versions()  # which a new version is not looked up in
    status = step.status or ("unchanged" if step.action in _WHOLE else "created")
    rows = [{**file.as_row(), "checksum": checksum(file), "status": status} for file in ordered]
    if notify and status == "created":
        _tell_main(rows, rows[-1], notify)
    return ReleasePreview(status, enable and status != "skipped" and not run.is_enabled, rows)


def _noting_same_number(
    requests: VersionRequests, notify: Callable[[str], None]
) -> VersionRequests:
    """The same requests, of which the first list of versions tells of another one that is neither
    higher nor lower: `v1.0` beside `1.0`. Costs no request of its own."""
    noted = False

    def list_versions() -> ApiResponse:
        nonlocal noted
        listing = requests.list_versions()
        rows = (listing.data or {}).get("versions") if listing.success else None
        if isinstance(rows, list) and not noted:
            noted = True
            named = [row for row in rows if isinstance(row, dict)]
            others = [str(row.get("version")) for row in same_number(named, requests.version)]
            if others:
                notify(
                    f"{requests.application_id} has version {', '.join(others)}, too, and "
                    f"{requests.version} is the same number: neither is newer than the other"
                )
        return listing

    return replace(requests, list_versions=list_versions)


def _tell_main(rows: Sequence[Json], chosen: Json, notify: Callable[[str], None]) -> None:
    """Says which file is meant where none is named, if that is not plain."""
    found = main_candidates(rows)
    if len(found) > 1:
        what = "MAIN files" if chosen.get("fileType") == "MAIN" else "files, none of them MAIN"
        names = ", ".join(sorted(str(row.get("fileName")) for row in found))
        notify(
            f"{len(found)} {what}: {names}; where a download names none, bindist takes "
            f"{chosen.get('fileName')}, and other clients take any of them"
        )


def _by_server_name(expected: Mapping[str, str]) -> dict[str, str]:
    """The expected checksums by the names that the server gives the files."""
    found: dict[str, str] = {}
    for name, checksum in expected.items():
        if not checksums_match(found.setdefault(server_name(name), checksum), checksum):
            raise ValueError(f"two different checksums are expected of {server_name(name)!r}")
    return found


@contextmanager
def _signed(
    files: Sequence[ReleaseFile], checksum: Checksums, signer: SigningKey, release: ReleaseId
) -> Iterator[tuple[list[ReleaseFile], dict[str, str]]]:
    """The files with those of the signature, and the checksums that the bytes sent must have."""
    with signed(files, checksum, signer, release.application_id, release.version) as together:
        yield together, {file.server_name: checksum(file) for file in together}


def _checked(
    files: Sequence[ReleaseFile], expected: Mapping[str, str], signer: SigningKey | None
) -> Checksums:
    """The checksum of each file, read from the disk once; the expected ones are compared now."""
    if signer is not None:
        check_signable(files)
    checksum = Checksums()
    for file in files:
        if file.server_name in expected:
            check_expected(file, checksum(file), expected)
    return checksum


def _release_id(requests: VersionRequests) -> ReleaseId:
    transport = requests.transport
    return ReleaseId.of(
        transport.base_url, transport.api_key, requests.application_id, requests.version
    )
