"""What a command gets: the settings, a client made when it is first used, the sink."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from bindist.errors import AuthenticationError

from .auth.credentials import TENANT_HINT, Key, find_key, key_from_environment, lacks_tenant
from .exit_codes import CliError, Exit
from .output import formatting, streams
from .output.printer import Sink
from .settings import resolve as config
from .settings.resolve import Settings

if TYPE_CHECKING:
    from bindist import AdminClient
    from bindist.sandbox import Endpoint


class App:
    """One run of one command. Everything is made when it is first asked for."""

    def __init__(self, flags: Mapping[str, Any]) -> None:
        self._flags = flags
        self._closing = contextlib.ExitStack()

    @cached_property
    def settings(self) -> Settings:
        return self.resolve()

    def resolve(self, *, new_profile: bool = False) -> Settings:
        """The settings, where the profile may be one that is still to be made.

        A command that makes profiles assigns them to `settings` before anything uses those.
        """
        env = config.environment()
        file = config.load_config(config.config_dir(env))
        settings = config.resolve(self._flags, env, file, new_profile=new_profile)
        self._log_to_stderr(settings)
        return settings

    def resolve_anyway(self) -> tuple[Settings, list[CliError]]:
        """The settings that make sense, and what is wrong with the others."""
        env = config.environment()
        problems: list[CliError] = []
        file: Mapping[str, Any] = {}
        try:
            file = config.load_config(config.config_dir(env))
        except CliError as error:
            problems.append(error)
        settings = config.resolve(self._flags, env, file, problems=problems)
        self._log_to_stderr(settings)
        return settings, problems

    @cached_property
    def sink(self) -> Sink:
        return Sink(self.settings)

    @cached_property
    def endpoint(self) -> Endpoint:
        """The sandbox of this profile: the one that runs already, or one inside this process."""
        from bindist.sandbox import SandboxError, open_sandbox

        try:
            return self._closing.enter_context(open_sandbox(self.settings.sandbox_dir))
        except SandboxError as error:
            raise CliError(str(error), Exit.FAILED, code="SANDBOX") from error
        except ModuleNotFoundError as error:
            raise CliError(
                "the sandbox needs the extra `sandbox`",
                Exit.FAILED,
                hint="`pip install 'bindist[sandbox]'`",
            ) from error

    @cached_property
    def key(self) -> Key:
        env = config.environment()
        if self.settings.is_sandbox:
            return key_from_environment(env) or Key(self.endpoint.keys.admin, "the sandbox")
        return find_key(self.settings, env)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show: the key in use, its parts, and what the address has in it."""
        found = [self.key.value] if "key" in vars(self) else []
        found += [part for key in found for part in key.split(".", 1)[1:]]
        if "settings" in vars(self):
            found += config.secrets_in_address(self.settings.api_url)
        return tuple(secret for secret in found if len(secret) >= streams.SHORTEST_SECRET)

    @cached_property
    def api_url(self) -> str:
        return self.endpoint.url if self.settings.is_sandbox else self.settings.api_url

    @cached_property
    def client(self) -> AdminClient:
        """A client with the key in use; what that key may do is the server's to say."""
        key = self.key
        return self.client_for(key.value)

    def client_for(self, key: str) -> AdminClient:
        """A client with any key, for this profile's address."""
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
        """Asks on stderr; without a terminal, or with --no-input, fails naming the flag instead."""
        if self.settings.no_input or not sys.stdin.isatty():
            raise CliError(
                "confirmation required, but stdin is not a terminal", Exit.USAGE, hint=f"add {flag}"
            )
        if not click.confirm(question, err=True):
            raise CliError("canceled; nothing was changed", Exit.FAILED)

    def facts(self, error: Exception) -> list[str]:
        """What this run alone knows about an error: where the key that was refused came from."""
        if isinstance(error, AuthenticationError) and "key" in vars(self):
            return [f"the key is from {self.key.source}"]
        return []

    def hint(self, error: Exception) -> str | None:
        """The next step that this run alone knows of."""
        refused = isinstance(error, AuthenticationError) and "key" in vars(self)
        return TENANT_HINT if refused and lacks_tenant(self.api_url, self.key.value) else None

    def close(self) -> None:
        self._closing.close()

    def _log_to_stderr(self, settings: Settings) -> None:
        names = [("bindist.request", settings.verbose), ("bindist.wire", settings.debug)]
        for name, wanted in names:
            if wanted:
                logger, handler = logging.getLogger(name), logging.StreamHandler(sys.stderr)
                handler.setFormatter(_Visible())
                before = logger.level
                logger.addHandler(handler)
                logger.setLevel(logging.DEBUG)
                self._closing.callback(logger.setLevel, before)
                self._closing.callback(logger.removeHandler, handler)


class _Visible(logging.Formatter):
    """What a server says is in these lines too: no terminal is to obey it."""

    def format(self, record: logging.LogRecord) -> str:
        return formatting.visible(super().format(record))


pass_app = click.make_pass_decorator(App)
