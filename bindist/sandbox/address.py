"""Where the server is reached: its addresses, and what its URLs are signed with."""

from __future__ import annotations

from dataclasses import dataclass, field

STORE_PATH = "/store/"


@dataclass
class ServerAddress:
    """Where the server is reached and how long the URLs that it signs live.

    `store_host` is the host in the URLs of the object store; empty: the server's own.
    `share_minutes` is how long a share link lives at most.
    """

    url: str
    secret: str = field(repr=False)
    tenant: str
    url_lifetime: float
    store_host: str = ""
    share_minutes: int = 1440

    @property
    def store_url(self) -> str:
        return f"http://{self.store_host}" if self.store_host else self.url
