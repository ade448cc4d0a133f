"""The sandbox's records, in SQLite.

Column names are the API's field names. Rows keep the order in which they were first written, which
is the order of the reference server's tables.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Empty, LifoQueue
from typing import Any

from ..validation.javascript import ScriptError
from . import folder
from .folder import SandboxError

SCHEMA_VERSION = 1
_FILES = 4  # the database, its log, its index, its folder
BUSY_SECONDS = 30.0

Row = dict[str, Any]

_TABLES = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE customers (customerId TEXT PRIMARY KEY, name TEXT, isActive BOOLEAN, isAdmin BOOLEAN,
    isFinancialAdmin BOOLEAN, createdAt TEXT, updatedAt TEXT, notes TEXT, email TEXT,
    reference TEXT, license TEXT, parentCustomerId TEXT);
CREATE TABLE keys (customerId TEXT PRIMARY KEY, secret TEXT NOT NULL, hash TEXT NOT NULL UNIQUE);
CREATE TABLE applications (applicationId TEXT PRIMARY KEY, name TEXT, description TEXT,
    isActive BOOLEAN, createdAt TEXT, updatedAt TEXT, tags JSON, deletedAt TEXT);
CREATE TABLE grants (customerId TEXT, applicationId TEXT, grantedAt TEXT, grantedBy TEXT,
    PRIMARY KEY (customerId, applicationId));
CREATE TABLE versions (applicationId TEXT, version TEXT, versionId TEXT, releaseNotes TEXT,
    isActive BOOLEAN, isEnabled BOOLEAN, createdAt TEXT, updatedAt TEXT, fileSize INTEGER,
    checksum TEXT, downloadCount INTEGER, PRIMARY KEY (applicationId, version));
CREATE TABLE files (versionId TEXT, fileId TEXT, fileName TEXT, fileType TEXT, fileSize INTEGER,
    checksum TEXT, "order" INTEGER, description TEXT, createdAt TEXT,
    PRIMARY KEY (versionId, fileId));
CREATE TABLE downloads (downloadId TEXT PRIMARY KEY, applicationId TEXT, versionId TEXT,
    fileId TEXT, customerId TEXT, clientIp TEXT, userAgent TEXT, downloadedAt TEXT,
    fileSize INTEGER, downloadSource TEXT, shareToken TEXT);
CREATE INDEX downloadsOfApplication ON downloads (applicationId);
CREATE TABLE uploads (uploadId TEXT PRIMARY KEY, applicationId TEXT, version TEXT, fileId TEXT,
    fileName TEXT, fileSize INTEGER, customerId TEXT, clientIp TEXT, userAgent TEXT,
    uploadedAt TEXT, uploadMethod TEXT, ipChanged BOOLEAN, previousIp TEXT);
CREATE TABLE shares (token TEXT PRIMARY KEY, applicationId TEXT, version TEXT, fileId TEXT,
    customerId TEXT, createdAt TEXT, expiresAt TEXT);
CREATE TABLE audit (eventId TEXT PRIMARY KEY, eventType TEXT, timestamp TEXT, ttl INTEGER,
    actor TEXT, outcome TEXT, signupId TEXT, paymentReference TEXT, clientIp TEXT, userAgent TEXT,
    details JSON);
CREATE TABLE objects (key TEXT PRIMARY KEY, file TEXT, size INTEGER, etag TEXT, modified REAL);
"""

sqlite3.register_converter("BOOLEAN", lambda stored: stored == b"1")
sqlite3.register_converter("JSON", json.loads)


