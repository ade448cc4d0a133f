"""What can stand at the prompt: values from the settings, and from the server by way of a cache.

A shell runs this at every press of TAB. So it prints nothing but its answer, never fails, asks the
server at most once a minute, and then waits 0.4 s for it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import click

from . import config, safefile, shells
from .config import Settings
from .credentials import find_key, key_from_environment
from .exits import CliError
from .options import FLAGS

if TYPE_CHECKING:
    from bindist.admin import AdminClient

FRESH_SECONDS = 60.0
LIMIT_SECONDS = 0.4
_MOST_VALUES = 1000
_LARGEST_CACHE = 512 * 1024

Item = tuple[str, str]
"""A value, and what it means to people."""


def answer(instruction: str) -> NoReturn:
    """Prints what can follow on the command line that the shell has put into the environment."""
    gc.disable()  # so short a life leaves nothing to collect
    # Whatever goes wrong, Ctrl-C included: a message would land in the line being typed.
    with contextlib.suppress(BaseException):
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
            from .app import cli

            env = config.environment()
            text = shells.answer(cli, instruction, env, Values(env))
        sys.stdout.buffer.write(text.encode())
        sys.stdout.flush()
    os._exit(0)  # a request that is still under way must not keep the prompt waiting


class Values:
    """The values that a parameter can have; its type asks for them at the prompt."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._folder = config.config_dir(env)

    def __call__(
        self, kind: str, context: click.Context, parameter: click.Parameter, word: str
    ) -> Iterator[Item]:
        """Those of a kind that start with `word` and are not on the line yet."""
        given = _given(context, parameter)
        already = given.get(parameter.name or "")
        for value, meaning in self._all(kind, context, given):
            if value.startswith(word) and not (isinstance(already, tuple) and value in already):
                yield value, meaning

    def _all(self, kind: str, context: click.Context, given: Mapping[str, Any]) -> Iterable[Item]:
        if kind in _LOCAL:
            return _LOCAL[kind](self._folder)
        source = _REMOTE[kind]
        words = tuple(
            default if given.get(name) is None else given[name]
            for name, default in source.needs.items()
        )
        if None in words:
            return ()
        settings = config.resolve(
            context.meta.get(FLAGS, {}), self._env, config.load_config(self._folder)
        )
        key, certain = self._quick_key(settings)
        if certain and key is None:
            return ()
        cache = Cache(self._folder, _identity(settings, key))
        return self._recent(cache, settings, f"{kind} {words}", source, words)

    def _recent(
        self, cache: Cache, settings: Settings, name: str, source: Source, words: tuple[Any, ...]
    ) -> Iterable[Item]:
        """What the cache has; from the server first, where that is more than a minute old."""
        known, fresh = cache.read(name)
        if fresh:
            return known
        import bindist.admin  # noqa: F401  # takes the processor's time, so it is not in the limit

        found = _within(LIMIT_SECONDS, lambda: self._fetch(settings, source, words))
        if found:
            with contextlib.suppress(CliError, OSError):
                cache.write(name, found)
        return known if found is None else found

    def _quick_key(self, settings: Settings) -> tuple[str | None, bool]:
        """The key, as far as it can be had at once; and whether that is all there is.

        A keyring is asked when the server is, and a sandbox has keys of its own.
        """
        try:
            if settings.is_sandbox:
                own = key_from_environment(self._env)
                return own.value if own else None, False
            return find_key(settings, {**self._env, "BINDIST_NO_KEYRING": "1"}).value, True
        except CliError as error:
            alone = config.is_set(self._env, "BINDIST_NO_KEYRING")
            return None, alone or error.code != "NO_API_KEY"

    def _fetch(self, settings: Settings, source: Source, words: tuple[Any, ...]) -> list[Item]:
        from itertools import islice

        from bindist.admin import AdminClient

        try:
            url, key = self._access(settings)
        except CliError:
            return []  # no key, so no request; nor what another key has left in the cache
        with AdminClient(
            url, key, timeout=LIMIT_SECONDS, retries=0, verify=settings.ca_bundle
        ) as client:
            found = islice(source.fetch(client, *words), _MOST_VALUES)
            return [(str(value), str(meaning or "")) for value, meaning in found if value]

    def _access(self, settings: Settings) -> tuple[str, str]:
        if not settings.is_sandbox:
            return settings.api_url, find_key(settings, self._env).value
        from .sandbox.endpoint import find_running

        running = find_running(settings.sandbox_dir)
        if running is None:  # to start one takes longer than anybody waits at the prompt
            raise ConnectionError
        own = key_from_environment(self._env)
        return running.url, own.value if own else running.keys.admin


