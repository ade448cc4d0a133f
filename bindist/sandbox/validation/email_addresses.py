"""Whether a text is an e-mail address by the reference server's rules.

They are stricter than most: the domain must end in a top-level domain that IANA knows, so that
`a@host.internal` is refused.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files

_LOCAL_PART = r"[A-Za-z0-9_!#$%&'*+\-/=?^`{|}~\u0080-\U0010ffff]+"
_NOT_IN_DOMAIN = r"[\x00-\x20@:/\\#!$&'()*+,;=?]"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_TOP_LABEL = r"[a-z](?:[a-z0-9-]*[a-z0-9])?"


def is_email(text: str) -> bool:
    text = unicodedata.normalize("NFC", text)
    local, at, domain = text.partition("@")
    return (
        at == "@"
        and len(text) <= 254
        and len(local.encode("utf-8", "replace")) <= 64
        and all(re.fullmatch(_LOCAL_PART, atom) for atom in local.split("."))
        and _is_domain(domain)
    )


def _is_domain(domain: str) -> bool:
    if not domain or len(domain) > 256 or re.search(_NOT_IN_DOMAIN, domain):
        return False
    try:
        ascii_domain = domain.encode("idna").decode().lower()
    except UnicodeError:
        return False
    *labels, top = ascii_domain.split(".")
    return (
        bool(labels)
        and all(re.fullmatch(_LABEL, label) and len(label) <= 63 for label in labels)
        and re.fullmatch(_TOP_LABEL, top) is not None
        and top in _top_level_domains()
    )


@cache
def _top_level_domains() -> frozenset[str]:
    return frozenset((files(__package__) / "tlds.txt").read_text("ascii").split())
