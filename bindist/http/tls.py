"""One TLS context for all connections to a host, and sessions that are resumed.

urllib3 makes a context for each connection, and reads the bundle of certificates into each: 35 ms
of computing, which is more than the handshake itself takes. Sixteen connections at once would wait
for half a second.
"""

from __future__ import annotations

import ssl
import threading
from typing import Any

from urllib3.util.ssl_ import create_urllib3_context


class _Resumed:
    """The `wrap_socket` of a context, with the session of an earlier connection to the same host:
    its certificate was verified by the same context."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._wrap = context.wrap_socket
        self.session: ssl.SSLSession | None = None

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        return self._wrap(*arguments, **{"session": self.session, **more})


def sharing(pool_class: type[Any]) -> type[Any]:
    """A subclass of urllib3's `HTTPSConnectionPool`, `pool_class`, whose connections share one."""

    class Sharing(pool_class):  # type: ignore[misc]
        _lock = threading.Lock()
        _shared: ssl.SSLContext | None = None
        _resumed: _Resumed | None = None

        def _new_conn(self) -> Any:
            connection = super()._new_conn()
            bundle = connection.ca_certs, connection.ca_cert_dir
            # A client's certificate, or a context of somebody else's, is not for others.
            if connection.ssl_context is None and any(bundle) and not connection.cert_file:
                with self._lock:
                    context = self._shared = self._shared or self._made(*bundle)
                if context is not None:
                    connection.ssl_context = context
                    connection.ca_certs = connection.ca_cert_dir = None
            return connection

        def _made(self, file: str | None, folder: str | None) -> ssl.SSLContext | None:
            context = create_urllib3_context()
            try:
                context.load_verify_locations(file, folder)
            except OSError:  # which the connection will find, too, and say so
                return None
            self._resumed = _Resumed(context)
            context.wrap_socket = self._resumed  # type: ignore[method-assign]
            return context

        def _put_conn(self, connection: Any) -> None:
            # With TLS 1.3, the session comes with the first answer.
            if connection is not None and self._resumed is not None:
                session = getattr(connection.sock, "session", None)
                self._resumed.session = session or self._resumed.session
            super()._put_conn(connection)

    return Sharing
