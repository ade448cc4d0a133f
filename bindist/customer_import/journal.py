"""What is kept on disk of an import, so that the same call finishes it after an interruption.

A line is added, and flushed to the disk, before each request that creates a customer and after its
response. Keys are not in it. A line that a kill has cut off is dropped: what it announces has not
begun.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import file_system
from ..transfer.own_files import locked, open_own

JOURNAL = ".bindist-import.jsonl"
_LOCK = ".bindist-import.lock"
_FORMAT = 1


@dataclass(frozen=True)
class Begun:
    """A customer whose creation was begun, and whose key is not known to be on the disk.

    Attributes:
        identity: of its row.
        fields: what was sent.
        key_file: the name of its key file.
        at: when its last request was about to be sent, in seconds of Unix time.
        known: the ids of the customers that existed before.
        customer_id: the new customer's id, where it is known: its key is being replaced then.
    """

    identity: str
    fields: dict[str, str]
    key_file: str
    at: float
    known: frozenset[str]
    customer_id: str | None = None


class ImportJournal:
    """What is known of the imports into one folder.

    `made` has the ids of the customers created, by the identity of their rows; `granted` the
    (application, customer) pairs that were granted.
    """

    def __init__(self, folder: Path, api_url: str, tenant: str) -> None:
        self._path = folder / JOURNAL
        self._end = 0
        self._head = {"format": _FORMAT, "api_url": api_url, "tenant": tenant}
        self._begun: dict[str, tuple[int, dict[str, Any]]] = {}
        self._known: list[list[str]] = []
        self._all_known: set[str] = set()
        self.made: dict[str, str] = {}
        self.granted: set[tuple[str, str]] = set()
        self._read()

    @classmethod
    @contextlib.contextmanager
    def opened(cls, folder: Path, api_url: str, api_key: str) -> Iterator[ImportJournal]:
        """The journal in a folder, which is made if there is none, for this process alone.

        Raises BusyError where another process imports into the folder, ValueError where the folder
        has keys of another server, OSError where it cannot be used.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        busy = f"another process is importing customers into {folder}"
        tenant, dot, _ = api_key.partition(".")
        digest = hashlib.sha256(tenant.encode()).hexdigest()[:16] if dot else ""
        with locked(folder / _LOCK, busy, mode=0o600):
            yield cls(folder, api_url, digest)

    # What happened so far

    def begun(self) -> list[Begun]:
        """The customers whose creation was begun and not ended."""
        return [self.begun_of(identity) for identity in self._begun]

    def begun_of(self, identity: str) -> Begun:
        place, line = self._begun[identity]
        known = frozenset(each for some in self._known[:place] for each in some)
        return Begun(
            identity, line["fields"], line["key_file"], line["at"], known, line.get("customer_id")
        )

    # What happens now

    def begin(
        self, identity: str, fields: dict[str, str], key_file: str, known: Iterable[str]
    ) -> Begun:
        """A request that creates a customer is about to be sent; these ids exist already."""
        self._add(
            event="creating",
            identity=identity,
            fields=fields,
            key_file=key_file,
            at=time.time(),
            known=sorted(set(known) - self._all_known),
        )
        return self.begun_of(identity)

    def found(self, identity: str, customer_id: str) -> None:
        """The customer was created, and is this one; its key is not on the disk."""
        self._add(event="found", identity=identity, customer_id=customer_id, at=time.time())

    def done(self, identity: str, customer_id: str) -> None:
        """The customer was created, and its key is on the disk."""
        self._add(event="done", identity=identity, customer_id=customer_id)

    def absent(self, identity: str) -> None:
        """The customer was not created."""
        self._add(event="absent", identity=identity)

    def grant(self, application: str, customers: Iterable[str]) -> None:
        """The application was granted to these customers."""
        self._add(event="granted", application=application, customers=sorted(customers))

    # The file

    def _add(self, **line: Any) -> None:
        lines = [line] if self._end else [self._head, line]
        content = "".join(json.dumps(each) + "\n" for each in lines).encode()
        with open_own(self._path, os.O_RDWR | os.O_CREAT) as file:
            if hasattr(os, "fchmod"):
                with contextlib.suppress(OSError):  # file systems without permissions
                    os.fchmod(file.fileno(), 0o600)
            file.truncate(self._end)
            file.seek(self._end)
            if file.write(content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            file_system.sync_file(file.fileno())
        if not self._end:
            file_system.sync_folder(self._path.parent)
        self._end += len(content)
        self._apply(line)

    def _read(self) -> None:
        try:
            with open_own(self._path, os.O_RDONLY) as file:
                content = file.read() or b""
        except FileNotFoundError:
            return
        self._end = content.rfind(b"\n") + 1
        try:
            head, *events = [*map(json.loads, content[: self._end].splitlines())] or [self._head]
            if head != self._head:
                raise ValueError(_other_server(head, self._head, self._path.parent))
            for line in events:
                self._apply(line)
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError):
            raise ValueError(
                f"{self._path} is damaged: without it, nothing tells which customers it has "
                "created; use another folder for the keys"
            ) from None

    def _apply(self, line: dict[str, Any]) -> None:
        event, identity = line["event"], line.get("identity")
        if event == "granted":
            self.granted |= {(line["application"], each) for each in line["customers"]}
        elif event == "creating":
            self._known.append(line["known"])
            self._all_known |= set(line["known"])
            self._begun[line["identity"]] = len(self._known), line
        elif event == "found":
            begun = self._begun[line["identity"]][1]
            begun.update(customer_id=line["customer_id"], at=line["at"])
        elif event in ("done", "absent"):
            self._begun.pop(line["identity"], None)
            if event == "done":
                self.made[str(identity)] = line["customer_id"]
        else:
            raise KeyError(event)


def _other_server(head: Any, own: dict[str, Any], folder: Path) -> str:
    url = head.get("api_url")
    if url != own["api_url"]:
        return f"{folder} has the keys of customers on {url}: use another folder for this server"
    return f"{folder} has the keys of customers of another tenant, or of another version"
