"""Requests to send, and a way to hold one at a step."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any

from bindist.sandbox import LIKES, SandboxServer, Step

STEPPED = [like for like in LIKES if like != "ideal"]
APPS = "/v1/applications"
TOOL = f"{APPS}/tool"
MANAGED = "/v1/management/applications"
CUSTOMERS = "/v1/management/customers"
UPLOAD = "/v1/management/upload"
URL = f"{UPLOAD}/large-url"
COMPLETE = f"{UPLOAD}/large-complete"
VERSION = f"{TOOL}/versions/1.0"
ASKED = {"applicationId": "tool", "version": "1.0"}
INLINE = {**ASKED, "fileName": "tool.exe", "fileContent": base64.b64encode(b"12345").decode()}
EMPTY = {**INLINE, "fileContent": ""}
SIZED = {**ASKED, "fileName": "tool.exe", "fileSize": 5}


def completion(upload_id: str = "one", *, checksum: str = "a", **also: Any) -> dict[str, Any]:
    return {**SIZED, "uploadId": upload_id, "checksum": checksum * 64, **also}


class Gate:
    """Holds the first request that comes to a step, until it is opened."""

    def __init__(self, server: SandboxServer, name: str, *, hook: str = "on_step") -> None:
        self.name = name
        self.reached, self.opened = threading.Event(), threading.Event()
        setattr(server, hook, self)

    def __call__(self, step: Step) -> None:
        if step.name == self.name and not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(10)


class Held:
    """A request that has come to a step and stays there until it is let go."""

    def __init__(self, server: SandboxServer, name: str, send: Callable[[], Any]) -> None:
        self._gate = Gate(server, name)
        self._answers: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._answers.append(send()))
        self._thread.start()
        assert self._gate.reached.wait(10)

    def finish(self) -> Any:
        self._gate.opened.set()
        self._thread.join(10)
        return self._answers[0]
