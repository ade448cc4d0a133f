"""What all routes of the API share: who calls, what was sent, how answers are wrapped."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from werkzeug.wrappers import Request, Response

from ..address import STORE_PATH, ServerAddress
from ..clock import milliseconds, timestamp
from ..steps import Steps
from ..storage.database import Row, Session
from ..storage.history import History
from ..storage.objects import Objects, object_key
from ..storage.records import audit_event
from ..storage.signing import sign_url
from ..validation import javascript
from ..validation.schema import Schema, validate

API_VERSION = "1.0.0"

_DYNAMODB_PAGE = 1024 * 1024

_CODES = {
    400: "BAD_REQUEST",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    500: "INTERNAL_ERROR",
}
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Content-Type,Authorization,X-Channel",
    "Access-Control-Allow-Methods": "GET,POST,PUT,DELETE,OPTIONS",
}


class ApiError(Exception):
    """A refusal, answered in the envelope."""

    def __init__(self, status: int, message: str, **details: object) -> None:
        super().__init__(message)
        self.status = status
        self.details = details


@dataclass(frozen=True)
class Caller:
    customer_id: str
    is_admin: bool
    is_financial_admin: bool


@dataclass
class Call:
    """One authorised request."""

    request: Request
    path: str
    params: dict[str, str]
    caller: Caller
    db: Session
    history: History
    objects: Objects
    address: ServerAddress
    steps: Steps
    route: str
    _in_step: bool = False

    @contextmanager
    def step(
        self, name: str = "", *, writes: bool = False, slow: str = "slow-db"
    ) -> Iterator[None]:
        """A transaction of its own, or a part of the step that it is in.

        Without a name it is the whole request.
        """
        if self._in_step:
            if slow != "slow-db":
                self.steps.pause(slow)
            yield
            return
        full_name = f"{self.route}.{name}" if name else self.route
        with self.steps.take(full_name, writes=writes, slow=slow):
            self._in_step, present = True, self.db
            try:
                with self._transaction(writes) as self.db:
                    yield
            finally:
                self._in_step, self.db = False, present

    @contextmanager
    def _transaction(self, writes: bool) -> Iterator[Session]:
        if writes:
            with self.history.writing(self.db):
                yield self.db
        else:
            (milliseconds,) = self.steps.faults.get("stale-reads", (0,))
            with self.history.reading(self.db, milliseconds / 1000) as session:
                yield session

    @property
    def query(self) -> dict[str, str]:
        """The query; of a name given twice, the last value."""
        text = self.request.query_string.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True))

    @property
    def text(self) -> str:
        return self.request.get_data(cache=True).decode("utf-8", "replace")

    def json(self) -> Any:
        if not self.text:
            raise ApiError(400, "Request body is required")
        try:
            return javascript.parse_json(self.text)
        except javascript.ScriptError:
            raise ApiError(400, "Invalid JSON in request body") from None

    def body(self, schema: Schema) -> dict[str, Any]:
        return validate(schema, self.json())

    @property
    def test_channel(self) -> bool:
        return self.request.headers.get("X-Channel", "").lower() == "test"

    @property
    def client_ip(self) -> str:
        return self.request.remote_addr or "unknown"

    @property
    def user_agent(self) -> str:
        return self.request.headers.get("User-Agent", "unknown")

    def signed_url(self, method: str, key: str, **also: str) -> tuple[str, str]:
        """A URL of the object store, and until when it works."""
        now, lifetime = milliseconds(), self.address.url_lifetime
        if "expire" in self.steps.faults:
            now -= 1000 * (int(lifetime) + 3600)
        url = sign_url(
            self.address.secret,
            method,
            self.address.store_url,
            STORE_PATH + key,
            now,
            lifetime,
            **also,
        )
        return url, timestamp(now + int(lifetime * 1000))

    def record_event(self, event_type: str, **details: object) -> None:
        now = milliseconds()
        event = audit_event(event_type, now, f"user:{self.caller.customer_id}", details)
        with self.step("write-audit", writes=True):
            self.db.put("audit", ("eventId",), **event)


def find_application(call: Call, application_id: str) -> Row:
    """An application that is not deleted and that the caller may see."""
    row = call.db.row(
        "SELECT * FROM applications WHERE applicationId = ? AND deletedAt IS NULL", application_id
    )
    if row is not None and (
        call.caller.is_admin
        or call.db.row(
            "SELECT 1 FROM grants WHERE customerId = ? AND applicationId = ?",
            call.caller.customer_id,
            application_id,
        )
    ):
        return row
    raise ApiError(404, f"Application '{application_id}' not found")


def find_version(call: Call, application_id: str, version: str) -> Row | None:
    return call.db.row(
        "SELECT * FROM versions WHERE applicationId = ? AND version = ?", application_id, version
    )


def find_active_version(call: Call, application_id: str, version: str) -> Row:
    row = find_version(call, application_id, version)
    if row is None or not row["isActive"]:
        raise ApiError(404, f"Version '{version}' not found")
    return row


def one_page(call: Call, rows: list[Row]) -> list[Row]:
    """The rows that one read of a table gives: of `aws` 1 MB, whatever is left out afterwards."""
    if call.steps.like != "aws":
        return rows
    sizes = itertools.accumulate(map(_item_size, rows))
    return [row for row, size in zip(rows, sizes, strict=True) if size <= _DYNAMODB_PAGE]


def _item_size(row: Row) -> int:
    """Bytes that a record takes in DynamoDB: its names, and its values in UTF-8."""
    return sum(
        len(name) + len(str(value).encode()) for name, value in row.items() if value is not None
    )


def files_of(call: Call, version_id: str) -> list[Row]:
    """A version's files: in the order in which they came, or by their ids, as DynamoDB has them."""
    then = "fileId" if call.steps.like == "aws" else "rowid"
    sql = f'SELECT * FROM files WHERE versionId = ? ORDER BY "order", {then}'  # noqa: S608
    return call.db.rows(sql, version_id)


