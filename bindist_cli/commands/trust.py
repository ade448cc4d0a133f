"""`bindist trust`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..context import App, pass_app
from ..exit_codes import CliError, Exit
from ..options import Group
from ..output import columns
from ..output.columns import Json
from ..params import APPLICATION, VERSION
from ..settings import private_files, trust_store
from ..settings.config_file import check_url
from ..settings.trust_store import TRUST, Pin

_server = click.option(
    "--server", metavar="URL", help="Only on this server. [default: on every server]"
)


@click.group(cls=Group, name="trust")
def command() -> None:
    """The vendors' keys that you trust.

    If an application has a trusted key, `versions download` and `versions verify` accept only
    versions that are signed with it. `bindist help signing` explains more.
    """


@command.command(
    examples=(
        "bindist trust add acme RWT8eOEPzeeINPggDVohXv1YDXK3nb5D6UebROyqnUgjdvpNoPyi6DsT",
        "bindist trust add acme --from-version 1.0",
    )
)
@click.argument("app_id", metavar="APP", type=APPLICATION)
@click.argument("key", metavar="[KEY]", required=False)
@click.option(
    "--from-version",
    metavar="VERSION",
    type=VERSION,
    help="Show the id of the key that signed this version, and ask for the key.",
)
@_server
@pass_app
def add(
    app: App, app_id: str, key: str | None, from_version: str | None, server: str | None
) -> None:
    """Trust a vendor's public key for an application.

    KEY is a line RWQ..., or the path of a file that holds it. An application may have several keys,
    for instance while the vendor changes from one to the next.
    """
    if bool(key) == bool(from_version):
        raise click.UsageError("give the key, or --from-version")
    wanted = _key(key) if key else _confirmed(app, app_id, str(from_version))
    pin = Pin(app_id, str(wanted), check_url(server) if server else "")
    path = app.settings.config_dir / TRUST
    with private_files.locked(app.settings.config_dir):
        pins = trust_store.read(path)
        status = "unchanged" if pin in pins else "added"
        if pin not in pins:
            trust_store.write(path, [*pins, pin])
    app.printer.one(columns.TRUSTED, {**_row(pin), "status": status})


@command.command("list", examples=("bindist trust list",))
@pass_app
def list_(app: App) -> None:
    """List the trusted keys."""
    pins = trust_store.read(app.settings.config_dir / TRUST)
    app.printer.rows(
        columns.TRUSTED_KEYS,
        [_row(pin) for pin in pins],
        empty="no trusted keys",
        hint="add one with `bindist trust add APP KEY`",
    )


@command.command(
    examples=("bindist trust remove acme", "bindist trust remove acme 3488E7CD0FE178FC")
)
@click.argument("app_id", metavar="APP", type=APPLICATION)
@click.argument("key", metavar="[KEY|ID]", required=False)
@pass_app
def remove(app: App, app_id: str, key: str | None) -> None:
    """Stop trusting a key of an application, or all of its keys."""
    path = app.settings.config_dir / TRUST
    with private_files.locked(app.settings.config_dir):
        pins = trust_store.read(path)
        gone = [
            pin
            for pin in pins
            if pin.application == app_id and key in (None, pin.key, _row(pin)["keyId"])
        ]
        if not gone:
            what = f"key {key}" if key else "key"
            raise CliError(
                f"no trusted {what} for {app_id}", Exit.NOT_FOUND, hint="see `bindist trust list`"
            )
        trust_store.write(path, [pin for pin in pins if pin not in gone])
    app.printer.rows(columns.TRUSTED, [{**_row(pin), "status": "removed"} for pin in gone])


def _key(text: str) -> Any:
    from bindist.signing import TrustedKey

    try:
        if not text.startswith("RW") and Path(text).is_file():
            text = Path(text).read_text()
        return TrustedKey.read(text)
    except (ValueError, OSError) as error:
        raise CliError(str(error), Exit.USAGE) from error


def _row(pin: Pin) -> Json:
    return {
        "applicationId": pin.application,
        "keyId": _key(pin.key).key_id,
        "publicKey": pin.key,
        "server": pin.server or None,
    }


def _confirmed(app: App, app_id: str, version: str) -> Any:
    """Asks for the public key of a version's signature, which holds only the key's id."""
    from bindist.signing import signature_key_id, signature_rows

    rows = signature_rows(app.client.list_version_files(app_id, version).rows("files"))
    if rows is None:
        raise CliError(f"version {version} of {app_id} is not signed", Exit.NOT_FOUND)
    content, _ = app.client.download_file(app_id, version, rows[1]["fileId"], test_channel=True)
    key_id = signature_key_id(content)
    app.printer.note(
        f"version {version} of {app_id} is signed with the key {key_id}. A signature does not hold "
        "the public key: get that, RWQ..., from the vendor, and not from this server."
    )
    app.require_prompt("the public key", hint=f"run `bindist trust add {app_id} KEY`")
    found = _key(click.prompt("Public key of the vendor", err=True))
    if found.key_id != key_id:
        raise CliError(
            f"this key has the id {found.key_id}, not {key_id}: it was not added", Exit.INTEGRITY
        )
    return found
