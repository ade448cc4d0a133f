"""`versions download`: which files, where to, and what became of them."""

from __future__ import annotations

import os
import stat
import threading
import unicodedata
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from bindist import errors

from ...context import App
from ...exit_codes import CliError, Exit
from ...output import columns
from ...output.columns import Json
from ...output.error_output import explain
from ...output.progress import Report, transfers
from ...output.streams import binary_stdout
from .lookups import distinct, files_of


@dataclass(frozen=True)
class DownloadRequest:
    """What `versions download` was asked for."""

    app_id: str
    version: str
    wanted: tuple[str, ...]
    all_files: bool
    folder: Path
    target: str | None
    test_channel: bool
    force: bool
    resume: bool
    verify: bool
    connections: int


def choose_files(
    rows: Sequence[Json], wanted: Sequence[str], app_id: str, version: str
) -> list[Json]:
    """The files of these names or ids; raises CliError for one that is not there, and for a name
    where one has two checksums: only an id says which is meant then."""
    chosen: list[Json] = []
    for name in wanted:
        found = [row for row in rows if row.get("fileId") == name]
        if not found:
            files = distinct(rows, app_id, version)
            found = [row for row in files if row.get("fileName") == name]
        if not found:
            names = ", ".join(str(row.get("fileName")) for row in files)
            raise CliError(f"there is no file {name!r}", Exit.NOT_FOUND, facts=[f"files: {names}"])
        chosen += [row for row in found[:1] if row not in chosen]
    return chosen


def download(app: App, request: DownloadRequest) -> None:
    """Carries out `versions download` and prints what became of each file."""
    from bindist.transfer.presigned import pick_file

    rows = files_of(app, request.app_id, request.version)
    chosen: Sequence[Json]
    if not rows:
        raise CliError(f"version {request.version} has no files", Exit.NOT_FOUND)
    if request.wanted:
        chosen = choose_files(rows, request.wanted, request.app_id, request.version)
    else:
        chosen = distinct(rows, request.app_id, request.version)
        if not request.all_files:
            chosen = [pick_file({"files": chosen}, None)]
    if not request.verify:
        app.sink.warn("what is downloaded will not be verified")
    if request.target and (opened := _stream(request.target)):
        try:
            with opened as stream:
                _to_stream(app, request, chosen[0], stream)
        except OSError as error:
            if request.target != "-":
                error.filename = request.target
            raise
    else:
        _to_files(app, request, _targets(request, chosen))


def check_place(folder: Path, target: str | None) -> None:
    """Raises CliError where nothing can be put, before anything is asked for."""
    there = next((each for each in (folder, *folder.parents) if os.path.lexists(each)), None)
    if there and not there.is_dir():
        raise CliError(f"{there} is not a folder", Exit.USAGE)
    if target == "":
        raise CliError("-O has no path", Exit.USAGE, hint="is a variable empty?")
    if target in (None, "-"):
        return
    is_folder = os.path.basename(target) in ("", ".", "..")  # noqa: PTH119  as it was given
    wanted = Path(target) if is_folder else Path(target).parent
    if not wanted.is_dir():
        raise CliError(
            f"there is no folder {wanted}", Exit.USAGE, hint="make it, or use --dir, which does"
        )


def _stream(target: str) -> AbstractContextManager[IO[bytes]] | None:
    """What the file is written to as it arrives: stdout, a descriptor, a pipe or a device such as
    /dev/null. None for everything else."""
    from bindist.transfer.placing import descriptor_of

    number = 1 if target == "-" else descriptor_of(Path(target))
    if number == 1:
        return nullcontext(binary_stdout())
    try:
        return os.fdopen(os.dup(number), "wb") if number is not None else _opened(target)
    except OSError as error:
        raise CliError(f"cannot write to {target}: {error.strerror}", Exit.USAGE) from error


def _opened(target: str) -> IO[bytes] | None:
    """A pipe or a device, opened for writing; waits for a pipe's reader."""
    try:
        if not _is_stream(os.stat(target)):  # noqa: PTH116
            return None
    except OSError:  # nothing, or a link that leads nowhere
        return None
    flags = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
    descriptor = os.open(target, os.O_WRONLY | flags)
    if _is_stream(os.fstat(descriptor)):
        return os.fdopen(descriptor, "wb")
    os.close(descriptor)  # a file has taken its place
    return None


def _is_stream(status: os.stat_result) -> bool:
    return stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode)


def _targets(request: DownloadRequest, chosen: Sequence[Json]) -> list[tuple[Json, Path]]:
    """Where each file goes; checked before the first one is asked for."""
    from bindist.file_names import safe_file_name
    from bindist.transfer.part_file import PartFile
    from bindist.transfer.placing import is_special

    if request.target:
        targets = [Path(request.target)]
        if targets[0].is_dir():
            targets = [targets[0] / safe_file_name(chosen[0].get("fileName"))]
    else:
        targets = [request.folder / safe_file_name(row.get("fileName")) for row in chosen]
    # A file may not be called what another one is called while it is on its way, either.
    paths = [_folded(path) for target in targets for path in PartFile(target).paths]
    if len(set(paths)) < len(paths):
        raise CliError(
            "two files of this version have the same name, or get in each other's way",
            Exit.USAGE,
            hint="use --file ID -O PATH",
        )
    for target in targets:
        if target.is_dir():
            raise CliError(f"{target} is a folder", Exit.USAGE)
        if is_special(target):
            raise CliError(
                f"{target} is a device, a pipe or a socket, and not replaced by a file",
                Exit.USAGE,
                hint="-O PATH writes the one file to a pipe or to a device such as /dev/null",
            )
    request.folder.mkdir(parents=True, exist_ok=True)
    return list(zip(chosen, targets, strict=True))


