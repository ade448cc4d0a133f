"""`bindist auth`"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import click

from ..auth.credentials import (
    KEY_VARIABLES,
    TENANT_HINT,
    Key,
    check_plain_http,
    key_store,
    lacks_tenant,
    own_url,
)
from ..auth.key_store import KeyStore
from ..context import App, pass_app
from ..exit_codes import CliError, Exit
from ..options import Group
from ..output import columns
from ..output.streams import mask_keys, print_exactly
from ..settings import config_file
from ..settings.profile_keys import DEFAULT_URL, shown_address
from ..settings.resolve import SANDBOX, environment, known_profiles, load_config
from ..text_input import read_text


@click.group(cls=Group, name="auth")
def command() -> None:
    """Log in, log out, and check the key in use."""


@command.command(
    examples=(
        "bindist auth login",
        "printenv BINDIST_API_KEY | bindist auth login --with-key --profile work",
    )
)
@click.option("--with-key", is_flag=True, help="Read the key from stdin instead of asking for it.")
@pass_app
def login(app: App, with_key: bool) -> None:
    """Store the API key of a profile, if the server accepts it.

    Asks for the URL of the API, unless --api-url sets it, and for the key. Creates the profile
    named by --profile if it does not exist. The key goes into the system keyring, or else into a
    file that only you can read.
    """
    app.settings = app.resolve(new_profile=True)
    if app.settings.is_sandbox:
        raise CliError("the profile sandbox has its own key and needs no login", Exit.USAGE)
    config_file.check_profile_name(app.settings.profile)
    app.key = _key_from_stdin(app) if with_key else _ask(app)
    role = _check(app)
    store = key_store(app.settings, environment())
    place = _store(app, store)
    shown = {"profile": app.settings.profile, "apiUrl": app.api_url}
    app.printer.one(columns.LOGIN, {**shown, "role": role, "keySource": place})
    if store.silent:
        app.printer.note(f"the key is not in the system keyring: {store.trouble}")
    _tell_of_environment(app)


def _key_from_stdin(app: App) -> Key:
    app.settings = replace(app.settings, api_url=config_file.check_url(app.settings.api_url))
    if sys.stdin.isatty():
        app.printer.note("reading the key from stdin; finish with Enter and Ctrl-D")
    return _typed(read_text("-"), "stdin")


def _check(app: App) -> str:
    """Returns the role of the key. Raises CliError if the server rejects the key."""
    check_plain_http(app.settings)
    lacking = lacks_tenant(app.api_url, app.key.value)
    if lacking:
        app.printer.note(TENANT_HINT)
    response = app.client.list_applications(page_size=1)
    if response.status_code != 401:
        return role_of(response.require())
    error = response.error or {}
    raise CliError(
        f"the server rejects this key: {error.get('message')}",
        Exit.NOT_AUTHENTICATED,
        facts=["the key was not stored"],
        hint=TENANT_HINT if lacking else "enter it again, or ask your administrator for a new key",
        code=str(error.get("code") or ""),
        status=401,
        request_id=(response.meta or {}).get("requestId"),
    )


def _store(app: App, store: KeyStore) -> str:
    name, url, own = app.settings.profile, app.api_url, own_url(app.settings)
    if url != own:
        store.remove(name)  # never send an older key to the new address
    if url != own or name != "default":
        config_file.set_url(app.settings, url)
    return store.store(name, app.key.value)


def _tell_of_environment(app: App) -> None:
    given = [name for name in KEY_VARIABLES if environment().get(name)]
    if given:
        app.printer.note(f"{given[0]} is set and overrides the stored key")


def _ask(app: App) -> Key:
    app.require_prompt(
        "API key", hint="pass it on stdin with `bindist auth login --with-key < FILE`"
    )
    url = app.settings.api_url
    if app.settings.url_source != "--api-url":
        url = click.prompt("API URL", default=url, value_proc=_url, err=True)
    app.settings = replace(app.settings, api_url=config_file.check_url(url))
    check_plain_http(app.settings)
    return _typed(
        click.prompt("API key (input is hidden)", hide_input=True, err=True), "the terminal"
    )


def _url(text: str) -> str:
    try:
        return config_file.check_url(text.strip())
    except CliError as error:
        raise click.UsageError(str(error)) from None


def _typed(text: str, source: str) -> Key:
    key = text.strip()
    if not key:
        raise CliError(f"no key on {source}", Exit.USAGE)
    return Key(key, source)


@command.command(examples=("bindist auth logout",))
@pass_app
def logout(app: App) -> None:
    """Remove the stored key of a profile. Keeps the settings of the profile."""
    name = app.settings.profile
    if app.settings.is_sandbox:
        raise CliError("the profile sandbox has its own key, which cannot be removed", Exit.USAGE)
    store = key_store(app.settings, environment())
    places = store.remove(name)
    status = "removed" if places else "was not there"
    app.printer.one(columns.LOGOUT, {"profile": name, "status": status, "places": places})
    if store.silent:
        app.printer.warn(f"the system keyring may still hold the key: {store.trouble}")
    _tell_of_environment(app)


@command.command(examples=("bindist auth status", "bindist auth status --json"))
@pass_app
def status(app: App) -> None:
    """Show the key in use: its source, its role, and whether it works.

    Exits with 4 if the server rejects the key. The role is customer, administrator, or financial
    administrator, who may also read the audit log.
    """
    found = {
        "profile": app.settings.profile,
        "apiUrl": app.api_url,
        "apiUrlSource": app.settings.url_source,
        "keySource": app.key.source,
    }
    client = app.client
    started = time.monotonic()
    response = client.list_applications(page_size=1)
    took = round((time.monotonic() - started) * 1000)
    said: columns.Json = response.data or {}
    if response.success or response.status_code == 401:
        works = "works" if response.success else "refused"
        app.printer.one(
            columns.AUTH_STATUS,
            {
                **found,
                "status": works,
                "role": role_of(said) if response.success else None,
                "answerMs": took,
                "isAdmin": said.get("isAdmin"),
                "isFinancialAdmin": said.get("isFinancialAdmin"),
            },
        )
    response.raise_for_error()


@command.command("list", examples=("bindist auth list", "bindist auth list --json"))
@pass_app
def list_(app: App) -> None:
    """List the profiles, their addresses, and where their keys are stored.

    Sends no request: `bindist auth status --profile NAME` shows whether a key works. The profile
    `sandbox` always exists, and has an address and keys of its own.
    """
    store = key_store(app.settings, environment())
    found = []
    for name, table in known_profiles(load_config(app.settings.config_dir)).items():
        url = str(table.get("api_url") or DEFAULT_URL)
        stored = None if name == SANDBOX else store.find(name)
        found.append(
            {
                "profile": name,
                "apiUrl": None if name == SANDBOX else shown_address(url),
                "keySource": stored[1] if stored else None,
                "isCurrent": name == app.settings.profile,
            }
        )
    app.printer.rows(columns.PROFILES, found)
    if store.silent:
        app.printer.warn(f"the system keyring may hold further keys: {store.trouble}")
    _tell_of_environment(app)


@command.command(examples=("bindist auth token",))
@pass_app
def token(app: App) -> None:
    """Print the API key in use, for other tools."""
    key = app.key.value
    # The whole key, and the secret in a hosted one.
    mask_keys([{"token": key}, {"token": key.partition(".")[2]}])
    if app.printer.as_text:
        print_exactly(f"{key}\n")
    else:
        app.printer.one(columns.TOKEN, {"token": key})


def role_of(listing: columns.Json | None) -> str:
    """Returns the role of a key, as the list of applications reports it."""
    found = listing or {}
    if found.get("isFinancialAdmin") is True:
        return "financial administrator"
    return "administrator" if found.get("isAdmin") is True else "customer"
