"""Several files of one version, downloaded together into a folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from ..errors import IncompleteDownloadError, TargetConflictError
from ..file_names import safe_file_name, server_name
from ..file_system import max_name_bytes
from ..http.response import Json, count_in, text_in
from ..transfer.concurrency import CancellationToken, RefusedError, SharedWork, SizedWork, run_jobs
from ..transfer.config import AtOnce, TransferConfig
from ..transfer.download import Download
from ..transfer.part_file import PartFile
from ..transfer.placing import is_special
from ..transfer.presigned import DownloadSource, FileProgress, Progress


class Fetch(Protocol):
    """Downloads the file of a row of the version's list to `target`."""

    def __call__(
        self,
        row: Json,
        target: Path,
        *,
        connections: int,
        progress: Progress | None,
        token: CancellationToken,
        source: DownloadSource,
    ) -> Download: ...


def check_target(target: Path) -> None:
    """Raises IsADirectoryError or FileExistsError for what no download may replace, OSError for a
    name that is too long for the file system."""
    _check_name(target)
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder, and is not replaced by a file")
    if is_special(target):
        # Replacing /dev/null, as root can, would be missed by everybody on the machine.
        raise FileExistsError(
            f"{target} is a device, a pipe or a socket, and is not replaced by a file"
        )


def _check_name(target: Path) -> None:
    """Raises OSError for a name that is too long for the file system it is to be put on."""
    length, limit = len(os.fsencode(target.name)), max_name_bytes(target.parent)
    if length > limit:
        said = f"{os.strerror(errno.ENAMETOOLONG)}: {length} bytes; {limit} are allowed here"
        raise OSError(errno.ENAMETOOLONG, said, str(target))


def check_folder(folder: Path) -> None:
    """Raises NotADirectoryError where no folder can be, or can be made."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), None)
    if there is not None and not there.is_dir():
        raise NotADirectoryError(f"{there} is not a folder")


@dataclass(frozen=True)
class _File:
    name: str
    row: Json
    target: Path
    size: int
    source: DownloadSource


class VersionDownload:
    """Files of a version (`rows` of its list) and where each goes in `folder`: `targets`.

    `file_name` is the name there of a single file; default the server's.

    Raises IntegrityError for a row that is of no use, TargetConflictError where two files would get
    in each other's way, and as `check_target` does.
    """

    def __init__(self, rows: Sequence[Json], folder: Path, file_name: str | None = None) -> None:
        self.names = [safe_file_name(row.get("fileName")) for row in rows]
        self._rows = rows
        self.targets = [folder / (file_name or name) for name in self.names]
        self._sizes = [count_in(row, "fileSize") for row in rows]
        for row in rows:
            text_in(row, "fileId")
        self._check_targets(folder)

    def _check_targets(self, folder: Path) -> None:
        # A file may not be called what another one is called while it is on its way, either.
        paths = [_folded(path) for target in self.targets for path in PartFile(target).paths]
        if len(set(paths)) < len(paths):
            raise TargetConflictError(
                f"two files of this version have the same name in {folder}, "
                "or get in each other's way"
            )
        for target in self.targets:
            check_target(target)

    def run(
        self,
        fetch: Fetch,
        source_of: Callable[[Json], DownloadSource],
        config: TransferConfig,
        *,
        connections: int,
        at_once: AtOnce,
        progress: FileProgress | None,
    ) -> list[Download]:
        """Downloads all files, so many `at_once`, with `connections` in all for large ones.

        A file that fails leaves the others to go on. Where the store refuses one while it serves
        another, fewer are fetched at once. Raises the exception of a single file,
        IncompleteDownloadError for one or more of several.
        """
        large = sum(size > config.parallel_above for size in self._sizes)
        connections = max(1, connections // min(max(large, 1), at_once.files, at_once.large))
        # A source keeps its URL, each of which counts as a download.
        files = [
            _File(*each, source_of(each[1]))
            for each in zip(self.names, self._rows, self.targets, self._sizes, strict=True)
        ]
        downloading = _Downloading(fetch, connections, progress)
        downloading.run(files, at_once)
        done, failures = downloading.done, downloading.failures
        downloads = [done[name] for name in self.names if name in done]
        if not failures:
            return downloads
        if len(self.names) == 1:
            raise next(iter(failures.values()))
        failed = {name: failures[name] for name in self.names if name in failures}
        raise IncompleteDownloadError(downloads, failed)


class _Downloading:
    """What has become of the files so far: `done` and `failures` by their names."""

    def __init__(self, fetch: Fetch, connections: int, progress: FileProgress | None) -> None:
        self.done: dict[str, Download] = {}
        self.failures: dict[str, Exception] = {}
        self._fetch = fetch
        self._connections = connections
        self._progress = progress
        self._token = CancellationToken()
        self._work: SharedWork[_File] = SharedWork()

    def run(self, files: Sequence[_File], at_once: AtOnce) -> None:
        self._work = SizedWork(files, lambda file: file.size > at_once.small, at_once.large)
        work = partial(self._work.run, self._download, self._token, self._give_up)
        threads = min(at_once.files, len(files))
        run_jobs([work] * threads, threads, self._token)

    def _download(self, file: _File) -> None:
        try:
            self.done[file.name] = self._fetch(
                file.row,
                file.target,
                connections=self._connections,
                progress=partial(self._report, file.name),
                token=self._token,
                source=file.source,
            )
        except Exception as error:
            if file.source.has_refused(error):
                raise RefusedError(file, error) from None
            self._give_up(file, error)

    def _give_up(self, file: _File, error: Exception) -> None:
        self.failures[file.name] = error

    def _report(self, name: str, done: int, size: int) -> None:
        if done:
            self._work.note_advance()
        if self._progress:
            self._progress(name, done, size)


def _folded(path: Path) -> str:
    """A path as the least discerning file system knows it."""
    return server_name(str(path)).casefold()
