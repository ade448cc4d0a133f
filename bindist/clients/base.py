"""What both clients share: their arguments, path segments, and requests to the API."""

from __future__ import annotations

from collections.abc import Mapping
from threading import TIMEOUT_MAX
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import quote

from ..choices import StoreEtag, check_choices
from ..connection import check_base_url, check_encrypted, check_key
from ..http.response import ApiResponse, Json
from ..http.transport import ANSWER_LIMIT, Timeout, Transport
from ..transfer.config import DEFAULTS, AtOnce, TransferConfig

if TYPE_CHECKING:
    from ..types import StrPath

Self = TypeVar("Self", bound="BaseClient")

DEFAULT_TIMEOUT: Timeout = (10.0, 60.0)
DEFAULT_RETRIES = 3
DEFAULT_BACKOFF = 0.5


class BaseClient:
    """What `CustomerClient` and `AdminClient` have in common: the connection.

    A client is a context manager, and `close()` closes its connections. Several threads may share
    one client.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout: float | Timeout = DEFAULT_TIMEOUT,
        retries: int = DEFAULT_RETRIES,
        backoff: float = DEFAULT_BACKOFF,
        verify: StrPath | None = None,
        store_etag: StoreEtag = "md5",
        allow_http: bool = False,
        allow_private_store: bool = False,
        total_timeout: float | None = None,
        answer_limit: int = ANSWER_LIMIT,
        transfer_config: TransferConfig | None = None,
    ) -> None:
        """Makes a client; nothing is sent yet.

        Args:
            base_url: the address of the API, such as `https://api.bindist.eu`; it may have a path.
            api_key: `{tenant_id}.{secret}` on the hosted service, the bare secret on a self-hosted
                server.
            timeout: seconds, one number or (connect, read); default (10, 60).
            retries: how often a request is repeated if that is safe; default 3; 0 disables retries.
            backoff: the pause in seconds before the first retry, doubled for each further one;
                default 0.5.
            verify: the path of a CA bundle; default None, which uses the bundle of requests or of
                the environment.
            store_etag: what the object store's ETags are: `md5` (default), the MD5 that uploads are
                compared with, or `opaque`, as with SSE-KMS and SSE-C.
            allow_http: True sends the key over plain `http://` to other machines, where anyone on
                the way can read it; default False. Requests to this machine may always use
                `http://`, and never go through a proxy.
            allow_private_store: True accepts an object store at a private address from a server at
                a public one, for sites that are reached through a VPN or a proxy; default False.
            total_timeout: seconds that one response of the API may take in total, even if it keeps
                arriving; default None, which is 330, or the sum of `timeout` if that is larger.
            answer_limit: the size in bytes of the largest response of the API that is read; default
                16 MiB.
            transfer_config: limits and defaults of uploads and downloads; default None, which is
                `TransferConfig()`.

        Raises ValueError for an address that is not http(s), for `http://` to another machine
        without `allow_http`, for a key that no header can carry, for a number out of range, or for
        another `store_etag`.
        """
        pair = timeout if isinstance(timeout, tuple) else (float(timeout), float(timeout))
        if not all(0 < seconds <= TIMEOUT_MAX for seconds in pair):
            raise ValueError(f"timeout must be more than 0 seconds, and finite, not {timeout!r}")
        if retries < 0:
            raise ValueError(f"retries must be 0 or more, not {retries!r}")
        if not backoff >= 0:
            raise ValueError(f"backoff must be 0 seconds or more, not {backoff!r}")
        check_choices(store_etag=store_etag)
        if total_timeout is not None and not 0 < total_timeout <= TIMEOUT_MAX:
            raise ValueError(f"total_timeout must be more than 0 seconds, not {total_timeout!r}")
        if answer_limit < 1:
            raise ValueError(f"answer_limit must be 1 byte or more, not {answer_limit!r}")
        self._transfer_config = transfer_config or DEFAULTS
        url = check_base_url(base_url)
        if not allow_http:
            check_encrypted(url)
        self._transport = Transport(
            url,
            check_key(api_key),
            timeout=pair,
            retries=retries,
            backoff=backoff,
            verify=verify,
            store_etag=store_etag,
            total_timeout=total_timeout,
            answer_limit=answer_limit,
            allow_private_store=allow_private_store,
        )

    def __reduce__(self) -> NoReturn:
        """Raises TypeError: a key and open connections must not be copied or written to disk."""
        name = type(self).__name__
        raise TypeError(f"{name} cannot be pickled or copied: make a new one where it is needed")

    @property
    def base_url(self) -> str:
        """The address of the API, without a trailing slash."""
        return self._transport.base_url

    def __repr__(self) -> str:
        """The class and the address, without the key."""
        return f"{type(self).__name__}({self.base_url!r})"

    def __enter__(self: Self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the connections."""
        self.close()

    def _for_writes(self: Self) -> Self:
        """The same client for requests that may only follow a look at what they change."""
        view = object.__new__(type(self))
        view.__dict__.update(self.__dict__, _transport=self._transport.for_writes())
        return view

    def close(self) -> None:
        """Closes the connections that are kept open between calls."""
        self._transport.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> ApiResponse:
        """Sends any request to the API, such as one that no method here covers yet.

        Args:
            method: such as `GET`, in any case.
            path: starts with `/v1/` and is sent as it stands: encode its segments.
            params: the query; values that are None are left out. Default none.
            json: the body, anything that JSON can hold; default None, for no body.
            headers: further headers; default none.
            repeatable: True if the server may carry out the request twice, as with GET: it is then
                also repeated after a lost connection; default False.

        Returns the response. Raises TransportError if none arrives, ValueError for a path that
        does not start with `/`.
        """
        if not path.startswith("/"):  # what follows the host directly would change the host
            raise ValueError(f"the path must start with /, not {path!r}")
        return self._transport.call(
            method.upper(),
            path,
            params=present(params or {}),
            json=json,
            headers=headers,
            repeatable=repeatable,
        )

    def _at_once(self, wanted: int | None) -> AtOnce:
        """How many files are transferred at once; raises ValueError for a number below 1."""
        if wanted is not None and wanted < 1:
            raise ValueError(f"parallel must be 1 or more, not {wanted!r}")
        return self._transfer_config.at_once(wanted)

    def _get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ApiResponse:
        return self.request("GET", f"/v1{path}", params=params, headers=headers)

    def _send(
        self, method: str, path: str, body: Json | None = None, *, repeatable: bool = False
    ) -> ApiResponse:
        for name, value in (body or {}).items():
            if isinstance(value, str) and "\0" in value:  # which databases refuse
                raise ValueError(f"{name} has a NUL character in it")
        return self.request(method, f"/v1{path}", json=body, repeatable=repeatable)


def segment(value: str, what: str) -> str:
    """`value` encoded as one segment of a path; ValueError for one that cannot be."""
    return quote(named(value, what), safe="")


def named(value: str, what: str) -> str:
    """An identifier; ValueError for one that cannot be part of a path."""
    if not isinstance(value, str) or value in ("", ".", ".."):
        raise ValueError(f"{what} must not be {value!r}")
    value.encode()  # a lone surrogate is a UnicodeEncodeError, which is a ValueError
    return value


def named_if_given(value: str | None, what: str) -> str | None:
    """The same for an optional identifier: the server would take an empty one for none."""
    return None if value is None else named(value, what)


def present(values: Mapping[str, Any]) -> Json:
    """`values` without those that are None, which are not sent."""
    return {key: value for key, value in values.items() if value is not None}
