"""A clock that is wrong: the object store says when a URL is too old, and nobody else."""

from __future__ import annotations

import hashlib
import json
import os
import time
from datetime import datetime, timedelta, timezone

import pytest

from bindist import AdminClient
from bindist.release.journal import Journal, ReleaseId, UploadedFile
from bindist_cli.completion.cache import Cache
from tests.sdk.canned import CannedServer

pytestmark = pytest.mark.counts("hostile")

CONTENT = b"the bytes"
EXPIRED = (
    "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
    403,
)


def hours_from_now(hours: float) -> str:
    moment = datetime.now(timezone.utc) + timedelta(hours=hours)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def canned():
    with CannedServer() as running:
        running.open()
        yield running


@pytest.fixture
def client(canned):
    with AdminClient(canned.url, "key", backoff=0.001) as connected:
        yield connected


def grant(canned, expires_at):
    checksum = hashlib.sha256(CONTENT).hexdigest()
    data = {"url": f"{canned.url}/store/tool.bin", "fileName": "tool.bin", "checksum": checksum}
    canned.answer(
        {"success": True, "data": {**data, "fileSize": len(CONTENT), "expiresAt": expires_at}}
    )


@pytest.mark.parametrize("expires_at", [-1, -24 * 365, 1, "soon", None, 5, "9999-99-99"], ids=str)
def test_an_expiry_by_the_local_clock_does_not_stop_a_download(canned, client, expires_at):
    grant(canned, hours_from_now(expires_at) if isinstance(expires_at, int) else expires_at)
    canned.answer(CONTENT)
    content, _ = client.download_file("tool", "1.0")
    assert content == CONTENT
    assert [asked.target.partition("?")[0] for asked in canned.asked] == [
        "/v1/downloads/url",
        "/store/tool.bin",
    ]


@pytest.mark.parametrize("hours", [-1, 1, 24 * 365])
def test_a_refused_url_is_renewed_whatever_the_local_clock_says(canned, client, hours):
    grant(canned, hours_from_now(hours))
    canned.answer(*EXPIRED)
    grant(canned, hours_from_now(hours))
    canned.answer(CONTENT)
    content, _ = client.download_file("tool", "1.0")
    assert content == CONTENT
    assert len(canned.asked) == 4


@pytest.mark.parametrize(("hours", "kept"), [(-1, True), (1, True), (-25, False), (25, False)])
def test_a_journal_from_another_day_is_not_relied_upon(tmp_path, hours, kept):
    """The store may have dropped by then what the journal says it has."""
    made = ReleaseId.of("https://api.example", "key", "tool", "1.0")
    with Journal.opened(tmp_path, made) as journal:
        journal.record_file("a.bin", UploadedFile("id", 5, "0" * 64))
    (file,) = tmp_path.glob("*.json")
    moment = time.time() + 3600 * hours
    os.utime(file, (moment, moment))
    with Journal.opened(tmp_path, made) as journal:
        assert bool(journal.files) is kept


@pytest.mark.parametrize("hours", [-1, 1])
def test_cached_completions_from_another_time_are_stale(environment, hours):
    cache = Cache({"BINDIST_CONFIG_DIR": str(environment)}, {})
    cache.write("applications", [("tool", "Tool")])
    (file,) = environment.glob("completion-*.json")
    lists = json.loads(file.read_text())
    lists["applications"][0] = time.time() + 3600 * hours
    file.write_text(json.dumps(lists))
    assert cache.read("applications") == ([("tool", "Tool")], False)
