"""Where the keys of profiles are kept: the system keyring, else `credentials.toml`, mode 0600.

A key is in one of the two. The file is asked first: it is quicker, and only a keyring that did not
answer can leave an older key behind in it.
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

# Long, with a digit in it: a keyring's message may quote the secret that it was reading.
_LIKE_A_KEY = re.compile(r"(?<![\w.+=~-])(?=[\w.+=~-]*[0-9])[\w.+=~-]{12,}")

T = TypeVar("T")


class NoKeyringError(Exception):
    """There is no keyring that works; the message says why. `absent`: there never was one."""

    def __init__(self, message: str, *, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent


class Keyring:
    """The system keyring. Every call ends within 3 s; NoKeyringError tells why one did not work."""

    def __init__(self, folder: Path) -> None:
        # Folders of settings are apart from each other, so their keys are too.
        self._service = f"bindist {os.path.realpath(folder)}"
        self._backend: Any = None
        self._broken: NoKeyringError | None = None

    @property
    def name(self) -> str:
        """What the keyring calls itself."""
        return str(self._ask(lambda backend: backend.name))

    def get(self, profile: str) -> str | None:
        """The key of a profile."""
        found = self._ask(lambda backend: backend.get_password(self._service, profile))
        return found if isinstance(found, str) and found else None

    def set(self, profile: str, key: str) -> bool:
        """Stores a key, and makes sure that it can be had back."""
        self._ask(lambda backend: backend.set_password(self._service, profile, key), key)
        if self.get(profile) != key:
            raise NoKeyringError("it does not give back what was put into it")
        return True

    def delete(self, profile: str) -> bool:
        """Removes a key; False where there was none."""
        if self.get(profile) is None:
            return False
        self._ask(lambda backend: backend.delete_password(self._service, profile))
        return True

    def _ask(self, call: Callable[[Any], T], *secrets: str) -> T:
        if self._broken:
            raise self._broken  # waited for once, not once more
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
        raise NoKeyringError("this system has none", absent=True)
    return backend


def _within(seconds: float, call: Callable[[], T], *secrets: str) -> T:
    """The result of a call that may hang: a keyring asks other programs, and those ask people.

    Its failure is told without `secrets`, and without what may be a stored one.
    """
    answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((call(), None))
        except BaseException as error:
            answers.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise NoKeyringError(f"it did not answer within {seconds:g} s") from None
    if error is None:
        return answer  # type: ignore[return-value]
    if isinstance(error, NoKeyringError):
        raise error
    if isinstance(error, ModuleNotFoundError) and error.name == "keyring":
        raise NoKeyringError("the extra `keyring` is not installed", absent=True) from None
    said = _LIKE_A_KEY.sub(HIDDEN, redact(str(error), *secrets))
    # Not `from error`, whose own message would be in a traceback.
    raise NoKeyringError(f"it fails: {type(error).__name__}: {said}") from None


class KeyStore:
    """The keys of the profiles of one folder of settings."""

    def __init__(self, folder: Path, *, use_keyring: bool) -> None:
        self.path = folder / CREDENTIALS
        self.keyring = Keyring(folder) if use_keyring else None
        self.trouble = ""
        """Why the keyring was of no use, after a call that would have used it."""
        self.silent = False
        """Whether there is a keyring that failed, so that what is in it is not known."""

    def find(self, profile: str) -> tuple[str, str] | None:
        """The key of a profile and where it is. Raises CliError for a file that is not safe."""
        key = stored_keys(self.path).get(profile)
        if key is not None:
            return key, str(self.path)
        key = self._keyring(lambda keyring: keyring.get(profile))
        return (key, self._keyring_name()) if key else None

    def store(self, profile: str, key: str) -> str:
        """Puts a key into the keyring, or else into the file; returns which it was."""
        stored_keys(self.path)  # a file that cannot be read may hold an older key
        if self._keyring(lambda keyring: keyring.set(profile, key)):
            self._remove_from_file(profile)
            return self._keyring_name()
        toml_edit.change(self.path, {("profiles", profile, "key"): key}, private=True)
        return str(self.path)

    def remove(self, profile: str) -> list[str]:
        """Removes the key of a profile from wherever it is; returns from where."""
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
            self.trouble = "BINDIST_NO_KEYRING turns it off"
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
    """The keys in a credentials file, by profile. Raises CliError where others may read it."""
    profiles = read_toml(path, private=True).get("profiles", {})
    if not isinstance(profiles, dict):
        raise CliError(f"{path}: profiles are tables, [profiles.NAME]", Exit.USAGE)
    return {
        name: table["key"]
        for name, table in profiles.items()
        if isinstance(table, dict) and isinstance(table.get("key"), str)
    }
