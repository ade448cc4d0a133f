"""`doctor`, and the checks that it makes."""

from .cli import command

__all__ = ["command"]
