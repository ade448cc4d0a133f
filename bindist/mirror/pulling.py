"""Pulling: what the server has and the mirror lacks, fetched, verified, and named when whole."""

from __future__ import annotations

import errno
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BinDistError, IntegrityError, NotFoundError
from ..file_names import safe_file_name
from ..file_system import free_bytes
from ..http.response import Json, failure
from ..transfer.concurrency import CancellationToken, results_of, run_jobs
from ..transfer.file_rows import distinct_files
from ..transfer.hashing import checksums_match, sha256_file
from ..version_order import is_prerelease, version_key
from .layout import FORMAT, INDEX, Mirror, json_text, write

if TYPE_CHECKING:
    from ..clients.customer import CustomerClient
    from ..signing import TrustedKey
    from ..types import StrPath

AT_ONCE = 16
"""How many small requests run at once: lists of files, and files."""

_LARGE = 64 * 1024 * 1024
_APPLICATION = re.compile(r"[A-Za-z0-9_-]{1,100}")
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,50}")


@dataclass(frozen=True)
class Selection:
    """Which versions a pull wants.

    Attributes:
        applications: ids; empty for all that the key may see.
        keep: the highest so many versions of each application; None for all.
        since: only versions that are higher than this one; None for all.
        pre_releases: True includes pre-releases.
        test_channel: True includes versions that are not enabled.
        patterns: names of files, with `*` and `?`; empty for all files.
    """

    applications: Sequence[str] = ()
    keep: int | None = None
    since: str | None = None
    pre_releases: bool = False
    test_channel: bool = False
    patterns: Sequence[str] = ()

    def versions(self, rows: Iterable[Json]) -> list[Json]:
        """The wanted ones of an application's versions, highest first."""
        found = [row for row in rows if self.pre_releases or not is_prerelease(str(row["version"]))]
        if self.since is not None:
            least = version_key(self.since)
            found = [row for row in found if version_key(str(row["version"])) > least]
        found.sort(key=lambda row: version_key(str(row["version"])), reverse=True)
        return found[: self.keep]

    def files(self, rows: Iterable[Json]) -> list[Json]:
        return [
            row
            for row in distinct_files(rows)
            if not self.patterns
            or any(fnmatchcase(str(row["fileName"]), pattern) for pattern in self.patterns)
        ]


@dataclass(frozen=True)
class Planned:
    """What a pull does with a version.

    `action` is `fetch`, `update` (only what the server says of it has changed), `keep`, or `prune`
    (the source no longer shows it). `size` is the number of bytes of the files to fetch.
    """

    application_id: str
    version: str
    action: str
    files: tuple[Json, ...] = ()
    size: int = 0
    record: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Pulled:
    """What became of a version: `status` is `fetched`, `updated`, `unchanged`, `pruned`, `gone`
    (the source no longer shows it, and it was kept) or `failed`; `error` says why it failed."""

    application_id: str
    version: str
    status: str
    size: int = 0
    error: Exception | None = None


def plan(
    client: CustomerClient, folder: StrPath, selection: Selection | None = None
) -> list[Planned]:
    """What `pull` would do, without doing it; counts no download.

    `iter_applications` (or `get_application` for each id), `list_versions` for each application,
    and `list_version_files` for each version that the mirror lacks. Returns a `Planned` for each
    version. Raises NotFoundError for an application that the key may not see, ApiError,
    TransportError, IntegrityError for a broken record in the mirror.
    """
    mirror = Mirror(Path(folder))
    return _plan(client, mirror, selection or Selection())[1]


