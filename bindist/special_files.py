"""Paths that no download replaces: devices, pipes, sockets and this process's descriptors."""

from __future__ import annotations

from .transfer.placing import descriptor_of, is_special

__all__ = ["descriptor_of", "is_special"]
