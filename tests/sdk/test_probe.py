"""`probe_server`: what an address leads to, asked without a key."""

from __future__ import annotations

import pytest

from bindist import ServerProbe, TransportError, probe_server
from bindist.sandbox import SandboxServer
from tests.sdk.canned import CannedServer


def test_a_server_is_probed_by_one_request_without_a_key(server: SandboxServer) -> None:
    found = probe_server(server.url + "/")
    assert isinstance(found, ServerProbe)
    assert found.status_code == 404, "the API has no HEAD"
    assert found.date
    assert found.location is None
    assert 0 < found.seconds < 10
    (request,) = server.requests
    assert (request.method, request.path) == ("HEAD", "/v1/applications")
    assert "authorization" not in {name.lower() for name in request.headers}


def test_an_unreachable_server_is_probed_once(closed: CannedServer) -> None:
    with pytest.raises(TransportError, match="cannot be reached"):
        probe_server(closed.url)


@pytest.mark.parametrize("url", ["", "ftp://host", "http://user@host", "api.bindist.eu"])
def test_an_invalid_address_is_a_value_error(url: str) -> None:
    with pytest.raises(ValueError, match=r"address"):
        probe_server(url)
