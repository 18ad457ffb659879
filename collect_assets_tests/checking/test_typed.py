"""What somebody typed, before anything is asked."""

import pytest

from collect_assets.checking.typed import check_typed
from collect_assets.errors import RefusedError
from collect_assets.network.addresses import AddressRules

PUBLIC = AddressRules.none()


@pytest.mark.parametrize(
    ("typed", "why", "said"),
    [
        ("www.example.org/sites.csv", "url", "type https://www.example.org/sites.csv"),
        ("example.org", "url", "type https://example.org"),
        ("example.org:8080/a", "url", "type https://example.org:8080/a"),
        ("sites", "url", "is not a URL"),
        ("", "url", "nothing was typed"),
        ("  ", "url", "nothing was typed"),
        (" https://example.org/a ", "url", "type 'https://example.org/a'"),
        ("https://example.org/a b.csv", "url", "https://example.org/a%20b.csv"),
        ("https://", "url", "no host"),
        ("https://user:pw@example.org/", "url", "user name or password"),
        ("https://example.org/" + "a" * 9000, "url", "characters"),
        ("file:///etc/passwd", "scheme", "files of this machine"),
        ("file:a.csv", "scheme", "files of this machine"),
        ("FILE:///a", "scheme", "files of this machine"),
        ("ftp://example.org/a", "scheme", "only http and https"),
        ("mailto:me@example.org", "scheme", "only http and https"),
        ("javascript:alert(1)", "scheme", "only http and https"),
        ("http://localhost/a", "address", "this machine itself"),
        ("http://localhost:8000/a", "address", "this machine itself"),
        ("http://data.localhost./a", "address", "this machine itself"),
        ("http://127.0.0.1/a", "address", "this machine itself"),
        ("http://[::1]/a", "address", "this machine itself"),
        ("http://10.0.0.7/a", "address", "private network"),
        ("http://192.168.1.1/a", "address", "private network"),
        ("http://[::ffff:10.0.0.1]/a", "address", "private network"),
        ("http://169.254.169.254/latest/meta-data", "address", "private network"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_plain_words(typed, why, said):
    with pytest.raises(RefusedError) as caught:
        check_typed(typed, PUBLIC)
    assert caught.value.why == why
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "typed",
    [
        "https://example.org/sites.csv",
        "HTTP://EXAMPLE.org",
        "https://example.org/a%20b.csv?x=1&y=https://b.org#part",
        "https://münchen.example/a",
        "http://8.8.8.8/a",
    ],
)
def test_what_may_be_asked_passes(typed):
    check_typed(typed, PUBLIC)


def test_what_the_operator_allows_passes():
    check_typed("http://127.0.0.1/a", AddressRules.parse("127.0.0.0/8"))
    check_typed("http://localhost/a", AddressRules.parse("127.0.0.0/8"))
