"""Hiding API keys, signatures of URLs and passwords in text that is to be shown or logged."""

from __future__ import annotations

from .http.redaction import HIDDEN, redact

__all__ = ["HIDDEN", "redact"]
