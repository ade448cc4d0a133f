"""The checks of `bindist doctor`; each yields rows, with a hint for each problem."""

from __future__ import annotations

import difflib
import os
import platform
import secrets
import shlex
import stat
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bindist import __version__
from bindist.connection import is_loopback
from bindist.redaction import redact

from ...auth.credentials import key_store, profile_option
from ...auth.key_store import CREDENTIALS, NoKeyringError
from ...context import App
from ...exit_codes import CliError, Exit
from ...output import error_output
from ...settings import private_files
from ...settings.config_file import check_url, unknown_keys
from ...settings.profile_keys import shown_address
from ...settings.resolve import (
    CONFIG,
    ENVIRONMENT,
    Settings,
    config_dir,
    environment,
    load_config,
    parse_toml,
)

OK, WARNING, PROBLEM = "ok", "warning", "problem"
GENERIC = ("API_KEY", "TENANT_ID", "API_SECRET")
PACKAGES = ("requests", "urllib3", "click", "rich", "tomlkit")
CLOCK_SECONDS = 60
ANSWER_SECONDS = 10.0

Row = dict[str, Any]


@dataclass
class CheckContext:
    """What the checks share: the app, and their results so far."""

    app: App
    problems: list[CliError]
    rows: list[Row] = field(default_factory=list)
    upload: bool = False
    listed: Row | None = None
    server_date: str | None = None
    answered: bool = False
    exit: Exit = Exit.DONE

    @property
    def settings(self) -> Settings:
        return self.app.settings


Check = Callable[[CheckContext], Iterator[Row]]


def row(check: str, details: str, status: str = OK, hint: str | None = None) -> Row:
    """Builds one row of the result; `hint` says how to fix a problem."""
    return {"check": check, "status": status, "details": details, "hint": hint}


def examine(app: App, problems: list[CliError], *, upload: bool) -> tuple[list[Row], Exit]:
    """Runs all checks, even after an error; returns their rows and the exit code.

    `upload` also sends one byte to the object store.
    """
    app.settings = replace(app.settings, retries=0, timeout=app.settings.timeout or ANSWER_SECONDS)
    context = CheckContext(app, problems, upload=upload)
    for name, check in CHECKS:
        _make(name, check, context)
    if context.exit is Exit.DONE and any(made["status"] == PROBLEM for made in context.rows):
        context.exit = Exit.FAILED
    return context.rows, context.exit


def _make(name: str, check: Check, context: CheckContext) -> None:
    try:
        context.rows += check(context)
    except Exception as error:
        found = error_output.to_cli_error(error)
        details = redact("; ".join([found.message, *found.facts]), *context.app.secrets)
        hint = context.app.hint(error) or found.hint
        context.rows.append(row(name, details, PROBLEM, hint))
        if found.exit is Exit.NOT_AUTHENTICATED:
            context.exit = Exit.NOT_AUTHENTICATED


def _versions(context: CheckContext) -> Iterator[Row]:  # noqa: ARG001
    yield row("bindist", __version__)
    yield row("Python", f"{platform.python_version()} ({sys.executable})")
    for package in PACKAGES:
        yield row(package, metadata.version(package))
    yield row("platform", platform.platform())


