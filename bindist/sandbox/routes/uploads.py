"""The two ways to upload: inside the request, or by a URL of the object store."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from werkzeug.wrappers import Response

from ..clock import timestamp
from ..storage.applications import Application, with_grants, write_application
from ..storage.objects import object_columns, object_key
from ..validation import shapes
from ..validation.javascript import base64_bytes
from .call import ApiError, Call, find_application, find_version, success

_EXTENSIONS = {
    "MAIN": "exe msi app dmg deb rpm appimage",
    "DEPENDENCY": "dll so dylib lib jar a",
    "CONFIGURATION": "json xml yaml yml conf config ini env",
    "DOCUMENTATION": "txt md pdf doc docx html htm rtf",
}
_TYPE_OF = {ext: kind for kind, words in _EXTENSIONS.items() for ext in words.split()}


def file_type_of(file_name: str) -> str:
    return _TYPE_OF.get(file_name.rpartition(".")[2].lower(), "MAIN")


def upload(call: Call) -> Response:
    asked = call.body(shapes.UPLOAD)
    application = _application(call, asked)
    _look_for_version(call, asked)
    size, checksum = 0, ""
    if asked.get("fileContent"):
        content = base64_bytes(asked["fileContent"])
        size, checksum = len(content), hashlib.sha256(content).hexdigest()
        file_id = str(uuid.uuid4())
        _put_object(call, asked, file_id, content)
        _write_file(call, asked, file_id, size, checksum, asked["fileType"], "direct")
    answer = _write_version(call, asked, size, checksum)
    _write_application(call, application)
    return answer


def large_upload_url(call: Call) -> Response:
    asked = call.body(shapes.LARGE_UPLOAD_URL)
    _application(call, asked)
    _look_for_version(call, asked)
    if "quota" in call.steps.faults:
        gigabyte = 1 << 30
        raise ApiError(
            413,
            "Storage quota exceeded.",
            currentBytes=gigabyte,
            limitBytes=gigabyte,
            requestedBytes=asked["fileSize"],
        )
    upload_id = str(uuid.uuid4())
    key = object_key(asked["applicationId"], _version_id(asked), upload_id, asked["fileName"])
    # Current servers sign the checksum of an empty body; stores are seen to ignore it.
    checksum = {
        "x-amz-checksum-crc32": "AAAAAA==",
        "x-amz-sdk-checksum-algorithm": "CRC32",
        "x-id": "PutObject",
    }
    url, expires_at = call.signed_url("PUT", key, **checksum)
    return success({"uploadId": upload_id, "uploadUrl": url, "expiresAt": expires_at})


def large_upload_complete(call: Call) -> Response:
    """Believe the client: neither the bytes nor the checksum are looked at."""
    asked = call.body(shapes.LARGE_UPLOAD_COMPLETE)
    application = _application(call, asked)
    size, checksum = asked["fileSize"], asked["checksum"]
    answer = _write_version(call, asked, size, checksum)
    file_type = file_type_of(asked["fileName"])
    _write_file(call, asked, asked["uploadId"], size, checksum, file_type, "large")
    _write_application(call, application)
    return answer


def _application(call: Call, asked: dict[str, Any]) -> Application:
    with call.step("read-application"):
        return with_grants(call.db, find_application(call, asked["applicationId"]))


def _look_for_version(call: Call, asked: dict[str, Any]) -> None:
    """Raises ApiError if the version is there. Nothing keeps another request from making it."""
    application_id, version = asked["applicationId"], asked["version"]
    with call.step("read-version"):
        if find_version(call, application_id, version):
            raise ApiError(
                409, f"Version '{version}' already exists for application '{application_id}'"
            )


def _version_id(asked: dict[str, Any]) -> str:
    return f"{asked['applicationId']}-{asked['version']}"


def _put_object(call: Call, asked: dict[str, Any], file_id: str, content: bytes) -> None:
    key = object_key(asked["applicationId"], _version_id(asked), file_id, asked["fileName"])
    with call.step("put-object", writes=True, slow="slow-store"):
        stored = call.objects.write([content])
        call.db.put("objects", ("key",), key=key, **object_columns(stored))


def _write_file(
    call: Call,
    asked: dict[str, Any],
    file_id: str,
    size: int,
    checksum: str,
    file_type: str,
    method: str,
) -> None:
    with call.step("write-file", writes=True):
        now = timestamp()
        _write_file_row(call, asked, file_id, size, checksum, file_type, now)
        _note_upload(call, asked, file_id, size, method, now)


def _write_file_row(
    call: Call,
    asked: dict[str, Any],
    file_id: str,
    size: int,
    checksum: str,
    file_type: str,
    now: str,
) -> None:
    description = {"description": asked["description"]} if "description" in asked else {}
    call.db.put(
        "files",
        ("versionId", "fileId"),
        versionId=_version_id(asked),
        fileId=file_id,
        fileName=asked["fileName"],
        fileType=file_type,
        fileSize=size,
        checksum=checksum,
        order=1,
        createdAt=now,
        **description,
    )


def _note_upload(
    call: Call, asked: dict[str, Any], file_id: str, size: int, method: str, now: str
) -> None:
    last = call.db.row(
        "SELECT clientIp FROM uploads WHERE customerId = ? ORDER BY uploadedAt DESC LIMIT 1",
        call.caller.customer_id,
    )
    moved = last is not None and last["clientIp"] != call.client_ip
    call.db.put(
        "uploads",
        ("uploadId",),
        uploadId=str(uuid.uuid4()),
        applicationId=asked["applicationId"],
        version=asked["version"],
        fileId=file_id,
        fileName=asked["fileName"],
        fileSize=size,
        customerId=call.caller.customer_id,
        clientIp=call.client_ip,
        userAgent=call.user_agent,
        uploadedAt=now,
        uploadMethod=method,
        ipChanged=moved,
        previousIp=last["clientIp"] if last is not None and moved else None,
    )


def _write_version(call: Call, asked: dict[str, Any], size: int, checksum: str) -> Response:
    """Write the version as new and disabled, also over one that is live."""
    notes = {"releaseNotes": asked["releaseNotes"]} if "releaseNotes" in asked else {}
    shown = {
        "versionId": _version_id(asked),
        "applicationId": asked["applicationId"],
        "version": asked["version"],
        "fileSize": size,
        "checksum": checksum,
    }
    with call.step("write-version", writes=True):
        now = timestamp()
        call.db.put(
            "versions",
            ("applicationId", "version"),
            isActive=True,
            isEnabled=False,
            createdAt=now,
            updatedAt=now,
            downloadCount=0,
            **shown,
            **notes,
        )
    return success({"message": "Version created successfully", **shown}, 201)


def _write_application(call: Call, application: Application) -> None:
    """Write the record back as it was read, with a new time: a grant made meanwhile is lost."""
    with call.step("write-application", writes=True):
        write_application(call.db, application.changed(updatedAt=timestamp()))
