"""The sandbox: a complete BinDist server on this machine."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import TracebackType
from urllib.parse import parse_qs

from .address import ServerAddress
from .connection import Connection, RequestRecord
from .dispatch import Dispatcher
from .faults.plan import FaultPlan
from .routes.table import Api
from .steps import LIKES, Hook, Like
from .storage import catalogue, folder
from .storage.database import Database, Session, unusable
from .storage.folder import SandboxError, StrPath
from .storage.history import History
from .storage.keys import SandboxKeys, read_keys, write_keys
from .storage.object_store import Store
from .storage.objects import Objects
from .storage.records import VersionState, version_state
from .storage.signing import identity_proof

HOST = "127.0.0.1"
_STOP_SECONDS = 2.0


class SandboxServer:
    """A server on a data folder, on loopback only.

    An empty folder gets the sample catalogue on first use, or, with catalogue=False, nothing but
    the customers `admin`, `admin-apps` and `seed-customer`, or, with fresh=True, nothing but an
    administrator with a UUID for an id, as a new server on AWS. Keys that are given are set; keys
    neither given nor stored are made up. Raises SandboxError where the folder cannot be used.

    `like` says what the server's steps are: "ideal" carries out a request in one transaction,
    "scaleway" and "aws" step by step as the real servers do, and "aws" with DynamoDB's and S3's
    manners. `store_host` is the host in the URLs of the object store, for clients that have this
    server for a proxy; default the server's own. `share_minutes` is how long a share link may live.

    `on_step` and `after_step` are called with each step, in the request's thread and outside of any
    transaction: a hook may block, and where it raises, the connection is dropped. `requests` grows
    with each request, unless record_requests is False.
    """

    def __init__(
        self,
        data_dir: StrPath,
        *,
        port: int = 0,
        catalogue: bool = True,
        fresh: bool = False,
        admin_key: str | None = None,
        apps_admin_key: str | None = None,
        customer_key: str | None = None,
        faults: Sequence[str] = (),
        like: Like = "ideal",
        record_requests: bool = True,
        url_lifetime: float = 1800.0,
        store_host: str = "",
        share_minutes: int = 1440,
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.faults = FaultPlan(faults)
        self.record_requests = record_requests
        self.requests: list[RequestRecord] = []
        self.on_step: Hook | None = None
        self.after_step: Hook | None = None
        self.stopping = threading.Event()
        self._port = port
        self._listener: socket.socket | None = None
        self._resources = ExitStack()  # held while running
        self._acceptor = threading.Thread()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._lock = threading.Lock()
        self._database = Database(self.data_dir)
        objects = Objects(self._database)
        keys = admin_key, apps_admin_key, customer_key
        secret, tenant = self._prepare(objects, catalogue, fresh, keys)
        self._address = ServerAddress("", secret, tenant, url_lifetime, store_host, share_minutes)
        self._history = History(
            self.data_dir / folder.DATABASE, lambda: self.faults.most("stale-reads") / 1000
        )
        api = Api(self._database, self._history, objects, self._address)
        store = Store(objects, self._address)
        self.dispatcher = Dispatcher(api, store, _known(like), self, self.stopping)

    def _prepare(
        self, objects: Objects, with_catalogue: bool, fresh: bool, keys: tuple[str | None, ...]
    ) -> tuple[str, str]:
        """Fill an empty folder, set the keys given, and read what is needed to serve."""
        try:
            if self._database.open():
                with self._database.first_use() as session:
                    if session is not None:
                        if fresh:
                            catalogue.create_fresh(session)
                        else:
                            catalogue.create(session, objects, empty=not with_catalogue)
                        write_keys(session, *keys)
            with self._database.session() as session:
                if any(keys):
                    with session.writing():
                        write_keys(session, *keys)
                return session.setting("secret"), session.setting("tenant")
        except sqlite3.IntegrityError as error:
            raise SandboxError("the keys given must differ from each other") from error
        except sqlite3.DatabaseError as error:
            raise unusable(self.data_dir, error) from error
        finally:
            self._database.close()

    @property
    def url(self) -> str:
        if self._listener is None:
            raise SandboxError("the sandbox is not running")
        return f"http://{HOST}:{self._listener.getsockname()[1]}"

    @property
    def keys(self) -> SandboxKeys:
        """The keys that work now: the API can rotate them. Raises SandboxError."""
        try:
            with closing(Session(self.data_dir / folder.DATABASE)) as session:
                return read_keys(session)
        except sqlite3.DatabaseError as error:
            raise unusable(self.data_dir, error) from error

    def start(self) -> SandboxServer:
        """Serve from a thread; when this returns, the server answers."""
        if self._listener is not None:
            return self
        with ExitStack() as resources:
            listener = self._listen(resources)
            self._resources = resources.pop_all()
        self._listener = listener
        self._address.url = self.url
        self.stopping.clear()
        try:
            self._acceptor = _start_thread(self._accept, listener)
        except RuntimeError as error:
            self._listener = None
            self._resources.close()
            raise SandboxError(
                "this process may not start the one thread that a sandbox needs: raise the limit "
                "of processes (cgroup pids, ulimit -u) or of memory (ulimit -v)"
            ) from error
        return self

    def _listen(self, resources: ExitStack) -> socket.socket:
        try:
            resources.enter_context(folder.lock(self.data_dir / folder.USE_LOCK, shared=True))
        except (folder.InUseError, OSError) as error:
            raise SandboxError(f"{self.data_dir} has just been removed: try again") from error
        try:
            listener = socket.create_server((HOST, self._port), backlog=128)
        except (OSError, OverflowError) as error:
            raise SandboxError(
                f"port {self._port} of this machine cannot be used ({error}): choose another one"
            ) from error
        resources.callback(self._database.close)
        resources.callback(self._history.close)
        return resources.enter_context(listener)

    def serve_forever(self, ready: Callable[[], None] | None = None) -> None:
        """Serve until `stop` is called or Ctrl-C is pressed, findable by others meanwhile.

        Raises SandboxError if another server is already found on this folder.
        """
        try:
            with folder.lock(self.data_dir / folder.SERVE_LOCK):
                self.start()
                folder.announce(self.data_dir, self.url)
                try:
                    if ready is not None:
                        ready()
                    while not self.stopping.wait(1):
                        pass  # on Windows, Ctrl-C is seen only between two waits
                finally:
                    folder.withdraw(self.data_dir)
                    self.stop()
        except folder.InUseError as error:
            where = folder.announced_url(self.data_dir)
            raise SandboxError(
                f"a server already runs on {self.data_dir}{f' at {where}' if where else ''}:"
                " use that one, stop it, or choose another --data-dir"
            ) from error

    def stop(self) -> None:
        """Close everything; requests under way are cut off."""
        with self._lock:
            listener, self._listener = self._listener, None
            self.stopping.set()
        if listener is None:
            return
        with suppress(OSError), socket.create_connection(listener.getsockname(), timeout=1):
            pass  # wakes the thread that waits for connections
        self._acceptor.join(_STOP_SECONDS)  # from here on, no connection begins
        with self._lock:
            connections = dict(self._connections)
        for connection in connections.values():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections:
            thread.join(_STOP_SECONDS)
        self.dispatcher.finish(_STOP_SECONDS)
        self._resources.close()

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def version_state(self, application_id: str, version: str) -> VersionState | None:
        """What the database holds of a version at this moment, or None without a record of it."""
        with self._database.session() as session, session.reading():
            return version_state(session, application_id, version)

    def identify(self, query: str) -> dict[str, str]:
        """Prove that this server is this folder's, to one who can read the folder."""
        nonce = parse_qs(query).get("nonce", [""])[0]
        return {"proof": identity_proof(self._address.secret, nonce)}

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            if self.stopping.is_set():
                connection.close()
                return
            try:
                with self._lock:  # so that it is known before it can end
                    thread = _start_thread(self._serve_connection, connection, address)
                    self._connections[thread] = connection
            except RuntimeError:  # no thread can be started: one request after the other, then
                with self._lock:
                    self._connections[threading.current_thread()] = connection
                self._serve_connection(connection, address, once=True)

    def _serve_connection(
        self, connection: socket.socket, address: object, once: bool = False
    ) -> None:
        try:
            with connection, suppress(OSError):  # the client may be gone already
                Connection(connection, address, self, once)
        finally:
            with self._lock:
                del self._connections[threading.current_thread()]


def _known(like: Like) -> Like:
    if like not in LIKES:
        raise SandboxError(f"like must be one of {', '.join(LIKES)}, not {like!r}")
    return like


def _start_thread(work: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, name="sandbox", daemon=True)
    thread.start()
    return thread
