"""`bindist keys`"""

from __future__ import annotations

import os
from pathlib import Path

import click

from ..auth.signing_key import new_password, read_signing_key
from ..context import App, pass_app
from ..exit_codes import CliError, Exit
from ..options import Group
from ..output import columns
from ..params import LOCAL_FILE, LOCAL_FOLDER
from ..settings.resolve import environment

SECRET, PUBLIC = "bindist.key", "bindist.pub"


@click.group(cls=Group, name="keys")
def command() -> None:
    """Keys that sign releases.

    `bindist help signing` explains how a vendor signs, and how a customer trusts a key.
    """


@command.command(examples=("bindist keys generate --out ~/keys",))
@click.option(
    "--out",
    "folder",
    metavar="DIR",
    type=LOCAL_FOLDER,
    default=".",
    show_default="the current folder",
    help="Folder for bindist.key and bindist.pub, created if necessary.",
)
@click.option("--no-password", is_flag=True, help="Do not encrypt the secret key.")
@pass_app
def generate(app: App, folder: str, no_password: bool) -> None:
    """Create a key pair for signing releases, in the format of minisign.

    The secret key, bindist.key, is encrypted with a password, and only you can read it. Existing
    files are never overwritten. Customers trust the public key with `bindist trust add APP KEY`.
    """
    from bindist.signing import SigningKey

    secret, public = Path(folder, SECRET), Path(folder, PUBLIC)
    for path in (secret, public):
        if os.path.lexists(path):
            raise CliError(f"{path} already exists; keys are never overwritten", Exit.USAGE)
    password = None if no_password else new_password(environment(), app.require_prompt)
    key = SigningKey.generate()
    trusted = key.trusted_key
    comment = f"untrusted comment: minisign public key {trusted.key_id}\n"
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        _create(secret, key.to_bytes(password), 0o600)
        _create(public, f"{comment}{trusted}\n".encode(), 0o644)
    except OSError as error:
        raise CliError(f"cannot write {error.filename}: {error.strerror}", Exit.USAGE) from error
    shown = {"keyId": trusted.key_id, "publicKey": str(trusted), "keyFile": str(secret)}
    app.printer.one(columns.SIGNING_KEY, shown)
    app.printer.note("keep a copy of the secret key and its password: neither can be restored")


@command.command(examples=("bindist keys show ~/keys/bindist.key",))
@click.argument("path", metavar="FILE", type=LOCAL_FILE)
@pass_app
def show(app: App, path: str) -> None:
    """Show the public key of a key file, secret or public."""
    from bindist.signing import TrustedKey

    try:
        trusted = TrustedKey.read(Path(path).read_text())
    except (ValueError, UnicodeDecodeError):
        trusted = read_signing_key(path, Path(path), environment(), app.require_prompt).trusted_key
    except OSError as error:
        raise CliError(f"cannot read {path}: {error.strerror}", Exit.USAGE) from error
    app.printer.one(columns.SIGNING_KEY, {"keyId": trusted.key_id, "publicKey": str(trusted)})


def _create(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