def pull(
    client: CustomerClient,
    folder: StrPath,
    selection: Selection | None = None,
    *,
    prune: bool = False,
    check: bool = False,
    trusted_keys: Callable[[str], Iterable[TrustedKey | str] | None] | None = None,
    report: Callable[[str, int, int], None] | None = None,
) -> list[Pulled]:
    """Brings a mirror up to date.

    As `plan`, then `GET /v1/downloads/url` and the object store for each file that the mirror
    lacks. Files with a checksum that the mirror has already are linked to it, not fetched. A file
    is not read again as long as its size, time and inode are those from when it was verified. A new
    version appears under its name when it is whole. After an interruption, the next call continues.

    Args:
        folder: the mirror; created if it does not exist.
        selection: which versions; default None, all enabled ones but pre-releases.
        prune: True removes versions that the source no longer shows; default False.
        check: True reads and verifies every file again; default False.
        trusted_keys: returns the keys of the vendor of an application, of which one must have
            signed each version, or None; default None, no signature needed.
        report: called with (path in the mirror, bytes received, bytes in total) from any thread;
            default None.

    Returns a `Pulled` for each version. Raises what `plan` raises; BusyError if another process is
    at the same mirror; OSError for the disk, also before the first byte if it has too little space.
    """
    mirror = Mirror(Path(folder))
    with mirror.locked():
        mirror.load_stamps()
        applications, planned = _plan(client, mirror, selection or Selection(), check=check)
        _check_space(mirror, planned)
        pulling = _Pull(client, mirror, selection or Selection(), trusted_keys, report)
        results = pulling.run(planned, prune=prune, check=check)
        mirror.save_stamps()
        _write_index(client, mirror, applications)
    return results


def _plan(
    client: CustomerClient, mirror: Mirror, selection: Selection, *, check: bool = False
) -> tuple[list[Json], list[Planned]]:
    applications = _applications(client, selection)

    def list_versions(application_id: str) -> list[Json]:
        rows = client.list_versions(application_id, selection.test_channel).rows("versions")
        for row in rows:
            _safe(row.get("version"), _VERSION)
            row.pop("downloadCount", None)  # which changes with each pull
        return selection.versions(rows)

    names = [_safe(app.get("applicationId"), _APPLICATION) for app in applications]
    versions = results_of([partial(list_versions, name) for name in names], AT_ONCE)
    listed = dict(zip(names, versions, strict=True))
    wanted = [
        (name, row, _action(mirror, name, row, check)) for name in names for row in listed[name]
    ]

    def list_files(name: str, version: str) -> list[Json]:
        rows = client.list_version_files(name, version).rows("files")
        for row in rows:
            safe_file_name(row.get("fileName"))
        return rows

    missing = [(name, row["version"]) for name, row, action in wanted if action == "fetch"]
    files_of = results_of([partial(list_files, *each) for each in missing], AT_ONCE)
    lists = dict(zip(missing, files_of, strict=True))
    planned: list[Planned] = []
    for name, row, action in wanted:
        version = str(row["version"])
        if action == "fetch":
            files = tuple(selection.files(lists[name, version]))
            record = {**row, "files": list(files)}
            size = sum(int(file["fileSize"]) for file in files)
            planned.append(Planned(name, version, action, files, size, record))
        else:
            known = mirror.find(name, version)
            files = tuple(known.record["files"]) if known else ()
            planned.append(Planned(name, version, action, files, 0, {**row, "files": list(files)}))
    if selection.keep is None and selection.since is None:
        planned += _gone(mirror, names if selection.applications else None, listed)
    return applications, planned


def _applications(client: CustomerClient, selection: Selection) -> list[Json]:
    if selection.applications:
        return [client.get_application(name).require() for name in selection.applications]
    return [dict(app) for app in client.iter_applications()]


def _safe(name: object, pattern: re.Pattern[str]) -> str:
    """A name from the server that can be that of a folder; raises IntegrityError for any other."""
    if not isinstance(name, str) or not pattern.fullmatch(name) or name in (".", ".."):
        raise IntegrityError(
            f"the server's name {name!r:.100} is not that of an application or version"
        )
    return name


