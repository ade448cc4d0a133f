"""`bindist apps`"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import click

from bindist.choices import SortBy, SortOrder

from ..context import App, pass_app
from ..options import Group
from ..output import columns, formatting
from ..output.charts import stats_charts
from ..output.completeness import tell_of_check
from ..params import APPLICATION, CUSTOMER, IDENTIFIER, VERSION_TEXT, VERSIONS_MEANT

SORTS: dict[str, SortBy] = {"name": "name", "created": "createdAt", "updated": "updatedAt"}


@click.group(cls=Group, name="apps")
def command() -> None:
    """Applications, and the customers that may download them."""


@command.command("list", examples=("bindist apps list --tag cli", "bindist apps list --json"))
@click.option(
    "--search", metavar="TEXT", help="Only applications with TEXT in their name or description."
)
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="TAG",
    help="Only applications with this tag; repeatable, any of them matches.",
)
@click.option(
    "--active/--inactive",
    "is_active",
    default=None,
    help="Only active (or inactive) applications.",
)
@click.option("--sort", type=click.Choice(list(SORTS)), help="Sort by this field.")
@click.option("--desc", is_flag=True, help="Sort in descending order.")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="Print at most N applications."
)
@click.option(
    "--page", type=click.IntRange(min=1), metavar="N", help="Print only page N, counted from 1."
)
@click.option(
    "--page-size",
    type=click.IntRange(1, 100),
    metavar="N",
    help="Applications per page. [default: 20 with --page, else 100]",
)
@pass_app
def list_(
    app: App,
    search: str | None,
    tags: tuple[str, ...],
    is_active: bool | None,
    sort: str | None,
    desc: bool,
    limit: int | None,
    page: int | None,
    page_size: int | None,
) -> None:
    """List the applications that the key may see.

    A server on AWS cuts the list at 1 MB of records without saying so; those that no option selects
    count, too. A warning tells where it may have done that.
    """
    from bindist.rows import MAY_BE_CUT_FROM, json_size

    sort_by = SORTS[sort] if sort else None
    sort_order: SortOrder | None = "desc" if desc else None
    found: Iterator[columns.Json]
    if page is None:
        found = app.client.iter_applications(
            search,
            tags,
            is_active=is_active,
            sort_by=sort_by,
            sort_order=sort_order,
            page_size=min(page_size or 100, limit or 100),
            limit=limit,
        )
    else:
        response = app.client.list_applications(
            search,
            tags,
            page,
            page_size or 20,
            is_active=is_active,
            sort_by=sort_by,
            sort_order=sort_order,
        )
        found = iter(response.rows("applications"))
    filtered = bool(search or tags or is_active is not None or (page or 1) > 1)
    size = 0

    def measured() -> Iterator[columns.Json]:
        nonlocal size
        for row in islice(found, limit):
            size += json_size(row)
            yield row

    app.printer.rows(
        columns.APPLICATIONS,
        measured(),
        empty="no applications match" if filtered else "no applications",
        hint=None
        if filtered
        else "create one with `bindist apps create APP`, or give a customer access with "
        "`bindist apps grant`",
    )
    if size >= MAY_BE_CUT_FROM:
        app.printer.warn_of_cut("applications")


@command.command(examples=("bindist apps show harbor", "bindist apps show harbor --json"))
@click.argument("app_id", metavar="APP", type=APPLICATION)
@pass_app
def show(app: App, app_id: str) -> None:
    """Show one application."""
    app.printer.one(columns.APPLICATION, find_application(app, app_id))


def find_application(app: App, app_id: str) -> columns.Json:
    """Returns an application; with its customers, which only an administrator's list contains."""
    shown = app.client.get_application(app_id).require()
    same = app.client.iter_applications(search=formatting.visible(shown.get("name")))
    listed: columns.Json = next((row for row in same if row.get("applicationId") == app_id), {})
    return {**listed, **shown}


@command.command(
    examples=(
        "bindist apps create hello --name 'Hello, world' --tag demo",
        "bindist apps create hello --if-not-exists",
    )
)
@click.argument("app_id", metavar="APP", type=IDENTIFIER)
@click.option("--name", metavar="TEXT", help="Display name. [default: APP]")
@click.option("--description", metavar="TEXT", help="Description, up to 2000 characters.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Tag; repeatable, up to 20.")
@click.option(
    "--customer",
    "customers",
    multiple=True,
    metavar="CUSTOMER",
    type=CUSTOMER,
    help="Id of a customer that may download it; repeatable.",
)
@click.option(
    "--if-not-exists", is_flag=True, help="Succeed, and change nothing, if it already exists."
)
@pass_app
def create(
    app: App,
    app_id: str,
    name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    customers: tuple[str, ...],
    if_not_exists: bool,
) -> None:
    """Create an application.

    Choose the id APP with care: it can be neither changed nor, once deleted, used again.
    """
    response = app.client.create_application(
        app_id, name or app_id, customers or None, description, tags or None
    )
    if response.status_code == 409 and if_not_exists:
        app.printer.one(columns.APPLICATION, find_application(app, app_id))
        app.printer.note(f"{app_id} already exists; nothing was changed")
        return
    app.printer.one(columns.APPLICATION, response.require())


