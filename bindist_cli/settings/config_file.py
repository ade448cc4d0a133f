"""Settings in `config.toml`: their names, how values are parsed, and the source of each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..exit_codes import CliError, Exit
from . import toml_edit
from .profile_keys import PROFILE_KEYS, one_of, shown_address, variable_of
from .profile_keys import check_url as check_url
from .resolve import CONFIG, ENVIRONMENT, SANDBOX, Settings, known_profiles, load_config

PROFILE = "profile"
KEYS = {PROFILE: "the profile to use without --profile [default: default]"} | {
    name: key.help for name, key in PROFILE_KEYS.items()
}
DEFAULTS = {PROFILE: "default"} | {name: key.shown_default for name, key in PROFILE_KEYS.items()}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}")


def check_key(key: str) -> None:
    """Raises CliError for an unknown setting."""
    if key not in KEYS:
        near = _near(key, tuple(KEYS))
        meant = f"; did you mean {near}?" if near else ""
        raise CliError(
            f"unknown setting {key!r}{meant}",
            Exit.USAGE,
            hint="settings: " + ", ".join(KEYS),
        )


def check_profile_name(name: str) -> None:
    """Raises CliError for a name that is not safe on a command line."""
    if not _NAME.fullmatch(name):
        raise CliError(
            f"{name!r} is not a valid profile name",
            Exit.USAGE,
            hint="use 1 to 50 letters, digits, dots, - and _, starting with a letter or digit",
        )


def rows(
    settings: Settings, flags: Mapping[str, Any], env: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Returns every setting with its value in use and its source."""
    return [row(key, settings, flags, env) for key in KEYS]


def row(
    key: str, settings: Settings, flags: Mapping[str, Any], env: Mapping[str, str]
) -> dict[str, Any]:
    """Returns one setting: the value in use, and its source (flag, environment, profile, ...)."""
    file = load_config(settings.config_dir)
    table = file if key == PROFILE else file.get("profiles", {}).get(settings.profile, {})
    variable = variable_of(key)
    if key == "api_url" and settings.is_sandbox:
        return {"key": key, "value": None, "source": SANDBOX}
    if flags.get(key) is not None:
        source = "flag"
    elif env.get(variable) and variable in ENVIRONMENT:
        source = "environment"
    elif table.get(key) not in (None, ""):
        source = "file" if key == PROFILE else "profile"
    else:
        return {"key": key, "value": DEFAULTS.get(key), "source": "default"}
    value = settings.profile if key == PROFILE else settings.values[key]
    shown = shown_address(value) if key == "api_url" else _whole(value)
    return {"key": key, "value": shown, "source": source}


def unknown_keys(config: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """The keys of config.toml that are no settings, and so ignored, each with the setting that may
    be meant. Those of a profile are written `profiles.NAME.KEY`."""
    own: tuple[str, ...] = (PROFILE, "profiles")
    found = [(key, key, own) for key in config]
    profiles = config.get("profiles")
    for name, table in profiles.items() if isinstance(profiles, dict) else ():
        keys = table if isinstance(table, dict) else ()
        found += [(f"profiles.{name}.{key}", key, tuple(PROFILE_KEYS)) for key in keys]
    return [(shown, _near(key, known)) for shown, key, known in found if key not in known]


def _near(key: str, known: Sequence[str]) -> str | None:
    near = difflib.get_close_matches(key.replace("-", "_").lower(), known, 1, cutoff=0.5)
    return near[0] if near else None


def set_value(settings: Settings, key: str, text: str) -> Any:
    """Writes a setting of the profile in use; returns its value. Raises CliError if invalid."""
    value = parse(settings, key, text)
    if key != PROFILE:
        check_profile_name(settings.profile)
    toml_edit.change(_path(settings), {_names(settings, key): value}, private=False)
    return value


def unset(settings: Settings, key: str) -> None:
    """Removes one setting, so that its default applies."""
    toml_edit.change(_path(settings), {_names(settings, key): None}, private=False)


def set_url(settings: Settings, url: str) -> None:
    """Sets the URL of the profile in use; creates the profile if necessary."""
    toml_edit.change(_path(settings), {_names(settings, "api_url"): url}, private=False)


def parse(settings: Settings, key: str, text: str) -> Any:
    """Parses the value of a setting. Raises CliError if it is invalid."""
    check_key(key)
    if key == PROFILE:
        known = known_profiles(load_config(settings.config_dir))
        return one_of(sorted(known))(key, text)
    if key == "api_url" and settings.is_sandbox:
        raise CliError("cannot set api_url: the profile sandbox has its own address", Exit.USAGE)
    return PROFILE_KEYS[key].read(key, text)


def _whole(value: Any) -> Any:
    """Writes 30 seconds as 30, not as 30.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _names(settings: Settings, key: str) -> tuple[str, ...]:
    return (key,) if key == PROFILE else ("profiles", settings.profile, key)


def _path(settings: Settings) -> Path:
    return settings.config_dir / CONFIG