def _action(mirror: Mirror, name: str, row: Json, check: bool) -> str:
    known = mirror.find(name, str(row["version"]))
    if known is None or known.record.get("createdAt") != row.get("createdAt"):
        return "fetch"
    folder = mirror.version_folder(name, known.version)
    for file in known.files:
        if check and not _has_content(folder / file.name, file.size, file.checksum):
            return "fetch"
        if not check and not mirror.is_verified(folder / file.name):
            return "fetch"
    same = {key: value for key, value in known.record.items() if key in row} == row
    return "keep" if same else "update"


def _gone(
    mirror: Mirror, names: Sequence[str] | None, listed: dict[str, list[Json]]
) -> list[Planned]:
    """The versions of the mirror that the source no longer shows."""
    if not mirror.folder.is_dir():
        return []
    return [
        Planned(name, known.version, "prune")
        for name in (mirror.applications() if names is None else names)
        if (mirror.folder / name).is_dir()
        for known in mirror.versions(name)
        if known.version not in {row["version"] for row in listed.get(name, ())}
    ]


def _check_space(mirror: Mirror, planned: Sequence[Planned]) -> None:
    """Raises OSError where the disk has too little space for all that is to be fetched."""
    needed, free = sum(each.size for each in planned), free_bytes(mirror.folder)
    if free is not None and needed > free:
        said = f"{os.strerror(errno.ENOSPC)}: {needed} bytes are needed, {free} are free"
        raise OSError(errno.ENOSPC, said, str(mirror.folder))


