"""Finds the key: from the environment, else from the profile; and checks where it may be sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..exit_codes import CliError, Exit
from ..settings.profile_keys import DEFAULT_URL, shown_address
from ..settings.resolve import Settings, is_hosted, is_set, load_config
from .key_store import KeyStore

KEY_VARIABLES = ("BINDIST_API_KEY", "BINDIST_API_KEY_FILE", "BINDIST_API_SECRET")
TENANT_HINT = (
    "keys of bindist.eu have the form `{tenant uuid}.{secret}`, but this one has no "
    "`{tenant uuid}.` prefix: log in with the whole key, or set BINDIST_TENANT_ID and "
    "BINDIST_API_SECRET"
)
_MAX_KEY_FILE_BYTES = 64 * 1024
_TENANT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\..")


@dataclass(frozen=True)
class Key:
    """A key and its source; `repr` does not show the key."""

    value: str
    source: str

    def __repr__(self) -> str:
        return f"Key(source={self.source!r})"


def find_key(settings: Settings, env: Mapping[str, str]) -> Key:
    """Returns the key in use: from the environment, else from the profile. Raises CliError."""
    found = key_from_environment(env) or _key_of_profile(settings, key_store(settings, env))
    check_plain_http(settings)
    return found


def key_store(settings: Settings, env: Mapping[str, str]) -> KeyStore:
    """Returns the store for the keys of profiles."""
    return KeyStore(settings.config_dir, use_keyring=not is_set(env, "BINDIST_NO_KEYRING"))


def key_from_environment(env: Mapping[str, str]) -> Key | None:
    """Returns the key from the environment. Raises CliError if it has two keys, or half a key."""
    given = [name for name in KEY_VARIABLES if env.get(name)]
    if len(given) > 1:
        raise CliError(
            f"both {given[0]} and {given[1]} are set", Exit.USAGE, hint="unset one of them"
        )
    if env.get("BINDIST_TENANT_ID") and "BINDIST_API_SECRET" not in given:
        if given:
            return _key(given[0], env)
        raise CliError(
            "BINDIST_TENANT_ID is set, but BINDIST_API_SECRET is not", Exit.USAGE, hint="set both"
        )
    return _key(given[0], env) if given else None


def _key(name: str, env: Mapping[str, str]) -> Key:
    if name == "BINDIST_API_KEY_FILE":
        return Key(_read_key_file(Path(env[name])), f"{name} ({env[name]})")
    if name == "BINDIST_API_SECRET":
        tenant = env.get("BINDIST_TENANT_ID", "")
        if not tenant:
            raise CliError(
                "BINDIST_API_SECRET is set, but BINDIST_TENANT_ID is not",
                Exit.USAGE,
                hint="set both; for a key without a tenant, use BINDIST_API_KEY instead",
            )
        return Key(f"{tenant.strip()}.{env[name].strip()}", "BINDIST_TENANT_ID, BINDIST_API_SECRET")
    return Key(env[name].strip(), name)


def _read_key_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_KEY_FILE_BYTES + 1)
        text = raw.decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise CliError(
            f"cannot read BINDIST_API_KEY_FILE ({path}): {reason}", Exit.USAGE
        ) from error
    if len(raw) > _MAX_KEY_FILE_BYTES:
        raise CliError(f"BINDIST_API_KEY_FILE ({path}) is too large for a key", Exit.USAGE)
    if not text:
        raise CliError(f"BINDIST_API_KEY_FILE ({path}) is empty", Exit.USAGE)
    return text


def _key_of_profile(settings: Settings, store: KeyStore) -> Key:
    stored = store.find(settings.profile)
    if stored is None:
        facts = [f'looked in: BINDIST_API_KEY, BINDIST_API_KEY_FILE, profile "{settings.profile}"']
        if store.silent:
            facts.append(f"the system keyring may hold it, but {store.trouble}")
        option = profile_option(settings.profile)
        raise CliError(
            "not authenticated: no API key found",
            Exit.NOT_AUTHENTICATED,
            facts=facts,
            hint=f"run `bindist auth login{option}`, or set BINDIST_API_KEY",
            code="NO_API_KEY",
        )
    _check_belongs(settings)
    return Key(stored[0], f'profile "{settings.profile}" ({stored[1]})')


def _check_belongs(settings: Settings) -> None:
    """Raises CliError if a profile's key would be sent to another URL than the profile's."""
    own = own_url(settings)
    if settings.api_url.rstrip("/") != own:
        raise CliError(
            f'the key of profile "{settings.profile}" is for {shown_address(own)}, '
            f"not for {shown_address(settings.api_url)}",
            Exit.USAGE,
            facts=[f"{settings.url_source} sets the other address"],
            hint="set BINDIST_API_KEY, or create a profile: `bindist auth login --profile NAME`",
        )


def own_url(settings: Settings) -> str:
    """Returns the URL stored in the profile, regardless of flags and environment."""
    table = load_config(settings.config_dir).get("profiles", {}).get(settings.profile, {})
    return str(table.get("api_url") or DEFAULT_URL).rstrip("/")


def check_plain_http(settings: Settings) -> None:
    """Raises CliError if the key would cross a network unencrypted."""
    from bindist.connection import is_loopback  # imported late, for fast starts

    url = urlsplit(settings.api_url)
    crosses = url.scheme == "http" and url.hostname and not is_loopback(settings.api_url)
    if crosses and not settings.allow_http:
        option = profile_option(settings.profile)
        raise CliError(
            f"refusing to send the key unencrypted, over http, to {url.hostname}",
            Exit.USAGE,
            hint="use https://, or, in a network that you trust, run "
            f"`bindist config set allow_http true{option}`",
        )


def lacks_tenant(api_url: str, key: str) -> bool:
    """Whether the key is for the hosted service, but has no tenant."""
    return is_hosted(api_url) and not _TENANT.match(key)


def profile_option(profile: str) -> str:
    """Returns the option that selects this profile in the command of a hint."""
    return "" if profile == "default" else f" --profile {profile}"
