"""Whether a server answers, and whether its object store takes uploads, asked without a key."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .connection import check_address, check_base_url
from .http.transport import Transport
from .transfer.upload import read_refusal

if TYPE_CHECKING:
    from .types import StrPath

__all__ = ["ServerProbe", "UploadProbe", "probe_server", "probe_upload"]


@dataclass(frozen=True)
class ServerProbe:
    """A server's response to one request without a key.

    `status_code` is the HTTP status, 401 or 404 from a server that works; `seconds` how long the
    response took; `date` its `Date` header and `location` the target of a redirect, None where
    there is none.
    """

    status_code: int
    seconds: float
    date: str | None = None
    location: str | None = None


@dataclass(frozen=True)
class UploadProbe:
    """What an object store says to an upload of one byte.

    `accepted` tells whether it takes it; else `code` and `message` have its reason. `host` is where
    it is.
    """

    accepted: bool
    host: str
    code: str = ""
    message: str = ""


def probe_upload(
    upload_url: object,
    base_url: str,
    *,
    timeout: float = 10.0,
    verify: StrPath | None = None,
    inside: bool = False,
) -> UploadProbe:
    """Sends one byte to the upload URL of a file that is never completed.

    Args:
        upload_url: the `uploadUrl` of `get_large_upload_url`.
        base_url: the address of the API that gave it.
        timeout: seconds for the connection and again for the response; default 10.
        verify: path of a CA bundle; default None, which leaves it to the environment.
        inside: True accepts an object store inside a private network from a server outside, as
            `allow_private_store` of a client does; default False.

    Returns an `UploadProbe` for any response. Raises TransportError where no response comes,
    IntegrityError for an address that may not be used.
    """
    url = check_address(upload_url, base_url, "the server gives for an upload", inside=inside)
    transport = Transport(base_url, "", timeout=(timeout,) * 2, retries=0, backoff=0, verify=verify)
    host = urlsplit(url).netloc
    try:
        response = transport.open_store("PUT", url, body=b"x")
        if response.status_code in (200, 201, 204):
            response.close()
            return UploadProbe(True, host)
        error = read_refusal(transport, response).error or {}
    finally:
        transport.close()
    return UploadProbe(False, host, error["code"], error["message"])


def probe_server(
    base_url: str, *, timeout: float = 10.0, verify: StrPath | None = None
) -> ServerProbe:
    """Sends one `HEAD /v1/applications` without a key, and follows no redirect.

    Args:
        base_url: where the API is, such as `https://api.bindist.eu`.
        timeout: seconds for the connection and again for the response; default 10.
        verify: path of a CA bundle; default None, which leaves it to the environment.

    Returns a `ServerProbe` for any HTTP status. Raises TransportError where no response comes,
    ValueError for what is no address.
    """
    url = check_base_url(base_url)
    transport = Transport(url, "", timeout=(timeout, timeout), retries=0, backoff=0, verify=verify)
    started = time.monotonic()
    try:
        with transport.open_store("HEAD", f"{url}/v1/applications") as response:
            headers = response.headers
            return ServerProbe(
                response.status_code,
                time.monotonic() - started,
                headers.get("Date"),
                headers.get("Location"),
            )
    finally:
        transport.close()
