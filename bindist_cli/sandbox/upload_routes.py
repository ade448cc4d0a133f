"""The two ways to upload: inside the request, or by a URL of the object store."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

from werkzeug.wrappers import Response

from . import shapes
from .api import ApiError, Call, find_application, find_version, success
from .clock import timestamp
from .javascript import base64_bytes
from .objects import object_columns, object_key

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
    _new_version(call, asked)
    file_size, checksum = 0, ""
    if asked.get("fileContent"):
        content = base64_bytes(asked["fileContent"])
        file_size, checksum = len(content), hashlib.sha256(content).hexdigest()
        file_id, version_id = str(uuid.uuid4()), _version_id(asked)
        key = object_key(asked["applicationId"], version_id, file_id, asked["fileName"])
        stored = call.objects.write([content])
        call.db.put("objects", ("key",), key=key, **object_columns(stored))
        _put_file(call, asked, file_id, file_size, checksum, asked["fileType"], "direct")
    return _put_version(call, asked, file_size, checksum)


def large_upload_url(call: Call) -> Response:
    asked = call.body(shapes.LARGE_UPLOAD_URL)
    _new_version(call, asked)
    if "quota" in call.faults:
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
    find_application(call, asked["applicationId"])
    size, checksum = asked["fileSize"], asked["checksum"]
    file_type = file_type_of(asked["fileName"])
    _put_file(call, asked, asked["uploadId"], size, checksum, file_type, "large")
    return _put_version(call, asked, size, checksum)


def _new_version(call: Call, asked: dict[str, Any]) -> None:
    application_id, version = asked["applicationId"], asked["version"]
    find_application(call, application_id)
    if find_version(call, application_id, version):
        raise ApiError(
            409, f"Version '{version}' already exists for application '{application_id}'"
        )


def _version_id(asked: dict[str, Any]) -> str:
    return f"{asked['applicationId']}-{asked['version']}"


def _put_file(
    call: Call,
    asked: dict[str, Any],
    file_id: str,
    size: int,
    checksum: str,
    file_type: str,
    method: str,
) -> None:
    now = timestamp()
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


def _put_version(call: Call, asked: dict[str, Any], size: int, checksum: str) -> Response:
    """Write the version as new and disabled, also over one that is live."""
    now = timestamp()
    notes = {"releaseNotes": asked["releaseNotes"]} if "releaseNotes" in asked else {}
    shown = {
        "versionId": _version_id(asked),
        "applicationId": asked["applicationId"],
        "version": asked["version"],
        "fileSize": size,
        "checksum": checksum,
    }
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
    call.db.execute(
        "UPDATE applications SET updatedAt = ? WHERE applicationId = ?", now, asked["applicationId"]
    )
    return success({"message": "Version created successfully", **shown}, 201)
