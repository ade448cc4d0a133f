"""Where the server is reached: its addresses, and what its URLs are signed with."""

from __future__ import annotations

from dataclasses import dataclass, field

STORE_PATH = "/store/"


@dataclass
class ServerAddress:
    """Where the server is reached and how long the URLs that it signs live."""

    url: str
    secret: str = field(repr=False)
    tenant: str
    url_lifetime: float