def _extra(name: str, package: str, use: str) -> Check:
    def check(context: CheckContext) -> Iterator[Row]:  # noqa: ARG001
        try:
            yield row(f"{name} extra", f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            hint = f"to {use}, run `pip install 'bindist[{name}]'`"
            yield row(f"{name} extra", "not installed", hint=hint)

    return check


def _folder(context: CheckContext) -> Iterator[Row]:  # noqa: ARG001
    folder = config_dir(environment())
    choose = "set BINDIST_CONFIG_DIR to another folder"
    if folder == private_files.NOWHERE:
        yield row("folder", "there is no home folder for settings", WARNING, choose)
        return
    there = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    shown = f"{folder} ({_mode(folder)})" if folder.exists() else f"{folder} (does not exist yet)"
    if not there.is_dir():
        yield row("folder", f"{there} is not a folder", PROBLEM, choose)
    elif not os.access(there, os.W_OK | os.X_OK):
        yield row("folder", f"{shown}; not writable", WARNING, choose)
    elif os.name == "posix" and folder.exists() and folder.stat().st_mode & stat.S_IWOTH:
        hint = f"`chmod 700 {shlex.quote(str(folder))}`"
        yield row("folder", f"{shown}; other users can replace files in it", PROBLEM, hint)
    else:
        yield row("folder", shown)


def _file(name: str, private: bool) -> Check:
    def check(context: CheckContext) -> Iterator[Row]:  # noqa: ARG001
        path = config_dir(environment()) / name
        text = private_files.read(path, private=private)
        if text is None:
            yield row(name, f"{path} (does not exist)")
            return
        parse_toml(path, text)
        writable = "" if os.access(path, os.W_OK) else ", read only"
        yield row(name, f"{path} ({_mode(path)}{writable})")

    return check


def _mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):04o}"


def _settings(context: CheckContext) -> Iterator[Row]:
    reported = {made["details"] for made in context.rows}
    for problem in context.problems:
        if problem.message in reported:
            continue
        yield row("settings", "; ".join([problem.message, *problem.facts]), PROBLEM, problem.hint)
    if not context.problems:
        yield row("settings", f"profile {context.settings.profile}")


def _unknown_settings(context: CheckContext) -> Iterator[Row]:  # noqa: ARG001
    try:
        config = load_config(config_dir(environment()))
    except CliError:
        return  # reported above
    for name, near in unknown_keys(config):
        at = name.rpartition(".")[0]
        hint = f"did you mean {f'{at}.{near}' if at else near}?" if near else "remove it"
        yield row(CONFIG, f"unknown setting, ignored: {name}", WARNING, hint)


def _variables(context: CheckContext) -> Iterator[Row]:  # noqa: ARG001
    env = environment()
    known = [name for name in ENVIRONMENT if env.get(name)]
    yield row("environment", ", ".join(known) or "no variable of bindist is set")
    unknown = [name for name in env if name.startswith("BINDIST_") and name not in ENVIRONMENT]
    for name in sorted(unknown):
        near = difflib.get_close_matches(name, ENVIRONMENT, 1, cutoff=0.8)
        hint = f"did you mean {near[0]}?" if near else "unset it, or see `bindist help settings`"
        yield row("environment", f"unknown variable, ignored: {name}", WARNING, hint)
    generic = [name for name in GENERIC if env.get(name)]
    if generic:
        yield row(
            "environment",
            f"ignored: {', '.join(generic)}",
            WARNING,
            "may belong to another service; if it is meant for BinDist, rename it to "
            + ", ".join(f"BINDIST_{name}" for name in generic),
        )


def _proxies(context: CheckContext) -> Iterator[Row]:
    found = {name: url for name, url in urllib.request.getproxies().items() if name != "no"}
    if not found:
        yield row("proxies", "none")
        return
    shown = ", ".join(f"{name}: {shown_address(url)}" for name, url in sorted(found.items()))
    url = context.settings.api_url or "http://127.0.0.1"
    host = urlsplit(url).hostname or url
    direct = is_loopback(url) or urllib.request.proxy_bypass(host)
    around = "; not used for " + host if direct else ""
    yield row("proxies", shown + around)


def _server(context: CheckContext) -> Iterator[Row]:
    """Sends one request without the key, to check the address and get the server's time."""
    from bindist import probe_server

    settings, url = context.settings, check_url(context.app.api_url)
    found = probe_server(url, timeout=settings.timeout or ANSWER_SECONDS, verify=settings.ca_bundle)
    status = found.status_code
    context.answered = True
    context.server_date = found.date
    details = f"{url} (from {settings.url_source}) responds in {found.seconds * 1000:.0f} ms"
    if status >= 500:
        hint = "wait a moment, then run the command again"
        yield row("server", f"{details}, but with HTTP status {status}", PROBLEM, hint)
    elif 300 <= status < 400:
        target = redact(found.location or "another address")
        hint = f"`bindist config set api_url URL{profile_option(settings.profile)}`"
        yield row("server", f"{details}, but redirects to {target}", PROBLEM, hint)
    else:
        yield row("server", details)


