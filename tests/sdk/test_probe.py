"""`probe_server` and `probe_upload`: what is there, asked without a key."""

from __future__ import annotations

import pytest

from bindist import (
    AdminClient,
    IntegrityError,
    ServerProbe,
    TransportError,
    UploadProbe,
    probe_server,
    probe_upload,
)
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


def test_an_upload_is_probed_with_one_byte_and_no_key(
    server: SandboxServer, admin: AdminClient, application: str
) -> None:
    url = admin.get_large_upload_url(application, "1.0", "a.txt", 1).unwrap()["uploadUrl"]
    server.requests.clear()
    host = server.url.partition("://")[2]
    assert probe_upload(url, server.url) == UploadProbe(True, host)
    (request,) = server.requests
    assert (request.method, request.bytes_in) == ("PUT", 1)
    assert "authorization" not in request.headers


def test_a_refused_upload_has_the_reason_of_the_store(
    server: SandboxServer, admin: AdminClient, application: str
) -> None:
    url = admin.get_large_upload_url(application, "1.0", "a.txt", 1).unwrap()["uploadUrl"]
    found = probe_upload(url.replace("a.txt", "b.txt"), server.url)
    assert (found.accepted, found.code) == (False, "SignatureDoesNotMatch")
    assert "signature" in found.message


@pytest.mark.parametrize("url", [None, "ftp://store.example/k", "http://store.example/k"])
def test_nothing_is_sent_to_an_address_that_may_not_be_used(url: object) -> None:
    with pytest.raises(IntegrityError, match="the server gives for an upload"):
        probe_upload(url, "https://api.example")
