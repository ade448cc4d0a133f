"""Looks up in lists what the API has no request of its own for."""

from __future__ import annotations

from collections.abc import Sequence

from bindist.errors import IntegrityError, NotFoundError

from ...context import App
from ...exit_codes import CliError, Exit
from ...output.columns import Json
from ...suggestions import did_you_mean, near_matches


def ordered_versions(
    app: App, app_id: str, test_channel: bool, changelog: str | None = None
) -> list[Json]:
    """Returns the versions, highest first; warns if the server may have cut the list."""
    from bindist.rows import may_be_cut
    from bindist.version_list import highest_first

    rows = app.client.list_versions(app_id, test_channel, changelog=changelog).rows("versions")
    if may_be_cut(rows):
        app.printer.warn_of_cut("versions")
    return highest_first(rows)


def latest(app: App, app_id: str, test_channel: bool, *, pre: bool = False) -> str:
    """Returns what `latest` means, and notes if that is a pre-release that nobody asked for."""
    from bindist import version_list
    from bindist.rows import text_in

    rows = ordered_versions(app, app_id, test_channel)
    if not rows:
        raise CliError(
            f"{app_id} has no enabled version",
            Exit.NOT_FOUND,
            hint=f"list the other versions with `bindist versions list {app_id} --test-channel`",
        )
    version = text_in(version_list.latest(rows, prereleases=pre), "version")
    _note_prerelease(app, app_id, version, pre)
    return version


def newer(app: App, app_id: str, than: str, test_channel: bool, *, pre: bool, wait: float) -> str:
    """Returns what `latest` means, if that is newer than `than`; waits for it so many seconds."""
    from bindist.rows import text_in

    if wait:
        app.printer.note(f"waiting for a version of {app_id} that is newer than {than}")
    found = app.client.wait_for_newer_version(
        app_id, than, timeout=wait, test_channel=test_channel, prereleases=pre
    )
    if found is None:
        enabled = "" if test_channel else "enabled "
        raise CliError(
            f"{app_id} has no {enabled}version that is newer than {than}", Exit.NOT_FOUND
        )
    version = text_in(found, "version")
    _note_prerelease(app, app_id, version, pre)
    return version


def _note_prerelease(app: App, app_id: str, version: str, pre: bool) -> None:
    """Notes that `latest` is a pre-release, if nobody asked for one."""
    from bindist.version_order import is_prerelease

    if not pre and is_prerelease(version):
        app.printer.note(f"{app_id} has no final release, so `latest` includes pre-releases")


def find_version(app: App, app_id: str, version: str) -> Json:
    """Returns a version with its files; all rows if two files have the same name."""
    record, rows = find_record(app, app_id, version), files_of(app, app_id, version)
    try:
        return {**record, "files": distinct(rows, app_id, version)}
    except CliError as mixed:
        app.printer.warn(str(mixed))
        return {**record, "files": rows}


def find_record(app: App, app_id: str, version: str) -> Json:
    """Returns a version without its files, from the list of versions.

    Raises CliError if there is none, ApiError if the server may have cut the list before it.
    """
    from bindist.rows import find_record as find

    if found := find(app.client.list_versions(app_id, test_channel=True), version):
        return found
    raise CliError(
        f"version {version} of {app_id} not found, or inactive",
        Exit.NOT_FOUND,
        hint=f"see `bindist versions list {app_id} --test-channel`",
        code="NOT_FOUND",
    )


def files_of(app: App, app_id: str, version: str) -> Sequence[Json]:
    """Returns the file list of a version; one file may have several rows."""
    return app.client.list_version_files(app_id, version).rows("files")


def default_file(app: App, app_id: str, version: str, rows: Sequence[Json]) -> Json:
    """Returns the file that is meant where none is named; a note tells which, if that is not plain.

    It is the same one each time, although some servers list files in a random order: the one of the
    size that the version's record has, which is that of the file completed last.
    """
    from bindist.rows import main_candidates, main_file

    try:
        candidates = main_candidates(rows)
    except IntegrityError as error:
        raise mixed_version(error, app_id, version) from error
    if not candidates:
        raise CliError(f"version {version} has no files", Exit.NOT_FOUND)
    if len(candidates) == 1:
        return candidates[0]
    listed = app.client.list_versions(app_id, test_channel=True).rows("versions")
    record: Json = next((row for row in listed if row.get("version") == version), {})
    chosen = main_file(candidates, record.get("fileSize"))
    kind = "MAIN files" if chosen.get("fileType") == "MAIN" else "files, none of them MAIN"
    app.printer.note(
        f"version {version} has {len(candidates)} {kind}: {chosen.get('fileName')} was chosen; "
        "name another one with --file"
    )
    return chosen


def distinct(rows: Sequence[Json], app_id: str, version: str) -> Sequence[Json]:
    """Returns one row for each file. Raises CliError if one name has two checksums."""
    from bindist.rows import distinct_files

    try:
        return distinct_files(rows)
    except IntegrityError as error:
        raise mixed_version(error, app_id, version) from error


def mixed_version(error: IntegrityError, app_id: str, version: str) -> CliError:
    """Returns the error for a version where one name has two checksums."""
    return CliError(
        str(error),
        Exit.INTEGRITY,
        hint=f"list them with `bindist versions files {app_id} {version}`; "
        "upload the files under a new version number",
        code="MIXED_VERSION",
    )


def choose_files(
    rows: Sequence[Json], wanted: Sequence[str], app_id: str, version: str
) -> Sequence[Json]:
    """Returns the files with these names or ids; a name may be a pattern.

    Raises CliError for an unknown file, and for a name with two checksums: only an id is
    unambiguous then.
    """
    from bindist import rows as file_rows

    try:
        return file_rows.choose_files(rows, wanted)
    except IntegrityError as error:
        raise mixed_version(error, app_id, version) from error
    except NotFoundError as error:
        names = [str(row.get("fileName")) for row in file_rows.distinct_files(rows)]
        near = dict.fromkeys(name for word in wanted for name in near_matches(word, names))
        raise CliError(
            str(error).replace("the version", f"version {version} of {app_id}", 1),
            Exit.NOT_FOUND,
            facts=[f"files: {', '.join(names)}"],
            hint=did_you_mean(near),
        ) from error
