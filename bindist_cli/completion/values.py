"""Values for the prompt, from the settings and from the server: asked once, and not for long."""

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
from ..settings.resolve import Settings

if TYPE_CHECKING:
    from bindist import AdminClient

    from .cache import Item

LIMIT_SECONDS = 0.4
_MOST_VALUES = 1000


def fetch(
    kind: str, words: Sequence[Any], flags: Mapping[str, Any], env: Mapping[str, str]
) -> list[Item] | None:
    """The values of a kind; None where the server gives none within 0.4 s.

    Raises CliError for settings that make no sense. Without a key nothing is asked.
    """
    folder = resolve.config_dir(env)
    if kind == "profiles":
        return list(_profiles(folder))
    settings = resolve.resolve(flags, env, resolve.load_config(folder))
    if not settings.is_sandbox and not _may_have_key(settings, env):
        return []
    # This takes time of ours, whatever the server does: the limit is for what may never end.
    from bindist import AdminClient  # noqa: F401

    return _within(LIMIT_SECONDS, lambda: _ask(settings, env, _SOURCES[kind], words))


def _may_have_key(settings: Settings, env: Mapping[str, str]) -> bool:
    """Whether there is a key, as far as can be told without asking a keyring."""
    try:
        find_key(settings, {**env, "BINDIST_NO_KEYRING": "1"})
    except CliError as error:
        keyring = error.code == "NO_API_KEY" and not resolve.is_set(env, "BINDIST_NO_KEYRING")
        return keyring and importlib.util.find_spec("keyring") is not None
    return True


def _within(seconds: float, work: Callable[[], list[Item]]) -> list[Item] | None:
    """What `work` returns; None where it fails or takes longer."""
    results: list[list[Item]] = []

    def run() -> None:
        with contextlib.suppress(BaseException):
            results.append(work())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return results[0] if results else None


def _ask(
    settings: Settings, env: Mapping[str, str], source: Source, words: Sequence[Any]
) -> list[Item]:
    from bindist import AdminClient

    try:
        url, key = _access(settings, env)
    except CliError:
        return []  # the keyring has none either; so nothing of what another key may have left
    with AdminClient(
        url, key, timeout=LIMIT_SECONDS, retries=0, verify=settings.ca_bundle
    ) as client:
        found = islice(source(client, *words), _MOST_VALUES)
        return [(str(value), str(meaning or "")) for value, meaning in found if value]


def _access(settings: Settings, env: Mapping[str, str]) -> tuple[str, str]:
    if not settings.is_sandbox:
        return settings.api_url, find_key(settings, env).value
    from bindist.sandbox import find_running

    running = find_running(settings.sandbox_dir)
    if running is None:  # to start one takes longer than anybody waits at the prompt
        raise ConnectionError
    own = key_from_environment(env)
    return running.url, own.value if own else running.keys.admin


def _profiles(folder: Path) -> Iterator[Item]:
    profiles = resolve.load_config(folder).get("profiles", {})
    for name, table in {"default": {}, **profiles}.items():
        yield name, resolve.shown_address(str(table.get("api_url", "")))
    if resolve.SANDBOX not in profiles:
        yield resolve.SANDBOX, "a complete server on this machine"


Source = Callable[..., Iterable[tuple[Any, Any]]]
"""Asks a client for values of a kind, and what they mean."""


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
