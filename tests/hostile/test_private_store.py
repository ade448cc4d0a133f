"""An object store in a private network, behind an API that only the proxy finds: where allowed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from bindist import AdminClient, CustomerClient, IntegrityError
from bindist_cli.exit_codes import Exit
from tests.conftest import ADMIN_KEY
from tests.sdk.canned import CERTIFICATE, CannedServer, Tunnel

SIGNED = "?X-Amz-Signature=abcdef"


@pytest.fixture
def canned_tls_named(monkeypatch: pytest.MonkeyPatch) -> Iterator[CannedServer]:
    """A server with TLS and a name that only the proxy of the environment knows."""
    with CannedServer(tls=True) as server, Tunnel() as tunnel:
        server.open()
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
        yield server


def grant(server: CannedServer) -> dict[str, Any]:
    data = {"url": f"{server.url}/k", "fileName": "a", "fileSize": 5, "checksum": "0" * 64}
    return {"success": True, "data": data}


@pytest.mark.parametrize("allowed", [False, True])
@pytest.mark.parametrize("kind", [AdminClient, CustomerClient])
@pytest.mark.counts("hostile")
def test_a_client_goes_to_a_private_store_where_that_is_allowed(
    canned_tls_named: CannedServer, kind: Any, allowed: bool
) -> None:
    """The API has a name that only the proxy knows; its store is a number of this machine."""
    canned_tls_named.answer(grant(canned_tls_named))
    canned_tls_named.answer(b"bytes")
    options = {"allow_private_store": True} if allowed else {}
    client = kind(canned_tls_named.named_url, "key", verify=str(CERTIFICATE), **options)
    with client:
        if allowed:
            assert client.download_file("a", "1", verify_checksum=False)[0] == b"bytes"
        else:
            with pytest.raises(IntegrityError, match="inside a private network"):
                client.download_file("a", "1")


@pytest.mark.parametrize("allowed", [False, True])
def test_a_profile_allows_a_private_store(
    canned_tls_named: CannedServer,
    invoke: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
    inside: Path,
    allowed: bool,
) -> None:
    digest = hashlib.sha256(b"bytes").hexdigest()
    told = {"fileName": "a.bin", "fileSize": 5, "checksum": digest, "fileId": "f", "order": 0}
    files = {"version": "1", "files": [{**told, "fileType": "MAIN"}]}
    canned_tls_named.answer({"success": True, "data": files})
    url = f"{canned_tls_named.url}/k{SIGNED}"
    canned_tls_named.answer({"success": True, "data": {**told, "url": url}})
    canned_tls_named.answer(b"bytes")
    monkeypatch.setenv("BINDIST_API_URL", canned_tls_named.named_url)
    monkeypatch.setenv("BINDIST_API_KEY", ADMIN_KEY)
    monkeypatch.setenv("BINDIST_CA_BUNDLE", str(CERTIFICATE))
    if allowed:
        assert invoke("config", "set", "allow_private_store", "yes").exit_code == 0
    result = invoke("versions", "download", "a", "1", "-O", "-")
    assert result.exit_code == (0 if allowed else Exit.INTEGRITY), result.stderr
