"""Requests and responses: connections, retries, errors, redaction."""