def file_to_send(files: list[Row], file_id: str | None) -> Row | None:
    """The file asked for; without an id the first MAIN file, or else the first."""
    if file_id is not None:
        return next((file for file in files if file["fileId"] == file_id), None)
    main = [file for file in files if file["fileType"] == "MAIN"]
    return next(iter(main or files), None)


def download_url(call: Call, application_id: str, file: Row, **how: object) -> dict[str, Any]:
    """Sign a URL for a file. That alone counts as a download."""
    key = object_key(application_id, file["versionId"], file["fileId"], file["fileName"])
    also = {
        "response-content-disposition": f'attachment; filename="{file["fileName"]}"',
        "x-id": "GetObject",
    }
    url, expires_at = call.signed_url("GET", key, **also)
    download_id = str(uuid.uuid4())
    with call.step("write-download", writes=True):
        call.db.put(
            "downloads",
            ("downloadId",),
            downloadId=download_id,
            applicationId=application_id,
            versionId=file["versionId"],
            fileId=file["fileId"],
            clientIp=call.client_ip,
            userAgent=call.user_agent,
            downloadedAt=timestamp(),
            fileSize=file["fileSize"],
            **how,
        )
    with call.step("count-download", writes=True):
        call.db.execute(
            "UPDATE versions SET downloadCount = downloadCount + 1"
            " WHERE applicationId = ? AND versionId = ?",
            application_id,
            file["versionId"],
        )
    return {"downloadId": download_id, "url": url, "expiresAt": expires_at}


def success(
    data: dict[str, Any], status: int = 200, pagination: dict[str, Any] | None = None
) -> Response:
    meta: dict[str, Any] = {"requestId": str(uuid.uuid4()), "version": API_VERSION}
    if pagination is not None:
        meta["pagination"] = pagination
    return json_response({"success": True, "data": data, "meta": meta}, status)


def failure(error: ApiError) -> Response:
    shown: dict[str, Any] = {
        "code": _CODES[error.status],
        "message": str(error),
        "timestamp": timestamp(),
    }
    if error.details:
        shown["details"] = error.details
    meta = {"requestId": str(uuid.uuid4()), "version": API_VERSION}
    return json_response({"success": False, "error": shown, "meta": meta}, error.status)


def json_response(body: object, status: int) -> Response:
    text = json.dumps(body, separators=(",", ":"))
    return Response(text, status, CORS_HEADERS, content_type="application/json")


Handler = Callable[[Call], Response]
