"""`bindist customers`"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from ..auth.new_key_file import KeyFile, key_file_option, usable_key
from ..context import App, pass_app
from ..exit_codes import CliError, Exit
from ..options import Group
from ..output import columns
from ..params import CUSTOMER

_notes = click.option("--notes", metavar="TEXT", help="Internal notes, up to 2000 characters.")
_email = click.option("--email", metavar="ADDRESS", help="Email address.")
_reference = click.option(
    "--reference", metavar="TEXT", help="Your own reference for the customer, up to 200 characters."
)
_license = click.option(
    "--license",
    metavar="TEXT",
    help="What the customer has licensed, as free text, up to 500 characters.",
)


@click.group(cls=Group, name="customers")
def command() -> None:
    """Customers and their API keys."""


@command.command("list", examples=("bindist customers list", "bindist customers list -o csv"))
@pass_app
def list_(app: App) -> None:
    """List all customers, sorted by name."""
    app.printer.rows(
        columns.CUSTOMERS,
        app.client.list_customers().rows("customers"),
        empty="no customers",
        hint="create one with `bindist customers create --name NAME`",
    )


@command.command(examples=("bindist customers show acme",))
@click.argument("customer", metavar="CUSTOMER", type=CUSTOMER)
@pass_app
def show(app: App, customer: str) -> None:
    """Show one customer."""
    app.printer.one(columns.CUSTOMER, find_customer(app, customer))


def find_customer(app: App, customer_id: str) -> columns.Json:
    """Returns a customer from the list, because the API has no request for a single one."""
    for row in app.client.list_customers().rows("customers"):
        if row.get("customerId") == customer_id:
            return row
    raise CliError(
        f"customer {customer_id!r} not found",
        Exit.NOT_FOUND,
        hint="see `bindist customers list`",
    )


@command.command(
    examples=("bindist customers access", "bindist customers access --matrix -o csv > access.csv")
)
@click.argument("customer", metavar="[CUSTOMER]", required=False, type=CUSTOMER)
@click.option("--matrix", is_flag=True, help="One column for each application: yes or no.")
@pass_app
def access(app: App, customer: str | None, matrix: bool) -> None:
    """Show which applications each customer may download.

    CUSTOMER limits this to one customer. Administrators may download all applications, and are left
    out. `bindist apps grant` and `bindist apps revoke` change what a customer may download.
    """
    found = app.client.list_access(customer)
    shown: Sequence[columns.Column] = columns.ACCESS
    rows = [columns.row_of(row) for row in found]
    if matrix:
        names = sorted(str(each.get("applicationId")) for each in app.client.iter_applications())
        shown = columns.access_matrix(names)
        rows = [columns.access_row(row, names) for row in rows]
    app.printer.rows(
        shown,
        rows,
        empty="no customers",
        hint="create one with `bindist customers create --name NAME`",
    )


@command.command(
    examples=(
        "bindist customers create --name 'Initech' --email it@initech.example.com",
        "bindist customers create --name 'Initech' --key-file initech.key",
    )
)
@click.option("--name", required=True, metavar="NAME", help="Display name.")
@_notes
@_email
@_reference
@_license
@click.option(
    "--parent",
    default="admin",
    show_default=True,
    metavar="CUSTOMER",
    type=CUSTOMER,
    help="Id of the parent: the customer or administrator that the new one belongs to.",
)
@key_file_option
@pass_app
def create(app: App, /, name: str, parent: str, key_file: str | None, **fields: Any) -> None:
    """Create a customer with an API key of its own. The key is shown only once."""
    with KeyFile(key_file) as file:
        made = app.client.create_customer(name, parent_customer_id=parent, **fields).require()
        file.show(app.printer, columns.NEW_KEY, made, made.get("apiKey"))


@command.command(examples=("bindist customers update acme --notes 'Pays by invoice'",))
@click.argument("customer", metavar="CUSTOMER", type=CUSTOMER)
@click.option("--name", metavar="NAME", help="Display name.")
@_notes
@_email
@_reference
@_license
@pass_app
def update(app: App, /, customer: str, **fields: Any) -> None:
    """Change the given fields of a customer. An empty value removes a field."""
    if all(value is None for value in fields.values()):
        raise click.UsageError("nothing to change: set at least one field, such as --notes")
    if fields["name"] is not None and not fields["name"].strip():
        raise click.UsageError("the name of a customer must not be empty")
    response = app.client.update_customer(customer, **fields)
    app.printer.one(columns.CUSTOMER, response.require())


@command.command(examples=("bindist customers enable acme",))
@click.argument("customer", metavar="CUSTOMER", type=CUSTOMER)
@pass_app
def enable(app: App, customer: str) -> None:
    """Let the API key of a disabled customer work again."""
    _switch(app, customer, True)


@command.command(examples=("bindist customers disable acme",))
@click.argument("customer", metavar="CUSTOMER", type=CUSTOMER)
@pass_app
def disable(app: App, customer: str) -> None:
    """Block the API key of a customer.

    `bindist customers enable` lets the same key work again.
    """
    _switch(app, customer, False)


def _switch(app: App, customer: str, is_active: bool) -> None:
    response = app.client.update_customer(customer, is_active=is_active)
    app.printer.one(columns.CUSTOMER, response.require())


@command.command("rotate-key", examples=("bindist customers rotate-key acme --yes",))
@click.argument("customer", metavar="CUSTOMER", type=CUSTOMER)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@key_file_option
@pass_app
def rotate_key(app: App, customer: str, yes: bool, key_file: str | None) -> None:
    """Replace the API key of a customer.

    The old key stops working immediately. The new key is shown only once.
    """
    if not yes:
        app.confirm(
            f"Replace the key of {customer}? The old key stops working immediately.", "--yes"
        )
    with KeyFile(key_file) as file:
        made = app.client.regenerate_customer_key(customer).require()
        file.show(app.printer, columns.NEW_KEY, made, usable_key(made, app.api_url))
