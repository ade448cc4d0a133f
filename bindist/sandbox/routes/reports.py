"""What has happened: statistics, activity, audit."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from werkzeug.wrappers import Response

from ..storage.database import Row
from ..validation import javascript
from .call import ApiError, Call, success

EVENT_TYPES = (
    "SESSION_CREATED", "CARD_VALIDATION_SUCCESS", "CARD_VALIDATION_FAILED", "PAYMENT_AUTHORIZED",
    "PAYMENT_FAILED", "FIRST_CHARGE_SUCCESS", "FIRST_CHARGE_FAILED", "TIER_UPGRADE_STARTED",
    "TIER_UPGRADE_COMPLETED", "TIER_DOWNGRADE_PAYMENT_FAILURE", "PAYMENT_METHOD_UPDATE_STARTED",
    "PAYMENT_METHOD_UPDATED", "PAYMENT_METHOD_UPDATE_FAILED", "WEBHOOK_RECEIVED",
    "WEBHOOK_HMAC_FAILED", "PAYMENT_FAILURE_EMAIL_SENT", "PAYMENT_FAILURE_EMAIL_FAILED",
    "WELCOME_EMAIL_SENT", "WELCOME_EMAIL_FAILED", "STORAGE_QUOTA_REJECTED", "TENANT_PROVISIONED",
    "APPLICATION_CREATED", "APPLICATION_DELETED", "CUSTOMER_CREATED", "CUSTOMER_ENABLED",
    "CUSTOMER_DISABLED", "CUSTOMER_KEY_REGENERATED", "ADMIN_KEY_REGENERATED",
    "CUSTOMER_APP_LINKED", "CUSTOMER_APP_UNLINKED",
)  # fmt: skip

# The API's name for each column, in the order of the answer.
_UPLOAD_FIELDS = {
    "id": "uploadId", "applicationId": "applicationId", "version": "version",
    "fileName": "fileName", "fileSize": "fileSize", "customerId": "customerId",
    "clientIp": "clientIp", "timestamp": "uploadedAt", "uploadMethod": "uploadMethod",
    "ipChanged": "ipChanged", "previousIp": "previousIp", "userAgent": "userAgent",
}  # fmt: skip
_DOWNLOAD_FIELDS = {
    "id": "downloadId", "applicationId": "applicationId", "version": "version",
    "fileSize": "fileSize", "customerId": "customerId", "clientIp": "clientIp",
    "timestamp": "downloadedAt", "userAgent": "userAgent", "downloadSource": "downloadSource",
    "shareToken": "shareToken",
}  # fmt: skip
_KINDS = (
    ("uploads", "upload", "uploadedAt", _UPLOAD_FIELDS),
    ("downloads", "download", "downloadedAt", _DOWNLOAD_FIELDS),
)


def get_application_stats(call: Call) -> Response:
    application_id, version = call.params["applicationId"], call.query.get("version")
    rows = [
        {**row, "version": _version_of(row)}
        for row in call.db.rows(
            "SELECT * FROM downloads WHERE applicationId = ? ORDER BY rowid", application_id
        )
        if not version or row["versionId"] == f"{application_id}-{version}"
    ]
    recent = sorted(rows, key=lambda row: row["downloadedAt"], reverse=True)[:10]
    answer = {
        "applicationId": application_id,
        "totalDownloads": len(rows),
        "uniqueCustomers": len({row["customerId"] for row in rows}),
        "downloadsByVersion": Counter(row["version"] for row in rows),
        "downloadsByDate": Counter(row["downloadedAt"].partition("T")[0] for row in rows),
        "recentDownloads": [
            {name: row[name] for name in ("downloadedAt", "version", "customerId")}
            for row in recent
        ],
    }
    return success(answer if version is None else {**answer, "version": version})


def list_activity(call: Call) -> Response:
    query = call.query
    kind = query.get("type") or "all"
    limit = min(javascript.parse_int(query.get("limit") or "50"), 100)
    activities: list[dict[str, Any]] = []
    for table, type_, time_column, fields in _KINDS:
        if kind in (table, "all"):
            activities += [
                {"type": type_, **{name: row[column] for name, column in fields.items()}}
                for row in _activity_rows(call, table, time_column, limit)
            ]
    activities.sort(key=lambda activity: str(activity["timestamp"]), reverse=True)
    activities = [] if math.isnan(limit) else activities[: int(limit)]
    _add_names(call, activities)
    filters: dict[str, Any] = {"type": kind, "limit": None if math.isnan(limit) else limit}
    filters |= {
        name: query[name] for name in ("customerId", "startDate", "endDate") if name in query
    }
    return success({"activities": activities, "count": len(activities), "filters": filters})


def _add_names(call: Call, activities: list[dict[str, Any]]) -> None:
    """Say what applications and customers are called; deleted applications have no name."""
    applications = call.db.rows(
        "SELECT applicationId AS id, name FROM applications WHERE deletedAt IS NULL"
    )
    customers = call.db.rows("SELECT customerId AS id, name FROM customers")
    for rows, thing in ((applications, "application"), (customers, "customer")):
        names = {row["id"]: row["name"] for row in rows}
        for activity in activities:
            activity[f"{thing}Name"] = names.get(activity[f"{thing}Id"])


def _activity_rows(call: Call, table: str, time_column: str, limit: float) -> list[Row]:
    """The rows to choose from: a customer's newest, but of everybody's simply the first in the
    table, as on the reference server."""
    query = call.query
    if limit < 0:
        raise javascript.ScriptError("LIMIT must not be negative")
    limit = 0 if math.isnan(limit) else limit
    if query.get("customerId"):
        where, values = _between(time_column, query)
        rows = call.db.rows(
            f"SELECT * FROM {table} WHERE {' AND '.join(['customerId = ?', *where])}"  # noqa: S608
            f" ORDER BY {time_column} DESC LIMIT ?",
            query["customerId"],
            *values,
            limit,
        )
    else:
        rows = _first_rows(call, table, time_column, limit * 2)
    return [row if "version" in row else {**row, "version": _version_of(row)} for row in rows]


def _first_rows(call: Call, table: str, time_column: str, count: float) -> list[Row]:
    """The first rows of a table within the dates asked for. Like DynamoDB, `aws` looks at no more
    than `count` rows, and then leaves out those of other dates."""
    where, values = _between(time_column, call.query)
    wanted = f"SELECT * FROM {table} WHERE {' AND '.join(['1', *where])}"  # noqa: S608
    if call.steps.like == "aws":
        first = f"(SELECT * FROM {table} ORDER BY rowid LIMIT ?)"  # noqa: S608
        return call.db.rows(wanted.replace(table, first, 1), count, *values)
    return call.db.rows(f"{wanted} ORDER BY rowid LIMIT ?", *values, count)


def _between(time_column: str, query: dict[str, str]) -> tuple[list[str], list[object]]:
    """Conditions for the dates asked for; times are compared as text."""
    bounds = (("startDate", ">="), ("endDate", "<="))
    where = [f"{time_column} {sign} ?" for name, sign in bounds if query.get(name)]
    return where, [query[name] for name, _ in bounds if query.get(name)]


def _version_of(row: Row) -> str:
    return str(row["versionId"]).replace(f"{row['applicationId']}-", "", 1)


def list_audit_events(call: Call) -> Response:
    if call.path != "/v1/audit":  # this handler looks at the path once more by itself
        raise ApiError(404, "Endpoint not found")
    query = call.query
    event_type = query.get("eventType")
    if event_type and event_type not in EVENT_TYPES:
        raise ApiError(400, f"Invalid eventType. Must be one of: {', '.join(EVENT_TYPES)}")
    for name in ("startDate", "endDate"):
        if query.get(name) and not javascript.is_date(query[name]):
            raise ApiError(400, f"Invalid {name} format. Use ISO 8601 format.")
    asked = javascript.parse_int(query.get("limit") or "50")
    limit = int(min(asked, 100)) if asked >= 1 else 50
    if event_type:
        events = call.db.rows(
            "SELECT * FROM audit WHERE eventType = ? AND eventId < ? ORDER BY eventId DESC LIMIT ?",
            event_type,
            query.get("lastEventId") or "~",
            limit,
        )
        # A full page counts as a sign of more, even where it is the last.
        pagination: dict[str, Any] = {"hasMore": len(events) == limit}
        if events:
            pagination["lastEventId"] = events[-1]["eventId"]
    else:
        events = _first_rows(call, "audit", "timestamp", limit * 2)
        events = sorted(events, key=lambda event: str(event["timestamp"]), reverse=True)[:limit]
        pagination = {"hasMore": False}
    return success({"events": events, "pagination": pagination})
