"""What the faults that are visible in an answer do to it; the others are the connection's."""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus

from werkzeug.wrappers import Request, Response

from ..address import STORE_PATH
from ..routes.call import json_response
from ..storage.object_store import expired
from ..storage.objects import FileSlice
from .plan import Arguments

_PAGE = "<!DOCTYPE html>\n<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>\n"


def answer_instead(faults: Mapping[str, Arguments], request: Request, path: str) -> Response | None:
    """The answer of a fault that keeps the request from being carried out."""
    for kind, arguments in faults.items():
        if kind in _INSTEAD:
            return _INSTEAD[kind](request, *arguments)
    if "expire" in faults and path.startswith(STORE_PATH):
        return expired()
    return None


def _gateway_json(_: Request, status: int, retry_after: str | None = None) -> Response:
    response = json_response({"message": _phrase(status)}, status)
    if retry_after is not None:
        response.headers["Retry-After"] = retry_after
    return response


def _page(_: Request, status: int) -> Response:
    text = _PAGE.format(f"{status} {_phrase(status)}")
    return Response(text, status, content_type="text/html; charset=utf-8")


def _portal(_: Request) -> Response:
    text = _PAGE.format("Sign in to the network")
    return Response(text, 200, content_type="text/html; charset=utf-8")


def _redirect(_: Request, location: str) -> Response:
    return Response(b"", 302, {"Location": location})


def _redirect_loop(request: Request) -> Response:
    return Response(b"", 302, {"Location": request.environ["RAW_URI"]})


_INSTEAD: dict[str, Callable[..., Response]] = {
    "status": _gateway_json,
    "html": _page,
    "empty": lambda _, status: Response(b"", status),
    "text": lambda _, status: Response(_phrase(status) + "\n", status, content_type="text/plain"),
    "not-json": _portal,
    "json-array": lambda _: json_response([{"success": True}], 200),
    "redirect": _redirect,
    "redirect-loop": _redirect_loop,
}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def alter(faults: Mapping[str, Arguments], response: Response) -> None:
    """Let the faults change an answer that was properly made."""
    if isinstance(response.response, list):
        response.headers["Content-Length"] = str(sum(map(len, response.response)))
    for kind, change in _CHANGES.items():
        if kind in faults:
            change(response, *faults[kind])


def _other_etag(response: Response, etag: str) -> None:
    response.headers["ETag"] = etag


def _other_range(response: Response) -> None:
    """Move the range of a 206 by one byte, in the header and in the body alike."""
    found = re.match(r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", ""))
    body = response.response
    if found and isinstance(body, FileSlice):
        first, last, size = map(int, found.groups())
        move = -1 if first else 1
        first, last = first + move, min(last + move, size - 1)
        body.start, body.length = first, max(0, last - first + 1)
        response.headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        response.headers["Content-Length"] = str(body.length)


def _flip(response: Response, offset: int) -> None:
    response.response = _Wrapped(response.response, lambda blocks: _flipped(blocks, offset))


def _flipped(blocks: Iterable[bytes], offset: int) -> Iterator[bytes]:
    for block in blocks:
        if 0 <= offset < len(block):
            changed = bytearray(block)
            changed[offset] ^= 0x01
            block = bytes(changed)
        offset -= len(block)
        yield block


def _compress(response: Response) -> None:
    response.response = _Wrapped(response.response, _compressed)
    response.headers["Content-Encoding"] = "gzip"
    del response.headers["Content-Length"]


def _compressed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    gzip = zlib.compressobj(wbits=31)
    for block in blocks:
        yield gzip.compress(block)
    yield gzip.flush()


class _Wrapped:
    """A body seen through a change, closed with the body itself."""

    def __init__(self, body: object, change: Callable[[Iterable[bytes]], Iterator[bytes]]) -> None:
        self._body = body
        self._change = change

    def __iter__(self) -> Iterator[bytes]:
        return self._change(self._body)  # type: ignore[arg-type]

    def close(self) -> None:
        with contextlib.suppress(AttributeError):
            self._body.close()  # type: ignore[attr-defined]


_CHANGES: dict[str, Callable[..., None]] = {
    "range-lie": _other_range,
    "etag": _other_etag,
    "flip": _flip,
    "gzip": _compress,
}
