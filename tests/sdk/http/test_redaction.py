"""No key, token or signature is ever seen, in whatever text it stands."""

from __future__ import annotations

import json
import logging
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bindist.http.redaction import HIDDEN, RedactingFilter, guard_urllib3_logs, redact

SECRETS = st.text("ABCDEFabcdef0123456789_-.", min_size=12, max_size=40).filter(
    lambda text: text.strip(".-_") == text
)
SIGNED = [
    "X-Amz-Signature",
    "x-amz-signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "token",
]
AROUND = st.text("ab /?&=\"'\n:,{}<>;#", max_size=30)
FORMS = [
    "https://store.example/b/k?X-Amz-Date=1&X-Amz-Signature={}",
    "GET /b/k?X-Amz-Signature={}&x=1 HTTP/1.1",
    "https://files.example/v1/downloads/d/{}",
    "/v1/downloads/d/{}?x=1",
    "Authorization: Bearer {}",
    "authorization={}",
    "{{'Authorization': 'Bearer {}'}}",
    "Proxy-Authorization: Basic {}",
    "bearer {}",
    "https://user:{}@proxy.example:3128/",
    "http://{}@proxy.example",
    '{{"apiKey": "{}"}}',
    '{{"apiSecret":"{}"}}',
    "{{'apiKey': '{}', 'a': 1}}",
    '{{"shareToken": "{}',
]


@pytest.mark.parametrize("form", FORMS)
@given(secret=SECRETS, before=AROUND, after=AROUND)
def test_a_secret_is_hidden_in_every_form_and_place(
    form: str, secret: str, before: str, after: str
) -> None:
    assert secret not in redact(f"{before} {form.format(secret)} {after}")


@pytest.mark.parametrize("name", SIGNED)
@given(secret=SECRETS)
def test_every_parameter_that_signs_a_url_is_hidden(name: str, secret: str) -> None:
    assert secret not in redact(
        f"https://store.example/k?{name}={quote(secret)}&X-Amz-Expires=1800"
    )


@given(SECRETS)
def test_a_signature_is_hidden_where_the_ampersand_is_escaped(secret: str) -> None:
    url = f"https://store.example/k?a=1&X-Amz-Signature={secret}"
    escaped = json.dumps({"url": url}).replace("&", "\\u0026").replace("=", "\\u003d")
    page = url.replace("&", "&amp;")
    inner = f"https://login.example/?next={quote(url, safe='')}"
    assert secret not in redact(f"{escaped} {page} {inner}")


@given(st.text("abc@:!$", min_size=1, max_size=12))
def test_a_password_in_an_address_may_hold_an_at_sign(password: str) -> None:
    assert redact(f"http://me:{password}@proxy.example/x") == f"http://{HIDDEN}@proxy.example/x"


@given(st.text(min_size=1), AROUND, AROUND)
def test_a_given_secret_is_hidden_everywhere(secret: str, before: str, after: str) -> None:
    if secret not in before + HIDDEN + after:
        assert secret not in redact(f"{before}{secret}{after}", secret)


@given(st.text())
def test_an_empty_secret_changes_nothing(text: str) -> None:
    assert redact(text, "") == redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "GET https://api.example/v1/applications?page=1&limit=20 -> 200 in 5 ms request r1",
        "https://store.example/k?X-Amz-Date=20260101T000000Z&X-Amz-Expires=1800",
        "https://api.example/v1/downloads/url?applicationId=tool",
        "mail someone@example.com",
        '{"checksum": "00", "tokens": 5}',
    ],
)
def test_text_without_secrets_is_unchanged(text: str) -> None:
    assert redact(text) == text


@given(AROUND, SECRETS)
def test_redacting_again_changes_nothing(around: str, secret: str) -> None:
    once = redact(f"{around} Authorization: Bearer {secret} {around}")
    assert redact(once) == once


# The filter of urllib3's loggers


def test_the_filter_redacts_the_arguments_of_a_record() -> None:
    record = logging.makeLogRecord({"msg": '"GET %s"', "args": ("/k?sig=abcdef",)})
    assert RedactingFilter().filter(record)
    assert record.getMessage() == f'"GET /k?sig={HIDDEN}"'


def test_the_filter_does_not_change_percent_signs() -> None:
    record = logging.makeLogRecord({"msg": "/a%20b?sig=x", "args": ()})
    RedactingFilter().filter(record)
    assert record.getMessage() == f"/a%20b?sig={HIDDEN}"


def test_installing_the_filter_again_adds_no_second_one() -> None:
    guard_urllib3_logs()
    before = list(logging.getLogger("urllib3.connectionpool").filters)
    guard_urllib3_logs()
    assert logging.getLogger("urllib3.connectionpool").filters == before
