"""What each request of the API must look like."""

from __future__ import annotations

import re
import unicodedata

from . import javascript
from .email_addresses import is_email
from .schema import (
    Flag,
    Items,
    Number,
    RuleError,
    Schema,
    Text,
    at_least,
    at_most,
    integer,
    max_items,
    max_length,
    min_length,
    pattern,
)

FILE_TYPES = ("MAIN", "DEPENDENCY", "DOCUMENTATION", "CONFIGURATION")

_DEVICE_NAME = re.compile(r"con|prn|aux|nul|com[1-9]|lpt[1-9]", re.IGNORECASE)
_FILE_NAME_PROBLEMS = (
    (r"[/\\]", "cannot contain path separators (/ or \\)"),
    (r"\.\.", "cannot contain path traversal sequences (..)"),
    (r"[\x00-\x1f\x7f]", "cannot contain control characters"),
    (r"[\"'\r\n]", "cannot contain quotes or newlines"),
    (r"[<>:|?*]", "cannot contain characters reserved on Windows (< > : | ? *)"),
    (r"^\.|\.\Z", "cannot start or end with a dot"),
)


def safe_file_name(value: str) -> str:
    """The name in its one canonical form (NFKC). Raises RuleError with the first thing wrong."""
    name = unicodedata.normalize("NFKC", value)
    for expression, problem in _FILE_NAME_PROBLEMS:
        if re.search(expression, name):
            raise RuleError(problem)
    if name != javascript.trim(name):
        raise RuleError("cannot have leading or trailing whitespace")
    if _DEVICE_NAME.fullmatch(name.partition(".")[0]):
        raise RuleError("cannot be a Windows reserved device name (e.g. CON, NUL, COM1)")
    return name


def email_address(value: str) -> str:
    if not is_email(value):
        raise RuleError("must be a valid email")
    return value


_ID_RULES = (min_length(1), max_length(100), pattern("[a-zA-Z0-9_-]+"))
_APPLICATION_ID = Text(required=True, rules=_ID_RULES)
_VERSION = Text(required=True, rules=(min_length(1), max_length(50), pattern("[a-zA-Z0-9._-]+")))
_NAME = Text(required=True, trim=True, rules=(min_length(1), max_length(200)))
_DESCRIPTION = Text(trim=True, allow=("",), rules=(max_length(2000),))
_RELEASE_NOTES = Text(trim=True, allow=("",), rules=(max_length(5000),))
_FILE_NAME = Text(required=True, rules=(min_length(1), max_length(255), safe_file_name))
_FILE_SIZE = Number(required=True, rules=(integer, at_least(1)))
_CUSTOMER_IDS = Items(item=Text(rules=(min_length(1), max_length(100))), default=())

APPLICATION_LIST: Schema = {
    "page": Number(default=1, rules=(integer, at_least(1))),
    "limit": Number(default=20, rules=(integer, at_least(1), at_most(100))),
    "search": Text(trim=True, allow=("",), rules=(max_length(200),)),
    "isActive": Flag(),
    "tags": Text(rules=(max_length(500),)),
    "sortBy": Text(only=("name", "createdAt", "updatedAt"), default="name"),
    "sortOrder": Text(only=("asc", "desc"), default="asc"),
}
DOWNLOAD_URL: Schema = {
    "applicationId": _APPLICATION_ID,
    "version": _VERSION,
    "fileId": Text(rules=_ID_RULES),
}


def share(max_minutes: int) -> Schema:
    minutes = (integer, at_least(5), at_most(max_minutes))
    return {
        "applicationId": Text(required=True),
        "version": Text(required=True),
        "fileId": Text(),
        "expiresInMinutes": Number(default=30, rules=minutes),
    }


APPLICATION: Schema = {
    "customerIds": Items(item=Text(rules=_ID_RULES), default=()),
    "applicationId": _APPLICATION_ID,
    "name": _NAME,
    "description": _DESCRIPTION,
    "tags": Items(item=Text(rules=(min_length(1), max_length(50))), rules=(max_items(20),)),
}
APPLICATION_CUSTOMERS: Schema = {
    "addCustomerIds": _CUSTOMER_IDS,
    "removeCustomerIds": _CUSTOMER_IDS,
}
VERSION_UPDATE: Schema = {
    "releaseNotes": Text(trim=True, allow=("", None), rules=(max_length(5000),)),
    "isActive": Flag(),
    "isEnabled": Flag(),
}
UPLOAD: Schema = {
    "applicationId": _APPLICATION_ID,
    "version": _VERSION,
    "releaseNotes": _RELEASE_NOTES,
    "fileName": _FILE_NAME,
    "fileType": Text(only=FILE_TYPES, default="MAIN"),
    "description": _DESCRIPTION,
    "fileContent": Text(allow=("",)),
}
LARGE_UPLOAD_URL: Schema = {
    "applicationId": _APPLICATION_ID,
    "version": _VERSION,
    "fileName": _FILE_NAME,
    "fileSize": _FILE_SIZE,
    "contentType": Text(default="application/octet-stream", rules=(max_length(100),)),
}
LARGE_UPLOAD_COMPLETE: Schema = {
    "uploadId": Text(required=True),
    "applicationId": _APPLICATION_ID,
    "version": _VERSION,
    "fileName": _FILE_NAME,
    "fileSize": _FILE_SIZE,
    "checksum": Text(required=True, rules=(min_length(32), max_length(128))),
    "releaseNotes": _RELEASE_NOTES,
}
CUSTOMER: Schema = {
    "name": _NAME,
    "notes": _DESCRIPTION,
    "email": Text(allow=("", None), rules=(email_address, max_length(320))),
    "reference": Text(trim=True, allow=("", None), rules=(max_length(200),)),
    "license": Text(trim=True, allow=("", None), rules=(max_length(500),)),
}
