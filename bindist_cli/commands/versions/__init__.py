"""`versions`: upload, release, download, verify, share."""

from .cli import command

__all__ = ["command"]
