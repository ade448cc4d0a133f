"""Signatures of versions: which keys are trusted here, and what the cache knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bindist import errors

from .context import App
from .exit_codes import CliError, Exit
from .output.columns import Json
from .params import LOCAL_FILE
from .settings import trust_store
from .settings.resolve import environment
from .settings.trust_store import TRUST

if TYPE_CHECKING:
    from bindist.signing import SignedChecksums, TrustedKey

CACHE = "signatures"
_NOT_CHECKED: Json = {"keyId": None, "trusted": None, "verified": None}


@dataclass(frozen=True)
class SignaturePolicy:
    """What a command asks of signatures: the options of `signature_options`."""

    require: bool = False
    skip: bool = False
    trust_file: str | None = None


def signature_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --require-signature, --insecure-skip-signature and --trust-file."""
    for option in (
        click.option(
            "--trust-file",
            metavar="FILE",
            type=LOCAL_FILE,
            help="File of trusted keys to use instead of the one of `bindist trust`.",
        ),
        click.option(
            "--insecure-skip-signature",
            "skip_signature",
            is_flag=True,
            help="Accept the version without a valid signature. Not recommended.",
        ),
        click.option(
            "--require-signature",
            is_flag=True,
            help="Fail if no key is trusted for the application.",
        ),
    ):
        command = option(command)
    return command


def trusted_keys(app: App, app_id: str, policy: SignaturePolicy) -> list[TrustedKey] | None:
    """Returns the keys that may have signed a version; None if no signature is needed.

    Raises CliError with --require-signature if there is no such key, and for an invalid key.
    """
    if policy.skip:
        if policy.require:
            raise click.UsageError(
                "--require-signature and --insecure-skip-signature exclude each other"
            )
        app.printer.warn("the signature is not verified (--insecure-skip-signature)")
        return None
    path = Path(policy.trust_file) if policy.trust_file else app.settings.config_dir / TRUST
    if policy.trust_file and not path.is_file():
        raise CliError(f"--trust-file: file not found: {path}", Exit.USAGE)
    pins = trust_store.read(path) + trust_store.from_environment(environment())
    wanted = [pin for pin in pins if pin.applies(app_id, app.settings.api_url)]
    if wanted:
        from bindist.signing import TrustedKey

        try:
            return [TrustedKey.read(pin.key) for pin in wanted]
        except ValueError as error:
            raise CliError(f"a trusted key of {app_id}: {error}", Exit.USAGE) from error
    if policy.require:
        raise CliError(
            f"no key is trusted for {app_id}, and --require-signature needs one",
            Exit.INTEGRITY,
            hint=f"add the vendor's key with `bindist trust add {app_id} KEY`",
            code="NO_TRUSTED_KEY",
        )
    return None


def cache_folder(app: App) -> Path:
    return app.settings.config_dir / CACHE


def signed_checksums(
    app: App,
    app_id: str,
    version: str,
    keys: Sequence[TrustedKey],
    rows: Sequence[Json],
    *,
    test_channel: bool,
) -> SignedChecksums:
    """Verifies the signature of a version. Raises CliError, exit code 8, for an invalid one."""
    try:
        return app.client.signed_checksums(
            app_id, version, keys, test_channel=test_channel, cache=cache_folder(app), listed=rows
        )
    except errors.SignatureError as error:
        raise refused(error, app_id, version) from error


def refused(error: errors.SignatureError, app_id: str, version: str) -> CliError:
    """Returns the error for a version that no trusted key has signed as it is."""
    return CliError(
        str(error),
        Exit.INTEGRITY,
        facts=[f"`bindist trust list` shows the keys that are trusted for {app_id}"],
        hint=f"do not use version {version}: ask the vendor, over another channel, "
        "whether the key has changed",
        code="SIGNATURE",
    )


def signature_state(app: App, app_id: str, version: str, rows: Sequence[Json]) -> Json | None:
    """Returns what is known of a version's signature without a counted download; None if the
    version has none.

    `verified` is None if the signature is not in the cache, and nothing was checked.
    """
    from bindist import signing

    try:
        if signing.signature_rows(rows) is None:
            return None
        cached = signing.cached_signature(rows, cache_folder(app))
        keys = trusted_keys(app, app_id, SignaturePolicy()) or []
        key_id = signing.signature_key_id(cached[1]) if cached else None
    except (errors.IntegrityError, errors.MissingExtraError):
        return dict(_NOT_CHECKED)
    if cached is None:
        return dict(_NOT_CHECKED)
    trusted = key_id in [key.key_id for key in keys]
    try:
        signed = signing.verify_checksum_list(*cached, keys, app_id, version)
        signing.check_signed_files(rows, signed)
    except errors.SignatureError:
        return {"keyId": key_id, "trusted": trusted, "verified": False}
    return {"keyId": key_id, "trusted": trusted, "verified": True}


def described(state: Json) -> str:
    """Returns what a table says of a signature."""
    if state["keyId"] is None:
        return "present, not checked"
    if state["verified"]:
        return f"signed by {state['keyId']} (trusted)"
    return f"by {state['keyId']} ({'NOT VALID' if state['trusted'] else 'key not trusted'})"
