"""A server that gives each answer as it was recorded, but for what a test changes in it."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.api_table import ENDPOINTS
from tests.sdk.canned import Asked, CannedServer, Reply

EXCHANGES = Path(__file__).parent.parent / "contract" / "exchanges.jsonl"
CONTENT = b"bytes"
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()
TIME = "2026-11-23T10:00:00.000Z"
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What a terminal may obey, other than tabs and line breaks."""


class _Gone:
    def __repr__(self) -> str:
        return "gone"


GONE = _Gone()
"""A field that is left out."""

Keys = tuple[Any, ...]
"""Where in an answer something is: the keys and indices that lead to it."""

_SYMBOL = re.compile(r"\{\{(\w+)\}\}")


def route_of(method: str, path: str) -> str:
    """`GET /v1/applications/*/versions`: the endpoint, or the request itself if it is none."""
    path = path.partition("?")[0]
    patterns = (endpoint.pattern for endpoint in ENDPOINTS if endpoint.matches(method, path))
    return next(patterns, f"{method} {path}")


def fields(value: Any, keys: Keys = ()) -> Iterator[Keys]:
    """Every place in an answer, those that hold others too."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if listed(value) else ()
    for key, item in inner:
        yield (*keys, key)
        yield from fields(item, (*keys, key))


def listed(value: Any) -> bool:
    return isinstance(value, list)


def changed(answer: Any, keys: Keys, value: Any) -> Any:
    """The answer with that in one place, or without it."""
    whole = copy.deepcopy(answer)
    place = whole
    for key in keys[:-1]:
        place = place[key]
    if value is not GONE:
        place[keys[-1]] = value
    else:
        del place[keys[-1]]
    return whole


def richest(exchanges: Path = EXCHANGES) -> dict[str, Any]:
    """Of each route the successful answer with the most fields, its lists cut to one object."""
    found: dict[str, Any] = {}
    for line in exchanges.read_text("utf-8").splitlines():
        exchange = json.loads(line)
        request, response = exchange["request"], exchange["response"]
        if 200 <= response["status"] < 300 and isinstance(response["body"], dict):
            route, answer = route_of(request["method"], request["path"]), _cut(response["body"])
            if _wealth(answer) > _wealth(found.get(route)):
                found[route] = answer
    return found


def _wealth(answer: Any) -> tuple[int, int]:
    return len(list(fields(answer))), -len(json.dumps(answer))


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cut(item) for key, item in value.items()}
    if listed(value):
        return [max(map(_cut, value), key=_wealth)] if value else []
    return value


class RecordedServer(CannedServer):
    """Answers by route. `answers` may be changed; `reset` makes them what they were."""

    def __init__(self) -> None:
        super().__init__()
        self._recorded = {route: self._filled(answer) for route, answer in richest().items()}
        file = {"fileName": "tool.exe", "fileSize": len(CONTENT), "checksum": CHECKSUM}
        self._recorded["GET /v1/downloads/url"]["data"].update(file)
        self._recorded["GET /v1/applications/*/versions/*/files"]["data"]["files"][0].update(file)
        version = self._recorded["GET /v1/applications/*/versions"]["data"]["versions"][0]
        version["fileSize"] = len(CONTENT)
        self._recorded["GET /v1/applications"]["meta"]["pagination"]["hasNext"] = False
        self.reset()

    def reset(self) -> None:
        self.answers = dict(self._recorded)
        self.asked.clear()

    def change(self, route: str, keys: Keys, value: Any) -> None:
        """Puts something else into one answer, and takes back what was changed before."""
        self.reset()
        self.answers[route] = changed(self.answers[route], keys, value)

    def reply_to(self, asked: Asked) -> Reply:
        if asked.target.startswith("/store/"):
            if asked.method == "GET":
                return Reply(CONTENT)
            return Reply(b"", headers={"ETag": f'"{hashlib.md5(asked.body).hexdigest()}"'})
        found = self.answers.get(route_of(asked.method, asked.target))
        if found is None or asked.method == "HEAD":
            return Reply(b"", 404)
        return Reply(found)

    @property
    def routes(self) -> list[str]:
        """What has been asked for, each once."""
        return list(dict.fromkeys(route_of(asked.method, asked.target) for asked in self.asked))

    def _filled(self, value: Any) -> Any:
        """The recording names what differs from run to run."""
        if isinstance(value, dict):
            return {key: self._filled(item) for key, item in value.items()}
        if listed(value):
            return [self._filled(item) for item in value]
        if isinstance(value, str):
            known = {"url": f"{self.url}/store/file", "time": TIME}
            return _SYMBOL.sub(lambda found: known.get(found[1], found[1]), value)
        return value
