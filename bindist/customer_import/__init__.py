"""Customers from a file, each with a key file of its own: whole after any interruption.

from bindist.customer_import import read_rows

rows = read_rows(Path("customers.csv").read_text(encoding="utf-8-sig"))
for customer in client.import_customers(rows, "keys", grant=["harbor"]):
    print(customer.reference, customer.status, customer.key_file)
"""

from .results import ImportedCustomer, ImportStatus
from .rows import COLUMNS, ImportRow, read_rows

__all__ = ["COLUMNS", "ImportRow", "ImportStatus", "ImportedCustomer", "read_rows"]
