"""Faults on request: which of them strike, and what they do."""
