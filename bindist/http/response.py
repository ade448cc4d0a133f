"""The answer of the server as a value: the envelope where there is one, an error in any case."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, NoReturn, cast
from urllib.parse import urlsplit

from ..errors import (
    NO_SUCH_PATH,
    REQUEST_TOO_LARGE,
    ApiError,
    IntegrityError,
    error_for_status,
)
from .redaction import hide_in, may_hold, redact, redact_and_cut

Json = dict[str, Any]

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # every type checker knows it; nothing to install

    Data = TypeVar("Data", default=Any)
else:
    from typing import TypeVar

    Data = TypeVar("Data")

_CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    410: "EXPIRED",
    412: "PRECONDITION_FAILED",
    413: "PAYLOAD_TOO_LARGE",
    416: "RANGE_NOT_SATISFIABLE",
    429: "TOO_MANY_REQUESTS",
    500: "INTERNAL_ERROR",
    502: "BAD_GATEWAY",
    503: "SERVICE_UNAVAILABLE",
    504: "GATEWAY_TIMEOUT",
}

_EXPIRED = frozenset({"AccessDenied", "ExpiredToken", "RequestExpired", "TokenRefreshRequired"})

MAX_DEPTH = 64
"""How deep an answer may be nested: what prints it recurses, and the API needs six levels."""

MAX_CONTAINERS = 500_000
"""How many lists and objects an answer may hold: an empty one takes 20 times its two bytes."""

MAX_MESSAGE = 64 * 1024
_NO_CHANCE = 16  # characters
_SHOWN = 50
_REDIRECT = "REDIRECT"
_UNKNOWN_PATH = "Missing Authentication Token"
_BRACKETS = re.compile(r'"[^"]*"?|[\[{]|[\]}]')
MAX_ERROR_BODY = 5 * MAX_MESSAGE
"""The bytes that are read of a body that is not JSON: more than its message can take in UTF-8."""

_XML_TEXT = re.compile(r"<(Code|Message|RequestId)>([^<]*)</\1>")


@dataclass
class ApiResponse(Generic[Data]):
    """What a call returned; `unwrap()` gives its typed data, or raises.

        applications = client.list_applications().unwrap()["applications"]

    `success` is True if the HTTP status is 2xx and the server's JSON says `"success": true`;
    `status_code` is the HTTP status. `data`, `error` and `meta` are the fields of the server's
    JSON; `raw` is the whole JSON object, `{}` if the body is none. A failed response always has
    `error["code"]` and `error["message"]`, no matter whether the server, a gateway, a proxy or the
    object store sent it. `date` is the time in the response's `Date` header, in seconds of Unix
    time; None if there is none. `tries` is how often the request was sent in all: 1 if it was not
    repeated.
    """

    success: bool
    status_code: int
    data: Data | None
    error: Json | None
    meta: Json | None
    raw: Json
    date: float | None = field(default=None, compare=False)
    tries: int = field(default=1, compare=False)

    def __repr__(self) -> str:
        """Without `raw`, which says the same again, and without keys and signatures."""
        names = ("success", "status_code", "data", "error", "meta")
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return redact(f"{type(self).__name__}({shown})")

    def raise_for_error(self) -> ApiResponse[Data]:
        """Returns this response if it is a success, and raises for a failed one.

        Raises the subclass of ApiError for the HTTP status.
        """
        if not self.success:
            raise error_for_status(self.status_code, (self.error or {}).get("code"))(self)
        return self

    def unwrap(self) -> Data:
        """Returns `data` of a successful response, with the type that the method names.

        Prefer it to `data`, which may be None and is so for a failed response. Raises the subclass
        of ApiError for the HTTP status of a failed response, as `raise_for_error` does.
        """
        return cast("Data", self.raise_for_error().data)

    def require(self) -> Json:
        """Returns `data` of a successful response as an untyped dictionary; `{}` if it is null.

        Raises ApiError for a failed response, as `raise_for_error` does.
        """
        data: Any = self.raise_for_error().data
        return {} if data is None else data

    def rows(self, name: str) -> list[Json]:
        """Returns the objects in the list `name` of `data`, such as `rows("applications")`.

        Raises ApiError for a failed response, as `raise_for_error` does, and for one in which
        `data` has no list of objects with that name. An empty list is no error.
        """
        found = self.require().get(name)
        if isinstance(found, list) and all(isinstance(row, dict) for row in found):
            return found
        raise self.invalid_response(f"the response has no list of {name}")

    def invalid_response(self, problem: str) -> ApiError:
        """Returns the ApiError to raise for a successful response whose content is unusable."""
        error = {"code": "INVALID_RESPONSE", "message": problem}
        return ApiError(ApiResponse(False, self.status_code, None, error, self.meta, self.raw))


def text_in(thing: Mapping[str, Any], name: str) -> str:
    """A text that an object of the server must have; IntegrityError where it has none."""
    found = thing.get(name)
    if not isinstance(found, str) or not found or not found.isprintable():
        raise IntegrityError(f"the server gives no usable {name} but {_shown(found)}")
    return found


def count_in(thing: Mapping[str, Any], name: str) -> int:
    """A number from 0 that an object of the server must have; IntegrityError where it has none."""
    found = thing.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise IntegrityError(f"the server gives no usable {name} but {_shown(found)}")
    return found


def _shown(found: object) -> str:
    return redact_and_cut(ascii(found), _SHOWN)


def code_for_status(status: int) -> str:
    """The code an answer gets that names none itself."""
    return _CODES.get(status, f"HTTP_{status}" if status >= 300 else "INVALID_RESPONSE")


def is_expired(answer: ApiResponse) -> bool:
    """Whether a refusal of the object store means that the URL is too old."""
    error = answer.error or {}
    return answer.status_code in (400, 401, 403) and (
        error.get("code") in _EXPIRED or "expired" in str(error.get("message", "")).lower()
    )


def failure(status: int, message: str, *, code: str = "", raw: Json | None = None) -> ApiResponse:
    """A failed answer made here, from a body that is not the server's envelope."""
    error = {"code": code or code_for_status(status), "message": message}
    return ApiResponse(False, status, None, error, None, {} if raw is None else raw)