def _given(context: click.Context, parameter: click.Parameter) -> dict[str, Any]:
    """The parameters that are on the line."""
    given = dict(context.params)
    if isinstance(parameter, click.Option) and context.args:
        # While an option lacks its value, click does not come to the arguments.
        again = context.command.make_context(
            context.info_name, list(context.args), parent=context.parent, resilient_parsing=True
        )
        given |= {
            each.name: again.params.get(each.name)
            for each in context.command.params
            if isinstance(each, click.Argument) and each.name
        }
    return given


def _identity(settings: Settings, key: str | None) -> str:
    where = str(settings.sandbox_dir) if settings.is_sandbox else settings.api_url
    return sha256("\0".join((settings.profile, where, key or "")).encode()).hexdigest()[:16]


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


class Cache:
    """Lists that the server gave to one key, each with its time, in one file."""

    def __init__(self, folder: Path, identity: str) -> None:
        self._path = folder / f"completion-{identity}.json"

    def read(self, name: str) -> tuple[list[Item], bool]:
        """A list, and whether it is fresh; empty and not fresh where there is none."""
        try:
            at, items = self._lists()[name]
            found = [(value, meaning) for value, meaning in items]
            fresh = 0 <= time.time() - at < FRESH_SECONDS
        except (KeyError, TypeError, ValueError):
            return [], False
        return found, fresh

    def write(self, name: str, items: list[Item]) -> None:
        """Adds a list, and drops the oldest where there are too many. Raises CliError, OSError."""
        lists = self._lists()
        lists.pop(name, None)
        lists[name] = [time.time(), items]
        while len(text := json.dumps(lists)) > _LARGEST_CACHE and len(lists) > 1:
            del lists[next(iter(lists))]
        # Not whatever is above: where a home is missing, this is not what makes one.
        for folder in (self._path.parent.parent, self._path.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        safefile.write(self._path, text)

    def _lists(self) -> dict[str, Any]:
        try:
            lists = json.loads(safefile.read(self._path, private=True) or "{}")
        except (CliError, ValueError, RecursionError):
            return {}
        return lists if isinstance(lists, dict) else {}


class Source(NamedTuple):
    """How the server is asked for a kind of values."""

    fetch: Callable[..., Iterable[tuple[Any, Any]]]
    needs: Mapping[str, Any] = {}
    """The parameters of the command that it takes; what stands for one that is not there."""


def _applications(client: AdminClient) -> Iterator[tuple[Any, Any]]:
    for row in client.iter_applications():
        yield row.get("applicationId"), row.get("name")


def _customers(client: AdminClient) -> Iterator[tuple[Any, Any]]:
    for row in client.list_customers().require().get("customers", []):
        yield row.get("customerId"), row.get("name")


def _versions(client: AdminClient, app_id: str, test_channel: bool) -> Iterator[tuple[Any, Any]]:
    from bindist.version_order import version_key

    rows = client.list_versions(app_id, test_channel).require().get("versions", [])
    rows = sorted(rows, key=lambda row: version_key(str(row.get("version"))), reverse=True)
    for row in rows:
        yield row.get("version"), "" if row.get("isEnabled") else "not enabled"


def _files(client: AdminClient, app_id: str, version: str) -> Iterator[tuple[Any, Any]]:
    if version == "latest":
        version = next(_versions(client, app_id, False))[0]
    for row in client.list_version_files(app_id, version).require().get("files", []):
        yield row.get("fileName"), row.get("fileType")


_REMOTE = {
    "applications": Source(_applications),
    "customers": Source(_customers),
    "versions": Source(_versions, {"app_id": None, "test_channel": True}),
    "files": Source(_files, {"app_id": None, "version": None}),
}


def _profiles(folder: Path) -> Iterator[Item]:
    profiles = config.load_config(folder).get("profiles", {})
    for name, table in {"default": {}, **profiles}.items():
        yield name, str(table.get("api_url", ""))
    if config.SANDBOX not in profiles:
        yield config.SANDBOX, "a complete server on this machine"


def _settings(folder: Path) -> Iterable[Item]:  # noqa: ARG001
    from .configfile import KEYS

    return KEYS.items()


_LOCAL: dict[str, Callable[[Path], Iterable[Item]]] = {
    "profiles": _profiles,
    "settings": _settings,
}
