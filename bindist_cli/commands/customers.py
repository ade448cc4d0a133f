"""`bindist customers`"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from bindist.customer_import import read_rows
from bindist.errors import NotFoundError

from ..auth.new_key_file import KeyFile, key_file_option
from ..context import App, pass_app
from ..exit_codes import CliError, Exit
from ..options import Group
from ..output import columns
from ..output.printer import Printer
from ..params import APPLICATION, CUSTOMER, LOCAL_FILE
from ..text_input import read_text

if TYPE_CHECKING:
    from bindist.customer_import import ImportedCustomer

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
_parent = click.option(
    "--parent",
    metavar="CUSTOMER",
    type=CUSTOMER,
    help="Id of the parent: the customer or administrator that a new one belongs to."
    " [default: admin, or the only administrator that reports mention]",
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
        "bindist customers create --name 'Initech' --reference CRM-7 --if-not-exists",
    )
)
@click.option("--name", required=True, metavar="NAME", help="Display name.")
@_notes
@_email
@_reference
@_license
@_parent
@click.option(
    "--if-not-exists",
    is_flag=True,
    help="Succeed, and change nothing, if a customer with this reference or email exists.",
)
@key_file_option
@pass_app
def create(
    app: App,
    /,
    name: str,
    parent: str | None,
    if_not_exists: bool,
    key_file: str | None,
    **fields: Any,
) -> None:
    """Create a customer with an API key of its own. The key is shown only once.

    A server on AWS may have no administrator called `admin`: the id of its administrator is a UUID.
    This command then looks for that id in the audit log and among the uploads.
    """
    if if_not_exists:
        if not fields["reference"] and not fields["email"]:
            raise click.UsageError("--if-not-exists requires --reference or --email")
        there = app.client.find_customer(reference=fields["reference"], email=fields["email"])
        if there is not None:
            app.printer.one(columns.CUSTOMER, there)
            app.printer.note(f"{there['customerId']} already exists; nothing was changed")
            return
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


@command.command(
    "import",
    examples=(
        "bindist customers import customers.csv --keys-dir keys --dry-run",
        "bindist customers import customers.csv --keys-dir keys --grant harbor",
    ),
)
@click.argument("source", metavar="FILE", type=LOCAL_FILE)
@click.option(
    "--keys-dir",
    metavar="DIR",
    required=True,
    type=click.Path(file_okay=False),
    help="Folder for the key files, one for each new customer; created if it does not exist.",
)
@click.option(
    "--grant",
    "applications",
    multiple=True,
    metavar="APP",
    type=APPLICATION,
    help="Application that all of them may download; repeatable.",
)
@click.option(
    "--update", is_flag=True, help="Also change existing customers to what FILE says of them."
)
@_parent
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@pass_app
def import_(
    app: App,
    source: str,
    keys_dir: str,
    parent: str | None,
    applications: tuple[str, ...],
    update: bool,
    dry_run: bool,
) -> None:
    """Create the customers of a CSV file that do not exist yet.

    The first line of FILE (- is stdin) names the columns: name, email, reference, license, notes,
    and grants, the ids of applications. A customer is the one with the same reference, or else with
    the same email. Nothing is deleted, and existing customers change only with --update.

    Each new key goes into DIR/REFERENCE.key or DIR/EMAIL.key (mode 0600). After an interruption,
    run the same command again: it finishes the import, and creates no customer twice. Keep DIR
    until then, as it also has the journal.
    """
    rows = read_rows(read_text(source))
    done: list[ImportedCustomer] = []
    progress = _Progress(app.printer, len(rows))

    def tell(result: ImportedCustomer) -> None:
        done.append(result)
        progress.tell(len(done))

    try:
        done = app.client.import_customers(
            rows,
            keys_dir,
            grant=applications,
            update=update,
            dry_run=dry_run,
            parent_customer_id=parent,
            notify=app.printer.note,
            done=tell,
        )
    except NotFoundError as error:
        if parent is None and NO_ADMIN in str(error):
            find_administrator(app)  # tells of several, or none
        raise
    finally:
        if done or sys.exc_info()[0] is None:
            _show_import(app.printer, done, source)
    _tell_of_import(app.printer, done, dry_run=dry_run, update=update)


def _show_import(printer: Printer, done: list[ImportedCustomer], source: str) -> None:
    rows = [columns.row_of(result) for result in done]
    shown: Sequence[columns.Column] = columns.IMPORTED
    if printer.format == "table":  # most imports leave most columns empty
        shown = [each for each in shown if any(row[each.key] for row in rows)]
    printer.rows(shown, rows, empty=f"no customers in {source}")


NO_ADMIN = "'admin' not found"


class _Progress:
    """Says every few seconds how many customers are done."""

    def __init__(self, printer: Printer, total: int) -> None:
        self._printer, self._total = printer, total
        self._spoken = time.monotonic()

    def tell(self, done: int) -> None:
        if time.monotonic() - self._spoken >= _EVERY_SECONDS and done < self._total:
            self._spoken = time.monotonic()
            self._printer.note(f"{done:,} of {self._total:,} customers")


_EVERY_SECONDS = 5.0


def _tell_of_import(
    printer: Printer, done: list[ImportedCustomer], *, dry_run: bool, update: bool
) -> None:
    """Notes how many rows had which result. Raises CliError if there was nothing done for some."""
    counts = Counter(result.status for result in done)
    said = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    if done:
        printer.note(f"nothing was changed; it would be: {said}" if dry_run else said)
    different = sum(bool(result.differs) for result in done)
    if different and not update:
        printer.note(
            f"{different:,} existing customer{'s differ' * (different > 1) or ' differs'} from the "
            "file, and stay as they are; --update changes them"
        )
    if counts["conflict"] or counts["refused"]:
        failed = counts["conflict"] + counts["refused"]
        first = next(result for result in done if result.status in ("conflict", "refused"))
        raise CliError(
            f"{failed:,} of {len(done):,} customers were not imported",
            Exit.CONFLICT if counts["conflict"] else Exit.USAGE,
            facts=[f"{first.name}: {first.reason}"],
            hint="correct the file or the customer, then run the command again",
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
    from bindist.key_file import usable_key

    with KeyFile(key_file, app.printer) as file:
        made = app.client.regenerate_customer_key(customer).require()
        file.show(made, usable_key(made, app.key.value))
