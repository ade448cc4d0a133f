"""`bindist activity`"""

from __future__ import annotations

import click

from ..context import App, pass_app
from ..options import Group
from ..output import columns
from ..params import APPLICATION, CUSTOMER, since_option, until_option


@click.group(cls=Group, name="activity")
def command() -> None:
    """Who uploaded and downloaded what."""


@command.command(
    "list",
    examples=("bindist activity list --type download --since 7d", "bindist activity list --json"),
)
@click.option("--type", "kind", type=click.Choice(["upload", "download"]), help="Only these.")
@click.option(
    "--app", "app_id", metavar="APP", type=APPLICATION, help="Only rows of this application."
)
@click.option("--customer", metavar="ID", type=CUSTOMER, help="Only rows of this customer.")
@since_option
@until_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Print at most N rows.")
@pass_app
def list_(
    app: App,
    kind: str | None,
    app_id: str | None,
    customer: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
) -> None:
    """List uploads and downloads, the newest first; the server returns at most 100 rows."""
    answer = app.client.list_activity(
        kind,
        page_size=limit or 100,
        application_id=app_id,
        customer_id=customer,
        start_date=since,
        end_date=until,
    )
    app.sink.rows(columns.ACTIVITY, answer.rows("activities"), empty="nothing happened")
    if answer.require()["limitReached"]:
        app.sink.warn(
            "the server gives 100 rows at most, and there may be more: "
            "narrow it down with --customer, --since and --until"
        )