def _folded(path: Path) -> str:
    """A path as the least discerning file system knows it."""
    return unicodedata.normalize("NFKC", str(path)).casefold()


def _to_files(app: App, request: DownloadRequest, targets: Sequence[tuple[Json, Path]]) -> None:
    from bindist.http.response import count_in, text_in
    from bindist.transfer.concurrency import Cancelled, run_jobs
    from bindist.transfer.config import DEFAULTS

    sizes = {str(target): count_in(row, "fileSize") for row, target in targets}
    # By its id: without one the server would choose a file, and it would get another one's name.
    ids = {str(target): text_in(row, "fileId") for row, target in targets}
    results: dict[str, Json] = {}
    failed: dict[str, Exception] = {}
    client, stop = app.client, threading.Event()
    large = sum(size > DEFAULTS.parallel_above for size in sizes.values())
    connections = max(1, request.connections // min(max(large, 1), DEFAULTS.parallel_files))

    def report(key: str) -> Report:
        shown = reporter(key)

        def reported(done: int, size: int) -> None:
            if stop.is_set():
                raise Cancelled
            shown(done, size)

        return reported

    def fetch(target: Path) -> None:
        key = str(target)
        try:
            found = client.download_to_file(
                request.app_id,
                request.version,
                target,
                file_id=ids[key],
                test_channel=request.test_channel,
                verify_checksum=request.verify,
                resume=request.resume,
                connections=connections,
                progress=report(key),
                replace=request.force,
            )
        except errors.TargetExistsError as error:
            failed[key] = _exists(error)
            return
        except errors.PermissionDeniedError as error:
            failed[key] = _not_enabled(error, request)
            return
        except Exception as error:
            failed[key] = error
            return
        results[key] = {
            "fileName": found.file_name,
            "path": str(found.path),
            "fileSize": found.file_size,
            "checksum": found.checksum,
            "status": found.status,
        }

    jobs = [partial(fetch, target) for _, target in targets]
    try:
        with transfers(app.sink, sizes, "downloading") as reporter:
            run_jobs(jobs, DEFAULTS.parallel_files, stop)
    except KeyboardInterrupt:
        app.sink.note("what has arrived is kept: the same command goes on from there")
        raise
    if len(targets) == 1 and failed:
        raise next(iter(failed.values()))
    app.sink.rows(columns.DOWNLOADS, [results[key] for key in sizes if key in results])
    if failed:
        raise _some_failed(failed, len(targets))


def _some_failed(failed: dict[str, Exception], count: int) -> CliError:
    shown = {name: explain(error) for name, error in failed.items()}
    codes = {error.exit for error in shown.values()}
    hints = {error.hint for error in shown.values()}
    facts = [
        error.message if error.message.startswith(name) else f"{name}: {error.message}"
        for name, error in shown.items()
    ]
    return CliError(
        f"{len(failed)} of {count} files failed",
        codes.pop() if len(failed) == count and len(codes) == 1 else Exit.PARTIAL,
        facts=facts,
        hint=(hints.pop() if len(hints) == 1 else None)
        or "run it again: what is there already is kept",
        code="SOME_FAILED",
    )


def _not_enabled(error: errors.PermissionDeniedError, request: DownloadRequest) -> CliError:
    """The error with the command that releases just this version, where that is the matter."""
    shown = explain(error)
    if "not enabled" in shown.message:
        what = f"{request.app_id} {request.version}"
        shown.hint = f"`bindist versions enable {what}` releases it, or add --test-channel"
    return shown


def _exists(error: errors.TargetExistsError) -> CliError:
    """A file with other content is somebody's, until --force says that it is not."""
    return CliError(
        str(error),
        Exit.CONFLICT,
        hint="--force replaces it; -O or --dir puts the file elsewhere",
        code="EXISTS",
    )


def _to_stream(app: App, request: DownloadRequest, row: Json, stream: IO[bytes]) -> None:
    from bindist.http.response import count_in, text_in

    name = str(row.get("fileName"))
    if stream.isatty():
        raise CliError("binary data is not written to a terminal", Exit.USAGE, hint="use -O PATH")
    sizes = {name: count_in(row, "fileSize")}
    with transfers(app.sink, sizes, "downloading") as reporter:
        try:
            app.client.download_to_stream(
                request.app_id,
                request.version,
                stream,
                file_id=text_in(row, "fileId"),
                test_channel=request.test_channel,
                verify_checksum=request.verify,
                progress=reporter(name),
            )
        except errors.PermissionDeniedError as error:
            raise _not_enabled(error, request) from error
        stream.flush()


def share_link(app: App, app_id: str, version: str, wanted: str | None, minutes: int) -> None:
    """Carries out `versions share`: makes the link and prints it, unless it leads elsewhere."""
    from bindist.http.response import text_in
    from bindist.http.url_policy import check_address

    if app.settings.is_sandbox and app.endpoint.own:
        raise CliError(
            "a link of this sandbox would end with this command",
            Exit.FAILED,
            hint="run `bindist sandbox serve` in another terminal, then this again",
        )
    file_id = None
    if wanted:
        files = files_of(app, app_id, version)
        file_id = text_in(choose_files(files, (wanted,), app_id, version)[0], "fileId")
    made = app.client.create_share_link(app_id, version, file_id, minutes).require()
    check_address(
        made.get("shareUrl"),
        app.api_url,
        "the server gives as the link",
        inside=app.settings.allow_private_store,
    )
    app.sink.one(columns.SHARE, made)
