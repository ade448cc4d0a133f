"""Questions that take several lists: which version a file is of, what changed, what is new."""

from __future__ import annotations

import os
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, MutableMapping
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..errors import RateLimitError, ServerError, TransportError
from ..http.response import Json, count_in, text_in
from .catalogue import CatalogueClient

# Versions are compared where that is needed: importing what it takes is slow.

if TYPE_CHECKING:
    from ..comparison import IdentifiedFile, VersionComparison
    from ..types import StrPath, Version

FileLists = MutableMapping[str, list[Any]]
"""What `identify_files` keeps file lists in; JSON can hold its content."""

_POLL_SECONDS = 30.0
_MAX_PAUSE_SECONDS = 300.0
_SETTLED_AFTER = timedelta(hours=1)
_KEPT = ("fileId", "fileName", "fileSize", "checksum")


class ComparingClient(CatalogueClient):
    """The part of a `CustomerClient` that compares versions and files. Counts no download."""

    def identify_files(
        self,
        paths: StrPath | Iterable[StrPath],
        application_ids: str | Iterable[str] | None = None,
        *,
        file_lists: FileLists | None = None,
        parallel: int | None = None,
    ) -> list[IdentifiedFile]:
        """Finds the versions that local files are of, by size and SHA-256. Counts no download.

        `GET /v1/applications/{id}/versions` for each application, then, for each of its versions,
        `GET /v1/applications/{id}/versions/{version}/files`. Versions that are not enabled are
        searched, too; inactive ones are in no list. Reads only local files whose size is that of a
        file on the server.

        Args:
            paths: one or several, each `str` or `os.PathLike`; a folder stands for all files in it
                and in its folders.
            application_ids: one id or several; default None, every application that the key may
                see (`GET /v1/applications`).
            file_lists: keeps the file lists of enabled versions that have not changed for an hour:
                in the next call, such a version costs no request. Any dictionary; one for each
                server and tenant. Default None.
            parallel: how many lists are requested at once, from 1; default None, which takes
                `parallel_files` of the client's `transfer_config`: 16.

        Returns an `IdentifiedFile` for each file. Raises ValueError for `parallel` below 1, OSError
        for a file that does not exist or cannot be read, ApiError and TransportError if a list
        cannot be read: what is not found then would not be certain. Raises IntegrityError for a
        list without usable sizes.
        """
        from ..comparison import FileOccurrence, IdentifiedFile
        from ..transfer.concurrency import results_of
        from ..transfer.hashing import checksums_match, sha256_file

        requests = self._at_once(parallel).files
        local = list(_local_files(paths))
        if not local:
            return []
        versions, complete = self._all_versions(application_ids, requests)
        lists = results_of([partial(self._files_of, row, file_lists) for row in versions], requests)
        by_size: dict[int, list[tuple[FileOccurrence, object]]] = {}
        for version, rows in zip(versions, lists, strict=True):
            for row in rows:
                found = FileOccurrence(
                    application_id=version["applicationId"],
                    version=version["version"],
                    file_name=str(row.get("fileName")),
                    file_id=str(row.get("fileId")),
                    is_enabled=version["isEnabled"],
                    newer=version["newer"],
                )
                by_size.setdefault(count_in(row, "fileSize"), []).append(
                    (found, row.get("checksum"))
                )

        def identified(path: Path) -> IdentifiedFile:
            size = path.stat().st_size
            candidates = by_size.get(size, ())
            checksum = sha256_file(path) if candidates else None
            alike = [found for found, listed in candidates if checksums_match(listed, checksum)]
            return IdentifiedFile(path, size, checksum, alike, complete)

        return [identified(path) for path in local]

    def compare_versions(self, application_id: str, old: str, new: str) -> VersionComparison:
        """Compares the files of two versions, enabled or not, and collects the notes between them.

        `GET /v1/applications/{id}/versions`, and for each of the two versions
        `GET /v1/applications/{id}/versions/{version}/files`. `old` and `new` are version numbers;
        `old` may be the higher one. Returns a `VersionComparison`; its `versions` are enabled ones,
        and the higher one of the two. Raises NotFoundError for a version that does not exist,
        IntegrityError if one name has two checksums, ApiError, TransportError.
        """
        from ..comparison import VersionComparison, compare_files
        from ..version_list import between
        from ..version_order import version_key

        files = {
            version: self.list_version_files(application_id, version).rows("files")
            for version in dict.fromkeys((old, new))
        }
        listed = self.list_versions(application_id, test_channel=True).rows("versions")
        lower, higher = sorted((old, new), key=version_key)
        versions = [
            row
            for row in between(listed, lower, higher)
            if row.get("isEnabled") or row.get("version") == higher
        ]
        changes = compare_files(files[old], files[new])
        return VersionComparison(application_id, old, new, changes, cast("list[Version]", versions))

    def wait_for_newer_version(
        self,
        application_id: str,
        than: str,
        *,
        timeout: float = 0.0,
        interval: float = _POLL_SECONDS,
        test_channel: bool = False,
        prereleases: bool = False,
    ) -> Version | None:
        """Returns the latest version if it is higher than `than`, and waits for it if necessary.

        `GET /v1/applications/{id}/versions`, once for each look. After a failure that may pass (no
        response, 429, 5xx, each after the client's own retries, which heed `Retry-After`), the
        pause doubles, up to 300 seconds.

        Args:
            than: a version, which need not exist.
            timeout: for how many seconds to wait; default 0, which looks once.
            interval: seconds between two looks; default 30.
            test_channel: True for disabled versions too; default False.
            prereleases: True for pre-releases too; default False, which takes one only if there is
                no final release.

        Returns the `Version`, or None if there is none by then. Raises ApiError and TransportError
        if the last look failed, and at once if trying again cannot help; ValueError for seconds out
        of range.
        """
        from ..version_list import latest, newer_than

        if not timeout >= 0:
            raise ValueError(f"timeout must be 0 seconds or more, not {timeout!r}")
        if not interval > 0:
            raise ValueError(f"interval must be more than 0 seconds, not {interval!r}")
        deadline, pause = time.monotonic() + timeout, interval
        while True:
            try:
                rows = self.list_versions(application_id, test_channel).rows("versions")
            except (RateLimitError, ServerError, TransportError) as error:
                if time.monotonic() >= deadline or not getattr(error, "transient", True):
                    raise
                pause = min(2 * pause, max(_MAX_PAUSE_SECONDS, interval))
            else:
                newest = [latest(rows, prereleases=prereleases)] if rows else []
                if found := newer_than(newest, than):
                    return cast("Version", found[0])
                if time.monotonic() >= deadline:
                    return None
                pause = interval
            time.sleep(max(0.0, min(pause, deadline - time.monotonic())))

    def _all_versions(
        self, application_ids: str | Iterable[str] | None, parallel: int
    ) -> tuple[list[Json], bool]:
        """Returns the versions of the applications, each with `newer`, and whether that is all."""
        from ..rows import may_be_cut
        from ..transfer.concurrency import results_of
        from ..version_list import highest_first
        from ..version_order import version_key

        if application_ids is None:
            wanted = [text_in(row, "applicationId") for row in self.iter_applications()]
        else:
            wanted = [application_ids] if isinstance(application_ids, str) else [*application_ids]

        def list_all(application_id: str) -> list[Json]:
            return self.list_versions(application_id, test_channel=True).rows("versions")

        lists = results_of([partial(list_all, each) for each in wanted], parallel)
        versions = []
        for application_id, rows in zip(wanted, lists, strict=True):
            keys = sorted(version_key(_name(row)) for row in rows if row.get("isEnabled"))
            versions += [
                {
                    "applicationId": application_id,
                    "version": text_in(row, "version"),
                    "isEnabled": bool(row.get("isEnabled")),
                    "updatedAt": row.get("updatedAt"),
                    "newer": len(keys) - bisect_right(keys, version_key(_name(row))),
                }
                for row in highest_first(rows)
            ]
        return versions, not any(map(may_be_cut, lists))

    def _files_of(self, version: Json, file_lists: FileLists | None) -> list[Json]:
        """The file list of a version, from `file_lists` if it is there."""
        name = "/".join(str(version[key]) for key in ("applicationId", "version", "updatedAt"))
        kept = None if file_lists is None else file_lists.get(name)
        if isinstance(kept, list) and all(_is_kept(row) for row in kept):
            return kept
        listed = self.list_version_files(version["applicationId"], version["version"])
        rows = [{key: row.get(key) for key in _KEPT} for row in listed.rows("files")]
        if file_lists is not None and version["isEnabled"] and _is_settled(version["updatedAt"]):
            file_lists[name] = rows
        return rows


def _is_kept(row: object) -> bool:
    """Whether this is a row as it is kept, and not something else that a file held."""
    return isinstance(row, dict) and all(key in row for key in _KEPT)


def _name(row: Json) -> str:
    return str(row.get("version"))


def _is_settled(updated_at: object) -> bool:
    """Whether a change is so long ago that no request can still belong to it."""
    try:
        moment = datetime.fromisoformat(str(updated_at).replace("Z", "+00:00"))
        return datetime.now(timezone.utc) - moment > _SETTLED_AFTER
    except (TypeError, ValueError):
        return False


def _local_files(paths: StrPath | Iterable[StrPath]) -> Iterator[Path]:
    """Yields the files, and those in folders, each folder in the order of names.

    Links to folders inside of a folder are not followed. Raises OSError for a path that is neither.
    """

    def fail(error: OSError) -> None:
        raise error

    for each in [paths] if isinstance(paths, (str, os.PathLike)) else paths:
        path = Path(each)
        if not path.is_dir():
            path.stat()
            yield path
            continue
        for folder, folders, names in os.walk(path, onerror=fail):
            folders.sort()
            yield from (found for name in sorted(names) if (found := Path(folder, name)).is_file())