class Session:
    """One connection, used by one request at a time.

    What is written outlives a killed process. It need not outlive a power failure, which costs a
    sandbox no more than a reset: nothing waits for the disk.
    """

    def __init__(self, path: Path, writers: threading.Lock | None = None) -> None:
        self._writers = writers or threading.Lock()
        self._connection = sqlite3.connect(
            path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            detect_types=sqlite3.PARSE_DECLTYPES,
        )
        self._connection.row_factory = _as_dict
        try:
            self._connection.execute("PRAGMA synchronous = OFF")
        except BaseException:  # no database at all
            self._connection.close()
            raise

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(sql, _bindable(values))

    def script(self, sql: str) -> None:
        for statement in sql.split(";"):
            self._connection.execute(statement)

    def rows(self, sql: str, *values: object) -> list[Row]:
        return self.execute(sql, *values).fetchall()

    def row(self, sql: str, *values: object) -> Row | None:
        found: Row | None = self.execute(sql, *values).fetchone()
        return found

    def put(self, table: str, key: tuple[str, ...], /, **values: Any) -> None:
        """Insert a row, or update the given columns of the one with this key."""
        columns = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        changes = ", ".join(f'"{name}" = excluded."{name}"' for name in values if name not in key)
        self.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - names are ours
            f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}",
            *values.values(),
        )

    def setting(self, name: str) -> str:
        row = self.row("SELECT value FROM settings WHERE name = ?", name)
        if row is None:
            raise SandboxError(f"the sandbox's database lacks the setting {name}: reset it")
        return str(row["value"])

    def set_key(self, customer_id: str, secret: str) -> None:
        """Give a customer this key; the one it had is void from now on."""
        self.put(
            "keys", ("customerId",), customerId=customer_id, secret=secret, hash=key_hash(secret)
        )

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that has the database to itself from the start.

        Those of one process queue up: SQLite's own waiting is polling, up to 100 ms at a time.
        """
        with self._writers, self._transaction("BEGIN IMMEDIATE"):
            yield

    def reading(self) -> contextlib.AbstractContextManager[None]:
        """A transaction whose reads all see the same state."""
        return self._transaction("BEGIN")

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[None]:
        self._connection.execute(begin)
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()


class Database:
    """The sessions on one database file; lent to one request, then used again."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._path = data_dir / folder.DATABASE
        self._idle: LifoQueue[Session] = LifoQueue()
        self._writers = threading.Lock()

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        try:
            session = self._idle.get_nowait()
        except Empty:
            session = Session(self._path, self._writers)
        try:
            yield session
        except BaseException:
            session.close()
            raise
        self._idle.put(session)

    def close(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._idle.get_nowait().close()

    def open(self) -> bool:
        """Make the tables if there are none yet. True for the one process that made them.

        The caller fills them inside `first_use`, so that no other process sees half a sandbox.
        Raises SandboxError when the file is damaged or of a newer kind.
        """
        folder.prepare(self.data_dir)
        folder.create_private(self._path)
        try:
            with self.session() as session:
                _set_wal(session)
                version = session.execute("PRAGMA user_version").fetchone()["user_version"]
        except sqlite3.DatabaseError as error:
            raise unusable(self.data_dir, error) from error
        if version > SCHEMA_VERSION:
            raise SandboxError(
                f"{self._path} was made by a newer bindist: use that one, or another --data-dir"
            )
        return bool(version == 0)

    @contextlib.contextmanager
    def first_use(self) -> Iterator[Session | None]:
        """A transaction with empty tables to fill, or None if another process was faster."""
        with self.session() as session, session.writing():
            if session.execute("PRAGMA user_version").fetchone()["user_version"]:
                yield None
                return
            session.script(_TABLES)
            session.put("settings", ("name",), name="secret", value=secrets.token_hex(32))
            session.put("settings", ("name",), name="tenant", value="sandbox")
            yield session
            session.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def unusable(data_dir: Path, error: sqlite3.Error) -> SandboxError:
    if limit := file_limit():
        return SandboxError(limit)
    return SandboxError(
        f"the sandbox's database in {data_dir} cannot be used ({error}):"
        " `bindist sandbox reset` removes it, the next use starts afresh"
    )


def file_limit() -> str:
    """What to say where this process may not open as many files as a database takes; else "".

    SQLite itself only says that it was unable to open a file.
    """
    opened: list[int] = []
    try:
        for _ in range(_FILES):
            opened.append(os.open(os.devnull, os.O_RDONLY))  # noqa: PERF401  to be closed
    except OSError as error:
        return f"{error.strerror}: the sandbox needs more of them, raise the limit (ulimit -n)"
    finally:
        for each in opened:
            os.close(each)
    return ""


def key_hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def _set_wal(session: Session) -> None:
    """Switch to write-ahead logging; while another process does so, SQLite does not wait."""
    deadline = time.monotonic() + BUSY_SECONDS
    while not _try_set_wal(session, final=time.monotonic() > deadline):
        time.sleep(0.01)


def _try_set_wal(session: Session, *, final: bool) -> bool:
    try:
        session.execute("PRAGMA journal_mode = WAL").fetchone()
    except sqlite3.OperationalError as error:
        if final or "locked" not in str(error):
            raise
        return False
    return True


def _as_dict(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


def _bindable(values: Iterable[object]) -> list[Any]:
    bound = []
    for value in values:
        if isinstance(value, str) and "\0" in value:
            # SQLite would take it; the reference server's PostgreSQL does not.
            raise ScriptError('invalid byte sequence for encoding "UTF8": 0x00')
        bound.append(json.dumps(value) if isinstance(value, (list, dict)) else value)
    return bound
