"""The object store over HTTP: what S3 answers to pre-signed URLs."""

from __future__ import annotations

import base64
import hmac
import uuid
import zlib
from datetime import datetime, timezone
from urllib.parse import parse_qsl, unquote

from werkzeug.http import http_date, parse_date, parse_etags, parse_range_header
from werkzeug.wrappers import Request, Response

from ..address import STORE_PATH, ServerAddress
from ..steps import Steps
from .objects import BLOCK, FileSlice, Objects, StoredObject
from .signing import ALGORITHM, SIGNATURE, has_expired, signature


class StoreError(Exception):
    """A refusal, answered in XML."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


class Store:
    def __init__(self, objects: Objects, address: ServerAddress) -> None:
        self._objects = objects
        self._address = address

    def respond(self, request: Request, path: str, steps: Steps) -> Response:
        key = unquote(path)[len(STORE_PATH) :]
        try:
            self._check_signature(request, STORE_PATH + key)
            return self._METHODS.get(request.method, Store._other)(self, request, key, steps)
        except StoreError as error:
            return xml_error(error)

    def _check_signature(self, request: Request, path: str) -> None:
        query = _query(request)
        if "Authorization" in request.headers:
            raise _refusal("two-mechanisms")
        if query.get("X-Amz-Algorithm") != ALGORITHM or SIGNATURE not in query:
            raise _refusal("unsigned")
        try:
            expired = has_expired(query, datetime.now(timezone.utc))
        except (ValueError, OverflowError):
            raise _refusal("malformed") from None
        if expired:
            raise _refusal("expired")
        if any(name.lower().startswith("x-amz-") for name, _ in request.headers.items()):
            raise _refusal("unsigned-header")
        wanted = signature(self._address.secret, request.method, request.host, path, query)
        if not hmac.compare_digest(wanted.encode(), query[SIGNATURE].encode("utf-8", "replace")):
            raise _refusal("signature")

    def _get(self, request: Request, key: str, steps: Steps) -> Response:
        with steps.take("store.get", writes=False, slow="slow-store"):
            stored = self._objects.find(key)
        disposition = _query(request).get("response-content-disposition", "")
        if not _is_latin_1(disposition):
            if steps.like == "aws":
                raise _refusal("disposition")
            disposition = ""
        if stored is None:
            raise _refusal("no-such-key")
        headers = {
            **({"Content-Disposition": disposition} if disposition else {}),
            "ETag": stored.etag,
            "Last-Modified": http_date(stored.modified),
            "Accept-Ranges": "bytes",
        }
        if _unchanged(request, stored):
            return Response(b"", 304, headers)
        part = _range(request, stored.size)
        start, stop = part or (0, stored.size)
        headers["Content-Length"] = str(stop - start)
        if part:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{stored.size}"
        try:
            file = stored.path.open("rb")
        except FileNotFoundError:  # replaced this very moment
            raise _refusal("no-such-key") from None
        return Response(
            FileSlice(file, start, stop - start),
            206 if part else 200,
            headers,
            content_type="binary/octet-stream",
            direct_passthrough=True,
        )

    def _put(self, request: Request, key: str, steps: Steps) -> Response:
        left = request.content_length
        if left is None:
            raise _refusal("no-length")
        writer = self._objects.writer()
        crc = 0
        try:
            while left:
                block = request.stream.read(min(BLOCK, left))
                writer.write(block)
                crc = zlib.crc32(block, crc) if "strict-crc" in steps.faults else 0
                left -= len(block)
            _check_md5(request, writer.md5())
            if "strict-crc" in steps.faults:
                _check_crc(request, crc, *steps.faults["strict-crc"])
        except BaseException:
            writer.discard()
            raise
        stored = writer.finish()
        with steps.take("store.put", writes=True, slow="slow-store"):
            self._objects.keep(key, stored)
        return Response(b"", 200, {"ETag": stored.etag})

    def _other(self, _request: Request, _key: str, _steps: Steps) -> Response:
        raise _refusal("method")

    _METHODS = {"GET": _get, "HEAD": _get, "PUT": _put}  # noqa: RUF012


def xml_error(error: StoreError) -> Response:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{error.code}</Code><Message>{error}</Message>"
        f"<RequestId>{uuid.uuid4().hex[:16].upper()}</RequestId></Error>"
    )
    return Response(text, error.status, error.headers, content_type="application/xml")


def _query(request: Request) -> dict[str, str]:
    text = request.query_string.decode("utf-8", "replace")
    return dict(parse_qsl(text, keep_blank_values=True))


def _is_latin_1(text: str) -> bool:
    """Whether a header can hold the text; S3 refuses any other, and it is signed."""
    return all(character <= "\xff" for character in text)


def _unchanged(request: Request, stored: StoredObject) -> bool:
    """Whether a 304 says all that is needed. If-Range is not looked at, nor is it by the stores.

    Raises StoreError when a condition of the request does not hold.
    """
    headers, etag, modified = request.headers, stored.etag.strip('"'), int(stored.modified)
    since = parse_date(headers.get("If-Modified-Since"))
    until = parse_date(headers.get("If-Unmodified-Since"))
    if "If-Match" in headers:
        if not parse_etags(headers["If-Match"]).contains(etag):
            raise _refusal("condition")
    elif until and until.timestamp() < modified:
        raise _refusal("condition")
    if "If-None-Match" in headers:
        return parse_etags(headers["If-None-Match"]).contains_weak(etag)
    return since is not None and since.timestamp() >= modified


def _range(request: Request, size: int) -> tuple[int, int] | None:
    """Where the range asked for begins and ends; None for the whole (also for several ranges)."""
    asked = parse_range_header(request.headers.get("Range"))
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    found = asked.range_for_length(size)
    if found is None or found[1] is None:
        raise _refusal("range", **{"Content-Range": f"bytes */{size}"})
    return found[0], found[1]


def _check_md5(request: Request, md5: bytes) -> None:
    sent = request.headers.get("Content-MD5")
    if sent is not None and sent != base64.b64encode(md5).decode():
        raise _refusal("digest")


def _check_crc(request: Request, crc: int, code: str) -> None:
    """As stores do that look at what AWS ignores in a URL."""
    signed = request.args.get("x-amz-checksum-crc32")
    if signed is not None and signed != base64.b64encode(crc.to_bytes(4, "big")).decode():
        message = "The checksum you specified did not match what we received."
        raise StoreError(400, code, message, {})


_REFUSALS = {
    "two-mechanisms": (
        400,
        "InvalidArgument",
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature"
        " query string parameter or the Authorization header should be specified",
    ),
    "unsigned": (403, "AccessDenied", "Access Denied"),
    "malformed": (
        400,
        "AuthorizationQueryParametersError",
        "X-Amz-Date or X-Amz-Expires is malformed",
    ),
    "expired": (403, "AccessDenied", "Request has expired"),
    "unsigned-header": (
        403,
        "AccessDenied",
        "There were headers present in the request which were not signed",
    ),
    "signature": (
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check"
        " your key and signing method.",
    ),
    "no-such-key": (404, "NoSuchKey", "The specified key does not exist."),
    "method": (
        405,
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
    ),
    "disposition": (
        400,
        "InvalidArgument",
        "Header value cannot be represented using ISO-8859-1.",
    ),
    "no-length": (
        411,
        "MissingContentLength",
        "You must provide the Content-Length HTTP header.",
    ),
    "condition": (
        412,
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
    ),
    "range": (416, "InvalidRange", "The requested range is not satisfiable"),
    "digest": (400, "BadDigest", "The Content-MD5 you specified did not match what we received."),
}


def _refusal(why: str, **headers: str) -> StoreError:
    return StoreError(*_REFUSALS[why], headers)


def expired() -> Response:
    """What is answered to a URL whose time is over."""
    return xml_error(_refusal("expired"))
