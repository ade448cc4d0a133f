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
            raise click.UsageError(f"{option} requires NAME{separator}VALUE, not {value!r}")
        pairs[name.strip()] = text.strip() if separator == ":" else text
    return pairs


def _typed(text: str) -> Any:
    """Parses JSON such as `true`, `null` or a number; anything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@click.command(
    "api",
    cls=Command,
    examples=(
        "bindist api GET /v1/applications -q limit=1",
        "bindist api PATCH /v1/management/customers/acme -f notes='called today' -f isActive=true",
        "bindist api POST downloads/share -f applicationId=skylark -F version=1.10.0",
        "bindist api GET applications --paginate",
    ),
)
@click.argument("method", metavar="METHOD", type=click.Choice(METHODS, case_sensitive=False))
@click.argument("path")
@click.option(
    "-f",
    "body_fields",
    multiple=True,
    metavar="NAME=VALUE",
    help="Field of the JSON body: VALUE is JSON, such as 5, true, null or [1], else text;"
    " repeatable, excludes --input.",
)
@click.option(
    "-F",
    "raw_fields",
    multiple=True,
    metavar="NAME=VALUE",
    help="Field of the JSON body: VALUE is text as it stands, such as 1.0; repeatable, excludes"
    " --input.",
)
@click.option(
    "-q", "query", multiple=True, metavar="NAME=VALUE", help="Query parameter; repeatable."
)
@click.option(
    "-H", "headers", multiple=True, metavar="NAME:VALUE", help="Request header; repeatable."
)
@click.option(
    "--input",
    "source",
    metavar="FILE",
    help="File with the JSON body; - is stdin. Excludes -f and -F.",
)
@click.option("--paginate", is_flag=True, help="Request all pages, and join their lists.")
@pass_app
def command(
    app: App,
    method: str,
    path: str,
    body_fields: tuple[str, ...],
    raw_fields: tuple[str, ...],
    query: tuple[str, ...],
    headers: tuple[str, ...],
    source: str | None,
    paginate: bool,
) -> None:
    """Send any request to the API and print the whole response.

    METHOD is GET, POST, PUT, PATCH, DELETE or HEAD. The /v1/ at the start of PATH may be omitted.
    The response to a failed request is printed as well, and its status determines the exit code.
    """
    if app.settings.fields:
        raise click.UsageError("--fields does not apply to `api`, which prints the whole response")
    if source and (body_fields or raw_fields):
        raise click.UsageError("-f and -F exclude --input")
    body: Any = {
        **{name: _typed(text) for name, text in _pairs("-f", body_fields).items()},
        **_pairs("-F", raw_fields),
    } or None
    if source:
        try:
            body = json.loads(read_text(source))
        except ValueError as error:
            raise click.UsageError(f"--input is not JSON: {error}") from None
    if not path.startswith("/v1/"):
        path = "/v1/" + path.lstrip("/")
    own_headers = _pairs("-H", headers, ":")
    if any(name.lower() == "authorization" for name in own_headers):
        raise click.UsageError(
            "-H cannot set Authorization; set BINDIST_API_KEY to use another key"
        )
    parameters: dict[str, Any] = dict(_pairs("-q", query))

    def fetch(following: dict[str, Any]) -> Any:
        return app.client.request(
            method, path, params={**parameters, **following}, json=body, headers=own_headers
        )

    reads_only = method.upper() == "GET"
    response = _all_pages(fetch, ahead=reads_only) if paginate else fetch({})
    if response.raw:
        mask_keys(response.raw)
        app.printer.text(json_text(response.raw, indent=2))
    if method.upper() != "HEAD" or response.status_code >= 400:
        response.raise_for_error()


def _all_pages(fetch: Any, *, ahead: bool) -> Any:
    """Returns the first response with the rows of all pages, or the first failed response."""
    from bindist.pagination import PagesAhead, walk_answers

    fetch = PagesAhead(fetch) if ahead else fetch
    joined: list[Any] = []
    first: Any = None
    for response, rows in walk_answers(fetch, _only_list):
        if not response.success:
            return response
        first = first or (response, rows)
        joined.extend(rows)
    response, rows = first
    rows[:] = joined
    return response


def _only_list(response: Any) -> list[Any]:
    """Returns the only list in a response; an empty one for a failed request."""
    if not response.success:
        return []
    lists = [value for value in (response.data or {}).values() if isinstance(value, list)]
    if len(lists) != 1:
        raise click.UsageError("--paginate requires a response that contains exactly one list")
    found: list[Any] = lists[0]
    return found
