"""Errors as people and scripts read them: what went wrong, the facts, what to do next."""

from __future__ import annotations

import contextlib
import errno
import json
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

# What is not closed ends with the text: to look for its end again at each start takes for ever.
_TAG = re.compile(r"(?is)<(script|style|head)\b.*?(?:</\1>|\Z)|<[^>]*(?:>|\Z)")
_LONGEST = 300

HINTS: tuple[tuple[type[Exception], str], ...] = (
    (errors.AuthenticationError, "`bindist auth login` stores a key that works"),
    (errors.RateLimitError, "wait a moment, then run the command again"),
    (errors.ServerError, "run the command again: this is safe"),
    (errors.BusyError, "wait until it has ended, then run the command again"),
    (errors.QuotaError, "delete what is no longer needed, or ask for a larger quota"),
)

_SYSTEM_HINTS = {
    errno.EDQUOT: "free some of your quota, or use another folder",
    errno.EFBIG: "`ulimit -f unlimited` lifts the limit of a process; else use another folder",
    errno.EIO: "the disk, or the connection to it, fails: use another folder",
    errno.EMFILE: "`ulimit -n 1024` lets a process open more files",
    errno.ENAMETOOLONG: "-O PATH gives a download another name",
    errno.ENOSPC: "free some space, or use another folder",
    errno.EOPNOTSUPP: "this file system lacks what is needed: use another folder",
}


def explain(error: Exception) -> CliError:
    """Any exception as a CliError: the one shape that is printed."""
    if isinstance(error, CliError):
        return error
    if isinstance(error, errors.ApiError):
        return _explain_answer(error)
    if isinstance(error, errors.TransportError):
        return _explain_silence(error)
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        hint = f"`{context.command_path} --help`" if context else None
        return CliError(error.format_message(), Exit.USAGE, hint=hint)
    if isinstance(error, OSError) and not isinstance(error, ValueError):
        name = f"{error.filename}: " if isinstance(error.filename, str) else ""
        hint = _SYSTEM_HINTS.get(error.errno or 0)
        return CliError(f"{name}{error.strerror or error}", exit_for(error), hint=hint)
    if isinstance(error, UnicodeEncodeError):
        return CliError(
            f"{error.object!a:.100} cannot be written in this system's encoding, {error.encoding}",
            exit_for(error),
            hint="LC_ALL=C.UTF-8 changes the encoding; -O PATH gives a file another name",
        )
    code = exit_for(error)
    message = str(error) or type(error).__name__
    if code is Exit.FAILED and not isinstance(error, errors.BinDistError):
        message = f"unexpected {type(error).__name__}: {message}"
    return CliError(message, code, hint=_hint(error))


def _explain_answer(error: errors.ApiError) -> CliError:
    message = str(error)
    hint = _hint(error)
    if message.lstrip().startswith("<"):
        text = " ".join(_TAG.sub(" ", message).split())
        message = f"HTTP {error.status_code} with a page instead of an answer: {text}"
    elif error.code == "INVALID_RESPONSE" and not message.startswith("HTTP"):
        message = f"HTTP {error.status_code} with something else than an answer: {message}"
    if len(message) > _LONGEST:
        message = message[:_LONGEST] + "…"
    if error.code == "INVALID_RESPONSE":
        hint = "is that the address of the API? See --api-url"
    if isinstance(error, errors.AuthenticationError):
        message = f"not authenticated: {message}"
    if isinstance(error, errors.PermissionDeniedError) and "not enabled" in message:
        hint = "`bindist versions enable APP VERSION` releases it, or add --test-channel"
    return CliError(
        message,
        exit_for(error),
        hint=hint,
        code=error.code,
        status=error.status_code,
        request_id=error.request_id,
    )


def _explain_silence(error: errors.TransportError) -> CliError:
    hint = "check the address and the network, then run it again"
    if "certificate" in str(error).lower():
        hint = "`--ca-bundle FILE` names certificates to trust"
    elif error.ambiguous:
        hint = "it may have been carried out: look before you run it again"
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
    """Prints an error, and what more is known, to stderr; returns the process's exit code."""
    if debug:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        say(formatting.visible(redact("".join(lines))))
    shown = explain(error)
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
    """Prints to stderr; where that is full, the work is not given up for what is only talk."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True, color=color)


def _clean(text: str) -> str:
    return redact(formatting.one_line(text))


def _redacted(value: dict[str, Any]) -> dict[str, Any]:
    return {key: redact(item) if isinstance(item, str) else item for key, item in value.items()}


def reader_has_gone() -> bool:
    """Whether stdout is a pipe that nobody reads any more, as after `head`."""
    import select

    if not hasattr(select, "poll"):
        return True
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(events & select.POLLERR for _, events in poll.poll(0))
    except (OSError, ValueError):  # there is no stdout
        return False


def settle_stdout() -> None:
    """Writes what is still to be written; gives it up where it cannot be, lest it fail at exit.

    That is so after a reader such as `head` has gone, and on a full disk.
    """
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        import os

        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
