"""Addresses that a server gives, or redirects to: which of them are gone to."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from .errors import IntegrityError

# Names that only mean something inside a network, as do all without a dot.
_INSIDE = (".localhost", ".localdomain", ".local", ".internal", ".lan", ".home.arpa")
_ODD = re.compile(r"[\s\\\x00-\x20\x7f]")

Resolve = Callable[[str], Iterable[str]]


def check_address(url: object, giver: str, says: str) -> str:
    """`url` as it came, if what was given by the server at `giver` may lead there.

    Raises IntegrityError, whose message starts with what the server `says`, for anything but http
    and https, and for user names; where `giver` has TLS, for an address without, since the address
    alone grants the access; and where `giver` is outside, for this machine and private networks:
    by number, or by a name of that kind. Other names are not looked up.
    """
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not isinstance(url, str) or not usable or not parts.netloc.isascii() or _ODD.search(url):
        raise IntegrityError(f"{says} no usable address")
    if "@" in parts.netloc:
        raise IntegrityError(f"{says} an address with a user name in it")
    origin = urlsplit(giver)
    if parts.scheme == "http" and origin.scheme == "https":
        raise IntegrityError(f"{says} an address without TLS")
    if is_inside(parts.hostname or "") and not is_inside(origin.hostname or "", _resolved):
        raise IntegrityError(f"{says} an address inside a private network")
    return url


def is_proxy(url: str) -> bool:
    """Whether the address of a proxy can be taken apart; one without a scheme means http."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        return bool(parts.scheme and parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_inside(host: str, resolve: Resolve | None = None) -> bool:
    """Whether a host is this machine or in a private network, going by its number or name.

    With `resolve`, which gives a name's numbers, also where those say so: the address of a
    self-hosted server may have any name.
    """
    host = host.lower().rstrip(".")
    number = _number(host)
    if number is not None:
        return not number.is_global or number.is_multicast or number.is_reserved
    if "." not in host or host.endswith(_INSIDE):
        return True
    found = list(resolve(host)) if resolve else []
    return bool(found) and all(is_inside(each) for each in found)


def _number(host: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(host)
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f000001, 2130706433
        except (OSError, UnicodeError):
            return None
    return getattr(found, "ipv4_mapped", None) or found


def _resolved(host: str) -> Iterable[str]:
    try:
        return {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return ()
