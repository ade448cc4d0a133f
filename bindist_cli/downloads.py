"""`versions download` and `versions verify`: which files, where to, and what became of them."""

from __future__ import annotations

import sys
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bindist import errors

from . import columns
from .columns import Json
from .context import App
from .exits import CliError, Exit
from .progress import Report, transfers
from .report import explain

_FILES_AT_ONCE = 4


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


def choose_files(rows: Sequence[Json], wanted: Sequence[str]) -> list[Json]:
    """The files of these names or ids; raises CliError for one that is not there."""
    chosen: list[Json] = []
    for name in wanted:
        found = [row for row in rows if name in (row.get("fileName"), row.get("fileId"))]
        if not found:
            names = ", ".join(str(row.get("fileName")) for row in rows)
            raise CliError(f"there is no file {name!r}", Exit.NOT_FOUND, facts=[f"files: {names}"])
        chosen += [row for row in found[:1] if row not in chosen]
    return chosen


def download(app: App, request: DownloadRequest) -> None:
    """Carries out `versions download` and prints what became of each file."""
    from bindist.source import pick_file

    answer = app.client.list_version_files(request.app_id, request.version)
    rows: Sequence[Json] = answer.rows("files")
    if not rows:
        raise CliError(f"version {request.version} has no files", Exit.NOT_FOUND)
    if request.all_files:
        chosen = rows
    elif request.wanted:
        chosen = choose_files(rows, request.wanted)
    else:
        chosen = [pick_file(answer.require(), None)]
    if not request.verify:
        app.sink.warn("what is downloaded will not be verified")
    if request.target == "-":
        _to_stdout(app, request, chosen[0])
    else:
        _to_files(app, request, _targets(request, chosen))


def _targets(request: DownloadRequest, chosen: Sequence[Json]) -> list[tuple[Json, Path]]:
    """Where each file goes; checked before the first one is asked for."""
    from bindist.names import safe_file_name
    from bindist.partfile import PartFile

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
        if target.exists() and not target.is_file():
            raise CliError(
                f"{target} is a device or a pipe, and not replaced by a file",
                Exit.USAGE,
                hint=f"`-O - > {target}` writes to it",
            )
    request.folder.mkdir(parents=True, exist_ok=True)
    return list(zip(chosen, targets, strict=True))


def _folded(path: Path) -> str:
    """A path as the least discerning file system knows it."""
    return unicodedata.normalize("NFKC", str(path)).casefold()


def _to_files(app: App, request: DownloadRequest, targets: Sequence[tuple[Json, Path]]) -> None:
    from bindist.download import PARALLEL_ABOVE
    from bindist.response import count_in, text_in
    from bindist.threads import Stopped, run_jobs

    sizes = {str(target): count_in(row, "fileSize") for row, target in targets}
    # By its id: without one the server would choose a file, and it would get another one's name.
    ids = {str(target): text_in(row, "fileId") for row, target in targets}
    results: dict[str, Json] = {}
    failed: dict[str, Exception] = {}
    client, stop = app.client, threading.Event()
    large = sum(size > PARALLEL_ABOVE for size in sizes.values())
    connections = max(1, request.connections // min(max(large, 1), _FILES_AT_ONCE))

    def report(key: str) -> Report:
        shown = reporter(key)

        def reported(done: int, size: int) -> None:
            if stop.is_set():
                raise Stopped
            shown(done, size)

        return reported

    def fetch(row: Json, target: Path) -> None:
        key = str(target)
        try:
            if not request.force:
                _check_replaceable(row, target)
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
            )
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

    jobs = [partial(fetch, row, target) for row, target in targets]
    try:
        with transfers(app.sink, sizes, "downloading") as reporter:
            run_jobs(jobs, _FILES_AT_ONCE, stop)
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


