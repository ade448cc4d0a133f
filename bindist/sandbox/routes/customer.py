"""The routes that a customer's key may use."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Response

from ..clock import milliseconds, timestamp
from ..storage.database import Row
from ..validation import javascript, shapes
from ..validation.collation import collation_key
from ..validation.schema import validate
from .call import (
    ApiError,
    Call,
    download_url,
    file_to_send,
    files_of,
    find_active_version,
    find_application,
    json_response,
    one_page,
    success,
)

_APPLICATION_FIELDS = (
    "applicationId", "name", "description", "isActive", "createdAt", "updatedAt", "tags",
)  # fmt: skip
_VERSION_FIELDS = (
    "versionId", "applicationId", "version", "releaseNotes", "isActive", "isEnabled",
    "createdAt", "updatedAt", "fileSize", "downloadCount",
)  # fmt: skip
_FILE_FIELDS = (
    "fileId", "fileName", "fileType", "fileSize", "checksum", "order", "description",
)  # fmt: skip


def pick(row: Row, fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in fields}


def list_applications(call: Call) -> Response:
    query = _application_query(call.query)
    rows = _visible_applications(call, query)
    rows = [row for row in rows if _matches(row, query)]
    # Sorted in reverse, what compares equal still keeps its order.
    rows.sort(
        key=lambda row: collation_key(row[query["sortBy"]]), reverse=query["sortOrder"] == "desc"
    )
    page, limit = query["page"], query["limit"]
    start = (page - 1) * limit
    applications = _whole_applications(call, rows[start : start + limit])
    if call.caller.is_admin:
        _add_customers(call, applications)
    return success(
        {
            "applications": applications,
            "isAdmin": call.caller.is_admin,
            "isFinancialAdmin": call.caller.is_financial_admin,
        },
        pagination={
            "page": page,
            "limit": limit,
            "total": len(rows),
            "hasNext": start + limit < len(rows),
            "hasPrevious": page > 1,
        },
    )


def _visible_applications(call: Call, query: dict[str, Any]) -> list[Row]:
    """All that the caller may see, with no more of them than the query needs."""
    there = "deletedAt IS NULL"
    columns = ["applicationId", query["sortBy"]]
    columns += [name for name, asked in _ASKED_OF.items() if query.get(asked) not in (None, "")]
    wanted = ", ".join(f"applications.{name}" for name in columns)
    if call.steps.like == "aws":
        wanted, there = "applications.*", "1"  # what is deleted takes its part of the page
    if call.caller.is_admin:
        rows = call.db.rows(
            f"SELECT {wanted} FROM applications WHERE {there} ORDER BY rowid"  # noqa: S608
        )
    else:
        rows = call.db.rows(
            f"SELECT {wanted} FROM grants JOIN applications USING (applicationId)"  # noqa: S608
            f" WHERE customerId = ? AND {there} ORDER BY grants.rowid",
            call.caller.customer_id,
        )
    return [row for row in one_page(call, rows) if not row.get("deletedAt")]


# The columns that are looked at, and in what of the query they are asked for.
_ASKED_OF = {"name": "search", "description": "search", "isActive": "isActive", "tags": "tags"}


def _whole_applications(call: Call, rows: list[Row]) -> list[dict[str, Any]]:
    ids = [row["applicationId"] for row in rows]
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT * FROM applications WHERE applicationId IN ({marks})"  # noqa: S608
    found = {
        row["applicationId"]: pick(row, _APPLICATION_FIELDS) for row in call.db.rows(sql, *ids)
    }
    return [found[application_id] for application_id in ids]


# The server reads these itself before it validates, and takes an empty text for none.
_READERS: dict[str, Callable[[str], object]] = {
    "page": javascript.parse_int,
    "limit": javascript.parse_int,
    "isActive": lambda text: text == "true",
}


def _application_query(query: dict[str, str]) -> dict[str, Any]:
    read = {name: reader(query[name]) for name, reader in _READERS.items() if query.get(name)}
    others = {name: text for name, text in query.items() if name not in _READERS}
    return validate(shapes.APPLICATION_LIST, {**others, **read})


def _matches(row: Row, query: dict[str, Any]) -> bool:
    words = query.get("search", "").lower()
    tags = {tag for text in query.get("tags", "").split(",") if (tag := javascript.trim(text))}
    return (
        (not words or words in row["name"].lower() or words in row["description"].lower())
        and ("isActive" not in query or query["isActive"] == row["isActive"])
        and (not tags or not tags.isdisjoint(row["tags"]))
    )


def _add_customers(call: Call, applications: list[dict[str, Any]]) -> None:
    for application in applications:
        application["customers"] = call.db.rows(
            "SELECT customerId, coalesce(name, 'Unknown') AS name FROM grants"
            " LEFT JOIN customers USING (customerId) WHERE applicationId = ? ORDER BY grants.rowid",
            application["applicationId"],
        )


def get_application(call: Call) -> Response:
    return success(pick(find_application(call, call.params["applicationId"]), _APPLICATION_FIELDS))


def list_versions(call: Call) -> Response:
    application_id = call.params["applicationId"]
    find_application(call, application_id)
    words = javascript.trim(call.query.get("changelog", "")).lower()
    rows = call.db.rows(
        "SELECT * FROM versions WHERE applicationId = ? ORDER BY rowid", application_id
    )
    rows = [row for row in one_page(call, rows) if row["isActive"]]
    rows.sort(key=lambda row: collation_key(row["version"], numeric=True), reverse=True)
    return success(
        {
            "versions": [
                pick(row, _VERSION_FIELDS)
                for row in rows
                if (row["isEnabled"] or call.test_channel)
                and (not words or words in (row["releaseNotes"] or "").lower())
            ]
        }
    )


def list_version_files(call: Call) -> Response:
    application_id, version = call.params["applicationId"], call.params["version"]
    find_application(call, application_id)
    row = find_active_version(call, application_id, version)
    files = [pick(file, _FILE_FIELDS) for file in files_of(call, row["versionId"])]
    return success({"applicationId": application_id, "version": version, "files": files})


def get_download_url(call: Call) -> Response:
    asked = validate(shapes.DOWNLOAD_URL, call.query)
    application_id, version = asked["applicationId"], asked["version"]
    row = _read_version(call, application_id, version)
    if not row["isEnabled"] and not call.test_channel:
        raise ApiError(403, f"Version '{version}' is not enabled for download")
    with call.step("read-files"):
        file = file_to_send(files_of(call, row["versionId"]), asked.get("fileId"))
    if file is None:
        file_id = asked.get("fileId")
        missing = f"File '{file_id}' not found in" if file_id else "No files found for"
        raise ApiError(404, f"{missing} version '{version}'")
    answer = download_url(
        call, application_id, file, customerId=call.caller.customer_id, downloadSource="api"
    )
    return success({**answer, **pick(file, ("fileName", "fileSize", "checksum"))})


def _read_version(call: Call, application_id: str, version: str) -> Row:
    """The version, if it is active and of an application that the caller may see."""
    with call.step("read-application"):
        find_application(call, application_id)
    with call.step("read-version"):
        return find_active_version(call, application_id, version)


def create_share_link(call: Call) -> Response:
    try:
        sent = javascript.parse_json(call.text or "{}")
    except javascript.ScriptError:
        raise ApiError(400, "Invalid JSON body") from None
    asked = validate(shapes.share(call.address.share_minutes), sent)
    application_id, version = asked["applicationId"], asked["version"]
    row = _read_version(call, application_id, version)
    file_id = asked.get("fileId")
    if file_id:
        with call.step("read-files"):
            files = files_of(call, row["versionId"])
        if not file_to_send(files, file_id):
            raise ApiError(404, f"File '{file_id}' not found in version '{version}'")
    token = base64.urlsafe_b64encode(secrets.token_bytes(12)).decode()
    now = milliseconds()
    expires_at = timestamp(now + asked["expiresInMinutes"] * 60_000)
    with call.step("write-share", writes=True):
        call.db.put(
            "shares",
            ("token",),
            token=token,
            applicationId=application_id,
            version=version,
            fileId=file_id,
            customerId=call.caller.customer_id,
            createdAt=timestamp(now),
            expiresAt=expires_at,
        )
    # The reference server says https here whatever it is reached by. A link to this server that
    # began so would lead nowhere.
    return success(
        {
            "shareUrl": f"{call.address.url}/v1/downloads/d/{token}",
            "token": token,
            "expiresAt": expires_at,
            "expiresInMinutes": asked["expiresInMinutes"],
        }
    )


def public_download(call: Call) -> Response:
    with call.step("read-share"):
        share = call.db.row("SELECT * FROM shares WHERE token = ?", call.params["token"])
    if share is None:
        return _bare_failure(404, "NOT_FOUND", "Invalid or expired download link")
    if timestamp(time.time_ns() // 1_000_000) > share["expiresAt"]:
        return _bare_failure(410, "EXPIRED", "This download link has expired")
    with call.step("read-files"):
        files = files_of(call, f"{share['applicationId']}-{share['version']}")
    file = file_to_send(files, share["fileId"])
    if file is None:
        missing = "File not found" if share["fileId"] else "No files found for this version"
        return _bare_failure(404, "NOT_FOUND", missing)
    answer = download_url(
        call,
        share["applicationId"],
        file,
        customerId=share["customerId"],
        downloadSource="share",
        shareToken=share["token"],
    )
    headers = {
        "Location": answer["url"],
        "Cache-Control": "no-cache, no-store, must-revalidate",
        "Access-Control-Allow-Origin": "*",
    }
    return Response(b"", 302, headers)


def _bare_failure(status: int, code: str, message: str) -> Response:
    """This one route answers without a timestamp and without meta."""
    return json_response({"success": False, "error": {"code": code, "message": message}}, status)
