"""Fetches the values for completion from settings and server: one attempt, short timeout."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..auth.credentials import find_key, key_from_environment
from ..exit_codes import CliError
from ..settings import resolve
from ..settings.profile_keys import shown_address
from ..settings.resolve import Settings

if TYPE_CHECKING:
    from bindist import AdminClient

    from .cache import Item

LIMIT_SECONDS = 0.4
_MAX_VALUES = 1000


def fetch(
    kind: str, words: Sequence[Any], flags: Mapping[str, Any], env: Mapping[str, str]
) -> list[Item] | None:
    """Returns the values of a kind, or None if the server does not respond within 0.4 s.

    Returns an empty list without a key. Raises CliError for invalid settings.
    """
    folder = resolve.config_dir(env)
    if kind == "profiles":
        return list(_profiles(folder))
    settings = resolve.resolve(flags, env, resolve.load_config(folder))
    if not settings.is_sandbox and not _may_have_key(settings, env):
        return []
    # Imported outside of the time limit, which is only for the server.
    from bindist import AdminClient  # noqa: F401

    return _within(LIMIT_SECONDS, lambda: _ask(settings, env, _SOURCES[kind], words))


def _may_have_key(settings: Settings, env: Mapping[str, str]) -> bool:
    """Whether there may be a key; does not query the keyring."""
    try:
        find_key(settings, {**env, "BINDIST_NO_KEYRING": "1"})
    except CliError as error:
        keyring = error.code == "NO_API_KEY" and not resolve.is_set(env, "BINDIST_NO_KEYRING")
        return keyring and importlib.util.find_spec("keyring") is not None
    return True


def _within(seconds: float, work: Callable[[], list[Item]]) -> list[Item] | None:
    """Returns the result of `work`, or None if it fails or takes longer than `seconds`."""
    results: list[list[Item]] = []

    def run() -> None:
        with contextlib.suppress(BaseException):
            results.append(work())

    thread = threading.Thread(target=run, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no thread can be started; requests have time limits of their own
        run()
        return results[0] if results else None
    thread.join(seconds)
    return results[0] if results else None


def _ask(
    settings: Settings, env: Mapping[str, str], source: Source, words: Sequence[Any]
) -> list[Item]:
    from bindist import AdminClient

    try:
        url, key = _access(settings, env)
    except CliError:
        return []  # no key in the keyring either; an empty list replaces the cached one
    with AdminClient(
        url, key, timeout=LIMIT_SECONDS, retries=0, verify=settings.ca_bundle
    ) as client:
        found = islice(source(client, *words), _MAX_VALUES)
        return [(str(value), str(meaning or "")) for value, meaning in found if value]


def _access(settings: Settings, env: Mapping[str, str]) -> tuple[str, str]:
    if not settings.is_sandbox:
        return settings.api_url, find_key(settings, env).value
    from bindist.sandbox import find_running

    running = find_running(settings.sandbox_dir)
    if running is None:  # starting one takes too long for TAB
        raise ConnectionError
    own = key_from_environment(env)
    return running.url, own.value if own else running.keys.admin


def _profiles(folder: Path) -> Iterator[Item]:
    for name, table in resolve.known_profiles(resolve.load_config(folder)).items():
        is_sandbox = name == resolve.SANDBOX
        address = shown_address(str(table.get("api_url", "")))
        yield name, "a complete local server" if is_sandbox else address


Source = Callable[..., Iterable[tuple[Any, Any]]]
"""Requests values of one kind and their descriptions from a client."""


def _applications(client: AdminClient) -> Iterator[tuple[Any, Any]]:
    for row in client.iter_applications():
        yield row.get("applicationId"), row.get("name")


def _customers(client: AdminClient) -> Iterator[tuple[Any, Any]]:
    for row in client.list_customers().rows("customers"):
        yield row.get("customerId"), row.get("name")


def _versions(client: AdminClient, app_id: str, test_channel: bool) -> Iterator[tuple[Any, Any]]:
    from bindist.version_order import version_key

    rows = client.list_versions(app_id, test_channel).rows("versions")
    for row in sorted(rows, key=lambda row: version_key(str(row.get("version"))), reverse=True):
        yield row.get("version"), "" if row.get("isEnabled") else "not enabled"


def _files(client: AdminClient, app_id: str, version: str) -> Iterator[tuple[Any, Any]]:
    if version == "latest":
        version, _ = next(_versions(client, app_id, False))
    for row in client.list_version_files(app_id, version).rows("files"):
        yield row.get("fileName"), row.get("fileType")


_SOURCES: dict[str, Source] = {
    "applications": _applications,
    "customers": _customers,
    "versions": _versions,
    "files": _files,
}
