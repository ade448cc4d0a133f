"""Generates the completion grammar and the tables of the help topics from the commands."""
