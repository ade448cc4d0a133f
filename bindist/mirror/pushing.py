"""Pushing a mirror to a server: each version as a release, whole or invisible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BinDistError, IntegrityError, NotFoundError
from ..file_names import derived_file_type
from .layout import INDEX, Mirror, MirroredVersion, read_index

if TYPE_CHECKING:
    from ..clients.administration import AdminClient
    from ..types import StrPath

    How = tuple[
        StrPath | None,
        Callable[[str], None] | None,
        Callable[[], AbstractContextManager[object]] | None,
    ]


@dataclass(frozen=True)
class Pushed:
    """What became of a version on the other server: `status` is `created`, `unchanged`, `planned`
    (of a dry run) or `failed`; `error` says why it failed."""

    application_id: str
    version: str
    status: str
    error: Exception | None = None


def push(
    client: AdminClient,
    folder: StrPath,
    *,
    applications: Sequence[str] = (),
    create_applications: bool = False,
    dry_run: bool = False,
    journal: StrPath | None = None,
    notify: Callable[[str], None] | None = None,
    protect: Callable[[], AbstractContextManager[object]] | None = None,
) -> list[Pushed]:
    """Publishes the versions of a mirror, in the order in which they were created.

    `publish` for each version: release notes and whether it is enabled are kept. Grants nothing,
    deletes nothing, and changes no version that exists with other files.

    Args:
        folder: the mirror.
        applications: only these; default all.
        create_applications: True creates applications that the server lacks; default False.
        dry_run: True only says what would be done; default False.
        journal, notify, protect: as for `publish`.

    Returns a `Pushed` for each version; one that fails leaves the others to go on. Raises
    IntegrityError for a broken mirror, ApiError and TransportError for what concerns all versions.
    """
    mirror = Mirror(Path(folder))
    described = {str(app.get("applicationId")): app for app in read_index(mirror.folder / INDEX)}
    results: list[Pushed] = []
    for name in applications or mirror.applications():
        versions = sorted(mirror.versions(name), key=_created)
        try:
            _ensure_application(client, name, described.get(name, {}), create_applications, dry_run)
        except NotFoundError as error:
            results += [Pushed(name, each.version, "failed", error) for each in versions]
            continue
        how = (journal, notify, protect)
        results += [_pushed(client, mirror, version, dry_run, how) for version in versions]
    return results


def _pushed(
    client: AdminClient, mirror: Mirror, version: MirroredVersion, dry_run: bool, how: How
) -> Pushed:
    place = (version.application_id, version.version)
    try:
        if dry_run:
            return Pushed(*place, _preview(client, mirror, version))
        return Pushed(*place, _publish(client, mirror, version, how))
    except (BinDistError, OSError, ValueError) as error:
        return Pushed(*place, "failed", error)


def _created(version: MirroredVersion) -> str:
    return str(version.record.get("createdAt"))


def _ensure_application(
    client: AdminClient, name: str, described: dict[str, Any], create: bool, dry_run: bool
) -> None:
    found = client.get_application(name)
    if found.status_code != 404 or not create:
        found.raise_for_error()
    elif not dry_run:
        client.create_application(
            name,
            str(described.get("name") or name),
            description=described.get("description"),
            tags=described.get("tags") or None,
        ).raise_for_error()


def _arguments(mirror: Mirror, version: MirroredVersion) -> dict[str, Any]:
    folder = mirror.version_folder(version.application_id, version.version)
    files = version.files
    found: dict[str, Any] = {
        "paths": [folder / file.name for file in files],
        "expected": {file.name: file.checksum for file in files},
        "enable": version.record.get("isEnabled") is True,
    }
    other = [file for file in files if file.file_type != derived_file_type(file.name)]
    if other and len(files) > 1:
        raise IntegrityError(
            f"{other[0].name} is {other[0].file_type}, a type that only a version of a single file "
            "can give it"
        )
    if other:
        found["file_type"] = other[0].file_type
    return found


def _publish(
    client: AdminClient,
    mirror: Mirror,
    version: MirroredVersion,
    how: How,
) -> str:
    journal, notify, protect = how
    return client.publish(
        version.application_id,
        version.version,
        release_notes=version.record.get("releaseNotes") or None,
        journal=journal,
        notify=notify,
        protect=protect,
        **_arguments(mirror, version),
    ).status


def _preview(client: AdminClient, mirror: Mirror, version: MirroredVersion) -> str:
    if client.get_application(version.application_id).status_code == 404:
        return "planned"
    outcome = client.preview_publish(
        version.application_id, version.version, **_arguments(mirror, version)
    )
    return "unchanged" if outcome.status == "unchanged" and not outcome.enable else "planned"
