"""The API: the table of routes, and a handler for each."""
