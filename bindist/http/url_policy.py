"""Addresses that a server gives, or redirects to: which of them are gone to."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from urllib.parse import urlsplit

from ..errors import IntegrityError

# Names that only mean something inside a network, as do all without a dot.
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu")
_INSIDE = (".localhost", ".localdomain", ".local", ".internal", ".lan", ".home.arpa")
_PROTOCOLS = IPv4Network("192.0.0.0/24")
"""Has the metadata of a cloud's machines, and is global to some versions of Python."""
_ODD = re.compile(r"[\s\\\x00-\x20\x7f]")
# A host that all who take an address apart agree on: no user, no zone of an interface, nothing that
# is encoded, nothing after a bracket. What is not ASCII is left to IDNA, where it is allowed.
_HOST = re.compile(r"(?:(?:[A-Za-z0-9._-]|[^\x00-\x7f])+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_NUMBER = re.compile(r"(?:[^:]*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")
_PLAIN = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")

Resolve = Callable[[str], Iterable[str]]


def has_plain_host(netloc: str) -> bool:
    """Whether the part of an address between `//` and the path is a host that means the same to
    all who read it, and perhaps a port."""
    return _HOST.fullmatch(netloc) is not None


def check_address(url: object, giver: str, says: str, *, inside: bool = False) -> str:
    """`url` as it came, if what was given by the server at `giver` may lead there.

    Raises IntegrityError, whose message starts with what the server `says`, for anything but http
    and https, for user names, and for hosts that could mean different things to different readers;
    where `giver` has TLS, for an address without, since the address alone grants the access; and,
    unless it may lead `inside`, where `giver` is outside, for this machine and private networks: by
    number, or by a name of that kind. Other names are not looked up.
    """
    problem = _problem(url, giver, inside)
    if problem or not isinstance(url, str):
        raise IntegrityError(f"{says} {problem}")
    return url


def _problem(url: object, giver: str, inside: bool) -> str:
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not isinstance(url, str) or not usable or not parts.netloc.isascii() or _ODD.search(url):
        return "no usable address"
    if "@" in parts.netloc:
        return "an address with a user name in it"
    if not has_plain_host(parts.netloc):
        return "no usable address"
    origin, host = urlsplit(giver), parts.hostname or ""
    if parts.scheme == "http" and origin.scheme == "https":
        return "an address without TLS"
    if is_inside(origin.hostname or "", _resolved):
        return ""
    if is_inside(host) and not inside:
        return "an address inside a private network"
    # 010.8.8.8 is another machine to who counts in tens than to who counts in eights.
    is_odd = _NUMBER.fullmatch(host) and not (_PLAIN.fullmatch(host) and _is_number(host))
    return "no usable address" if is_odd else ""


def is_proxy(url: str) -> bool:
    """Whether the address of a proxy can be taken apart; one without a scheme means http."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        return bool(parts.scheme and parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Whether an address leads to this machine, whichever way that is written.

    A connection to any name under `.localhost` is made to it without asking DNS; False for an
    address that could be read in two ways.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not parts.netloc.isascii() or not has_plain_host(parts.netloc.rpartition("@")[2]):
        return False
    number = _number(host)
    if number is not None:
        return number.is_loopback or number.is_unspecified  # 0.0.0.0 is connected to as 127.0.0.1
    return is_local_name(host)


def is_local_name(host: str) -> bool:
    """Whether a name means this machine, as RFC 6761 has it; it is not to be looked up."""
    return f".{host.lower().removesuffix('.')}".endswith(".localhost")


def is_amazon(url: str) -> bool:
    """Whether an address is at a host of Amazon's, such as that of a bucket of S3."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return f".{host}".endswith(_AMAZON)


def is_inside(host: str, resolve: Resolve | None = None) -> bool:
    """Whether a host is this machine or in a private network, going by its number or name.

    With `resolve`, which gives a name's numbers, also where those say so: the address of a
    self-hosted server may have any name.
    """
    host = host.lower().rstrip(".")
    number = _number(host)
    if number is not None:
        is_public = number.is_global and not (number.is_multicast or number.is_reserved)
        return not is_public or number in _PROTOCOLS
    if "." not in host or host.endswith(_INSIDE):
        return True
    found = list(resolve(host)) if resolve else []
    return bool(found) and all(is_inside(each) for each in found)


def _is_number(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _number(host: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(host)
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(host))  # 127.1, 0x7f000001, 2130706433
        except (OSError, UnicodeError):
            return None
    return getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None) or found


def _resolved(host: str) -> Iterable[str]:
    try:
        return {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return ()
