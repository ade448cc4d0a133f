"""`bindist activity`"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest

import click

from bindist.choices import ActivityType

from ..context import App, pass_app
from ..options import Group
from ..output import columns
from ..output.completeness import tell_of_walk
from ..params import APPLICATION, CUSTOMER, since_option, until_option


@click.group(cls=Group, name="activity")
def command() -> None:
    """Uploads and downloads: who, what and when."""


@command.command(
    "list",
    examples=(
        "bindist activity list --type download --since 7d",
        "bindist activity list --all -o csv > activity.csv",
    ),
)
@click.option(
    "--type",
    "kind",
    type=click.Choice(["upload", "download"]),
    help="Only uploads or only downloads.",
)
@click.option(
    "--app", "app_id", metavar="APP", type=APPLICATION, help="Only entries of this application."
)
@click.option(
    "--customer", metavar="CUSTOMER", type=CUSTOMER, help="Only entries of this customer."
)
@since_option
@until_option
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="All entries, customer by customer; --since and --until include this.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Print only the newest N entries. [default: 100; with --all, --since or --until: all]",
)
@pass_app
def list_(
    app: App,
    kind: ActivityType | None,
    app_id: str | None,
    customer: str | None,
    since: str | None,
    until: str | None,
    everything: bool,
    limit: int | None,
) -> None:
    """List uploads and downloads.

    The server returns at most 100 entries, and without a customer not always the newest. With
    --all, --since or --until, all entries are listed: one request per customer, and one more for
    each further 100 entries. A note compares the downloads with the server's statistics.

    Tables and JSON show the newest first. csv, jsonl and tsv print entries as they arrive, each
    customer's newest first. The server keeps downloads for 90 days.
    """
    if everything or since or until:
        walk = app.client.iter_activity(
            kind, application_id=app_id, customer_id=customer, start_date=since, end_date=until
        )
        rows: Iterable[columns.Json] = walk
        if limit is not None:
            rows = nlargest(limit, walk, key=_timestamp)
        elif app.printer.format in ("table", "json"):
            rows = sorted(walk, key=_timestamp, reverse=True)
        filtered = any((kind, app_id, customer, since, until))
        app.printer.rows(columns.ACTIVITY, rows, empty=_NOTHING + " match" * filtered)
        tell_of_walk(app.printer, walk.count, walk.customers, walk.check(), walk.crowded)
        return
    response = app.client.list_activity(
        kind, page_size=limit or 100, application_id=app_id, customer_id=customer
    )
    filtered = any((kind, app_id, customer))
    app.printer.rows(
        columns.ACTIVITY, response.rows("activities"), empty=_NOTHING + (" match" * filtered)
    )
    if response.require()["limitReached"]:
        app.printer.warn(
            "the server returns at most 100 entries, and there may be more: --all lists all"
        )


_NOTHING = "no uploads or downloads"


def _timestamp(row: columns.Json) -> str:
    return str(row["timestamp"])