def from_store(
    status: int, body: bytes, location: str, secrets: tuple[str, ...] = ()
) -> ApiResponse:
    """Reads a failed answer of the object store.

    Of `location`, the target of a redirect, only the host is told: the rest grants access.
    """
    if not 300 <= status < 400:
        return from_body(status, body, secrets=secrets)
    code, message = _xml_error(_text(body)) or ("", "")
    host = redact_and_cut(_host_of(location), MAX_MESSAGE, *secrets)
    text = f"the object store redirects to {host or 'another address'}"
    if message:
        text += f": {redact_and_cut(message, MAX_MESSAGE, *secrets)}"
    return failure(status, text, code=code or ("TemporaryRedirect" if status == 307 else _REDIRECT))


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def from_body(
    status: int, body: bytes, location: str = "", secrets: tuple[str, ...] = ()
) -> ApiResponse:
    """Reads an answer; never raises, whatever `body` holds.

    `location` is the target of a redirect, which no call ever follows: the key would go along.
    `secrets` are what the request was sent with, and hidden wherever the answer repeats them; in a
    success only those that are too long to be there by chance.
    """
    raw = _json(body)
    if not isinstance(raw, dict):
        return _not_an_object(status, body, location, secrets)
    succeeded = raw.get("success") is True and 200 <= status < 300
    if succeeded:
        secrets = tuple(each for each in secrets if len(each) >= _NO_CHANCE)
    if not succeeded or may_hold(body, secrets):
        raw = hide_in(raw, *secrets)
    data, error, meta = raw.get("data"), raw.get("error"), raw.get("meta")
    envelope_meta = meta if isinstance(meta, dict) else None
    if succeeded:
        if data is None or isinstance(data, dict):
            return ApiResponse(True, status, data, None, envelope_meta, raw)
        error = {"message": f"the answer's data is not an object but {type(data).__name__}"}
        error["code"] = "INVALID_RESPONSE"
    return ApiResponse(False, status, None, _error(status, error, raw), envelope_meta, raw)


