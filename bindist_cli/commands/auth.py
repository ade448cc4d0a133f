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
from ..settings.resolve import environment
from ..text_input import read_text


@click.group(cls=Group, name="auth")
def command() -> None:
    """Log in and out; which key is in use, and whether it works."""


@command.command(
    examples=(
        "bindist auth login",
        "printenv BINDIST_API_KEY | bindist auth login --with-key --profile work",
    )
)
@click.option("--with-key", is_flag=True, help="Read the key from stdin instead of asking for it.")
@pass_app
def login(app: App, with_key: bool) -> None:
    """Store the key of a profile, once the server has accepted it.

    It asks for the address and the key. --api-url gives the address, --profile the profile
    (`default`), which is made where there is none of that name.
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
    app.sink.one(columns.LOGIN, {**shown, "role": role, "keySource": place})
    if store.silent:
        app.sink.note(f"It is not in the system keyring: {store.trouble}")
    _tell_of_environment(app)


def _key_from_stdin(app: App) -> Key:
    app.settings = replace(app.settings, api_url=config_file.check_url(app.settings.api_url))
    if sys.stdin.isatty():
        app.sink.note("Reading the key from stdin; end it with Enter and Ctrl-D.")
    return _typed(read_text("-"), "stdin")


def _check(app: App) -> str:
    """Whose key it is; raises where the server does not accept it."""
    check_plain_http(app.settings)
    lacking = lacks_tenant(app.api_url, app.key.value)
    if lacking:
        app.sink.note(TENANT_HINT)
    answer = app.client.list_applications(page_size=1)
    if answer.status_code != 401:
        return role_of(answer.require())
    error = answer.error or {}
    raise CliError(
        f"the server refuses this key: {error.get('message')}",
        Exit.NOT_AUTHENTICATED,
        facts=["nothing was stored"],
        hint=TENANT_HINT if lacking else "type it again, or ask your administrator for a new one",
        code=str(error.get("code") or ""),
        status=401,
        request_id=(answer.meta or {}).get("requestId"),
    )


def _store(app: App, store: KeyStore) -> str:
    name, url, own = app.settings.profile, app.api_url, own_url(app.settings)
    if url != own:
        store.remove(name)  # an older key must not go to the new address, not even for a moment
    if url != own or name != "default":
        config_file.set_url(app.settings, url)
    return store.store(name, app.key.value)


def _tell_of_environment(app: App) -> None:
    given = [name for name in KEY_VARIABLES if environment().get(name)]
    if given:
        app.sink.note(f"{given[0]} is set, and wins over a stored key.")


def _ask(app: App) -> Key:
    if app.settings.no_input or not sys.stdin.isatty():
        raise CliError(
            "the key is required, but stdin is not a terminal",
            Exit.USAGE,
            hint="`bindist auth login --with-key < FILE` reads it from stdin",
        )
    url = app.settings.api_url
    if app.settings.url_source != "--api-url":
        url = click.prompt("Address", default=url, value_proc=_url, err=True)
    app.settings = replace(app.settings, api_url=config_file.check_url(url))
    check_plain_http(app.settings)
    return _typed(click.prompt("Key (it is not shown)", hide_input=True, err=True), "the terminal")


def _url(text: str) -> str:
    try:
        return config_file.check_url(text.strip())
    except CliError as error:
        raise click.UsageError(str(error)) from None


def _typed(text: str, source: str) -> Key:
    key = text.strip()
    if not key:
        raise CliError(f"there is no key on {source}", Exit.USAGE)
    return Key(key, source)


@command.command(examples=("bindist auth logout",))
@pass_app
def logout(app: App) -> None:
    """Remove the stored key of a profile; its settings stay."""
    name = app.settings.profile
    if app.settings.is_sandbox:
        raise CliError("the profile sandbox has its own key, which is not stored", Exit.USAGE)
    store = key_store(app.settings, environment())
    places = store.remove(name)
    status = "removed" if places else "was not there"
    app.sink.one(columns.LOGOUT, {"profile": name, "status": status, "places": places})
    if store.silent:
        app.sink.warn(f"the system keyring may still have it: {store.trouble}")
    _tell_of_environment(app)


@command.command(examples=("bindist auth status", "bindist auth status --json"))
@pass_app
def status(app: App) -> None:
    """Show which key is in use, whose it is, and whether it works; exit with 4 if it does not."""
    found = {
        "profile": app.settings.profile,
        "apiUrl": app.api_url,
        "apiUrlSource": app.settings.url_source,
        "keySource": app.key.source,
    }
    client = app.client
    started = time.monotonic()
    answer = client.list_applications(page_size=1)
    took = round((time.monotonic() - started) * 1000)
    said: columns.Json = answer.data or {}
    if answer.success or answer.status_code == 401:
        works = "works" if answer.success else "refused"
        app.sink.one(
            columns.AUTH_STATUS,
            {
                **found,
                "status": works,
                "role": role_of(said) if answer.success else None,
                "answerMs": took,
                "isAdmin": said.get("isAdmin"),
                "isFinancialAdmin": said.get("isFinancialAdmin"),
            },
        )
    answer.raise_for_error()


@command.command(examples=("bindist auth token",))
@pass_app
def token(app: App) -> None:
    """Print the key in use, for other tools."""
    key = app.key.value
    mask_keys([{"token": key}, {"token": key.partition(".")[2]}])  # a hosted key has two halves
    if app.settings.output in (None, "table"):
        print_exactly(f"{key}\n")
    else:
        app.sink.one(columns.TOKEN, {"token": key})


def role_of(answer: columns.Json | None) -> str:
    """Whose key it is, from what a list of applications says of it."""
    found = answer or {}
    if found.get("isFinancialAdmin") is True:
        return "financial administrator"
    return "administrator" if found.get("isAdmin") is True else "customer"
