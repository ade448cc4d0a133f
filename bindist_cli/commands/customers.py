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
    """List all customers, sorted by name.

    A server on AWS cuts the list at 1 MB of records without saying so. A warning tells where it may
    have done that.
    """
    rows = list_customers(app)
    app.printer.rows(
        columns.CUSTOMERS,
        rows,
        empty="no customers",
        hint="create one with `bindist customers create --name NAME`",
    )


def list_customers(app: App) -> list[columns.Json]:
    """Returns all customers; warns if the server may have cut the list."""
    from bindist.rows import may_be_cut

    rows: list[columns.Json] = list(app.client.list_customers().rows("customers"))
    if may_be_cut(rows):
        app.printer.warn_of_cut("customers")
    return rows


@command.command(examples=("bindist customers show acme",))
@click.argument("customer", metavar="CUSTOMER", type=CUSTOMER)
@pass_app
def show(app: App, customer: str) -> None:
    """Show one customer."""
    app.printer.one(columns.CUSTOMER, find_customer(app, customer))


def find_customer(app: App, customer_id: str) -> columns.Json:
    """Returns a customer from the list, because the API has no request for a single one."""
    for row in list_customers(app):
        if row.get("customerId") == customer_id:
            return row
    raise CliError(
        f"customer {customer_id!r} not found",
        Exit.NOT_FOUND,
        hint="see `bindist customers list`",
        code="NOT_FOUND",
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
    metavar="CUSTOMER",
    type=CUSTOMER,
    help="Id of the parent: the customer or administrator that the new one belongs to."
    " [default: admin, or the only administrator that reports mention]",
)
@key_file_option
@pass_app
def create(app: App, /, name: str, parent: str | None, key_file: str | None, **fields: Any) -> None:
    """Create a customer with an API key of its own. The key is shown only once.

    A server on AWS may have no administrator called `admin`: the id of its administrator is a UUID.
    This command then looks for that id in the audit log and among the uploads.
    """
    with KeyFile(key_file, app.printer) as file:
        response = app.client.create_customer(name, parent_customer_id=parent or "admin", **fields)
        if response.status_code == 404 and parent is None:
            found = find_administrator(app)
            response = app.client.create_customer(name, parent_customer_id=found, **fields)
            app.printer.note(f"the parent is {found}: this server has no administrator `admin`")
        made = response.require()
        file.show(made, made.get("apiKey"))


def find_administrator(app: App) -> str:
    """Returns the only administrator that reports mention. Raises CliError if there is not one."""
    found = app.client.find_administrators()
    if len(found) == 1:
        return found[0]
    if found:
        hint = "choose one of them with --parent ID"
    else:
        hint = (
            "the audit log mentions its administrator once something was changed: run `bindist "
            "apps create APP`, then repeat this command; or name a customer with --parent ID"
        )
    raise CliError(
        "this server has no administrator `admin` to create a customer under, and "
        f"{'several' if found else 'no'} others are known",
        Exit.NOT_FOUND,
        facts=found,
        hint=hint,
        code="NO_PARENT",
    )


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

    On a server on AWS, a key that was just used works for up to 60 seconds more. `bindist customers
    enable` lets the same key work again.
    """
    _switch(app, customer, False)
    app.printer.note("on a server on AWS, the key may work for up to 60 s more")


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

    The old key stops working immediately, on a server on AWS within 60 seconds. The new key is
    shown only once.
    """
    if not yes:
        app.confirm(
            f"Replace the key of {customer}? The old key stops working, on AWS within 60 s.",
            "--yes",
        )
    with KeyFile(key_file, app.printer) as file:
        made = app.client.regenerate_customer_key(customer).require()
        file.show(made, usable_key(made, app.api_url, app.key.value))
