"""`versions upload`: selects files, reads their checksums, and reports the results."""

from __future__ import annotations

import glob
import os
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from bindist import errors
from bindist.file_system import naming

from ...auth.signing_key import find_signing_key
from ...context import App
from ...exit_codes import CliError, Exit
from ...output import columns
from ...output.progress import transfers
from ...settings import private_files
from ...settings.resolve import environment
from ...signals import held_signals
from ...text_input import read_text
from .checksum_listing import read_listing
from .options import RELEASES

if TYPE_CHECKING:
    from bindist import Release
    from bindist.choices import FileType, IfExists
    from bindist.signing import SigningKey


@dataclass(frozen=True)
class UploadRequest:
    """The options and arguments of `versions upload`."""

    app_id: str
    version: str
    paths: tuple[str, ...]
    release_notes: str | None
    enable: bool
    if_exists: IfExists
    checksums: str | None
    name: str | None
    file_type: FileType | None
    dry_run: bool
    parallel: int | None
    allow_any_name: bool
    description: str | None
    signing_key: str | None
    no_sign: bool


def upload(app: App, request: UploadRequest) -> None:
    """Runs `versions upload`, and prints the resulting version."""
    with _paths(request) as paths:
        _note_names(app, request, paths)
        signer = _signer(app, request)
        expected = _expected(request, paths)
        try:
            if request.dry_run:
                _show_preview(app, request, paths, expected, signer)
            else:
                _show_release(app, request, _publish(app, request, paths, expected, signer))
        except errors.DifferentContentError as error:
            raise _different(error, request) from error
        except errors.FileNameError as error:
            raise _refused_names(error) from error
        except (KeyboardInterrupt, errors.TransportError, errors.ApiError) as error:
            if not request.dry_run and not _is_final(error):
                app.to_resume = (
                    "run the same command again: files that were sent are skipped, and a file that "
                    "was cut off begins again"
                )
            raise


def _is_final(error: BaseException) -> bool:
    return isinstance(error, errors.ApiError) and not error.transient


def _publish(
    app: App,
    request: UploadRequest,
    paths: Sequence[Path],
    expected: Mapping[str, str],
    signer: SigningKey | None,
) -> Release:
    sizes = {_name(request, path): path.stat().st_size for path in paths}
    with transfers(app.printer, sizes, "uploading") as reporter:
        reports = {name: reporter(name) for name in sizes}

        def report(name: str, done: int, size: int) -> None:
            if name in reports:  # those of the signature are small, and nobody waits for them
                reports[name](done, size)

        return app.client.publish(
            request.app_id,
            request.version,
            paths,
            enable=request.enable,
            if_exists=request.if_exists,
            release_notes=request.release_notes,
            expected=expected,
            file_name=request.name,
            file_type=request.file_type,
            progress=report,
            parallel=request.parallel,
            journal=_journal(app),
            # A profile's sandbox does each request at once; and it has another address each time,
            # so that no journal knows what an earlier run has made.
            settle=0.0 if app.settings.is_sandbox else None,
            notify=app.printer.note,
            protect=partial(held_signals, app.printer.note),
            allow_any_name=request.allow_any_name,
            description=request.description,
            signer=signer,
        )


def _signer(app: App, request: UploadRequest) -> SigningKey | None:
    if request.no_sign:
        return None
    return find_signing_key(request.signing_key, app.settings, environment(), app.require_prompt)


def _note_names(app: App, request: UploadRequest, paths: Sequence[Path]) -> None:
    from bindist.file_names import server_name

    for name in (_name(request, path) for path in paths):
        if server_name(name) != unicodedata.normalize("NFC", name):  # else they look the same
            app.printer.note(f"the server stores {name} as {server_name(name)} (Unicode NFKC)")


def _name(request: UploadRequest, path: Path) -> str:
    return request.name or path.name


def _journal(app: App) -> Path | None:
    """Returns the folder for the journals of releases, or None if it is not writable."""
    folder = app.settings.config_dir / RELEASES
    try:
        private_files.make(folder)
        usable = os.access(folder, os.W_OK)
    except OSError:
        usable = False
    if not usable:
        app.printer.warn(f"{folder} is not writable: an interrupted upload may not be resumable")
    return folder if usable else None


