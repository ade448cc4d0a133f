"""Prints errors for people and scripts: the message, facts, and a hint for the next step."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import click

from bindist import errors
from bindist.redaction import redact

from ..exit_codes import CliError, Exit, exit_for
from . import formatting

# An unclosed tag ends with the text; searching for its end at every `<` would be quadratic.
_TAG = re.compile(r"(?is)<(script|style|head)\b.*?(?:</\1>|\Z)|<[^>]*(?:>|\Z)")
_MAX_MESSAGE = 300

_AGAIN = "run the command again: this is safe"
_PAGE_HINT = "another server, or a proxy, responded: check --api-url and the proxy settings"
_HTTPS_PORT = re.compile(r"(?i)plain HTTP request was sent to HTTPS|HTTP request to an HTTPS")
CODE_HINTS = {
    errors.NO_SUCH_PATH: "check that --api-url is the base URL of the API, with its stage, as in "
    "https://ID.execute-api.REGION.amazonaws.com/prod",
    errors.REQUEST_TOO_LARGE: "something in front of the server refuses requests of this size: ask "
    "its operator to raise the limit (nginx: client_max_body_size)",
    errors.SIGNED_CHECKSUM: "the server's operator sets "
    "AWS_REQUEST_CHECKSUM_CALCULATION=WHEN_REQUIRED; until then, one file up to 4 MiB is possible",
}
HINTS: tuple[tuple[type[Exception], str], ...] = (
    (errors.AuthenticationError, "store a valid key with `bindist auth login`"),
    (errors.RateLimitError, "wait a moment, then run the command again"),
    (errors.ServerError, _AGAIN),
    (errors.BusyError, "wait until it has finished, then run the command again"),
    (errors.QuotaError, "ask for more storage: the server keeps what is deleted, and counts it"),
)

_S3_NAME = "represented using ISO-8859-1"
_S3_NAME_HINT = (
    "the store refuses each download of this file, because of its name: see "
    "`bindist help file-types`"
)
_MANY_FILES_HINT = "`ulimit -n 1024` lets a process open more files"
_FILE_HINTS = {
    errno.EDQUOT: "free some of your quota, or use another folder",
    errno.EFBIG: "`ulimit -f unlimited` lifts the limit of a process; else use another folder",
    errno.EIO: "the disk, or the connection to it, fails: use another folder",
    errno.ENAMETOOLONG: "-O PATH gives a download another name",
    errno.ENOSPC: "free some space, or use another folder",
    errno.EOPNOTSUPP: "this file system lacks what is needed: use another folder",
}


def to_cli_error(error: Exception) -> CliError:
    """Converts any exception to a CliError, which is what gets printed."""
    if isinstance(error, CliError):
        return error
    if isinstance(error, errors.ApiError):
        return _with_tries(_from_response(error), error.tries)
    if isinstance(error, errors.TransportError):
        return _with_tries(_from_transport(error), error.tries)
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        hint = f"see `{context.command_path} --help`" if context else None
        return CliError(error.format_message(), Exit.USAGE, hint=hint)
    if isinstance(error, OSError) and not isinstance(error, ValueError):
        name = f"{error.filename}: " if isinstance(error.filename, str) else ""
        hint = _FILE_HINTS.get(error.errno or 0) if name else None  # else it is stdout or a socket
        if error.errno == errno.EMFILE:
            hint = _MANY_FILES_HINT
        return CliError(f"{name}{error.strerror or error}", exit_for(error), hint=hint)
    if isinstance(error, UnicodeEncodeError):
        return CliError(
            f"{error.object!a:.100} cannot be encoded in this system's encoding, {error.encoding}",
            exit_for(error),
            hint="set LC_ALL=C.UTF-8, or choose another file name with -O PATH",
        )
    code = exit_for(error)
    message = str(error) or type(error).__name__
    if code is Exit.FAILED and not isinstance(error, errors.BinDistError):
        message = f"unexpected {type(error).__name__}: {message}"
    return CliError(message, code, hint=_hint(error))


def _with_tries(shown: CliError, tries: int) -> CliError:
    if tries > 1:
        shown.message += f" (after {tries} tries)"
    return shown


def _from_response(error: errors.ApiError) -> CliError:
    message = str(error)
    hint = _hint(error)
    if message.lstrip().startswith("<"):
        text = " ".join(_TAG.sub(" ", message).split())
        message = f"HTTP {error.status_code} with an HTML page instead of an API response: {text}"
        if error.status_code < 500 and not error.transient:
            hint = _PAGE_HINT
    elif error.code == "INVALID_RESPONSE" and not message.startswith("HTTP"):
        message = f"HTTP {error.status_code} with an invalid API response: {message}"
    if len(message) > _MAX_MESSAGE:
        message = message[:_MAX_MESSAGE] + "…"
    if error.transient and hint is None:
        hint = _AGAIN
    if error.status_code == 400 and _HTTPS_PORT.search(message):
        hint = "this port speaks https: write https:// in the address"
    hint = CODE_HINTS.get(error.code, hint)
    if error.code == "INVALID_RESPONSE":
        hint = "check that --api-url is the base URL of the API"
    if error.code == "InvalidArgument" and _S3_NAME in message:
        hint = _S3_NAME_HINT
    if isinstance(error, errors.AuthenticationError):
        message = f"not authenticated: {message}"
    if isinstance(error, errors.PermissionDeniedError) and "not enabled" in message:
        hint = "release it with `bindist versions enable APP VERSION`, or add --test-channel"
    return CliError(
        message,
        exit_for(error),
        hint=hint,
        code=error.code,
        status=error.status_code,
        request_id=error.request_id,
    )


def _from_transport(error: errors.TransportError) -> CliError:
    hint = "check the address and the network, then run it again"
    if os.strerror(errno.EMFILE) in str(error):
        hint = _MANY_FILES_HINT
    elif "certificate" in str(error).lower():
        hint = "name the CA certificates to trust with --ca-bundle FILE"
    elif error.ambiguous and not error.harmless:
        hint = "the server may have carried it out: check before you run it again"
    return CliError(str(error), exit_for(error), hint=hint, code="NO_ANSWER")


def _hint(error: Exception) -> str | None:
    return next((hint for kind, hint in HINTS if isinstance(error, kind)), None)


def show(
    error: Exception,
    facts: Sequence[str] = (),
    hint: str | None = None,
    *,
    as_json: bool,
    color: bool | None,
    debug: bool,
) -> Exit:
    """Prints an error with further `facts` and a `hint` to stderr; returns the exit code."""
    if debug:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        say(formatting.visible(redact("".join(lines))))
    shown = to_cli_error(error)
    shown.facts.extend(facts)
    shown.hint = hint or shown.hint
    if as_json:
        say(json.dumps({"error": _redacted(shown.as_json())}))
        return shown.exit
    label = "error:" if color is False else click.style("error:", fg="red", bold=True)
    lines = [f"{label} {_clean(shown.message)}"]
    lines += [f"  {_clean(fact)}" for fact in shown.facts]
    if shown.hint:
        lines.append(f"  hint: {_clean(shown.hint)}")
    if shown.request_id:
        lines.append(f"  request: {_clean(shown.request_id)}")
    say("\n".join(lines), color)
    return shown.exit


def say(text: str, color: bool | None = None) -> None:
    """Prints to stderr; ignores a full disk, because messages must not stop the work."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True, color=color)


def _clean(text: str) -> str:
    return redact(formatting.one_line(text))


def _redacted(value: dict[str, Any]) -> dict[str, Any]:
    return {key: redact(item) if isinstance(item, str) else item for key, item in value.items()}


def reader_has_gone() -> bool:
    """Whether stdout is a pipe whose reader, such as `head`, has exited."""
    import select

    if not hasattr(select, "poll"):
        return True
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(events & select.POLLERR for _, events in poll.poll(0))
    except (OSError, ValueError):  # stdout is closed
        return False


def settle_stdout() -> None:
    """Flushes stdout; if that fails, discards the rest, so that the exit does not fail again.

    It fails after a reader such as `head` has exited, and on a full disk.
    """
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        import os

        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
