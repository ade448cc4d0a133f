"""One module or package per command group, imported only when the group is used."""
