"""Whether an address leads to a server that answers, asked without a key."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .connection import check_base_url
from .http.transport import Transport

if TYPE_CHECKING:
    from .types import StrPath

__all__ = ["ServerProbe", "probe_server"]


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
