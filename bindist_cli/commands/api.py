"""`bindist api`"""

from __future__ import annotations

import json
from typing import Any

import click

from ..context import App, pass_app
from ..options import Command
from ..output.printer import json_text
from ..output.streams import mask_keys
from ..text_input import read_text

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")


def _pairs(option: str, values: tuple[str, ...], separator: str = "=") -> dict[str, str]:
    pairs = {}
    for value in values:
        name, found, text = value.partition(separator)
        if not found or not name.strip():
            raise click.UsageError(f"{option} needs NAME{separator}VALUE, not {value!r}")
        pairs[name.strip()] = text.strip() if separator == ":" else text
    return pairs


def _typed(text: str) -> Any:
    """`true`, `null`, numbers and JSON as such, everything else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@click.command(
    "api",
    cls=Command,
    examples=(
        "bindist api GET /v1/applications -q limit=1",
        "bindist api PATCH /v1/management/customers/acme -f notes='called today'",
        "bindist api GET applications --paginate",
    ),
)
@click.argument("method", metavar="METHOD", type=click.Choice(METHODS, case_sensitive=False))
@click.argument("path")
@click.option(
    "-f", "fields", multiple=True, metavar="K=V", help="Add a field to the JSON body; repeatable."
)
@click.option(
    "-q", "query", multiple=True, metavar="K=V", help="Add a query parameter; repeatable."
)
@click.option("-H", "headers", multiple=True, metavar="N:V", help="Add a header; repeatable.")
@click.option(
    "--input", "source", metavar="F", help="Read the JSON body from this file; - is stdin."
)
@click.option("--paginate", is_flag=True, help="Request all pages and join their lists.")
@pass_app
def command(
    app: App,
    method: str,
    path: str,
    fields: tuple[str, ...],
    query: tuple[str, ...],
    headers: tuple[str, ...],
    source: str | None,
    paginate: bool,
) -> None:
    """Send any request to the API and print the whole response.

    METHOD is GET, POST, PUT, PATCH, DELETE or HEAD. PATH starts with /v1/, which may be left out.
    A failed answer is printed too, with the exit code that its status has.
    """
    if source and fields:
        raise click.UsageError("a body comes from -f or from --input, not from both")
    body: Any = {name: _typed(text) for name, text in _pairs("-f", fields).items()} or None
    if source:
        try:
            body = json.loads(read_text(source))
        except ValueError as error:
            raise click.UsageError(f"--input is not JSON: {error}") from None
    if not path.startswith("/v1/"):
        path = "/v1/" + path.lstrip("/")
    sent = _pairs("-H", headers, ":")
    if any(name.lower() == "authorization" for name in sent):
        raise click.UsageError("the key is sent already; BINDIST_API_KEY chooses another")
    parameters: dict[str, Any] = dict(_pairs("-q", query))

    def fetch(following: dict[str, Any]) -> Any:
        return app.client.request(
            method, path, params={**parameters, **following}, json=body, headers=sent
        )

    answer = _all_pages(fetch) if paginate else fetch({})
    if answer.raw:
        mask_keys(answer.raw)
        app.sink.text(json_text(answer.raw, indent=2))
    if method.upper() != "HEAD" or answer.status_code >= 400:
        answer.raise_for_error()


def _all_pages(fetch: Any) -> Any:
    """The first page's answer, with the rows of all pages in its list; or the first failed one."""
    from bindist.pagination import walk_answers

    joined: list[Any] = []
    first: Any = None
    for answer, rows in walk_answers(fetch, _only_list):
        if not answer.success:
            return answer
        first = first or (answer, rows)
        joined.extend(rows)
    answer, rows = first
    rows[:] = joined
    return answer


def _only_list(answer: Any) -> list[Any]:
    """The rows of a page, whatever they are called; none of a failed one."""
    if not answer.success:
        return []
    lists = [value for value in (answer.data or {}).values() if isinstance(value, list)]
    if len(lists) != 1:
        raise click.UsageError("--paginate requires a response with exactly one list")
    found: list[Any] = lists[0]
    return found
