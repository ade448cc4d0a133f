"""Completion in shells: what TAB offers, and their scripts."""
