"""A server with a small catalogue, on which one call after another meets its faults."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack, closing
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from typing import Any

from bindist import AdminClient, ApiError, ApiResponse, CustomerClient, TransportError
from bindist.sandbox import SandboxServer
from bindist.sandbox.storage.database import Session
from bindist.sandbox.storage.folder import DATABASE, OBJECTS
from tests.faults.calls import CONTENT, LARGE, ON_DISK, Call, Place, Step
from tests.faults.matrix import Row, Seen
from tests.faults.required import RETRIES
from tests.sdk.canned import CannedServer

LATEST = 20.0
"""Seconds after which a call hangs: a server that stalls does so for 60."""

_OLD = b"what was there before"
_OTHER_EACH_TIME = frozenset({"url", "downloadId", "expiresAt"})
_SAME_IN_CHANGES = frozenset({"checksum", "fileSize", "name"})


class Bench:
    """`timeout` is how many seconds its clients wait for an answer; `right` has the right results,
    which are the same for all that begin with the same catalogue."""

    def __init__(
        self,
        folder: Path,
        catalogue: Path,
        elsewhere: CannedServer,
        right: dict[Call, Any],
        timeout: float,
    ):
        self._elsewhere = elsewhere
        self._timeout = timeout
        self._numbers = count(1)
        self._right = right
        self._resources = ExitStack()
        data = folder / "server"
        shutil.copytree(catalogue, data)
        self.server = self._resources.enter_context(SandboxServer(data))
        self._database = self._resources.enter_context(closing(Session(data / DATABASE)))
        self._objects = data / OBJECTS
        self._files = folder / "files"
        self._files.mkdir()
        (self._files / "small.bin").write_bytes(CONTENT)
        (self._files / "large.bin").write_bytes(LARGE)

    def close(self) -> None:
        self._resources.close()

    def learn(self, call: Call) -> None:
        """Makes the call without faults, to know what is right."""
        if call not in self._right:
            self._right[call] = self._without_faults(call)

    def observe(self, row: Row, fault: str, once: bool) -> Seen:
        """Makes the call of the row under the fault, and tells what became of it."""
        step = row.step
        specs = [f"{fault},nth={row.nth},times={int(once)}"]
        if step.cut and row.nth == 2:
            specs.append(step.cut)
        for spec in specs:
            spec = spec.replace("ELSEWHERE", f"{self._elsewhere.url}/elsewhere")
            spec = spec.replace("OTHER_MD5", "0" * 32)
            self.server.faults.add(f"{spec},method={step.method},path={step.path}")
        try:
            return self._make(row.call)
        finally:
            self.server.faults.clear()

    def downloads(self) -> int:
        """How many downloads of `shelf` the statistics tell of."""
        with self._client() as client:
            total = client.get_stats("shelf").require()["totalDownloads"]
        assert isinstance(total, int)
        return total

    def _make(self, call: Call) -> Seen:
        with self._client() as client:
            place = Place(client, f"m{next(self._numbers)}", self._files)
            if call.prepare:
                call.prepare(client, place.mark)
            if call.method in ON_DISK:
                place.target.parent.mkdir()
                place.target.write_bytes(_OLD)
            self.server.requests.clear()
            before = [self._done(step, place) for step in call.steps]
            started = time.monotonic()
            try:
                outcome = self._judged(call, call.run(place), place)
            except Exception as error:
                outcome = _told(error)
            if time.monotonic() - started > LATEST:
                outcome += ", too late"
            if any("authorization" in asked.headers for asked in self._elsewhere.asked):
                outcome += ", and the key went elsewhere"
        requests = tuple(self._count(step) for step in call.steps)
        after = [self._done(step, place) for step in call.steps]
        self._database.execute("DELETE FROM versions WHERE version = ?", place.mark)
        done = tuple(None if b is None else a - b for a, b in zip(after, before, strict=True))
        return Seen(outcome, requests, done, _left(place, outcome))

    def _without_faults(self, call: Call) -> Any:
        with self._client() as client:
            place = Place(client, f"r{next(self._numbers)}", self._files)
            if call.prepare:
                call.prepare(client, place.mark)
            place.target.parent.mkdir()
            return _essence(call, call.run(place))

    def _client(self) -> AdminClient:
        """A new one each time: some calls give the administrator another key."""
        key = self._database.row("SELECT secret FROM keys WHERE customerId = 'admin'")
        return AdminClient(
            self.server.url,
            key["secret"],
            retries=RETRIES,
            backoff=0.0002,
            timeout=(5.0, self._timeout),
        )

    def _judged(self, call: Call, result: Any, place: Place) -> str:
        if isinstance(result, ApiResponse) and not result.success:
            return _failure(result)
        if _essence(call, result) != self._right[call]:
            return f"not the right result: {result!r}"
        if call.sends and self._stored(place.mark) != call.sends:
            return "the server has other bytes"
        return "ok"

    def _stored(self, version: str) -> bytes:
        key = f"tool/tool-{version}/%"
        found = self._database.row("SELECT file FROM objects WHERE key LIKE ?", key)
        return (self._objects / found["file"]).read_bytes() if found else b""

    def _count(self, step: Step) -> int:
        return sum(
            asked.method == step.method and fnmatchcase(asked.path, step.path)
            for asked in self.server.requests
        )

    def _done(self, step: Step, place: Place) -> Any:
        if not step.effect:
            return None
        values = (place.mark,) if "?" in step.effect else ()
        (number,) = (self._database.row(step.effect, *values) or {}).values()
        return number


def _essence(call: Call, result: Any) -> Any:
    """What of a right result is the same each time."""
    if not isinstance(result, ApiResponse):
        return result
    data = result.require()
    if all(step.kind == "read" and step.method == "GET" for step in call.steps):
        return {name: value for name, value in data.items() if name not in _OTHER_EACH_TIME}
    return {name: data[name] if name in _SAME_IN_CHANGES else ... for name in sorted(data)}


def _told(error: Exception) -> str:
    kind = type(error).__name__
    if isinstance(error, TransportError):
        return "lost" if error.ambiguous else "unsent"
    if isinstance(error, ApiError):
        return f"{_failure(error.response)} {kind}"
    return {"IntegrityError": "wrong"}.get(kind, f"{kind}: {error}")


def _failure(answer: ApiResponse) -> str:
    """Status and code of a failed answer, if it has all that it must have."""
    error = answer.error or {}
    if answer.data is not None or not isinstance(error.get("message"), str) or not error["message"]:
        return f"not a failed answer: {answer!r}"
    status = "2xx" if 200 <= answer.status_code < 300 else answer.status_code
    return f"{status} {error.get('code')}"


def _left(place: Place, outcome: str) -> str:
    """What lies under the file's name; and beside it, where nothing should be kept."""
    folder = place.target.parent
    if not folder.exists():
        return ""
    content = place.target.read_bytes()
    left = {_OLD: "old", CONTENT: "new"}.get(content, f"{len(content)} other bytes")
    beside = sorted(path.name for path in folder.iterdir() if path != place.target)
    return f"{left}, and {beside}" if beside and outcome in ("ok", "wrong") else left


def make_catalogue(folder: Path) -> None:
    """The applications, versions and events that the calls find."""
    with SandboxServer(folder, catalogue=False) as server:
        keys = server.keys
        with AdminClient(server.url, keys.admin) as admin:
            for application in ("library", "library-2", "library-3", "shelf", "tool"):
                admin.create_application(
                    application, application.title(), ["seed-customer"]
                ).raise_for_error()
            for application in ("library", "shelf", "tool"):
                admin.upload_large_file(application, "1.0", "tool.bin", CONTENT).raise_for_error()
                admin.update_version(application, "1.0", is_enabled=True).raise_for_error()
            first = admin.create_customer("A customer").require()["customerId"]
            for active in (False, True) * 3:
                admin.update_customer(first, is_active=active).raise_for_error()
        with CustomerClient(server.url, keys.customer) as customer:
            customer.get_download_url("library", "1.0").raise_for_error()
