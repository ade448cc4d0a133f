"""`bindist audit`"""

from __future__ import annotations

from itertools import islice

import click

from bindist.choices import EventType

from ..context import App, pass_app
from ..options import Group
from ..output import columns
from ..params import EVENT_TYPE, since_option, until_option

ONE_PAGE = 100


@click.group(cls=Group, name="audit")
def command() -> None:
    """The log of administrative events.

    Reading it requires the key of a financial administrator, that is, an administrator with access
    to this log (`bindist auth status` shows the role of a key).
    """


@command.command(
    "list",
    examples=("bindist audit list --since 7d", "bindist audit list --type CUSTOMER_CREATED"),
)
@click.option(
    "--type",
    "kind",
    metavar="EVENT",
    type=EVENT_TYPE,
    help="Only events of this type, such as APPLICATION_CREATED.",
)
@since_option
@until_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Print at most N events.")
@pass_app
def list_(
    app: App, kind: EventType | None, since: str | None, until: str | None, limit: int | None
) -> None:
    """List administrative events, for financial administrators only.

    With --type, all events of that type are listed. Without it, the server returns at most 100
    events, and a server on AWS looks at 200 and only then selects by time. A warning tells where
    events may be missing.
    """
    empty = "no events match" if kind or since or until else "no events"
    if kind is None:
        response = app.client.list_audit_events(start_date=since, end_date=until, limit=ONE_PAGE)
        app.printer.rows(columns.AUDIT, response.rows("events")[:limit], empty=empty)
        if response.require().get("limitReached"):
            app.printer.warn(
                "there may be more events: the server returns at most 100, and on AWS it looks at "
                "200 before it selects by time; it lists all only with --type"
            )
        return
    found = app.client.iter_audit_events(
        kind, start_date=since, end_date=until, page_size=min(limit or ONE_PAGE, ONE_PAGE)
    )
    app.printer.rows(columns.AUDIT, islice(found, limit), empty=empty)
