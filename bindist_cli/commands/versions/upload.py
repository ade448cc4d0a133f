"""`versions upload`: which files, with which checksums, and what became of them."""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bindist import errors

from ...context import App
from ...exit_codes import CliError, Exit
from ...output import columns
from ...output.progress import transfers
from ...settings import private_files
from ...signals import held_signals
from ...text_input import read_text

if TYPE_CHECKING:
    from bindist.release.files import ReleaseFile
    from bindist.release.publish import Release

_RELEASES = "releases"


@dataclass(frozen=True)
class UploadRequest:
    """What `versions upload` was asked for."""

    app_id: str
    version: str
    paths: tuple[str, ...]
    notes: str | None
    enable: bool
    if_exists: str
    checksums: str | None
    name: str | None
    file_type: str | None
    dry_run: bool
    parallel: int


def upload(app: App, request: UploadRequest) -> None:
    """Carries out `versions upload` and prints the version as it is afterwards."""
    from bindist.release.files import local_files
    from bindist.release.publish import publish

    with _paths(request) as paths:
        try:
            files = local_files(paths, name=request.name, file_type=request.file_type)
        except ValueError as error:
            raise CliError(str(error), Exit.USAGE) from error
        expected = _expected(request.checksums, files)
        try:
            if request.dry_run:
                _show_plan(app, request, files)
                return
            sizes = {file.name: file.size for file in files}
            with transfers(app.sink, sizes, "uploading") as reporter:
                done = publish(
                    app.client,
                    request.app_id,
                    request.version,
                    files,
                    if_exists=request.if_exists,
                    enable=request.enable,
                    release_notes=request.notes,
                    expected=expected,
                    progress=lambda file: reporter(file.name),
                    parallel=request.parallel,
                    journal=_journal(app),
                    notify=app.sink.note,
                    protect=partial(held_signals, app.sink.note),
                )
        except errors.DifferentContentError as error:
            raise _different(error, request) from error
        except (KeyboardInterrupt, errors.TransportError, errors.ServerError):
            app.sink.note("the same command, run again, goes on from what is there")
            raise
    _show_release(app, request, done)


def _journal(app: App) -> Path | None:
    """The folder for what an interrupted release needs to be finished; None where there is none."""
    folder = app.settings.config_dir / _RELEASES
    try:
        private_files.make(folder)
        usable = os.access(folder, os.W_OK)
    except OSError:
        usable = False
    if not usable:
        app.sink.warn(f"{folder} cannot be written: if this is interrupted, it may not be finished")
    return folder if usable else None


def _show_plan(app: App, request: UploadRequest, files: Sequence[ReleaseFile]) -> None:
    from bindist.release.files import cached, completion_order, file_checksum
    from bindist.release.publish import preview

    folder = app.settings.config_dir / _RELEASES
    outcome = preview(
        app.client,
        request.app_id,
        request.version,
        files,
        if_exists=request.if_exists,
        enable=request.enable,
        journal=folder if os.access(folder, os.R_OK) else None,
    )
    checksum = cached(file_checksum)
    rows = [
        {
            "fileName": file.name,
            "status": outcome.status,
            "fileType": file.file_type,
            "fileSize": file.size,
            "checksum": checksum(file),
        }
        for file in completion_order(files)
    ]
    app.sink.rows(columns.PLANNED, rows)
    what = f"version {request.version} of {request.app_id} would be {outcome.status}"
    app.sink.note(what + (" and enabled" if outcome.enable else "") + "; nothing was changed")


def _show_release(app: App, request: UploadRequest, done: Release) -> None:
    keys = ("fileName", "fileId", "fileSize", "checksum", "status", "fileType", "confirmed")
    result = {
        "applicationId": done.application_id,
        "version": done.version,
        "status": done.status,
        "isEnabled": done.is_enabled,
        "files": [{key: row.get(key) for key in keys} for row in done.files],
    }
    app.sink.one(columns.UPLOAD, result, tables={"files": columns.FILES})
    if not done.is_enabled:
        app.sink.note(
            f"not enabled yet: `bindist versions enable {request.app_id} {request.version}` "
            "releases it"
        )


def _different(error: errors.DifferentContentError, request: UploadRequest) -> CliError:
    def short(checksum: str | None) -> str:
        return checksum[:6] + "…" if checksum else "nothing"

    if error.mixed:
        hint = (
            f"`bindist versions update {request.app_id} {request.version} --inactive` hides it; "
            "upload under a new version"
        )
    elif error.incomplete:
        hint = (
            "another run has begun it and not ended: run it again where it was begun, "
            "or upload under a new version"
        )
    else:
        hint = "upload it under a new version"
    code = "INCOMPLETE" if error.incomplete else "MIXED" if error.mixed else "DIFFERENT_CONTENT"
    width = max((len(name) for name, _, _ in error.differences), default=0)
    return CliError(
        f"version {request.version} of {request.app_id} {error}",
        Exit.CONFLICT,
        facts=[
            f"{name:{width}}  server {short(server)}  local {short(local)}"
            for name, server, local in error.differences
        ],
        hint=hint,
        code=code if error.differences or error.mixed else "EXISTS",
    )


@contextmanager
def _paths(request: UploadRequest) -> Iterator[list[Path]]:
    """The files named, patterns expanded; stdin is put into a file, since its length is needed."""
    if "-" not in request.paths:
        yield [path for name in request.paths for path in _expanded(name)]
        return
    if len(request.paths) > 1 or not request.name:
        raise CliError(
            "stdin can be one file only, and needs a name", Exit.USAGE, hint="add --name NAME"
        )
    with tempfile.TemporaryDirectory(prefix="bindist-") as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1024 * 1024)
        yield [path]


def _expanded(name: str) -> list[Path]:
    """The file of that name; or, as some shells leave it to us, those that a pattern matches."""
    path = Path(name)
    found = [path] if path.exists() else sorted(map(Path, glob.glob(name)))  # noqa: PTH207
    if not found:
        raise CliError(f"there is no file {name}", Exit.USAGE)
    for each in found:
        if not each.is_file():
            hint = f"try {each}/*" if each.is_dir() else None
            raise CliError(f"{each} is not a file", Exit.USAGE, hint=hint)
    return found


def _expected(name: str | None, files: Sequence[ReleaseFile]) -> dict[str, str]:
    """What a SHA256SUMS lists: all files given and no others, each with its own checksum."""
    from bindist.release.files import file_checksum
    from bindist.transfer.hashing import checksums_match, is_sha256

    if name is None:
        return {}
    listed: dict[str, str] = {}
    for number, line in enumerate(read_text(name).splitlines(), 1):
        checksum, _, called = line.strip().partition(" ")
        if not line.strip() or line.startswith("#"):
            continue
        if not is_sha256(checksum) or not called.strip(" *"):
            raise CliError(f"{name}, line {number}: not a checksum and a file name", Exit.USAGE)
        listed[Path(called.strip().removeprefix("*")).name] = checksum
    given = {file.name for file in files}
    for missing, where in ((given - set(listed), name), (set(listed) - given, "the files given")):
        if missing:
            raise CliError(f"{', '.join(sorted(missing))}: not in {where}", Exit.USAGE)
    for file in files:
        local = file_checksum(file)
        if not checksums_match(listed[file.name], local):
            raise CliError(
                f"{file.path} is not the file that {name} lists",
                Exit.INTEGRITY,
                facts=[f"listed {listed[file.name]}", f"local  {local}"],
            )
    return listed
