"""The vendor's signing key: from an option, the environment or the profile; its password."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from ..exit_codes import CliError, Exit
from ..settings.resolve import Settings

if TYPE_CHECKING:
    from bindist.signing import SigningKey

KEY = "BINDIST_SIGNING_KEY"
KEY_FILE = "BINDIST_SIGNING_KEY_FILE"
PASSWORD = "BINDIST_SIGNING_PASSWORD"  # noqa: S105  a variable's name


class RequirePrompt(Protocol):
    """Raises CliError if the user cannot be asked: `App.require_prompt`."""

    def __call__(self, wanted: str, *, hint: str) -> None: ...


def find_signing_key(
    path: str | None, settings: Settings, env: Mapping[str, str], require_prompt: RequirePrompt
) -> SigningKey | None:
    """Returns the key of --sign, else of the environment, else of the profile; None without any.

    Raises CliError for one that cannot be read, naming where it comes from.
    """
    if path:
        return read_signing_key(f"--sign {path}", Path(path), env, require_prompt)
    if env.get(KEY) and not env.get(KEY_FILE):
        return read_signing_key(KEY, env[KEY].strip().encode() + b"\n", env, require_prompt)
    if file := settings.values["signing_key"]:
        source = KEY_FILE if env.get(KEY_FILE) else "signing_key of the profile"
        return read_signing_key(source, Path(file), env, require_prompt)
    return None


def read_signing_key(
    source: str, key: Path | bytes, env: Mapping[str, str], require_prompt: RequirePrompt
) -> SigningKey:
    """Reads a key file, or its content; asks for the password if the environment has none.

    Raises CliError, in which `source` names the key.
    """
    from bindist.signing import PasswordRequiredError, SigningKey

    password = env.get(PASSWORD)
    try:
        content = key if isinstance(key, bytes) else key.read_bytes()
        try:
            return SigningKey.read(content, password)
        except PasswordRequiredError:
            require_prompt("password of the signing key", hint=f"set {PASSWORD}")
            return SigningKey.read(content, _ask("Password of the signing key (input is hidden)"))
    except OSError as error:
        raise CliError(f"{source}: cannot read the key: {error.strerror}", Exit.USAGE) from error
    except ValueError as error:
        raise CliError(f"{source}: {error}", Exit.USAGE) from None


def new_password(env: Mapping[str, str], require_prompt: RequirePrompt) -> str:
    """Returns the password for a new key: from the environment, or asked for twice."""
    if password := env.get(PASSWORD):
        return password
    require_prompt("password for the new key", hint=f"set {PASSWORD}, or add --no-password")
    return _ask("Password for the new key (input is hidden)", confirmation_prompt=True)


def _ask(question: str, **options: Any) -> str:
    return str(click.prompt(question, hide_input=True, err=True, **options))
