"""`sandbox`: a local server, and a demo of one release."""

from .cli import command

__all__ = ["command"]
