"""No secret survives, whatever it is wrapped in: addresses in addresses, JSON in JSON, headers."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bindist.redaction import redact

few = settings(max_examples=25, deadline=None)

LETTERS = "ABCDEFGHabcdefgh0123456789"
SECRETS = st.text(f"{LETTERS}_-", min_size=12, max_size=40).filter(lambda text: text[0].isalnum())
ODD_SECRETS = st.text(f"{LETTERS}+/=&%\"'<>\\ .~!ö漢", min_size=12, max_size=40)
AROUND = st.text(f"{LETTERS[:9]} /?&=\"'\\\n:,{{}}<>;#%@", max_size=30)

FORMS = {
    "signed URL": "https://store.example/b/k?X-Amz-Date=1&X-Amz-Signature={}&X-Amz-Expires=9",
    "share link": "https://files.example/v1/downloads/d/{}",
    "header": "Authorization: Bearer {}",
    "proxy": "http://me:{}@proxy.example:3128/",
    "socks proxy": "socks5h://me:{}@proxy.example:1080",
    "proxy with a slash": "http://me:a/{}@proxy.example:3128",
    "new key": '{{"data": {{"apiKey": "{}", "name": "x"}}}}',
    "new secret": '{{"apiSecret":"{}"}}',
}
WRAPPINGS = {
    "nothing": str,
    "JSON": lambda text: json.dumps({"message": text}),
    "JSON in JSON": lambda text: json.dumps({"body": json.dumps({"message": text})}),
    "JSON with slashes escaped": lambda text: json.dumps([text]).replace("/", "\\/"),
    "JSON with more escaped": lambda text: (
        json.dumps([text]).replace("&", "\\u0026").replace("/", "\\u002f")
    ),
    "Python": repr,
    "an address": lambda text: f"https://login.example/?next={quote(text, safe='')}&a=1",
    "an address with slashes": lambda text: f"https://login.example/?next={quote(text)}",
    "a form": lambda text: urlencode({"before": "x", "next": text, "after": "y"}),
    "a page": lambda text: f"<p>The address <a href='{text}'>{text}</a> failed</p>",
    "headers": lambda text: f"< Location: /x\r\n< X-Seen: {text}\r\n< Content-Length: 5",
}
ELSEWHERE = {
    ("socks proxy", "JSON with more escaped"),
    ("proxy", "JSON with more escaped"),
    ("proxy with a slash", "JSON with more escaped"),
    ("proxy with a slash", "an address"),
    ("proxy with a slash", "an address with slashes"),
    ("proxy with a slash", "a form"),
}
"""What no pattern knows: a proxy's address is in nobody's answer."""
CASES = [
    (form, wrapping)
    for form in FORMS
    for wrapping in WRAPPINGS
    if (form, wrapping) not in ELSEWHERE
]


@pytest.mark.parametrize(("form", "wrapping"), CASES, ids=str)
@given(secret=SECRETS, before=AROUND, after=AROUND)
@settings(max_examples=8, deadline=None)
def test_a_secret_is_hidden_in_every_form_and_wrapping(form, wrapping, secret, before, after):
    text = WRAPPINGS[wrapping](FORMS[form].format(secret))
    assert secret not in redact(f"{before} {text} {after}")


@given(secret=ODD_SECRETS, before=AROUND, after=AROUND)
@few
def test_a_key_that_is_known_is_hidden_however_it_is_encoded(secret, before, after):
    forms = [secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote(secret)]
    forms += [quote(secret, safe="").lower() if secret.islower() else secret]
    for form in {form for form in forms if form not in before + after}:
        assert form not in redact(f"{before}{form}{after}", secret)


@given(secret=SECRETS)
@few
def test_both_ways_to_encode_a_header_in_an_address_are_hidden(secret):
    for encode in (quote, quote_plus):
        sent = encode(f"Authorization: Bearer {secret}")
        assert secret not in redact(f"https://proxy.example/log?request={sent}")


@given(st.text(max_size=200) | AROUND)
@few
def test_redacting_any_text_ends_and_again_changes_nothing(text):
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize(
    "unit", ["a", "a.", "a:", "://", "a://", "@", "\\", "%22", 'apiKey":"', "//x:"]
)
def test_a_long_text_is_redacted_in_no_time(unit):
    """Patterns that go back and forth would take minutes for what a hostile server can send."""
    text = unit * (100_000 // len(unit))
    assert len(redact(text)) >= 0
