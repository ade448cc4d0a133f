"""What a client is connected with: the address of the API, and the key."""

from __future__ import annotations

from urllib.parse import urlsplit

from .http.redaction import redact
from .http.url_policy import check_address, has_plain_host, is_loopback

__all__ = ["check_address", "check_base_url", "check_encrypted", "check_key", "is_loopback"]


def check_base_url(url: str) -> str:
    """The address without its trailing slash; ValueError where it is not one."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        usable = usable and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or any(c.isspace() or ord(c) < 32 or c == "\\" for c in url):
        raise ValueError(f"{redact(repr(url))} is not an http:// or https:// address")
    if parts.username is not None or "?" in url or "#" in url:
        raise ValueError("the address may hold neither a user name nor a query")
    if not has_plain_host(parts.netloc):
        raise ValueError(f"{redact(repr(parts.netloc))} is not the plain name or number of a host")
    return url.rstrip("/")


def check_encrypted(url: str) -> None:
    """ValueError for an address that the key would be sent to in clear, over a network."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(url):
        raise ValueError(
            f"the key is not sent over plain http to {parts.hostname}: use https://, or "
            "allow_http=True in a network that you trust"
        )


def check_key(key: str) -> str:
    """The key; ValueError, without showing it, where a header cannot carry it."""
    if not key:
        raise ValueError("the API key is empty")
    if not key.isascii() or any(c.isspace() or ord(c) < 32 or ord(c) == 127 for c in key):
        raise ValueError("the API key has white space or other characters that no key has")
    return key
