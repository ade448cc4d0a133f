"""Resolves settings from flags, environment and profile, in one pure function."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import click

from bindist.choices import StoreEtag

from ..exit_codes import CliError, Exit
from ..params import OUTPUTS
from . import private_files
from .profile_keys import DEFAULT_URL, OFF, ON, PROFILE_KEYS, variable_of

CONFIG = "config.toml"
HOSTED = "bindist.eu"
SANDBOX = "sandbox"
NO_PROFILE = "NO_PROFILE"

ENVIRONMENT = {
    "BINDIST_API_KEY": "the API key",
    "BINDIST_API_KEY_FILE": "a file that holds the API key",
    "BINDIST_TENANT_ID": "tenant id, the first half of a hosted key; requires BINDIST_API_SECRET",
    "BINDIST_API_SECRET": "secret, the second half of a hosted key; requires BINDIST_TENANT_ID",
    "BINDIST_API_URL": f"base URL of the API [default: {DEFAULT_URL}]",
    "BINDIST_PROFILE": "the profile to use [default: default]",
    "BINDIST_CONFIG_DIR": "folder for settings, keys and the sandbox's data",
    "BINDIST_OUTPUT": "same as --output",
    "BINDIST_NO_INPUT": "same as --no-input, if 1",
    "BINDIST_NO_KEYRING": "if 1, do not use the system keyring",
    "BINDIST_TIMEOUT": "same as --timeout",
    "BINDIST_RETRIES": "same as --retries",
    "BINDIST_CA_BUNDLE": "same as --ca-bundle",
    "BINDIST_STORE_ETAG": "kind of the object store's ETags, see `store_etag` [default: md5]",
    "BINDIST_SIGNING_KEY_FILE": "file of the secret key that signs uploads, see `signing_key`",
    "BINDIST_SIGNING_KEY": "content of that file, for CI",
    "BINDIST_SIGNING_PASSWORD": "password of the signing key",
    "BINDIST_TRUSTED_KEYS": "further trusted keys: RWQ..., or APP=RWQ... for one application",
    "BINDIST_DEBUG": "same as --debug, if 1",
    "NO_COLOR": "disable colours, if not empty",
    "FORCE_COLOR": "force colours even without a terminal, if not empty",
    "CI": "print progress as lines instead of bars, if not empty",
    "HTTPS_PROXY": "the proxy; HTTP_PROXY, ALL_PROXY and NO_PROXY work as usual",
    "REQUESTS_CA_BUNDLE": "CA bundle, if neither --ca-bundle nor BINDIST_CA_BUNDLE is set",
}


@dataclass(frozen=True)
class Settings:
    """All settings of one run, except the key, which is looked up when it is needed."""

    profile: str
    api_url: str
    url_source: str
    output: str | None
    fields: tuple[str, ...]
    csv_safe: bool
    quiet: bool
    color: bool | None
    no_input: bool
    timeout: float | None
    retries: int | None
    ca_bundle: str | None
    verbose: bool
    debug: bool
    allow_http: bool
    store_etag: StoreEtag
    allow_private_store: bool
    bars: bool
    config_dir: Path
    values: Mapping[str, Any]
    """Each key of `PROFILE_KEYS` with its value in use; None where there is none."""

    @property
    def is_sandbox(self) -> bool:
        return self.profile == SANDBOX

    @property
    def sandbox_dir(self) -> Path:
        return self.config_dir / SANDBOX


def config_dir(env: Mapping[str, str]) -> Path:
    """Returns the folder for our files: BINDIST_CONFIG_DIR, or the platform's default."""
    folder = Path(env.get("BINDIST_CONFIG_DIR") or click.get_app_dir("bindist"))
    # Without a home folder, click returns a path that starts with a literal `~`.
    return (
        folder if folder.is_absolute() or env.get("BINDIST_CONFIG_DIR") else private_files.NOWHERE
    )


def load_config(folder: Path) -> dict[str, Any]:
    """Parses `config.toml`; empty if the file is missing. Raises CliError naming the line."""
    return read_toml(folder / CONFIG)


