"""The sessions of a client: what each sends, through which proxy, on which connections."""

from __future__ import annotations

import os
from typing import Any, NoReturn

import requests
from requests.auth import AuthBase
from requests.utils import select_proxy

from .._version import __version__
from .adapters import TimeLimits, TimeoutAdapter
from .throttle import Throttle
from .url_policy import is_loopback, is_proxy

_BLOCK = 1024 * 1024


class KeyAuth(AuthBase):
    """Sends the key. Being an auth object, it wins over an entry in a `~/.netrc`."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request

    def __repr__(self) -> str:
        return "KeyAuth(***)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not to be pickled or copied")


class NoAuth(AuthBase):
    """Sends nothing, and by being there keeps requests from looking into a `~/.netrc`."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Session(requests.Session):
    """A session of requests that follows no redirect and sends nothing but what it is told to."""

    def __init__(self, auth: AuthBase, limits: TimeLimits) -> None:
        super().__init__()
        self.auth = auth
        self.headers.update(
            {"User-Agent": f"bindist-python/{__version__}", "Accept-Encoding": "identity"}
        )
        # Retries are decided in `transport`; blocks of 1 MiB keep Python from being the limit.
        adapter = TimeoutAdapter(limits, blocksize=_BLOCK)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def merge_environment_settings(self, url: Any, *others: Any) -> Any:
        """With the proxies, of which there is none on the way to this machine; requests fails with
        a TypeError over one that it cannot take apart."""
        merged = super().merge_environment_settings(url, *others)
        if is_loopback(url):  # the key would go to the proxy, unencrypted over http
            merged["proxies"] = {}
        proxy = select_proxy(url, merged["proxies"])
        if proxy is not None and not is_proxy(proxy):
            raise requests.exceptions.InvalidProxyURL("the address of the proxy makes no sense")
        return merged

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """None: requests would read a redirect's whole body, however long, and fail over a target
        that it cannot parse, even where it is not to follow it. `open_store` follows."""
        return None


class Sessions:
    """One that carries the key and talks to the API alone; one for the object store, that carries
    nothing; and how many calls of the API run at once. For the process that made them: two that
    share a connection would get each other's answers."""

    def __init__(self, key: str, piece: float, answer: float) -> None:
        self.process = os.getpid()
        self.throttle = Throttle()
        self.api = Session(KeyAuth(key), TimeLimits(piece, answer, is_long=False))
        self.api.headers["Accept"] = "application/json"
        self.store = Session(NoAuth(), TimeLimits(piece, answer, is_long=True))

    def __reduce__(self) -> NoReturn:
        raise TypeError("connections and a key are not to be pickled or copied")

    def close(self) -> None:
        self.api.close()
        self.store.close()
