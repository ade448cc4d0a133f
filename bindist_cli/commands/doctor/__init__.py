"""`doctor`, and its checks."""

from .cli import command

__all__ = ["command"]
