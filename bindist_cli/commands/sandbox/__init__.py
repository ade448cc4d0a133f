"""`sandbox`, and the story that its demo tells."""

from .cli import command

__all__ = ["command"]
