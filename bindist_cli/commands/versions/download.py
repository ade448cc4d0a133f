"""`versions download`: selects files and targets, and reports the results."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bindist import errors

from ...context import App
from ...exit_codes import CliError, Exit
from ...output import columns, formatting
from ...output.columns import Json
from ...output.error_output import to_cli_error
from ...output.progress import Report, transfers
from ...output.streams import binary_stdout
from ...signatures import SignaturePolicy, cache_folder, refused, signed_checksums, trusted_keys
from .lookups import choose_files, default_file, distinct, files_of

if TYPE_CHECKING:
    from bindist import Download, DownloadPreview
    from bindist.errors import FinishedDownload
    from bindist.signing import SignedChecksums, TrustedKey


_EXISTS_HINT = "replace it with --force, or choose another place with -O or --dir"


@dataclass(frozen=True)
class DownloadRequest:
    """The options and arguments of `versions download`."""

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
    dry_run: bool
    signature: SignaturePolicy


def download(app: App, request: DownloadRequest) -> None:
    """Runs `versions download`, and prints the result for each file."""
    keys = trusted_keys(app, request.app_id, request.signature)
    if keys is not None and not request.verify:
        raise CliError(
            f"a key is trusted for {request.app_id}: --no-verify cannot be used",
            Exit.USAGE,
            hint="remove --no-verify, or add --insecure-skip-signature",
        )
    rows = files_of(app, request.app_id, request.version)
    chosen = _chosen(app, request, rows)
    if request.target is not None and len(chosen) > 1:
        raise CliError(
            f"-O takes a single file, and --file matches {len(chosen)}",
            Exit.USAGE,
            facts=[f"files: {', '.join(str(row.get('fileName')) for row in chosen)}"],
            hint="use --dir DIR, or name one of the files",
        )
    if request.dry_run:
        _show_preview(app, request, chosen)
        return
    signed = _verified(app, request, rows, keys)
    if not request.verify:
        app.printer.warn("downloads are not verified (--no-verify)")
    if request.target is None or not (opened := _stream(request.target)):
        _to_files(app, request, chosen, keys)
        return
    try:
        with opened as stream:
            _to_stream(app, request, chosen[0], stream, signed)
    except OSError as error:
        if request.target != "-":
            error.filename = request.target
        raise


def _verified(
    app: App, request: DownloadRequest, rows: Sequence[Json], keys: Sequence[TrustedKey] | None
) -> SignedChecksums | None:
    """Returns the signed checksums of the version; None if no signature is needed."""
    if keys is None:
        return None
    signed = signed_checksums(
        app, request.app_id, request.version, keys, rows, test_channel=request.test_channel
    )
    app.printer.note(f"the version is signed by the trusted key {signed.key_id}")
    return signed


def _chosen(app: App, request: DownloadRequest, rows: Sequence[Json]) -> Sequence[Json]:
    """Returns the rows of the files to download."""
    if not rows:
        raise CliError(f"version {request.version} has no files", Exit.NOT_FOUND)
    if request.wanted:
        return choose_files(rows, request.wanted, request.app_id, request.version)
    if request.all_files:
        return distinct(rows, request.app_id, request.version)
    return [default_file(app, request.app_id, request.version, rows)]


def check_place(folder: Path, target: str | None) -> None:
    """Raises CliError, before any request, if the target cannot be written."""
    there = next((each for each in (folder, *folder.parents) if os.path.lexists(each)), None)
    if there and not there.is_dir():
        raise CliError(f"{there} is not a folder", Exit.USAGE)
    if target == "":
        raise CliError("-O has an empty path", Exit.USAGE, hint="check for an empty variable")
    if target in (None, "-"):
        return
    is_folder = os.path.basename(target) in ("", ".", "..")  # noqa: PTH119  exactly as given
    wanted = Path(target) if is_folder else Path(target).parent
    if not wanted.is_dir():
        raise CliError(
            f"folder {wanted} not found", Exit.USAGE, hint="create it, or use --dir, which does"
        )


def _show_preview(app: App, request: DownloadRequest, chosen: Sequence[Json]) -> None:
    """Prints what would be downloaded, and fails as the real run would for existing files."""
    to_stream = request.target is not None and _leads_to_stream(request.target)
    folder, name = request.folder, None
    if request.target is not None and not to_stream:
        target = Path(request.target)
        folder, name = (target, None) if target.is_dir() else (target.parent, target.name)
    try:
        planned = app.client.preview_download(
            request.app_id,
            request.version,
            folder,
            files=chosen,
            file_name=name,
            test_channel=request.test_channel,
            replace=request.force,
        )
    except errors.PermissionDeniedError as error:
        raise _not_enabled(error, request) from error
    rows = [_as_row(each, request) for each in planned]
    if to_stream:
        rows = [{**row, "status": "download", "path": request.target} for row in rows]
    app.printer.rows(columns.DOWNLOADS, rows)
    wanted = [row for row in rows if row["status"] == "download"]
    files = f"{len(wanted)} file" + ("" if len(wanted) == 1 else "s")
    size = formatting.size(sum(row["fileSize"] for row in wanted))
    app.printer.note(f"{files}, {size}, would be downloaded; nothing was downloaded or counted")
    there = [row for row in rows if row["status"] == "exists"]
    if there:
        raise CliError(
            f"{len(there)} of {len(rows)} files would fail",
            Exit.CONFLICT if len(there) == len(rows) else Exit.PARTIAL,
            facts=[f"{row['path']} exists with other content" for row in there],
            hint=_EXISTS_HINT,
            code="EXISTS",
        )


def _leads_to_stream(target: str) -> bool:
    """Whether this is stdout, a descriptor, a pipe or a device; opens nothing."""
    from bindist.special_files import descriptor_of

    if target == "-" or descriptor_of(Path(target)) is not None:
        return True
    try:
        return _is_stream(os.stat(target))  # noqa: PTH116
    except OSError:
        return False


def _stream(target: str) -> AbstractContextManager[IO[bytes]] | None:
    """Returns a stream to write to: stdout, a descriptor, a pipe or a device such as /dev/null.

    Returns None for any other target.
    """
    from bindist.special_files import descriptor_of

    number = 1 if target == "-" else descriptor_of(Path(target))
    if number == 1:
        return nullcontext(binary_stdout())
    try:
        return os.fdopen(os.dup(number), "wb") if number is not None else _opened(target)
    except OSError as error:
        raise CliError(f"cannot write to {target}: {error.strerror}", Exit.USAGE) from error


def _opened(target: str) -> IO[bytes] | None:
    """Opens a pipe or a device for writing; waits for the reader of a pipe."""
    try:
        if not _is_stream(os.stat(target)):  # noqa: PTH116
            return None
    except OSError:  # no such file, or a dangling link
        return None
    flags = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
    descriptor = os.open(target, os.O_WRONLY | flags)
    if _is_stream(os.fstat(descriptor)):
        return os.fdopen(descriptor, "wb")
    os.close(descriptor)  # a file has replaced it
    return None


def _is_stream(status: os.stat_result) -> bool:
    return stat.S_ISFIFO(status.st_mode) or stat.S_ISCHR(status.st_mode)


def _to_files(
    app: App, request: DownloadRequest, chosen: Sequence[Json], keys: Sequence[TrustedKey] | None
) -> None:
    """Downloads to disk, and prints a row for each complete file."""
    from bindist.file_names import safe_file_name
    from bindist.rows import count_in

    sizes = {safe_file_name(row.get("fileName")): count_in(row, "fileSize") for row in chosen}
    try:
        with transfers(app.printer, sizes, "downloading") as reporter:
            reports = {name: reporter(name) for name in sizes}
            done = _download(app, request, chosen, keys, reports)
    except KeyboardInterrupt:
        app.to_resume = (
            "run the same command again: complete files are skipped, and the others "
            + ("continue where they stopped" if request.resume else "begin again")
        )
        raise
    except errors.SignatureError as error:
        raise refused(error, request.app_id, request.version) from error
    except errors.IncompleteDownloadError as error:
        app.printer.rows(columns.DOWNLOADS, [_as_row(found, request) for found in error.downloads])
        raise _some_failed(error, request) from error
    except (errors.PermissionDeniedError, errors.TargetConflictError, FileExistsError) as error:
        raise _explained(error, request) from error
    app.printer.rows(columns.DOWNLOADS, [_as_row(found, request) for found in done])


def _download(
    app: App,
    request: DownloadRequest,
    chosen: Sequence[Json],
    keys: Sequence[TrustedKey] | None,
    reports: Mapping[str, Report],
) -> list[Download]:
    options: dict[str, Any] = {
        "trusted_keys": keys,
        "signature_cache": cache_folder(app),
        "test_channel": request.test_channel,
        "replace": request.force,
        "resume": request.resume,
        "verify_checksum": request.verify,
        "connections": request.connections,
    }
    version = request.app_id, request.version
    if request.target is None:
        return app.client.download_version(
            *version,
            request.folder,
            files=chosen,
            progress=lambda name, done, size: reports[name](done, size),
            **options,
        )
    (row,) = chosen
    (report,) = reports.values()
    target = Path(request.target)
    return [app.client.download_to_file(*version, target, listed=row, progress=report, **options)]


def _as_row(found: FinishedDownload | DownloadPreview, request: DownloadRequest) -> dict[str, Any]:
    return {
        "fileName": found.file_name,
        "path": str(found.path),
        "fileSize": found.file_size,
        "checksum": found.checksum,
        "status": found.status,
        "applicationId": request.app_id,
        "version": request.version,
    }


def _some_failed(error: errors.IncompleteDownloadError, request: DownloadRequest) -> CliError:
    count = len(error.downloads) + len(error.failures)
    shown = {name: _explained(each, request) for name, each in error.failures.items()}
    codes = {each.exit for each in shown.values()}
    hints = {each.hint for each in shown.values()}
    paths = {name: str(request.folder / name) for name in shown}
    facts = [
        each.message if each.message.startswith(paths[name]) else f"{paths[name]}: {each.message}"
        for name, each in shown.items()
    ]
    return CliError(
        f"{len(shown)} of {count} files failed",
        codes.pop() if len(shown) == count and len(codes) == 1 else Exit.PARTIAL,
        facts=facts,
        hint=(hints.pop() if len(hints) == 1 else None)
        or "run the command again: complete files are not downloaded again",
        code="SOME_FAILED",
    )


def _explained(error: Exception, request: DownloadRequest) -> CliError:
    """Converts an error of the SDK, and names the option that solves the problem."""
    if isinstance(error, errors.TargetExistsError):
        return _exists(error)
    if isinstance(error, errors.PermissionDeniedError):
        return _not_enabled(error, request)
    shown = to_cli_error(error)
    if isinstance(error, errors.TargetConflictError):
        shown.hint = "use --file ID -O PATH"
    elif isinstance(error, FileExistsError) and error.errno is None:
        shown.hint = "to write a single file to a pipe or device, use -O PATH"
    return shown


def _not_enabled(error: errors.PermissionDeniedError, request: DownloadRequest) -> CliError:
    """Adds the command that enables the version, if that is what the error is about."""
    shown = to_cli_error(error)
    if "not enabled" in shown.message:
        what = f"{request.app_id} {request.version}"
        shown.hint = f"release it with `bindist versions enable {what}`, or add --test-channel"
    return shown


def _exists(error: errors.TargetExistsError) -> CliError:
    """Converts the error for an existing file, which only --force may replace."""
    return CliError(
        str(error),
        Exit.CONFLICT,
        hint=_EXISTS_HINT,
        code="EXISTS",
    )


def _to_stream(
    app: App,
    request: DownloadRequest,
    row: Json,
    stream: IO[bytes],
    signed: SignedChecksums | None,
) -> None:
    from bindist.rows import count_in, text_in

    name = str(row.get("fileName"))
    if stream.isatty():
        raise CliError(
            "refusing to write binary data to a terminal", Exit.USAGE, hint="use -O PATH"
        )
    sizes = {name: count_in(row, "fileSize")}
    with transfers(app.printer, sizes, "downloading") as reporter:
        try:
            app.client.download_to_stream(
                request.app_id,
                request.version,
                stream,
                file_id=text_in(row, "fileId"),
                test_channel=request.test_channel,
                verify_checksum=request.verify,
                progress=reporter(name),
                signed=signed,
            )
        except errors.SignatureError as error:
            raise refused(error, request.app_id, request.version) from error
        except errors.PermissionDeniedError as error:
            raise _not_enabled(error, request) from error
        stream.flush()
