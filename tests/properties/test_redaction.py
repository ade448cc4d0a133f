"""No secret survives, whatever it is wrapped in: addresses in addresses, JSON in JSON, headers."""

from __future__ import annotations

import json
import time
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bindist.http.redaction import redact, redact_and_cut

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


# Time

UNITS = (
    *("a", "a.", "a:", "://", "a://", "@", "\\", "%22", 'apiKey":"', "//x:", "%3A//", "%3A%2F%2F"),
    *("ab://c:d/", "ab://c:", "%40", "%3A//%2F", "'@", '"token":', "authorization", "cookie", "+"),
    *("bearer ", "basic ", "%20", '"', "sig=", "&", "a:\\/\\/", "/downloads/d/", '\\"token\\":\\"'),
)
FRAMES = (
    ("", ""),
    ("ab://", "@"),
    ("%3A//", "%40"),
    ("Authorization: ", '"'),
    ('"apiKey": "', "'"),
)
SHORT, LONG = 4 * 1024, 64 * 1024


ATTEMPTS = 3


def seconds(unit, size, frame):
    """Of the processor."""
    text = frame[0] + unit * (size // len(unit)) + frame[1]
    started = time.thread_time()
    redact(text, "a-key-of-somebody")
    return time.thread_time() - started


def is_linear(unit, frame=("", "")):
    """16 times as long a text takes 16 times as long, where it is not 256 times; at best, as a
    machine that is busy may make any attempt take longer."""
    short = min(seconds(unit, SHORT, frame) for _ in range(ATTEMPTS))
    limit = 70 * max(short, 0.000_1)
    return any(seconds(unit, LONG, frame) < limit for _ in range(ATTEMPTS))


@pytest.mark.parametrize("frame", FRAMES, ids=repr)
@pytest.mark.parametrize("unit", UNITS)
def test_a_long_text_takes_time_in_proportion_to_its_length(unit, frame):
    """Patterns that go back and forth would take minutes for what a hostile server can send."""
    assert is_linear(unit, frame)


@given(units=st.lists(st.sampled_from(UNITS), min_size=2, max_size=4))
@settings(max_examples=40, deadline=None)
def test_so_do_texts_of_several_units(units):
    assert is_linear("".join(units))


# What is cut


@given(secret=SECRETS, before=st.integers(0, 60), padding=st.sampled_from(["x ", "é", '"', "x"]))
@settings(max_examples=100, deadline=None)
def test_a_key_that_a_cut_goes_through_leaves_no_part(secret, before, padding):
    """Where the cut comes first, what is left of the key is known by nobody."""
    limit = 200
    text = (padding * limit)[: limit - before] + secret + padding * 5000
    for words in (text, text[: limit + len(secret)]):
        found = redact_and_cut(words, limit, secret)
        assert len(found) <= limit
        assert not [part for part in (secret[:6], secret[-6:]) if part in found]


@given(secret=SECRETS, count=st.integers(1, 300))
@few
def test_hiding_that_makes_a_text_shorter_brings_no_half_of_a_key_into_it(secret, count):
    text = f"{secret} " * count
    assert secret[:6] not in redact_and_cut(text, 1000, secret)


def test_a_cut_text_without_secrets_is_its_beginning():
    assert redact_and_cut("ab " * 10_000, 100) == ("ab " * 100)[:100]
    assert redact_and_cut("x" * 100_000, 65_536) == "x" * 65_536


# Cookies


@pytest.mark.parametrize(
    "form",
    [
        "< Set-Cookie: session={}; Path=/",
        "Cookie: a=b; session={}",
        "set-cookie2={}",
        '{{"Set-Cookie": "session={}"}}',
    ],
)
@given(secret=SECRETS)
@few
def test_the_value_of_a_cookie_is_hidden(form, secret):
    assert secret not in redact(form.format(secret))
