"""The context of a command: settings, printer, and a client created on first use."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Mapping
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any

import click

from bindist.errors import NO_SUCH_PATH, ApiError, AuthenticationError

from .auth.credentials import TENANT_HINT, Key, find_key, key_from_environment, lacks_tenant
from .exit_codes import CliError, Exit
from .output import formatting, streams
from .output.error_output import say
from .output.printer import Printer
from .settings import resolve
from .settings.resolve import Settings

if TYPE_CHECKING:
    from bindist import AdminClient
    from bindist.sandbox import Endpoint


VERSION_HINT = "leave out /v1 at the end of the address: every request adds it"


def _is_unknown_path(error: Exception) -> bool:
    """Whether a router or a gateway says that it does not have the path of a request."""
    if not isinstance(error, ApiError):
        return False
    is_of_the_api = isinstance(error.response.raw.get("error"), dict)
    return error.code == NO_SUCH_PATH or (error.status_code == 404 and not is_of_the_api)


class App:
    """One run of one command; creates each part on first use."""

    def __init__(self, flags: Mapping[str, Any]) -> None:
        self._flags = flags
        self._closing = contextlib.ExitStack()
        self.to_resume = ""
        """How to continue what a failure has interrupted, if there is a way."""

    @cached_property
    def settings(self) -> Settings:
        return self.resolve()

    def resolve(self, *, new_profile: bool = False) -> Settings:
        """Resolves the settings; with `new_profile`, the profile need not exist yet.

        A command that creates profiles assigns the result to `settings` before anything reads it.
        """
        env = resolve.environment()
        file = resolve.load_config(resolve.config_dir(env))
        settings = resolve.resolve(self._flags, env, file, new_profile=new_profile)
        self._log_to_stderr(settings)
        return settings

    def resolve_anyway(self) -> tuple[Settings, list[CliError]]:
        """Returns the valid settings, and the problems with others, for commands that fix them."""
        env = resolve.environment()
        problems: list[CliError] = []
        file: Mapping[str, Any] = {}
        try:
            file = resolve.load_config(resolve.config_dir(env))
        except CliError as error:
            problems.append(error)
        settings = resolve.resolve(self._flags, env, file, problems=problems)
        self._log_to_stderr(settings)
        return settings, problems

    @cached_property
    def printer(self) -> Printer:
        return Printer(self.settings)

    @cached_property
    def endpoint(self) -> Endpoint:
        """The sandbox of this profile: a running one, or else one inside this process."""
        from bindist.sandbox import SandboxError, open_sandbox

        try:
            return self._closing.enter_context(open_sandbox(self.settings.sandbox_dir))
        except SandboxError as error:
            raise CliError(str(error), Exit.FAILED, code="SANDBOX") from error
        except ModuleNotFoundError as error:
            raise CliError(
                "the sandbox requires the extra `sandbox`",
                Exit.FAILED,
                hint="run `pip install 'bindist[sandbox]'`",
            ) from error

    @cached_property
    def key(self) -> Key:
        env = resolve.environment()
        if self.settings.is_sandbox:
            return key_from_environment(env) or Key(self.endpoint.keys.admin, "the sandbox")
        return find_key(self.settings, env)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Text that no message may contain: the key, its parts, and credentials in the URL."""
        found = [self.key.value] if "key" in vars(self) else []
        found += [part for key in found for part in key.split(".", 1)[1:]]
        if "settings" in vars(self):
            found += resolve.secrets_in_address(self.settings.api_url)
        return tuple(secret for secret in found if len(secret) >= streams.MIN_SECRET_LENGTH)

    @cached_property
    def api_url(self) -> str:
        return self.endpoint.url if self.settings.is_sandbox else self.settings.api_url

    @cached_property
    def client(self) -> AdminClient:
        """A client with the key in use; the server decides what that key may do."""
        key = self.key
        return self.client_for(key.value)

    def client_for(self, key: str) -> AdminClient:
        """Creates a client with the given key, for the URL of this profile."""
        from bindist import AdminClient

        settings = self.settings
        given: dict[str, Any] = {"timeout": settings.timeout, "retries": settings.retries}
        return self._closing.enter_context(
            AdminClient(
                self.api_url,
                key,
                **{name: value for name, value in given.items() if value is not None},
                verify=settings.ca_bundle,
                store_etag=settings.store_etag,
                allow_http=settings.allow_http,
                allow_private_store=settings.allow_private_store,
            )
        )

    def confirm(self, question: str, flag: str) -> None:
        """Asks on stderr. Raises CliError if the answer is no, or if nothing may be asked."""
        self.require_prompt("confirmation", hint=f"add {flag}")
        if not click.confirm(question, err=True):
            raise CliError("cancelled; nothing was changed", Exit.FAILED)

    def require_prompt(self, wanted: str, *, hint: str) -> None:
        """Raises CliError if the user cannot be asked: without a terminal, or with --no-input."""
        if self.settings.no_input:
            reason = "--no-input or BINDIST_NO_INPUT is set"
        elif not sys.stdin.isatty():
            reason = "stdin is not a terminal"
        else:
            return
        raise CliError(f"{wanted} required, but {reason}", Exit.USAGE, hint=hint)

    def facts(self, error: Exception) -> list[str]:
        """Facts about an error that only this run knows: the source of a rejected key, and what the
        same command would do next time."""
        if isinstance(error, AuthenticationError) and "key" in vars(self):
            return [f"the key comes from {self.key.source}"]
        return [self.to_resume] if self.to_resume else []

    def hint(self, error: Exception) -> str | None:
        """A hint for an error that only this run knows."""
        if "key" not in vars(self):
            return None
        if isinstance(error, AuthenticationError):
            return TENANT_HINT if lacks_tenant(self.api_url, self.key.value) else None
        return (
            VERSION_HINT
            if self.api_url.rstrip("/").endswith("/v1") and _is_unknown_path(error)
            else None
        )

    def close(self) -> None:
        self._closing.close()

    def _log_to_stderr(self, settings: Settings) -> None:
        names = [
            ("bindist.request", settings.verbose),
            ("bindist.wire", settings.debug),
            ("bindist.retry", settings.verbose or not settings.quiet),
        ]
        for name, wanted in names:
            if wanted:
                logger, handler = logging.getLogger(name), _ToStderr()
                if name == "bindist.retry":
                    handler.addFilter(_Seldom())
                before = logger.level
                logger.addHandler(handler)
                logger.setLevel(logging.DEBUG)
                self._closing.callback(logger.setLevel, before)
                self._closing.callback(logger.removeHandler, handler)


class _Seldom(logging.Filter):
    """Drops what was said already a moment ago: files that fail together would all say it."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        reason, _, *count = record.args if isinstance(record.args, tuple) else ("", "")
        now, what = time.monotonic(), (reason, *count)
        is_new = now - self._said.get(what, -inf) > _SELDOM_SECONDS
        if is_new:
            self._said[what] = now
        return is_new


_SELDOM_SECONDS = 5.0


class _ToStderr(logging.Handler):
    """Prints to stderr as it is at the time: above progress bars, while there are some."""

    def emit(self, record: logging.LogRecord) -> None:
        # Lines contain text from the server.
        say(formatting.visible(self.format(record)))


pass_app = click.make_pass_decorator(App)
