"""What may have been meant, where an application, a version or a customer does not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from bindist import errors
from bindist.choices import LATEST

from .exit_codes import CliError, Exit
from .suggestions import did_you_mean, near_matches

if TYPE_CHECKING:
    from .context import App

_MAX_APPLICATIONS = 2000
_VERSIONS = ("version", "old", "new")


def hint(app: App, error: Exception, parameters: Mapping[str, Any]) -> str | None:
    """Returns a question for a parameter of the command that names nothing on the server.

    Asks the server for the names that exist; returns None if that fails, and for other errors.
    """
    if not _is_about_a_name(error) or "client" not in vars(app):
        return None
    try:
        return did_you_mean(_near(app, parameters))
    except (CliError, errors.BinDistError):
        return None


def _is_about_a_name(error: Exception) -> bool:
    if isinstance(error, CliError):
        return error.exit is Exit.NOT_FOUND and error.code == "NOT_FOUND"
    refused = isinstance(error, errors.ApiError) and error.status_code == 400  # `apps grant`
    return refused or isinstance(error, errors.NotFoundError)


def _near(app: App, parameters: Mapping[str, Any]) -> list[str]:
    app_id = parameters.get("app_id")
    if app_id and (near := _applications(app, app_id)) is not None:
        return near
    for name in _VERSIONS:
        version = parameters.get(name)
        if app_id and version and (near := _versions(app, app_id, version)) is not None:
            return near
    customers = parameters.get("customers") or (parameters.get("customer"),)
    return [near for customer in customers if customer for near in _customers(app, customer)]


def _applications(app: App, wanted: str) -> list[str] | None:
    """Returns the applications that are called nearly so; None if the application exists."""
    ids = {}
    for row in islice(app.client.iter_applications(), _MAX_APPLICATIONS):
        ids[str(row.get("applicationId"))] = str(row.get("name"))
    return None if wanted in ids else _alike(wanted, ids)


def _versions(app: App, app_id: str, wanted: str) -> list[str] | None:
    """Returns the versions that are called nearly so; None if the version exists."""
    from bindist.version_list import highest_first, same_number

    rows = highest_first(app.client.list_versions(app_id, test_channel=True).rows("versions"))
    names = [str(row.get("version")) for row in rows]
    if wanted in (*names, LATEST):
        return None
    same = [str(row.get("version")) for row in same_number(rows, wanted)]
    return same or near_matches(wanted, names)


def _customers(app: App, wanted: str) -> Iterator[str]:
    """Yields the ids of customers that are called nearly so, or have that name or reference."""
    rows = app.client.list_customers().rows("customers")
    ids = {str(row.get("customerId")): str(row.get("name")) for row in rows}
    if wanted in ids:
        return
    known = [
        str(row.get("customerId"))
        for row in rows
        if wanted.casefold() in (str(row.get(key)).casefold() for key in ("reference", "email"))
    ]
    yield from known or _alike(wanted, ids)


def _alike(wanted: str, names: Mapping[str, str]) -> list[str]:
    """Returns the ids that are like the text, else those whose name is."""
    near = near_matches(wanted, names)
    by_name = near_matches(wanted, names.values()) if not near else []
    return near or [each for each, name in names.items() if name in by_name]
