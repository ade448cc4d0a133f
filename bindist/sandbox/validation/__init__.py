"""Requests checked as the reference server checks them."""
