"""`bindist customers`"""

from __future__ import annotations

from typing import Any

import click

from ..auth.new_key_file import KeyFile, key_file_option, usable_key
from ..context import App, pass_app
from ..exit_codes import CliError, Exit
from ..options import Group
from ..output import columns
from ..params import CUSTOMER

_notes = click.option("--notes", help="Up to 2000 characters.")
_email = click.option("--email", help="E-mail address; an empty one removes it.")
_reference = click.option(
    "--reference", help="Your own reference for the customer, at most 200 characters."
)
_license = click.option("--license", help="Up to 500 characters.")


@click.group(cls=Group, name="customers")
def command() -> None:
    """Customers and their keys."""


@command.command("list", examples=("bindist customers list", "bindist customers list -o csv"))
@pass_app
def list_(app: App) -> None:
    """List all customers, by name."""
    app.sink.rows(
        columns.CUSTOMERS,
        app.client.list_customers().rows("customers"),
        empty="no customers",
        hint="`bindist customers create --name NAME` makes one",
    )


@command.command(examples=("bindist customers show acme",))
@click.argument("customer", metavar="ID", type=CUSTOMER)
@pass_app
def show(app: App, customer: str) -> None:
    """Show one customer."""
    app.sink.one(columns.CUSTOMER, find_customer(app, customer))


def find_customer(app: App, customer_id: str) -> columns.Json:
    """The customer; there is no call for one, so it is looked up in the list."""
    for row in app.client.list_customers().rows("customers"):
        if row.get("customerId") == customer_id:
            return row
    raise CliError(
        f"there is no customer {customer_id!r}", Exit.NOT_FOUND, hint="`bindist customers list`"
    )


@command.command(
    examples=(
        "bindist customers create --name 'Initech' --email it@initech.example.com",
        "bindist customers create --name 'Initech' --key-file initech.key",
    )
)
@click.option("--name", required=True, help="Name of the customer.")
@_notes
@_email
@_reference
@_license
@click.option(
    "--parent",
    default="admin",
    metavar="ID",
    type=CUSTOMER,
    help="Create it below this customer. [default: admin]",
)
@key_file_option
@pass_app
def create(app: App, /, name: str, parent: str, key_file: str | None, **fields: Any) -> None:
    """Create a customer. Its key is shown this once."""
    with KeyFile(key_file) as file:
        made = app.client.create_customer(name, parent_customer_id=parent, **fields).require()
        file.show(app.sink, columns.NEW_KEY, made, made.get("apiKey"))


@command.command(examples=("bindist customers update acme --notes 'Pays by invoice'",))
@click.argument("customer", metavar="ID", type=CUSTOMER)
@click.option("--name", help="Name of the customer.")
@_notes
@_email
@_reference
@_license
@pass_app
def update(app: App, /, customer: str, **fields: Any) -> None:
    """Change a customer. An empty text removes what is there."""
    if all(value is None for value in fields.values()):
        raise click.UsageError("nothing to change; name at least one field, such as --notes")
    if fields["name"] is not None and not fields["name"].strip():
        raise click.UsageError("a customer needs a name")
    answer = app.client.update_customer(customer, **fields)
    app.sink.one(columns.CUSTOMER, answer.require())


@command.command(examples=("bindist customers enable acme",))
@click.argument("customer", metavar="ID", type=CUSTOMER)
@pass_app
def enable(app: App, customer: str) -> None:
    """Enable a customer's key again."""
    _switch(app, customer, True)


@command.command(examples=("bindist customers disable acme",))
@click.argument("customer", metavar="ID", type=CUSTOMER)
@pass_app
def disable(app: App, customer: str) -> None:
    """Disable a customer's key until the customer is enabled again."""
    _switch(app, customer, False)


def _switch(app: App, customer: str, is_active: bool) -> None:
    answer = app.client.update_customer(customer, is_active=is_active)
    app.sink.one(columns.CUSTOMER, answer.require())


@command.command("rotate-key", examples=("bindist customers rotate-key acme --yes",))
@click.argument("customer", metavar="ID", type=CUSTOMER)
@click.option("--yes", is_flag=True, help="Do not ask.")
@key_file_option
@pass_app
def rotate_key(app: App, customer: str, yes: bool, key_file: str | None) -> None:
    """Give a customer a new key. The old key stops working immediately."""
    if not yes:
        app.confirm(f"Give {customer} a new key? The old key stops working immediately.", "--yes")
    with KeyFile(key_file) as file:
        made = app.client.regenerate_customer_key(customer).require()
        file.show(app.sink, columns.NEW_KEY, made, usable_key(made, app.api_url))
