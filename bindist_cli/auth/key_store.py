"""Stores the keys of profiles in the system keyring, or else in `credentials.toml`, mode 0600.

A key is in one of the two. The file is read first: it is faster, and it holds the newer key where
the keyring did not respond when that key was stored.
"""

from __future__ import annotations

import importlib
import os
import queue
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from bindist.redaction import HIDDEN, redact

from ..exit_codes import CliError, Exit
from ..settings import toml_edit
from ..settings.resolve import read_toml

CREDENTIALS = "credentials.toml"
KEYRING_SECONDS = 3.0
_UNUSABLE = ("keyring.backends.fail", "keyring.backends.null")

# Long and with a digit: the message of a keyring may quote the secret that it read.
_LIKE_A_KEY = re.compile(r"(?<![\w.+=~-])(?=[\w.+=~-]*[0-9])[\w.+=~-]{12,}")

T = TypeVar("T")


class NoKeyringError(Exception):
    """No keyring works; the message says why. `absent`: none is installed."""

    def __init__(self, message: str, *, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent


class Keyring:
    """The system keyring. Every call ends within 3 s; NoKeyringError says why one failed."""

    def __init__(self, folder: Path) -> None:
        # Each settings folder has its own keys.
        self._service = f"bindist {os.path.realpath(folder)}"
        self._backend: Any = None
        self._broken: NoKeyringError | None = None

    @property
    def name(self) -> str:
        """The name that the keyring reports."""
        return str(self._ask(lambda backend: backend.name))

    def get(self, profile: str) -> str | None:
        """Returns the key of a profile, or None."""
        found = self._ask(lambda backend: backend.get_password(self._service, profile))
        return found if isinstance(found, str) and found else None

    def set(self, profile: str, key: str) -> bool:
        """Stores a key, and verifies that it can be read back."""
        self._ask(lambda backend: backend.set_password(self._service, profile, key), key)
        if self.get(profile) != key:
            raise NoKeyringError("it does not return the key that was stored")
        return True

    def delete(self, profile: str) -> bool:
        """Removes a key; returns False if there was none."""
        if self.get(profile) is None:
            return False
        self._ask(lambda backend: backend.delete_password(self._service, profile))
        return True

    def _ask(self, call: Callable[[Any], T], *secrets: str) -> T:
        if self._broken:
            raise self._broken  # do not wait a second time
        try:
            if self._backend is None:
                self._backend = _within(KEYRING_SECONDS, _load)
            return _within(KEYRING_SECONDS, lambda: call(self._backend), *secrets)
        except NoKeyringError as error:
            self._broken = error
            raise


def _load() -> Any:
    backend = importlib.import_module("keyring").get_keyring()
    if type(backend).__module__ in _UNUSABLE:
        raise NoKeyringError("this system has no keyring", absent=True)
    return backend


def _within(seconds: float, call: Callable[[], T], *secrets: str) -> T:
    """Returns the result of a call that may hang: keyrings run other programs, which may prompt.

    Error messages contain neither `secrets` nor anything that may be a stored key.
    """
    results: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put((call(), None))
        except BaseException as error:
            results.put((None, error))

    try:
        threading.Thread(target=run, daemon=True).start()
    except RuntimeError:  # no thread can be started: without a time limit, then
        run()
    try:
        result, error = results.get(timeout=seconds)
    except queue.Empty:
        raise NoKeyringError(f"the keyring did not respond within {seconds:g} s") from None
    if error is None:
        return result  # type: ignore[return-value]
    if isinstance(error, NoKeyringError):
        raise error
    if isinstance(error, ModuleNotFoundError) and error.name == "keyring":
        raise NoKeyringError("the extra `keyring` is not installed", absent=True) from None
    said = _LIKE_A_KEY.sub(HIDDEN, redact(str(error), *secrets))
    # Not `from error`: a traceback would show the original message.
    raise NoKeyringError(f"the keyring failed: {type(error).__name__}: {said}") from None


class KeyStore:
    """The keys of all profiles in one settings folder."""

    def __init__(self, folder: Path, *, use_keyring: bool) -> None:
        self.path = folder / CREDENTIALS
        self.keyring = Keyring(folder) if use_keyring else None
        self.trouble = ""
        """After a call: why the keyring could not be used, or an empty string."""
        self.silent = False
        """After a call: whether a keyring exists but failed, so that its content is unknown."""

    def find(self, profile: str) -> tuple[str, str] | None:
        """Returns the key of a profile and its place. Raises CliError for an unsafe file."""
        key = stored_keys(self.path).get(profile)
        if key is not None:
            return key, str(self.path)
        key = self._keyring(lambda keyring: keyring.get(profile))
        return (key, self._keyring_name()) if key else None

    def store(self, profile: str, key: str) -> str:
        """Stores a key in the keyring, or else in the file; returns the name of the place."""
        stored_keys(self.path)  # raises for an unreadable file, which may hold an older key
        if self._keyring(lambda keyring: keyring.set(profile, key)):
            self._remove_from_file(profile)
            return self._keyring_name()
        toml_edit.change(self.path, {("profiles", profile, "key"): key}, private=True)
        return str(self.path)

    def remove(self, profile: str) -> list[str]:
        """Removes the key of a profile from both places; returns those that held it."""
        places = [str(self.path)] if self._remove_from_file(profile) else []
        if self._keyring(lambda keyring: keyring.delete(profile)):
            places.append(self._keyring_name())
        return places

    def _remove_from_file(self, profile: str) -> bool:
        if profile not in stored_keys(self.path):
            return False
        toml_edit.change(self.path, {("profiles", profile, "key"): None}, private=True)
        return True

    def _keyring(self, use: Callable[[Keyring], T]) -> T | None:
        if self.keyring is None:
            self.trouble = "BINDIST_NO_KEYRING turns the keyring off"
            return None
        try:
            return use(self.keyring)
        except NoKeyringError as error:
            self.trouble, self.silent = str(error), not error.absent
            return None

    def _keyring_name(self) -> str:
        name = self._keyring(lambda keyring: keyring.name)
        return f"the system keyring ({name})" if name else "the system keyring"


def stored_keys(path: Path) -> dict[str, str]:
    """Returns the keys in a credentials file by profile. Raises CliError if it is unsafe."""
    profiles = read_toml(path, private=True).get("profiles", {})
    if not isinstance(profiles, dict):
        raise CliError(f"{path}: each profile must be a table, [profiles.NAME]", Exit.USAGE)
    return {
        name: table["key"]
        for name, table in profiles.items()
        if isinstance(table, dict) and isinstance(table.get("key"), str)
    }
