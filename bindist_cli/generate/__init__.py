"""Generates the completion grammar and the README tables from the commands."""
