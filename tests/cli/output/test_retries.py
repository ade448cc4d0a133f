"""Repeated requests are told on stderr, and the last error says how often it was tried."""

from __future__ import annotations

import json
import re

LINE = re.compile(r"service unavailable \(503\); trying again in \d\.\d s \((\d) of 3\)")
DOWN = "status:503,path=/v1/applications,times={}"


def test_a_repetition_is_told_on_stderr(at_catalogue, invoke):
    at_catalogue.faults.add(DOWN.format(1))
    done = invoke("apps", "list", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)
    (line,) = done.stderr.splitlines()
    assert LINE.fullmatch(line)[1] == "1"


def test_quiet_tells_nothing(at_catalogue, invoke):
    at_catalogue.faults.add(DOWN.format(1))
    assert invoke("apps", "list", "-q").stderr == ""


def test_the_last_error_says_after_how_many_tries(at_catalogue, invoke):
    at_catalogue.faults.add(DOWN.format(0))
    *lines, error, hint = invoke("apps", "list", "--retries", "2").stderr.splitlines()
    assert len(lines) == 2
    assert error == "error: Service Unavailable (after 3 tries)"
    assert hint.startswith("  hint: ")


def test_an_error_at_the_first_try_says_nothing_of_tries(at_catalogue, invoke):
    assert "tries" not in invoke("apps", "show", "nothing").stderr


def test_no_service_at_all(refused_url, invoke, monkeypatch):
    monkeypatch.setenv("BINDIST_API_KEY", "key")
    done = invoke("apps", "list", "--api-url", refused_url, "--retries", "1")
    first, second, _ = done.stderr.splitlines()
    assert re.search(r"cannot be reached: .*; trying again in \d\.\d s \(1 of 1\)$", first)
    assert second.endswith("(after 2 tries)")


def test_files_that_fail_together_tell_it_once(at_catalogue, catalogue_admin, invoke, inside):
    at_catalogue.faults.add("status:503,method=GET,path=/store/*,times=3")
    done = invoke("versions", "download", "skylark", "1.10.0", "--all")
    assert done.exit_code == 0
    told = [line for line in done.stderr.splitlines() if LINE.fullmatch(line)]
    assert len(told) == len({LINE.fullmatch(line)[1] for line in told}) >= 1