def _clock(context: CheckContext) -> Iterator[Row]:
    if context.answered:
        yield clock_row(context.server_date, datetime.now(timezone.utc))


def clock_row(date: str | None, now: datetime) -> Row:
    """Compares this machine's clock with the server's `Date` header."""
    try:
        there = parsedate_to_datetime(date or "")
    except (ValueError, OverflowError):
        return row("clock", "not checked: the server does not report its time")
    if there.tzinfo is None:  # "-0000"
        there = there.replace(tzinfo=timezone.utc)
    seconds = round((now - there).total_seconds())
    if abs(seconds) <= CLOCK_SECONDS:
        return row("clock", f"within {abs(seconds)} s of the server's clock")
    which = "ahead of" if seconds > 0 else "behind"
    return row(
        "clock",
        f"{abs(seconds)} s {which} the server's clock",
        WARNING,
        "correct this machine's clock: links expire by the server's clock",
    )


def _key(context: CheckContext) -> Iterator[Row]:
    source = context.app.key.source
    if not context.answered:
        yield row("key", f"from {source}; not checked")
        return
    context.listed = context.app.client.list_applications(page_size=1).require()
    yield row("key", f"works, from {source}")


def _uploads(context: CheckContext) -> Iterator[Row]:
    """Sends one byte to the upload URL of a version that is never made."""
    listed = context.listed
    if not context.upload:
        yield row("uploads", "not checked: --upload sends one byte to the object store")
        return
    applications = (listed or {}).get("applications") or []
    if listed is None or not listed.get("isAdmin") or not applications:
        why = "the key does not work" if listed is None else "there is no application"
        if listed is not None and not listed.get("isAdmin"):
            why = "this is no administrator's key"
        yield row("uploads", f"not checked: {why}")
        return
    from bindist import probe_upload

    app, version = context.app, f"doctor-{secrets.token_hex(8)}"
    given = app.client.get_large_upload_url(
        applications[0]["applicationId"], version, "doctor.txt", 1
    ).require()
    found = probe_upload(
        given.get("uploadUrl"),
        app.api_url,
        timeout=app.settings.timeout or ANSWER_SECONDS,
        verify=app.settings.ca_bundle,
        inside=app.settings.allow_private_store,
    )
    if found.accepted:
        yield row("uploads", f"the object store at {found.host} takes them")
        return
    refused = f"refused by the object store at {found.host}: {found.message} ({found.code})"
    yield row("uploads", refused, PROBLEM, error_output.CODE_HINTS.get(found.code))


def _keyring(context: CheckContext) -> Iterator[Row]:
    store = key_store(context.settings, environment())
    instead = f"keys are stored in {CREDENTIALS}"
    if store.keyring is None:
        yield row("keyring", f"turned off by BINDIST_NO_KEYRING; {instead}")
        return
    try:
        yield row("keyring", store.keyring.name)
    except NoKeyringError as error:
        status = OK if error.absent else WARNING
        hint = None if error.absent else "unlock the keyring, or set BINDIST_NO_KEYRING=1"
        yield row("keyring", f"{error}; {instead}", status, hint)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("versions", _versions),
    ("sandbox extra", _extra("sandbox", "werkzeug", "use the sandbox")),
    ("signing extra", _extra("signing", "py-minisign", "sign or verify releases")),
    ("folder", _folder),
    (CONFIG, _file(CONFIG, private=False)),
    (CREDENTIALS, _file(CREDENTIALS, private=True)),
    ("settings", _settings),
    (CONFIG, _unknown_settings),
    ("environment", _variables),
    ("proxies", _proxies),
    ("keyring", _keyring),
    ("server", _server),
    ("clock", _clock),
    ("key", _key),
    ("uploads", _uploads),
)
"""All checks in order; `_clock` uses the time that `_server` records."""