def _check_replaceable(row: Json, target: Path) -> None:
    """A file with other content is somebody's, until --force says that it is not."""
    from bindist.hashing import checksums_match, sha256_file

    if not target.is_file() or checksums_match(sha256_file(target), row.get("checksum")):
        return
    raise CliError(
        f"{target} exists with other content",
        Exit.CONFLICT,
        hint="--force replaces it; -O or --dir puts the file elsewhere",
        code="EXISTS",
    )


def _to_stdout(app: App, request: DownloadRequest, row: Json) -> None:
    from bindist.response import count_in, text_in

    name = str(row.get("fileName"))
    if sys.stdout.isatty():
        raise CliError("binary data is not written to a terminal", Exit.USAGE, hint="use -O PATH")
    sizes = {name: count_in(row, "fileSize")}
    with transfers(app.sink, sizes, "downloading") as reporter:
        try:
            app.client.download_to_stream(
                request.app_id,
                request.version,
                sys.stdout.buffer,
                file_id=text_in(row, "fileId"),
                test_channel=request.test_channel,
                verify_checksum=request.verify,
                progress=reporter(name),
            )
        except errors.PermissionDeniedError as error:
            raise _not_enabled(error, request) from error
        sys.stdout.buffer.flush()


def share_link(app: App, app_id: str, version: str, wanted: str | None, minutes: int) -> None:
    """Carries out `versions share`: makes the link and prints it, unless it leads elsewhere."""
    from bindist.addresses import check_address
    from bindist.response import text_in

    file_id = None
    if wanted:
        files = app.client.list_version_files(app_id, version).rows("files")
        file_id = text_in(choose_files(files, (wanted,))[0], "fileId")
    made = app.client.create_share_link(app_id, version, file_id, minutes).require()
    check_address(
        made.get("shareUrl"),
        app.api_url,
        "the server gives as the link",
        inside=app.settings.allow_private_store,
    )
    app.sink.one(columns.SHARE, made)


def checksum_lines(rows: Sequence[Json]) -> list[str]:
    """Lines for `sha256sum -c`, which would read any other file too that they name."""
    from bindist.hashing import is_sha256, normalize_checksum
    from bindist.names import safe_file_name

    lines = []
    for row in rows:
        name, checksum = safe_file_name(row.get("fileName")), row.get("checksum")
        if not is_sha256(checksum):
            raise CliError(f"the server has no SHA-256 for {name}", Exit.INTEGRITY)
        lines.append(f"{normalize_checksum(checksum)}  {name}")
    return lines


def verify_files(app: App, app_id: str, version: str, paths: Sequence[Path]) -> None:
    """Carries out `versions verify`."""
    from bindist.hashing import checksums_match, normalize_checksum, sha256_file
    from bindist.names import safe_file_name

    files = app.client.list_version_files(app_id, version).rows("files")
    if not files:
        raise CliError(f"version {version} has no files", Exit.NOT_FOUND)
    listed = {safe_file_name(row.get("fileName")): row for row in files}
    rows = []
    folders = [path for path in paths if path.is_dir()]
    for path in [path for path in paths if not path.is_dir()] + [
        folder / name for folder in folders for name in listed
    ]:
        server = listed.get(path.name, {}).get("checksum")
        local = sha256_file(path) if path.is_file() else None
        if server is None:
            status = "unknown"
        elif local is None:
            status = "missing"
        else:
            status = "ok" if checksums_match(server, local) else "different"
        rows.append(
            {
                "fileName": path.name,
                "status": status,
                "path": str(path),
                "serverChecksum": normalize_checksum(server) or None,
                "checksum": local,
            }
        )
    app.sink.rows(columns.VERIFIED, rows)
    wrong = [row for row in rows if row["status"] != "ok"]
    if wrong:
        raise CliError(
            f"{len(wrong)} of {len(rows)} files are not those of version {version}",
            Exit.INTEGRITY,
            facts=[f"{row['path']}: {row['status']}" for row in wrong],
            code="VERIFICATION_FAILED",
        )
