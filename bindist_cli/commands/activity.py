"""`bindist activity`"""

from __future__ import annotations

import click

from bindist.choices import ActivityType

from ..context import App, pass_app
from ..options import Group
from ..output import columns
from ..params import APPLICATION, CUSTOMER, since_option, until_option


@click.group(cls=Group, name="activity")
def command() -> None:
    """Uploads and downloads: who, what and when."""


@command.command(
    "list",
    examples=("bindist activity list --type download --since 7d", "bindist activity list --json"),
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
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Print at most N entries. [default: 100]",
)
@pass_app
def list_(
    app: App,
    kind: ActivityType | None,
    app_id: str | None,
    customer: str | None,
    since: str | None,
    until: str | None,
    limit: int | None,
) -> None:
    """List uploads and downloads, newest first.

    The server returns at most 100 entries. Without --customer, a server on AWS looks at 200 uploads
    and 200 downloads, and only then selects by time. A warning tells where entries may be missing.
    """
    response = app.client.list_activity(
        kind,
        page_size=limit or 100,
        application_id=app_id,
        customer_id=customer,
        start_date=since,
        end_date=until,
    )
    filtered = any((kind, app_id, customer, since, until))
    app.printer.rows(
        columns.ACTIVITY,
        response.rows("activities"),
        empty="no uploads or downloads" + (" match" if filtered else ""),
    )
    if response.require()["limitReached"]:
        app.printer.warn(
            "there may be more: the server returns at most 100 entries, and on AWS it looks at 200 "
            "uploads and 200 downloads before it selects by time, unless you name a customer: "
            "narrow the list down with --customer, --since and --until"
        )
