from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.contract import Sample
from filters.links import LINKS, find_links, suspicion

SUSPICIOUS = [
    "http://203.0.113.9/login.php",
    "http://0xcb007109/update",
    "http://3405803785/account",
    "https://xn--pypal-4ve.com/",
    "https://p\u0430ypal.com/signin",
    "https://www.paypal.com@evil.example.com/",
    "http://paypal.com.account-verify.top/login",
    "https://secure-login-microsoft.xyz/verify",
    "https://apple-id-confirm.net/unlock",
    "http://bit.ly/3xYzAbC",
    "hxxp://paypal[.]com[.]signin[.]example[.]org/login",
    "http://downloads.example.org:4444/invoice.exe",
    "javascript:alert(document.cookie)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "http://account-update.secure-billing.tk/?email=ada@example.com",
    "http://[::ffff:cb00:7109]/login",
    "https://[not-an-address/",
    "www.netflix.billing-update.icu/confirm",
    "https://paypa1.com/",
    "https://rnicros0ft.com/office",
    "https://p\u00e1ypal.com/",
    "https://\u0440\u0430\u0443\u0440\u0430\u04cf.com/",
    "https://mail-helpdesk.weebly.com/",
    "https://apple-account.support-page.net/",
    "https://files.example.se/report.pdf.exe",
    "https://www.bakery.se/wp-includes/js/login.php",
    "https://tracker.bakery.se/x?ada.lovelace@uni-lund.se",
    "https://bakery.se/r?url=https://elsewhere.top/account/verify",
]
ORDINARY = [
    "https://www.python.org/downloads/",
    "https://en.wikipedia.org/wiki/Password",
    "https://github.com/login",
    "https://accounts.google.com/signin",
    "https://login.microsoft.com/",
    "https://www.amazon.co.uk/books",
    "http://localhost:5432/",
    "http://127.0.0.1:9999/reset-password",
    "http://192.168.1.10:8123/",
    "https://docs.example.com/guide#section",
    "https://arxiv.org/abs/2302.13971",
    "https://www.bbc.co.uk/news",
    "https://m\u00fcnchen.de/rathaus",
    "https://\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444/",
    "https://corral.github.io/docs/",
    "https://en.wikipedia.org/wiki/PayPal",
    "https://www.bakery.se/wp-content/uploads/2020/cake.jpg",
    "https://shop.bakery.se/unsubscribe?ada.lovelace@uni-lund.se",
    "https://chase-the-rainbow.se/",
    "https://google.com/url?q=https://google.com/maps",
]


@pytest.mark.parametrize("address", SUSPICIOUS)
def test_a_link_with_the_marks_of_phishing_is_suspicious(address: str) -> None:
    (hit,) = find_links(f"Please click {address} now.")

    assert hit.score >= 0.5


@pytest.mark.parametrize("address", ORDINARY)
def test_an_ordinary_link_is_not(address: str) -> None:
    assert all(hit.score < 0.5 for hit in find_links(f"See {address}, please."))


def test_the_span_is_the_link_without_the_full_stop() -> None:
    text = "Go to http://203.0.113.9/login."

    (hit,) = find_links(text)

    assert text[hit.start : hit.end] == "http://203.0.113.9/login"


@pytest.mark.parametrize(
    "text",
    [
        "[https://www.bank.se](https://elsewhere.se/x) is yours.",
        "[bank.se/login](<https://bank.se.elsewhere.se>)",
        '<a class="b" href="https://elsewhere.se/">https://bank.se/login</a>',
    ],
)
def test_a_link_that_shows_one_host_and_goes_to_another_is_suspicious(text: str) -> None:
    assert max(hit.score for hit in find_links(text)) >= 0.8


@pytest.mark.parametrize(
    "text",
    [
        "[the bank](https://www.bank.se/)",
        "[bank.se](https://www.bank.se/open)",
        "[see main.py](https://www.bank.se/open)",
        '<a href="https://www.bank.se/">www.bank.se</a>',
    ],
)
def test_a_link_that_says_where_it_goes_is_not(text: str) -> None:
    assert all(hit.score < 0.5 for hit in find_links(text))


def test_several_links_are_several_findings() -> None:
    (reading,) = LINKS.score([Sample("http://203.0.113.9/a and http://bit.ly/x1")])

    assert [each.score >= 0.5 for each in reading.findings] == [True, True]


def test_a_text_without_a_link_scores_zero() -> None:
    (reading,) = LINKS.score([Sample("no link, only mail@example.com")])

    assert [(each.label, each.score) for each in reading.findings] == [("suspicious", 0.0)]


@given(st.text(max_size=100))
def test_any_address_has_a_score_from_zero_to_one(rest: str) -> None:
    assert 0.0 <= suspicion(f"http://{rest}") <= 1.0


@given(st.text(max_size=200))
def test_spans_stay_inside_any_text(text: str) -> None:
    text = f"{text} http://203.0.113.9/{text}"

    assert all(0 <= hit.start < hit.end <= len(text) for hit in find_links(text))


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "piece",
    ["http://", "www.", "a.", "http://a@", "login", "%68", "[a](http://", "<a href=", "\u0440."],
)
def test_a_hundred_thousand_characters_are_read_in_seconds(piece: str) -> None:
    text = "http://" + piece * (100_000 // len(piece))

    (reading,) = LINKS.score([Sample(text)])

    assert reading.covered == ((0, len(text)),)
