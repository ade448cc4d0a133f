"""Replay recorded exchanges against a server, and tell where it answers otherwise.

Each line of the file is one request and the answer that the reference server gave. `{{name}}`
stands for a value that differs from run to run: the first answer that shows it binds it, later
requests and answers must use the same one. `{{any}}`, `{{time}}` and `{{url}}` match any value of
their kind. `check` says how closely to look: true for everything, "shape" for the status, the keys
and the types, false for nothing (the exchange only keeps the server's state in step). What is null
on one side may be absent on the other, and a day that is a key stands for any day: statistics count
by days, and the recording was made on one of them.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

SYMBOL = re.compile(r"\{\{(\w+)\}\}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

KEYS = {
    "key_admin": "local-admin-key-not-a-secret-0001",
    "key_apps_admin": "local-apps-admin-key-not-a-secret-0002",
    "key_customer": "local-customer-key-not-a-secret-0003",
}


def read_exchanges(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def replay(base_url: str, exchanges: list[dict[str, Any]]) -> Iterator[list[str]]:
    """For each exchange, in order, what is different; nothing for those not to be checked."""
    bound = dict(KEYS)
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=60)
    try:
        for exchange in exchanges:
            status, body = _send(connection, exchange["request"], bound)
            wanted = exchange["response"]
            found = list(_differences(wanted["body"], body, bound, exchange["check"] == "shape"))
            if status != wanted["status"]:
                found.insert(0, f"status: wanted {wanted['status']}, got {status}")
            yield found if exchange["check"] else []
    finally:
        connection.close()


def _send(
    connection: http.client.HTTPConnection, request: dict[str, Any], bound: dict[str, str]
) -> tuple[int, Any]:
    path, query = _fill(request["path"], bound), _fill(request["query"], bound)
    if query:
        path += "?" + (query if isinstance(query, str) else urlencode(query, doseq=True))
    headers = {"User-Agent": "replay", **request["headers"]}
    if request["authorization"] is not None:
        headers["Authorization"] = _fill(request["authorization"], bound)
    body = _fill(request["body"], bound)
    sent = None
    if "Content-Type" in headers or body is not None:
        sent = (body if isinstance(body, str) else json.dumps(body)).encode()
    connection.request(request["method"], path, body=sent, headers=headers)
    answer = connection.getresponse()
    text = answer.read()
    try:
        return answer.status, json.loads(text) if text else ""
    except ValueError:
        return answer.status, text.decode("utf-8", "replace")


def _fill(value: Any, bound: dict[str, str]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"$repeat"}:
            text, count = value["$repeat"]
            return text * count
        return {_fill(key, bound): _fill(item, bound) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, bound) for item in value]
    if isinstance(value, str):
        return SYMBOL.sub(lambda found: bound.get(found[1], found[0]), value)
    return value


def _differences(
    want: Any, got: Any, bound: dict[str, str], shape: bool, at: str = "body"
) -> Iterator[str]:
    if isinstance(want, dict) and isinstance(got, dict):
        want = {_any_day(_fill(key, bound)): value for key, value in want.items()}
        got = {_any_day(key): value for key, value in got.items()}
        for key in sorted(set(want) | set(got)):
            if want.get(key) is None and got.get(key) is None:
                continue
            if key not in want or key not in got:
                yield f"{at}.{key}: " + ("not recorded" if key not in want else "missing")
            else:
                yield from _differences(want[key], got[key], bound, shape, f"{at}.{key}")
    elif isinstance(want, list) and isinstance(got, list):
        if not shape and len(want) != len(got):
            yield f"{at}: wanted {len(want)} items, got {len(got)}"
        elif not shape:
            for index, pair in enumerate(zip(want, got, strict=True)):
                yield from _differences(*pair, bound, shape, f"{at}[{index}]")
        elif want and got and isinstance(want[0], dict) and set(want[0]) == set(got[0]):
            # Which rows come first is not part of the shape: other keys say another kind of row.
            yield from _differences(want[0], got[0], {}, shape, f"{at}[0]")
    elif shape and type(want) is type(got):
        return
    elif isinstance(want, str):
        if not isinstance(got, str) or not _same_text(want, got, bound):
            yield f"{at}: wanted {_fill(want, bound)!r}, got {got!r}"
    elif want != got or isinstance(want, bool) != isinstance(got, bool):
        yield f"{at}: wanted {want!r}, got {got!r}"


def _any_day(key: str) -> str:
    return "{{day}}" if DAY.fullmatch(key) else key


def _same_text(want: str, got: str, bound: dict[str, str]) -> bool:
    """Compare, binding the symbols that are seen for the first time."""
    kinds = {
        "{{any}}": True,
        "{{time}}": TIME.fullmatch(got) is not None,
        "{{url}}": got.startswith(("http://", "https://")),
    }
    if want in kinds:
        return kinds[want]
    names: list[str] = []

    def pattern(part: str) -> str:
        found = SYMBOL.fullmatch(part)
        if not found:
            return re.escape(part)
        if found[1] in bound:
            return re.escape(bound[found[1]])
        names.append(found[1])
        return r"([\w.\-]+)"

    parts = re.split(r"(\{\{\w+\}\})", want)
    match = re.fullmatch("".join(map(pattern, parts)), got, re.DOTALL)
    if match:
        bound.update(zip(names, match.groups(), strict=True))
    return match is not None