def _error(status: int, error: object, raw: Json) -> Json:
    """An error object with a text in `code` and `message`, whatever the server put there."""
    found = dict(error) if isinstance(error, dict) else {}
    if isinstance(error, str):
        found["message"] = error
    for name in ("message", "Message"):  # gateways answer {"message": ...}, some with a capital
        found["message"] = found.get("message") or raw.get(name)
    if status == 403 and found["message"] == _UNKNOWN_PATH:
        return {"code": NO_SUCH_PATH, "message": f"the gateway has no such path: {_UNKNOWN_PATH}"}
    code = code_for_status(status) if isinstance(error, dict) else _gateway_code(status)
    for key, default in (("code", code), ("message", _reason(status))):
        value = found.get(key)
        text = redact_and_cut(value, MAX_MESSAGE) if isinstance(value, str) else ""
        found[key] = text if text.strip() else default
    return found


def _not_an_object(
    status: int, body: bytes, location: str, secrets: tuple[str, ...]
) -> ApiResponse:
    def told(text: str) -> str:
        return redact_and_cut(text, MAX_MESSAGE, *secrets)

    text = _text(body)
    if 300 <= status < 400:
        where = f" to {location}" if location else ""
        message = f"the server redirects{where}; give the address it names"
        return failure(status, told(message), code=_REDIRECT)
    if xml := _xml_error(text):
        code, message = xml
        return failure(status, told(message or _reason(status)), code=told(code))
    return failure(status, told(text) or _reason(status), code=_gateway_code(status))


def _text(body: bytes) -> str:
    return body[:MAX_ERROR_BODY].decode("utf-8", "replace").strip()


def _xml_error(text: str) -> tuple[str, str] | None:
    """Code and message of an object store's error; None for any other text."""
    if not (text.startswith("<") and "<Error" in text[:500]):
        return None
    found = dict(_XML_TEXT.findall(text))
    return (found["Code"], found.get("Message", "")) if "Code" in found else None


def _gateway_code(status: int) -> str:
    """The code of an answer that is not the API's own."""
    return REQUEST_TOO_LARGE if status == 413 else code_for_status(status)


def _reason(status: int) -> str:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    if 200 <= status < 300:
        return f"HTTP {status}: not an answer of the BinDist API"
    return f"HTTP {status} {phrase}".strip()


def _json(body: bytes) -> object:
    """The parsed body, or None where it is not JSON, or JSON made to break its reader."""
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
        if _is_too_much(text):
            return None
        return json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole
        )
    except (ValueError, RecursionError):
        return None


def _is_too_much(text: str) -> bool:
    """Whether JSON is nested too deep, or holds too many lists and objects to be parsed.

    Of what is not JSON only the part before the first error counts, as for the parser.
    """
    if text.count("[") + text.count("{") < MAX_DEPTH:
        return False
    depth = count = 0
    # Without escaped quotes, a text ends at the next quote.
    for found in _BRACKETS.finditer(text.replace("\\\\", "").replace('\\"', "")):
        bracket = found[0]
        if bracket in "[{":
            depth, count = depth + 1, count + 1
            if depth > MAX_DEPTH or count > MAX_CONTAINERS:
                return True
        elif bracket in "]}":
            depth -= 1
    return False


def _refuse_constant(name: str) -> NoReturn:
    # NaN and Infinity are not JSON: passed on they would make our own output unreadable.
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_constant(text)


def _whole(text: str) -> int:
    _finite(text)  # what is beyond any float cannot be calculated with, nor printed in a table
    return int(text)


def response_of(error: ApiError) -> ApiResponse[Any]:
    """The response that an error was raised for, as what it is."""
    return cast("ApiResponse[Any]", error.response)


def unix_time(timestamp: object) -> float | None:
    """Seconds of Unix time from an ISO 8601 timestamp of the API; None for anything else."""
    try:
        return datetime.fromisoformat(str(timestamp).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return None
