"""Which requests are repeated, how often, and after which pause: one policy that every loop asks.

The loops are: calls of the API (`transport`), uploads to the object store (`transfer.upload`),
downloads from it (`transfer.range_reader`), and the writes and polls of a release (`release`).
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, replace
from http import HTTPStatus

from urllib3.util import Retry

from ..errors import TRANSIENT_STATUSES, ApiError, BinDistError, TransportError
from .error_mapping import HEADER_ERRORS
from .response import ApiResponse, response_of

retry_log = logging.getLogger("bindist.retry")
"""Has a line at INFO for each repetition: what failed, and when it is tried again."""

RETRY_STATUSES = TRANSIENT_STATUSES | {502, 503, 504}
"""Statuses of failures that may pass. Add one here, and every loop repeats it."""

NOT_PROCESSED_STATUSES = frozenset({425, 429})
"""Of these, the statuses that say for certain that the server has not carried out the request.

RFC 9110 says the same of 408, but proxies also send it for requests that they have passed on.
"""

RETRY_CODES = frozenset({(400, "RequestTimeout")})
"""Failures that may pass, by status and error code: S3 reports a slow upload as such a 400."""


_WHOLE_SECONDS_FROM = 3.0


@dataclass(frozen=True)
class RetryPolicy:
    """When a failed request is repeated.

    Attributes:
        retries: how often one operation is repeated; 0 turns repeating off. An operation so makes
            `retries + 1` attempts, 4 by default, wherever it is made. For a download, an attempt
            that brought at least one byte starts the count anew.
        backoff: upper limit of the first pause, in seconds. It doubles with each attempt; the
            pause is a random half to whole of it.
        backoff_cap: upper limit of every pause that the server did not ask for, in seconds.
        retry_after_cap: upper limit of a pause that the server asked for by `Retry-After`, in
            seconds.
        statuses: the HTTP statuses of failures that may pass.
        codes: the same by status and error code, where a status alone says too little.
        not_processed: the statuses after which even a request that must not be carried out twice
            is repeated: the server says that it has not carried it out.
    """

    retries: int = 3
    backoff: float = 0.5
    backoff_cap: float = 30.0
    retry_after_cap: float = 60.0
    statuses: frozenset[int] = RETRY_STATUSES
    codes: frozenset[tuple[int, str]] = RETRY_CODES
    not_processed: frozenset[int] = NOT_PROCESSED_STATUSES

    @property
    def attempts(self) -> int:
        """How many attempts an operation has in all."""
        return self.retries + 1

    def for_object_store(self) -> RetryPolicy:
        """The same policy for the object store: any 5xx may pass there, and so may a 200 that
        something between client and store made up."""
        return replace(
            self,
            statuses=self.statuses | frozenset(range(500, 600)),
            codes=self.codes | {(200, "INVALID_RESPONSE")},
        )

    def is_transient(self, response: ApiResponse) -> bool:
        """Whether the same request may succeed later, by the response's status and error code."""
        status, code = response.status_code, (response.error or {}).get("code")
        return not response.success and (status in self.statuses or (status, code) in self.codes)

    def may_pass(self, error: Exception) -> bool:
        """Whether what failed with `error`, after all attempts, may succeed later."""
        if isinstance(error, ApiError):
            return self.is_transient(response_of(error))
        return isinstance(error, TransportError) and error.transient

    def is_refusal(self, response: ApiResponse) -> bool:
        """Whether the response says for certain that the server has not carried out the request.

        False for a success, for a 5xx, and for a 4xx that may pass and is not in `not_processed`.
        """
        if response.status_code in self.not_processed:
            return True
        return 400 <= response.status_code < 500 and not self.is_transient(response)

    def retries_response(self, attempt: int, response: ApiResponse, *, repeatable: bool) -> bool:
        """Whether to repeat a request that got this response.

        Args:
            attempt: the number of the attempt that got it, from 0.
            response: the response.
            repeatable: True where carrying the request out twice does no harm.
        """
        is_safe = repeatable or response.status_code in self.not_processed
        return attempt < self.retries and is_safe and self.is_transient(response)

    def retries_error(self, attempt: int, error: TransportError, *, repeatable: bool) -> bool:
        """Whether to repeat a request that got no response; arguments as of `retries_response`."""
        is_safe = repeatable or not error.ambiguous
        return attempt < self.retries and is_safe and error.transient

    def announce(
        self, attempt: int, failed: ApiResponse | BinDistError, retry_after: str | None = None
    ) -> float:
        """Seconds to wait, as `pause` says, before a repetition; the log tells of it now."""
        pause = self.pause(attempt, retry_after)
        shown = f"{pause:.0f}" if pause >= _WHOLE_SECONDS_FROM else f"{pause:.1f}"
        retry_log.info(
            "%s; trying again in %s s (%d of %d)",
            self._reason(failed),
            shown,
            attempt + 1,
            self.retries,
        )
        return pause

    def _reason(self, failed: ApiResponse | BinDistError) -> str:
        if isinstance(failed, ApiError):
            failed = response_of(failed)
        if isinstance(failed, BinDistError):
            return str(failed)
        status, code = failed.status_code, (failed.error or {}).get("code")
        if (status, code) in self.codes:
            return f"{code} ({status})"
        try:
            return f"{HTTPStatus(status).phrase.lower()} ({status})"
        except ValueError:
            return f"HTTP {status}"

    def pause(self, attempt: int, retry_after: str | None = None) -> float:
        """Seconds to wait after the failed attempt of that number, from 0.

        `retry_after` is the response's `Retry-After` header, in seconds or as a date; one that
        makes no sense is ignored.
        """
        if retry_after:
            try:
                seconds = Retry().parse_retry_after(retry_after)
                return min(max(seconds, 0.0), self.retry_after_cap)
            except HEADER_ERRORS:
                pass
        ceiling = min(self.backoff * 2.0 ** min(attempt, 30), self.backoff_cap)
        return ceiling * random.uniform(0.5, 1.0)  # noqa: S311  spreads clients, hides nothing