def _show_preview(
    app: App,
    request: UploadRequest,
    paths: Sequence[Path],
    expected: Mapping[str, str],
    signer: SigningKey | None,
) -> None:
    folder = app.settings.config_dir / RELEASES
    outcome = app.client.preview_publish(
        request.app_id,
        request.version,
        paths,
        enable=request.enable,
        if_exists=request.if_exists,
        expected=expected,
        file_name=request.name,
        file_type=request.file_type,
        journal=folder if os.access(folder, os.R_OK) else None,
        notify=app.printer.note,
        allow_any_name=request.allow_any_name,
        description=request.description,
        signer=signer,
    )
    app.printer.rows(columns.PLANNED, outcome.files)
    what = f"version {request.version} of {request.app_id} would be {outcome.status}"
    app.printer.note(what + (" and enabled" if outcome.enable else "") + "; nothing was changed")


def _show_release(app: App, request: UploadRequest, done: Release) -> None:
    described = [row.get("description") for row in done.files]
    keys = (
        "fileName",
        "fileId",
        "fileSize",
        "checksum",
        "status",
        "fileType",
        "confirmed",
        "description",
    )
    result = {
        "applicationId": done.application_id,
        "version": done.version,
        "status": done.status,
        "isEnabled": done.is_enabled,
        "files": [{key: row.get(key) for key in keys} for row in done.files],
    }
    app.printer.one(columns.UPLOAD, result, tables={"files": columns.FILES})
    if request.description and request.description.strip() not in described:
        app.printer.warn("the file keeps the description that it has on the server")
    if not done.is_enabled:
        app.printer.note(
            "not enabled yet; release it with "
            f"`bindist versions enable {request.app_id} {request.version}`"
        )


def _different(error: errors.DifferentContentError, request: UploadRequest) -> CliError:
    def short(checksum: str | None) -> str:
        return checksum[:6] + "…" if checksum else "nothing"

    if error.mixed:
        hint = (
            "upload the files under a new version number, and hide this one with "
            f"`bindist versions update {request.app_id} {request.version} --inactive`"
        )
    elif error.incomplete:
        hint = (
            "another run started it and did not finish: run it again on that machine, "
            "or upload the files under a new version number"
        )
    else:
        hint = "upload the files under a new version number"
    code = "INCOMPLETE" if error.incomplete else "MIXED" if error.mixed else "DIFFERENT_CONTENT"
    width = max((len(name) for name, _, _ in error.differences), default=0)
    return CliError(
        str(error),
        Exit.CONFLICT,
        facts=[
            f"{name:{width}}  server {short(server)}  local {short(local)}"
            for name, server, local in error.differences
        ],
        hint=hint,
        code=code if error.differences or error.mixed else "EXISTS",
    )


def _refused_names(error: errors.FileNameError) -> CliError:
    """Adds names that work; `--name` is for a single file, as a release of one is."""
    (_, name), *others = error.names.items()
    rename = "rename the files as above" if others else f"give it a name with --name {quote(name)}"
    return CliError(
        str(error),
        Exit.USAGE,
        facts=[f"{given}: {works} would work" for given, works in error.names.items()],
        hint=f"{rename}, or upload it nevertheless with --allow-any-name",
        code="FILE_NAME",
    )


@contextmanager
def _paths(request: UploadRequest) -> Iterator[list[Path]]:
    """Yields the files; expands patterns, and copies stdin to a file to know its length."""
    if "-" not in request.paths:
        yield [path for name in request.paths for path in _expanded(name)]
        return
    if len(request.paths) > 1 or not request.name:
        raise CliError(
            "stdin must be the only file, and requires a name", Exit.USAGE, hint="add --name NAME"
        )
    with tempfile.TemporaryDirectory(prefix="bindist-") as folder:
        path = Path(folder) / "stdin"
        with naming(path), path.open("wb", buffering=0) as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1024 * 1024)
        yield [path]


def _expanded(name: str) -> list[Path]:
    """Returns the file, or the matches of a pattern that the shell did not expand."""
    path = Path(name)
    found = [path] if path.exists() else sorted(map(Path, glob.glob(name)))  # noqa: PTH207
    if not found:
        raise CliError(f"file not found: {name}", Exit.USAGE)
    for each in found:
        if not each.is_file():
            hint = f"try {each}/*" if each.is_dir() else None
            raise CliError(f"{each} is not a file", Exit.USAGE, hint=hint)
    return found


def _expected(request: UploadRequest, paths: Sequence[Path]) -> dict[str, str]:
    """Reads a SHA256SUMS file. Raises CliError unless it lists exactly the files in `paths`."""
    listing = request.checksums
    if listing is None:
        return {}
    from bindist.file_names import server_name

    listed = read_listing(listing, read_text(listing))
    given = {server_name(_name(request, path)) for path in paths}
    for missing, where in (
        (given - set(listed), listing),
        (set(listed) - given, "the files given"),
    ):
        if missing:
            raise CliError(f"{', '.join(sorted(missing))}: not in {where}", Exit.USAGE)
    return listed