class _Pull:
    def __init__(
        self,
        client: CustomerClient,
        mirror: Mirror,
        selection: Selection,
        trusted_keys: Callable[[str], Iterable[TrustedKey | str] | None] | None,
        report: Callable[[str, int, int], None] | None,
    ) -> None:
        self._client = client
        self._mirror = mirror
        self._selection = selection
        self._trusted_keys = trusted_keys or (lambda _: None)
        self._report = report
        self._lock = threading.Lock()
        self._by_checksum: dict[str, Path] = {}

    def run(self, planned: Sequence[Planned], *, prune: bool, check: bool) -> list[Pulled]:
        results: dict[tuple[str, str], Pulled] = {}
        self._index_contents(planned, check)
        fetching = [each for each in planned if each.action == "fetch"]
        self._fetch(fetching, results)
        for each in planned:
            name, version = each.application_id, each.version
            if each.action == "update":
                self._mirror.put_record(name, version, each.record)
                results[name, version] = Pulled(name, version, "updated")
            elif each.action == "keep":
                results[name, version] = Pulled(name, version, "unchanged")
            elif each.action == "prune" and prune:
                self._prune(name, version)
                results[name, version] = Pulled(name, version, "pruned")
            elif each.action == "prune":
                results[name, version] = Pulled(name, version, "gone")
        return [results[each.application_id, each.version] for each in planned]

    def _index_contents(self, planned: Sequence[Planned], check: bool) -> None:
        """Notes which checksums the mirror has, to link to them instead of fetching them."""
        for each in planned:
            if check and each.action == "fetch":  # something there is not as it was noted
                continue
            known = self._mirror.find(each.application_id, each.version)
            folder = self._mirror.version_folder(each.application_id, each.version)
            for file in known.files if known else ():
                if self._mirror.is_verified(folder / file.name):
                    self._by_checksum.setdefault(file.checksum, folder / file.name)

    def _fetch(self, planned: Sequence[Planned], results: dict[tuple[str, str], Pulled]) -> None:
        """Fetches all files of all versions at once, and names each version when it is whole."""
        left = {(each.application_id, each.version): len(each.files) for each in planned}

        def finish(each: Planned, error: Exception | None) -> None:
            place = (each.application_id, each.version)
            with self._lock:
                left[place] -= 1
                if error is not None and place not in results:
                    results[place] = Pulled(*place, "failed", error=error)
                if left[place] > 0 or place in results:
                    return
            try:
                self._publish(each)
                results[place] = Pulled(*place, "fetched", each.size)
            except (OSError, BinDistError) as failed:
                results[place] = Pulled(*place, "failed", error=failed)

        def fetch(each: Planned, row: Json) -> None:
            error: Exception | None = None
            try:
                if (each.application_id, each.version) not in results:
                    self._fetch_file(each, row)
            except (OSError, BinDistError) as failed:
                error = failed
            finish(each, error)

        jobs: list[Callable[[], None]] = []
        for each in planned:
            place = (each.application_id, each.version)
            try:
                if not each.files:
                    raise NotFoundError(failure(404, f"version {each.version} has no such files"))
                self._check_signature(each)
            except (OSError, BinDistError) as failed:
                results[place] = Pulled(*place, "failed", error=failed)
                continue
            jobs += [partial(fetch, each, row) for row in each.files]
        run_jobs(jobs, AT_ONCE, CancellationToken())

    def _check_signature(self, each: Planned) -> None:
        keys = self._trusted_keys(each.application_id)
        if keys is not None:
            self._client.signed_checksums(
                each.application_id,
                each.version,
                keys,
                test_channel=self._selection.test_channel,
                cache=self._mirror.folder / ".bindist-signatures",
            )

    def _fetch_file(self, each: Planned, row: Json) -> None:
        target = self._incoming(each, row)
        content = str(row["checksum"]).lower()
        with self._lock:
            source = self._by_checksum.get(content)
        if source is not None and not target.exists() and self._linked(source, target):
            return
        path = f"{each.application_id}/{each.version}/{row['fileName']}"
        report = partial(self._report, path) if self._report else None
        self._client.download_to_file(
            each.application_id,
            each.version,
            target,
            listed=row,
            test_channel=self._selection.test_channel,
            connections=1 if int(row["fileSize"]) <= _LARGE else None,
            progress=report,
        )
        with self._lock:
            self._by_checksum.setdefault(content, target)

    def _incoming(self, each: Planned, row: Json) -> Path:
        """Where a file is put; one that an older copy of the version has is moved there."""
        folder = self._mirror.incoming_folder(each.application_id, each.version)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / str(row["fileName"])

    def _linked(self, source: Path, target: Path) -> bool:
        if not self._mirror.is_verified(source):
            return False
        try:
            os.link(source, target)
        except OSError:  # no hard links here, or the source has been moved
            return False
        return True

    def _publish(self, each: Planned) -> None:
        name, version = each.application_id, each.version
        incoming = self._mirror.incoming_folder(name, version)
        folder = self._mirror.version_folder(name, version)
        wanted = {str(row["fileName"]) for row in each.files}
        for path in incoming.iterdir():
            if path.name not in wanted:
                path.unlink()
        for row in each.files:
            path = folder / str(row["fileName"])
            self._mirror.note_verified(incoming / path.name, at=path)
        self._mirror.put_record(name, version, each.record)
        self._mirror.publish(name, version)
        with self._lock:
            for row in each.files:
                self._by_checksum[str(row["checksum"]).lower()] = folder / str(row["fileName"])

    def _prune(self, name: str, version: str) -> None:
        folder = self._mirror.version_folder(name, version)
        for path in (
            self._mirror.record_path(name, version),
            self._mirror.sums_path(name, version),
        ):
            path.unlink(missing_ok=True)
        for path in folder.iterdir():
            self._mirror.forget(path)
        shutil.rmtree(folder)


def _has_content(path: Path, size: int, checksum: str) -> bool:
    if not path.is_file() or path.is_symlink() or path.stat().st_size != size:
        return False
    return checksums_match(sha256_file(path), checksum)


def _write_index(client: CustomerClient, mirror: Mirror, applications: Sequence[Json]) -> None:
    now = datetime.now(timezone.utc)
    known = {str(app["applicationId"]): dict(app) for app in applications}
    entries: list[dict[str, Any]] = []
    for name in mirror.applications():
        versions = [each.version for each in mirror.versions(name)]
        entries.append({**known.get(name, {"applicationId": name}), "versions": versions})
    index = {
        "format": FORMAT,
        "server": client.base_url,
        "pulledAt": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "applications": entries,
    }
    write(mirror.folder / INDEX, json_text(index))
