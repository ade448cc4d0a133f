"""Pre-signed URLs, in the manner of S3's query signing (Signature Version 4)."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlencode

IDENTITY_PATH = "/.sandbox/identity"
ALGORITHM = "AWS4-HMAC-SHA256"
SIGNATURE = "X-Amz-Signature"
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", re.ASCII)


def sign_url(
    secret: str,
    method: str,
    base_url: str,
    path: str,
    unix_ms: int,
    lifetime: float,
    **also: str,
) -> str:
    """A URL with which anybody may do this one thing until the time is over.

    A lifetime that is not a whole number of seconds counts from this very millisecond; a whole one
    from the beginning of the second, as in S3.
    """
    seconds, thousandths = divmod(unix_ms, 1000)
    exact = lifetime if lifetime == int(lifetime) else lifetime + thousandths / 1000
    made = f"{datetime.fromtimestamp(seconds, timezone.utc):%Y%m%dT%H%M%SZ}"
    query = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD",
        "X-Amz-Credential": f"sandbox/{made[:8]}/local/s3/aws4_request",
        "X-Amz-Date": made,
        "X-Amz-Expires": f"{exact:.3f}".rstrip("0").rstrip("."),
        "X-Amz-SignedHeaders": "host",
        **also,
    }
    query[SIGNATURE] = signature(secret, method, base_url.partition("://")[2], path, query)
    return f"{base_url}{quote(path, safe='/-_.~')}?{urlencode(query, quote_via=quote)}"


def signature(secret: str, method: str, host: str, path: str, query: dict[str, str]) -> str:
    signed = sorted((name, value) for name, value in query.items() if name != SIGNATURE)
    text = "\n".join([method, host, path, urlencode(signed, quote_via=quote)])
    return hmac.new(secret.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def has_expired(query: dict[str, str], now: datetime) -> bool:
    """Whether a signed query's time is over. Raises ValueError when it does not say."""
    found = _DATE.fullmatch(query.get("X-Amz-Date", ""))
    if not found:
        raise ValueError
    made = datetime(*map(int, found.groups()), tzinfo=timezone.utc)  # type: ignore[misc,arg-type]
    return now > made + timedelta(seconds=float(query.get("X-Amz-Expires", "")))


def identity_proof(secret: str, nonce: str) -> str:
    """What only a server that knows the folder's secret can answer."""
    return hmac.new(secret.encode(), f"identity {nonce}".encode(), hashlib.sha256).hexdigest()