def known_profiles(config: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The profiles that can be used, with their settings: those of the file, `default`, and
    `sandbox`."""
    profiles = config.get("profiles")
    listed = profiles.items() if isinstance(profiles, dict) else ()
    tables = {name: table if isinstance(table, dict) else {} for name, table in listed}
    return {"default": {}, **tables, SANDBOX: tables.get(SANDBOX, {})}


def read_toml(path: Path, *, private: bool = False) -> dict[str, Any]:
    """Parses a file; a `private` one must not be readable by other users."""
    return parse_toml(path, private_files.read(path, private=private) or "")


def parse_toml(path: Path, text: str) -> dict[str, Any]:
    """Parses the text of the file `path`. Raises CliError naming the line."""
    try:
        return _parse_toml(text)
    except ValueError as error:
        last = f"at line {len(text.splitlines())}"
        reason = str(error).replace("at end of document", last)
        raise CliError(
            f"{path} is not valid TOML: {reason}", Exit.USAGE, hint=f"correct that line of {path}"
        ) from error


def _parse_toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib  # ten times as fast as tomlkit

        return tomllib.loads(text)
    import tomlkit

    return tomlkit.parse(text).unwrap()


class _Problems:
    """Problems with settings: raised immediately, or collected for commands that fix them."""

    def __init__(self, found: list[CliError] | None) -> None:
        self._found = found

    def add(self, error: CliError) -> None:
        if self._found is None:
            raise error
        self._found.append(error)


def resolve(
    flags: Mapping[str, Any],
    env: Mapping[str, str],
    config: Mapping[str, Any],
    *,
    new_profile: bool = False,
    problems: list[CliError] | None = None,
) -> Settings:
    """Resolves each setting: flag, then environment, then profile, then default.

    Raises CliError for an invalid setting; with `problems`, ignores the setting and appends the
    error there instead. A profile that does not exist is an error, except with `new_profile`.
    """
    found = _Problems(problems)
    profile = _profile_name(flags, env, config, found)
    table = _profile_table(config, profile, new_profile, found)

    url, source = _api_url(flags, env, table, profile, found)
    values = {
        name: _first(flags.get(name), _from_env(env, name, found), table.get(name), key.default)
        for name, key in PROFILE_KEYS.items()
    } | {"api_url": url}
    output = values["output"]
    if output is not None and output not in OUTPUTS:
        found.add(
            CliError(
                f"unknown output format {output!r}",
                Exit.USAGE,
                hint="use one of " + ", ".join(OUTPUTS),
            )
        )
        output = None
    debug = bool(flags.get("debug")) or _switch(env, "BINDIST_DEBUG", found)
    return Settings(
        profile=profile,
        api_url=url,
        url_source=source,
        output=output,
        fields=tuple(flags.get("fields") or ()),
        csv_safe=bool(flags.get("csv_safe")),
        quiet=bool(flags.get("quiet")),
        color=color(flags, env),
        no_input=bool(flags.get("no_input")) or _switch(env, "BINDIST_NO_INPUT", found),
        timeout=_positive("timeout", values["timeout"], found),
        retries=values["retries"],
        ca_bundle=values["ca_bundle"],
        verbose=bool(flags.get("verbose")) or debug,
        debug=debug,
        allow_http=values["allow_http"],
        store_etag=_store_etag(values["store_etag"], found),
        allow_private_store=values["allow_private_store"],
        bars=not env.get("CI"),
        config_dir=config_dir(env),
        values=values,
    )


def requested_output(flags: Mapping[str, Any], env: Mapping[str, str]) -> str | None:
    """The output format that flag, environment or profile ask for, whatever else is wrong."""
    try:
        config = load_config(config_dir(env))
    except CliError:
        config = {}
    return resolve(flags, env, config, problems=[]).output


def _profile_name(
    flags: Mapping[str, Any], env: Mapping[str, str], config: Mapping[str, Any], found: _Problems
) -> str:
    name = _first(
        flags.get("profile"), env.get("BINDIST_PROFILE"), config.get("profile"), "default"
    )
    if isinstance(name, str):
        return name
    found.add(
        CliError(f"config.toml: profile must be the name of a profile, not {name!r}", Exit.USAGE)
    )
    return "default"


def _profile_table(
    config: Mapping[str, Any], profile: str, new_profile: bool, found: _Problems
) -> dict[str, Any]:
    """Returns the settings of a profile, without those of a wrong type."""
    profiles = config.get("profiles", {})
    if not isinstance(profiles, dict) or not isinstance(profiles.get(profile, {}), dict):
        found.add(
            CliError("config.toml: each profile must be a table, [profiles.NAME]", Exit.USAGE)
        )
        return {}
    if profile not in profiles and profile not in ("default", SANDBOX) and not new_profile:
        known = ", ".join(sorted({*profiles, "default", SANDBOX}))
        found.add(
            CliError(
                f"there is no profile {profile!r}",
                Exit.USAGE,
                facts=[f"profiles: {known}"],
                hint=f"`bindist auth login --profile {profile}` creates it",
                code=NO_PROFILE,
            )
        )
    table: dict[str, Any] = dict(profiles.get(profile, {}))
    for name, key in PROFILE_KEYS.items():
        value = table.get(name)
        if value is not None and not key.accepts(value):
            del table[name]
            found.add(
                CliError(
                    f"config.toml: {name} of profile {profile!r} must be of type "
                    f"{key.kind.__name__}, not {value!r}",
                    Exit.USAGE,
                    hint=f"`bindist config set {name} VALUE --profile {profile}`",
                )
            )
    return table


def _api_url(
    flags: Mapping[str, Any],
    env: Mapping[str, str],
    table: Mapping[str, Any],
    profile: str,
    found: _Problems,
) -> tuple[str, str]:
    if profile == SANDBOX:  # always the server that it starts
        if flags.get("api_url"):
            found.add(
                CliError(
                    "--api-url cannot be used with the profile sandbox, which has its own address",
                    Exit.USAGE,
                    hint="remove --api-url or --profile sandbox",
                )
            )
        return "", "sandbox"
    for value, source in (
        (flags.get("api_url"), "--api-url"),
        (env.get("BINDIST_API_URL"), "BINDIST_API_URL"),
        (table.get("api_url"), f"profile {profile}"),
    ):
        if value:
            return str(value), source
    return DEFAULT_URL, "default"


def _from_env(env: Mapping[str, str], name: str, found: _Problems) -> Any:
    variable = variable_of(name)
    text = env.get(variable)
    if not text or variable not in ENVIRONMENT:
        return None
    kind = PROFILE_KEYS[name].kind
    if kind is bool:
        return _switch(env, variable, found)
    try:
        return kind(text)
    except ValueError:
        found.add(CliError(f"{variable} must be a number, not {text!r}", Exit.USAGE))
    return None


def _positive(name: str, value: Any, found: _Problems) -> float | None:
    if value is not None and not 0 < value < float("inf"):
        found.add(CliError(f"{name} must be more than 0 seconds, not {value}", Exit.USAGE))
        return None
    return None if value is None else float(value)


def _store_etag(value: Any, found: _Problems) -> StoreEtag:
    key = PROFILE_KEYS["store_etag"]
    try:
        return cast("StoreEtag", key.read("store_etag", value))
    except CliError as error:
        found.add(error)
        return cast("StoreEtag", key.default)


def is_set(env: Mapping[str, str], name: str) -> bool:
    """Whether a boolean variable is on; raises CliError naming it for any other word."""
    text = env.get(name, "").strip().lower()
    if text in ON:
        return True
    if text in ("", *OFF):
        return False
    raise CliError(
        f"{name} must be 1 or 0, not {env[name]!r}",
        Exit.USAGE,
        hint="on: 1, true, yes, on; off: 0, false, no, off, or empty",
    )


def _switch(env: Mapping[str, str], name: str, found: _Problems) -> bool:
    try:
        return is_set(env, name)
    except CliError as error:
        found.add(error)
        return False


def color(flags: Mapping[str, Any], env: Mapping[str, str]) -> bool | None:
    """Whether to use colours; None means only on a terminal."""
    if flags.get("no_color") or env.get("NO_COLOR"):
        return False
    if env.get("FORCE_COLOR"):
        return True
    return False if env.get("TERM") == "dumb" else None


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None and value != ""), None)


def secrets_in_address(url: str) -> tuple[str, ...]:
    """Returns `user:password` and the password of a URL; empty strings if it has none."""
    user_and_password = url.rpartition("://")[2].rpartition("@")[0]
    return user_and_password, user_and_password.partition(":")[2]


def is_hosted(url: str) -> bool:
    """Whether the URL is that of the hosted service, whose keys contain the tenant."""
    host = urlsplit(url).hostname or ""
    return host == HOSTED or host.endswith("." + HOSTED)


def environment() -> Mapping[str, str]:
    """Returns the environment of the process; the only place that reads it."""
    return os.environ
