"""Find the server that runs on a data folder, or run one for a while."""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .storage import folder
from .storage.database import Database
from .storage.folder import SandboxError, StrPath
from .storage.keys import SandboxKeys, read_keys
from .storage.signing import IDENTITY_PATH, identity_proof

_PROBE_SECONDS = 2.0


@dataclass(frozen=True)
class Endpoint:
    """A sandbox that answers. `own`: this process runs it, and it ends with the context."""

    url: str
    keys: SandboxKeys
    own: bool


@contextlib.contextmanager
def open_sandbox(data_dir: StrPath) -> Iterator[Endpoint]:
    """The server that already runs on this folder, or else one inside this process.

    Raises SandboxError where the folder cannot be used.
    """
    found = find_running(data_dir)
    if found is not None:
        yield found
        return
    from .server import SandboxServer  # the web framework costs time, so only where it is needed

    with SandboxServer(data_dir, record_requests=False) as server:
        yield Endpoint(server.url, server.keys, own=True)


def find_running(data_dir: StrPath) -> Endpoint | None:
    """The server announced in the folder, if it answers and is this very folder's."""
    data_dir = Path(data_dir)
    url = folder.announced_url(data_dir)
    if url is None or not folder.is_sandbox(data_dir):
        return None
    database = Database(data_dir)
    try:
        database.open()
        with database.session() as session:
            secret, keys = session.setting("secret"), read_keys(session)
    except SandboxError:
        return None
    finally:
        database.close()
    return Endpoint(url, keys, own=False) if _is_ours(url, secret) else None


def _is_ours(url: str, secret: str) -> bool:
    import http.client  # costs time, and there is rarely a server to ask

    nonce = secrets.token_hex(16)
    connection = http.client.HTTPConnection(url.partition("://")[2], timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", f"{IDENTITY_PATH}?nonce={nonce}")
        proof = json.loads(connection.getresponse().read(4096))["proof"]
        return hmac.compare_digest(str(proof).encode(), identity_proof(secret, nonce).encode())
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def reset(data_dir: StrPath) -> bool:
    """Remove a sandbox's data. False if there was nothing.

    Raises SandboxError for a folder that is not a sandbox's, or while a server runs on it.
    """
    data_dir = Path(data_dir)
    if find_running(data_dir):  # which a lock shows too, where there are any
        raise SandboxError(f"a server runs on {data_dir}: stop it first")
    return folder.remove(data_dir)
