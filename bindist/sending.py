"""Connections on which what is sent has as much time as what is awaited, piece by piece.

urllib3 gives it the time for connecting, and a body in memory that time as a whole: over a line
that is too slow for that, nothing large would ever arrive.
"""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import PoolManager, ProxyManager

PIECE = 256 * 1024
"""So many bytes must go out within the time-out."""


class PatientAdapter(HTTPAdapter):
    """Waits up to `patience` seconds for each piece to go out; keeps so many `connections`."""

    def __init__(self, patience: float, connections: int, blocksize: int) -> None:
        self._pools = _pools(patience)
        super().__init__(pool_connections=connections, pool_maxsize=connections)
        self.init_poolmanager(connections, connections, blocksize=blocksize)

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, *arguments: Any, **more: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(*arguments, **more)
        if isinstance(manager, ProxyManager):  # one for SOCKS has connections of its own
            manager.pool_classes_by_scheme = self._pools
        return manager


def _pools(patience: float) -> dict[str, Any]:
    class Plain(HTTPConnection):
        def send(self, data: Any) -> None:
            if self.sock is not None:
                self.sock.settimeout(patience)
            view = memoryview(data)
            for start in range(0, len(view), PIECE):
                super().send(view[start : start + PIECE])

    class Secure(Plain, HTTPSConnection):
        pass

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
