"""`trust.toml`: the public keys of vendors that this user has pinned, by application."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..exit_codes import CliError, Exit
from . import private_files
from .resolve import parse_toml

TRUST = "trust.toml"
_HEADER = "# Public keys of vendors, by application. `bindist trust` edits this file.\n\n"


@dataclass(frozen=True)
class Pin:
    """A key that is trusted for an application; empty `server` means on every server, empty
    `application` every application, which only BINDIST_TRUSTED_KEYS can say."""

    application: str
    key: str
    server: str = ""

    def applies(self, application_id: str, server: str) -> bool:
        return self.application in ("", application_id) and self.server in ("", server)


def read(path: Path) -> list[Pin]:
    """Returns the pins of a file; none if it does not exist. Raises CliError for a wrong entry."""
    found = parse_toml(path, private_files.read(path, private=False) or "").get("keys", [])
    if not isinstance(found, list):
        raise _wrong(path, "`keys`")
    return [_pin(path, number, entry) for number, entry in enumerate(found, 1)]


def _pin(path: Path, number: int, entry: Any) -> Pin:
    try:
        pin = Pin(**entry)
        valid = all(isinstance(value, str) for value in asdict(pin).values()) and pin.application
    except TypeError:
        valid = False
    if not valid:
        raise _wrong(path, f"entry {number} of `keys`")
    return pin


def _wrong(path: Path, what: str) -> CliError:
    return CliError(
        f"{path}: {what} is not valid: [[keys]] has `application` and `key`, and maybe `server`",
        Exit.USAGE,
        hint="correct the file, or add keys with `bindist trust add APP KEY`",
    )


def write(path: Path, pins: Iterable[Pin]) -> None:
    """Replaces the pins; the caller holds the lock of the folder."""
    import tomlkit

    entries = tomlkit.aot()
    for pin in pins:
        values = {name: value for name, value in asdict(pin).items() if value}
        entries.append(tomlkit.item(values))
    document = tomlkit.document()
    document.add("keys", entries)
    private_files.write(path, _HEADER + tomlkit.dumps(document))


def from_environment(env: Mapping[str, str]) -> list[Pin]:
    """Returns the pins of BINDIST_TRUSTED_KEYS: keys, or APP=KEY, separated by spaces or commas."""
    pins = []
    for entry in re.split(r"[\s,]+", env.get("BINDIST_TRUSTED_KEYS", "").strip()):
        application, separator, key = entry.partition("=RW")
        if separator:
            pins.append(Pin(application, f"RW{key}"))
        elif entry:
            pins.append(Pin("", entry))
    return pins
