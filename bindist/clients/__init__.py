"""The clients: a method for each endpoint."""
