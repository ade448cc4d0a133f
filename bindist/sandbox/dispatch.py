"""Carries requests out: once, twice, or some time after they are answered."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO

from werkzeug.wrappers import Request, Response

from .address import STORE_PATH
from .faults.plan import Arguments
from .routes.call import json_response
from .routes.table import Api
from .steps import AbortError, Like, Steps, Watcher
from .storage.database import file_limit
from .storage.object_store import Store

_GATEWAY_TIMEOUT = {"message": "Endpoint request timed out"}  # as API Gateway says it


class Dispatcher:
    def __init__(
        self, api: Api, store: Store, like: Like, watcher: Watcher, stopping: threading.Event
    ) -> None:
        self._api = api
        self._store = store
        self._like = like
        self._watcher = watcher
        self._stopping = stopping
        self._numbers = itertools.count(1)
        self._late: set[threading.Thread] = set()

    def respond(self, request: Request, path: str, faults: Mapping[str, Arguments]) -> Response:
        """The answer. Raises AbortError where there is none."""
        if "late-completion" in faults:
            self._carry_out_later(faults["late-completion"][0], _copy(request), path, faults)
            return json_response(_GATEWAY_TIMEOUT, 504)
        if "duplicate" not in faults:
            return self._carry_out(request, path, faults)
        again = _copy(request)
        response = self._carry_out(_copy(request), path, faults)
        (seconds,) = faults["duplicate"]
        if seconds:
            self._carry_out_later(seconds, again, path, faults)
        else:
            self._carry_out(again, path, faults).close()
        return response

    def finish(self, seconds: float) -> None:
        """Wait for late work, which the server's stopping cuts short."""
        for thread in list(self._late):
            thread.join(seconds)

    def _carry_out(self, request: Request, path: str, faults: Mapping[str, Arguments]) -> Response:
        number = next(self._numbers)
        steps = Steps(
            self._watcher, self._stopping, self._like, number, request.method, path, faults
        )
        try:
            if path.startswith(STORE_PATH):
                return self._store.respond(request, path, steps)
            return self._api.respond(request, path, steps)
        except AbortError:
            raise
        except Exception as error:  # say so to the client: nobody sees a traceback here
            said = file_limit() if isinstance(error, sqlite3.OperationalError) else ""
            return json_response({"message": f"Internal Server Error: {said or error}"}, 500)

    def _carry_out_later(
        self, seconds: float, request: Request, path: str, faults: Mapping[str, Arguments]
    ) -> None:
        def work() -> None:
            with suppress(AbortError):
                if not self._stopping.wait(seconds):
                    self._carry_out(request, path, faults).close()
            self._late.discard(threading.current_thread())

        thread = threading.Thread(target=work, name="sandbox-late", daemon=True)
        self._late.add(thread)
        try:
            thread.start()
        except RuntimeError:  # no thread can be started: before the answer, then
            self._late.discard(thread)
            work()


def _copy(request: Request) -> Request:
    """The same request with all of its body, which can then outlive the connection."""
    return Request({**request.environ, "wsgi.input": BytesIO(request.get_data(cache=True))})
