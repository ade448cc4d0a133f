"""`versions verify` and `versions checksums`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bindist.errors import SignatureError

from ...context import App
from ...exit_codes import CliError, Exit
from ...output import columns
from ...output.columns import Json
from ...signatures import SignaturePolicy, refused, signed_checksums, trusted_keys
from .lookups import distinct, files_of

_RIGHT = ("ok", "stored", "extra")
_STORED = {"ok": "stored", "missing": "not-stored", "different": "other-size"}


def checksum_lines(rows: Sequence[Json]) -> list[str]:
    """Formats lines for `sha256sum -c`; file names are checked, because it opens any path."""
    from bindist.checksums import is_sha256, normalize_checksum
    from bindist.file_names import safe_file_name

    lines = []
    for row in rows:
        name, checksum = safe_file_name(row.get("fileName")), row.get("checksum")
        if not is_sha256(checksum):
            raise CliError(f"the server has no SHA-256 checksum for {name}", Exit.INTEGRITY)
        lines.append(f"{normalize_checksum(checksum)}  {name}")
    return lines


def verify_files(
    app: App,
    app_id: str,
    version: str,
    paths: Sequence[Path],
    *,
    remote: bool,
    policy: SignaturePolicy,
) -> None:
    """Runs `versions verify`."""
    from bindist.file_names import safe_file_name

    keys = trusted_keys(app, app_id, policy)
    files = distinct(files_of(app, app_id, version), app_id, version)
    if not files:
        raise CliError(f"version {version} has no files", Exit.NOT_FOUND)
    if keys is not None:  # then what the server lists is what was signed
        signed = signed_checksums(app, app_id, version, keys, files, test_channel=True)
        app.printer.note(f"the version is signed by the trusted key {signed.key_id}")
    listed = {safe_file_name(row.get("fileName")): row for row in files}
    rows = _local_rows(listed, paths)
    extra = list(_extra_rows(listed, paths))
    rows += extra
    if remote:
        rows += _stored_rows(app, app_id, version, listed)
    app.printer.rows(columns.VERIFIED, [{**row, "version": version} for row in rows])
    if extra:
        count = f"{len(extra)} file" + ("" if len(extra) == 1 else "s")
        app.printer.note(f"{count} in the folder that version {version} does not have")
    if remote:
        app.printer.note(f"{len(listed)} downloads were counted, one for each file")
    _check(rows, version)


def verify_offline(
    app: App, app_id: str, version: str | None, folder: Path, policy: SignaturePolicy
) -> None:
    """Runs `versions verify --offline`: compares a folder with its own signed checksums."""
    from bindist import signing

    keys = trusted_keys(app, app_id, replace(policy, require=True)) or []
    try:
        sums = (folder / signing.SUMS_FILE).read_bytes()
        signature = (folder / signing.SIGNATURE_FILE).read_bytes()
    except OSError as error:
        raise CliError(
            f"{error.filename}: {error.strerror}",
            Exit.INTEGRITY,
            hint="the folder must hold all files of a signed version",
            code="SIGNATURE",
        ) from error
    try:
        signed = signing.verify_checksum_list(sums, signature, keys, app_id, version)
    except SignatureError as error:
        raise refused(error, app_id, version or "in this folder") from error
    listed = {
        name: {"fileName": name, "checksum": checksum}
        for name, checksum in signed.checksums.items()
    }
    rows = _local_rows(listed, [folder])
    known = {*signed.checksums, signing.SUMS_FILE, signing.SIGNATURE_FILE}
    extra = [path for path in sorted(folder.iterdir()) if path.name not in known]
    rows += _local_rows(listed, [path for path in extra if path.is_file()])
    app.printer.rows(columns.VERIFIED, rows)
    app.printer.note(
        f"version {signed.version} of {app_id}, signed by the trusted key {signed.key_id}"
    )
    _check(rows, signed.version)


def _check(rows: Sequence[Json], version: str) -> None:
    """Raises CliError, exit code 8, if a row tells of a file that does not match."""
    wrong = [row for row in rows if row["status"] not in _RIGHT]
    if wrong:
        raise CliError(
            f"{len(wrong)} of {len(rows)} files do not match version {version}",
            Exit.INTEGRITY,
            facts=[f"{row['path'] or row['fileName']}: {row['status']}" for row in wrong],
            code="VERIFICATION_FAILED",
        )


def _local_rows(listed: Mapping[str, Json], paths: Sequence[Path]) -> list[Json]:
    """Returns a row for each local file: ok, different, missing, or unknown to the server.

    Names are compared in the form in which the server stores them.
    """
    from bindist.checksums import checksums_match, normalize_checksum, sha256_file
    from bindist.file_names import server_name

    by_name = {server_name(name): row for name, row in listed.items()}
    rows: list[Json] = []
    folders = [path for path in paths if path.is_dir()]
    for path in [path for path in paths if not path.is_dir()] + [
        _local_path(folder, name) for folder in folders for name in listed
    ]:
        server = by_name.get(server_name(path.name), {}).get("checksum")
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
    return rows


def _extra_rows(listed: Mapping[str, Json], paths: Sequence[Path]) -> Iterator[Json]:
    """Yields a row for each file in the folders that is not of the version."""
    from bindist.file_names import server_name

    known = {server_name(name) for name in listed}
    for folder in (path for path in paths if path.is_dir()):
        for path in sorted(folder.iterdir()):
            if server_name(path.name) not in known and path.is_file():
                yield {
                    "fileName": path.name,
                    "status": "extra",
                    "path": str(path),
                    "serverChecksum": None,
                    "checksum": None,
                }


def _local_path(folder: Path, name: str) -> Path:
    """Returns the path of a file of the version in a folder, whichever form its name has there."""
    from bindist.file_names import server_name

    exact = folder / name
    if os.path.lexists(exact):
        return exact
    wanted = server_name(name)
    alike = (each for each in folder.iterdir() if server_name(each.name) == wanted)
    return min(alike, default=exact)


def _stored_rows(app: App, app_id: str, version: str, listed: Mapping[str, Json]) -> list[Json]:
    """Returns a row for each file of the version: `stored`, `not-stored` or `other-size`."""
    from bindist.checksums import normalize_checksum

    stored = app.client.check_stored_version(
        app_id, version, files=listed.values(), test_channel=True
    )
    return [
        {
            "fileName": name,
            "status": _STORED[found.status],
            "path": None,
            "serverChecksum": normalize_checksum(row.get("checksum")) or None,
            "checksum": None,
        }
        for (name, row), found in zip(listed.items(), stored, strict=True)
    ]