@command.command(examples=("bindist apps delete tidewatch --yes",))
@click.argument("app_id", metavar="APP", type=APPLICATION)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@pass_app
def delete(app: App, app_id: str, yes: bool) -> None:
    """Delete an application. Its id can never be used again.

    Links of `versions share` that were made before work until they expire.
    """
    if not yes:
        app.client.get_application(app_id).raise_for_error()
        app.confirm(f"Delete {app_id}? Its id can never be used again.", "--yes")
    app.printer.one(columns.DELETED, app.client.delete_application(app_id).require())
    app.printer.note_of_links()


@command.command(
    examples=("bindist apps stats skylark", "bindist apps stats skylark --version 1.9.0 --json")
)
@click.argument("app_id", metavar="APP", type=APPLICATION)
@click.option(
    "--version", metavar="VERSION", type=VERSION_TEXT, help="Only downloads of this version."
)
@pass_app
def stats(app: App, app_id: str, version: str | None) -> None:
    """Show the download statistics of an application."""
    # For an unknown application, the server would return zeros.
    app.client.get_application(app_id).raise_for_error()
    found = app.client.get_stats(app_id, version=version).require()
    app.printer.one(
        columns.STATS,
        found,
        tables={"recentDownloads": columns.RECENT_DOWNLOADS},
        drawing=stats_charts,
    )


@command.command(examples=("bindist apps grant harbor globex",))
@click.argument("app_id", metavar="APP", type=APPLICATION)
@click.argument("customers", metavar="CUSTOMER...", nargs=-1, required=True, type=CUSTOMER)
@pass_app
def grant(app: App, app_id: str, customers: tuple[str, ...]) -> None:
    """Allow customers to see and download an application.

    CUSTOMER is the id of a customer: see `bindist customers list`.
    """
    before = customers_before(app, app_id)
    response = app.client.update_application_customers(app_id, add_customer_ids=customers)
    app.printer.one(columns.GRANTS, response.require())
    if before is not None:
        for customer in sorted(before.intersection(customers)):
            app.printer.note(f"{customer} had access to {app_id} already")


@command.command(examples=("bindist apps revoke skylark globex",))
@click.argument("app_id", metavar="APP", type=APPLICATION)
@click.argument("customers", metavar="CUSTOMER...", nargs=-1, required=True, type=CUSTOMER)
@pass_app
def revoke(app: App, app_id: str, customers: tuple[str, ...]) -> None:
    """Withdraw an application from customers.

    CUSTOMER is the id of a customer: see `bindist customers list`.
    """
    before = customers_before(app, app_id)
    response = app.client.update_application_customers(app_id, remove_customer_ids=customers)
    app.printer.one(columns.GRANTS, response.require())
    if before is not None:
        for customer in sorted({*customers} - before):
            app.printer.note(f"{customer} had no access to {app_id}: nothing was withdrawn")


def customers_before(app: App, app_id: str) -> set[str] | None:
    """Returns who may download an application; None where that is not told."""
    from bindist.access import customers_of  # imported late, for fast starts

    found: Any = find_application(app, app_id)
    if "customers" not in found:
        return None
    return {each["customerId"] for each in customers_of(found)}


@command.command(
    examples=(
        "bindist apps adoption skylark",
        "bindist apps adoption skylark --has 1.9.0 -o csv > affected.csv",
        "bindist apps adoption skylark --has '<1.10' --not-updated",
    )
)
@click.argument("app_id", metavar="APP", type=APPLICATION)
@click.option(
    "--has",
    metavar="SPEC",
    type=VERSIONS_MEANT,
    help="Only customers that have downloaded such a version: for example 2.0, '<2.1' or"
    " '>=2.0,<2.1'.",
)
@click.option(
    "--not-updated",
    is_flag=True,
    help="With --has: leave out customers that have also downloaded a higher version, which --has "
    "does not mean.",
)
@pass_app
def adoption(app: App, app_id: str, has: Callable[[str], bool] | None, not_updated: bool) -> None:
    """Show who has downloaded which version of an application.

    Lists each customer that may download APP or has done so, with the highest version downloaded,
    when that was, and how many enabled versions are higher. The server keeps downloads for 90 days.

    Downloaded is not installed: a customer may run an older version than it has downloaded. A
    download by a share link counts for whoever made the link.
    """
    from bindist.adoption import having  # imported late, for fast starts

    if not_updated and has is None:
        raise click.UsageError("--not-updated requires --has")
    found = app.client.get_adoption(app_id)
    rows = list(found.customers) if has is None else having(found, has, not_updated=not_updated)
    nobody = f"no customer may download {app_id}, and none has"
    if has is not None:
        nobody = f"no customer has downloaded a matching version of {app_id} within 90 days"
    app.printer.rows(columns.ADOPTION, map(columns.row_of, rows), empty=nobody)
    app.printer.note("downloaded is not installed; the server keeps downloads for 90 days")
    if found.other_downloads:
        app.printer.note(
            f"{found.other_downloads:,} download{'s are' * (found.other_downloads > 1) or ' is'} "
            "no customer's, but an administrator's, or by a share link that one made"
        )
    tell_of_check(app.printer, found.check, found.crowded)
