"""What a newcomer finds."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone

import pytest

from bindist.sandbox import SandboxServer


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    keys = {"admin_key": "test-admin", "customer_key": "test-customer"}
    with SandboxServer(tmp_path_factory.mktemp("catalogue"), **keys) as running:
        yield running


def versions_of(call, application_id: str, channel: str = "Test") -> list[str]:
    headers = {"X-Channel": channel}
    answer = call("GET", f"/v1/applications/{application_id}/versions", headers=headers)
    return [version["version"] for version in answer.data["versions"]]


def test_applications_and_customers(call):
    applications = call("GET", "/v1/applications").data["applications"]
    assert [a["applicationId"] for a in applications] == ["harbor", "skylark", "tidewatch"]
    assert all(a["description"] and a["tags"] and a["customers"] for a in applications)
    customers = call("GET", "/v1/management/customers").data["customers"]
    assert [(c["customerId"], c["name"]) for c in customers] == [
        ("acme", "Acme Corp"),
        ("globex", "Globex Corporation"),
    ]


def test_the_customer_key_belongs_to_acme(call):
    applications = call("GET", "/v1/applications", key="test-customer").data["applications"]
    assert [a["applicationId"] for a in applications] == ["harbor", "skylark"]


def test_versions(call):
    assert versions_of(call, "skylark") == ["2.0.0", "1.10.0-beta", "1.10.0", "1.9.0"]
    assert versions_of(call, "skylark", "") == ["1.10.0-beta", "1.10.0", "1.9.0"]


def test_every_file_matches_its_checksum(call):
    types = set()
    for application_id in ("harbor", "skylark", "tidewatch"):
        for version in versions_of(call, application_id):
            path = f"/v1/applications/{application_id}/versions/{version}/files"
            for file in call("GET", path).data["files"]:
                types.add(file["fileType"])
                query = {"applicationId": application_id, "version": version,
                         "fileId": file["fileId"]}  # fmt: skip
                answer = call("GET", "/v1/downloads/url", query=query,
                              headers={"X-Channel": "Test"})  # fmt: skip
                content = call("GET", answer.data["url"]).body
                assert 0 < len(content) == file["fileSize"] <= 300 * 1024
                assert hashlib.sha256(content).hexdigest() == file["checksum"]
    assert types == {"MAIN", "DEPENDENCY", "DOCUMENTATION", "CONFIGURATION"}


def test_statistics_and_history(tmp_path, caller_of):
    with SandboxServer(tmp_path / "data", admin_key="k") as server:
        call = caller_of(server)
        stats = call("GET", "/v1/applications/skylark/stats", key="k").data
        assert (stats["totalDownloads"], stats["uniqueCustomers"]) == (23, 2)
        assert stats["downloadsByVersion"] == {"1.9.0": 6, "1.10.0-beta": 2, "1.10.0": 15}
        assert len(stats["downloadsByDate"]) > 10
        assert max(stats["downloadsByDate"]) <= datetime.now(timezone.utc).date().isoformat()
        versions = call("GET", "/v1/applications/skylark/versions", key="k").data["versions"]
        assert {v["version"]: v["downloadCount"] for v in versions} == stats["downloadsByVersion"]
        audit = call("GET", "/v1/audit", key="k").data["events"]
        assert len(audit) == 9
        assert audit[0]["eventType"] == "CUSTOMER_APP_LINKED"
        activity = call("GET", "/v1/activity", query={"limit": 100}, key="k").data
        assert activity["count"] == 36 + 12
        assert activity["activities"][0]["customerName"] in ("Acme Corp", "Globex Corporation")


def test_the_empty_sandbox(call, tmp_path, caller_of):
    with SandboxServer(tmp_path / "data", catalogue=False, admin_key="k") as server:
        call = caller_of(server)
        assert call("GET", "/v1/applications", key="k").data["applications"] == []
        (customer,) = call("GET", "/v1/management/customers", key="k").data["customers"]
        assert (customer["customerId"], customer["name"]) == ("seed-customer", "Seed Customer")
        assert call("GET", "/v1/audit", key="k").data["events"] == []
