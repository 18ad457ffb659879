"""Cookies that servers set on the way: brought back along redirects, to nobody else, and not beyond one attempt."""

from __future__ import annotations

import pytest

from collect_assets.errors import FetchError
from collect_assets.network.cookies import Cookies
from collect_assets.network.gate import Request
from collect_assets_tests.servers import Asked, Page, WebServer

EXPIRES = "Expires=Wed, 09 Jun 2037 10:18:14 GMT"


def test_a_server_that_wants_its_cookie_back_gives_the_file_and_it_stands_in_no_log(make_gate) -> None:
    def guard(asked: Asked) -> Page:
        if "seen=yes" in asked.headers.get("cookie", ""):
            return Page(b"file", headers={"Set-Cookie": "last=1"})
        return Page(b"", 302, {"Location": asked.path, "Set-Cookie": f"seen=yes; {EXPIRES}; Path=/; HttpOnly"})

    with WebServer(guard) as server:
        gate = make_gate()
        for _ in range(2):
            answer = gate.fetch(Request(server.url("/a.csv")))
            assert (answer.status, len(answer.redirects)) == (200, 1)
            assert "yes" not in f"{answer.request_headers} {answer.response_headers}"
    assert [asked.headers.get("cookie") for asked in server.asked] == [None, "seen=yes", None, "seen=yes"]


def test_a_cookie_goes_to_no_other_host(make_gate) -> None:
    other = WebServer({"/": Page(b"x")})
    with other, WebServer({"/": Page(b"", 302, {"Location": other.url(), "Set-Cookie": "a=1"})}) as server:
        assert make_gate().fetch(Request(server.url())).status == 200
    assert "cookie" not in other.asked[0].headers


def test_a_server_that_sends_on_for_ever_is_left_all_the_same(make_gate) -> None:
    with WebServer({"/": Page(b"", 302, {"Location": "/", "Set-Cookie": "a=1"})}) as server:
        with pytest.raises(FetchError) as caught:
            make_gate(max_redirects=3, attempts=1).fetch(Request(server.url()))
        assert len(server.asked) == 4
    assert caught.value.outcome == "failed:redirects"


@pytest.mark.parametrize(
    ("before", "said", "after", "sent"),
    [
        ("https://h/1", "a=1; Secure", "https://h/2", "a=1"),
        ("http://h/1", "a=1", "https://H./2", "a=1"),
        ("https://h/1", "a=1", "http://h/2", None),
        ("http://h/1", "a=1; secure", "http://h/2", None),
        ("https://h/1", "a=1; Domain=h", "https://x.h/2", None),
        ("https://h:444/1", "a=1", "https://h/2", None),
        ("https://h/1", f"a=1; {EXPIRES}; path=/, b=x y==; {EXPIRES}, c=", "https://h/2", "a=1; b=x y==; c="),
        ("https://h/1", "a=1, a=2, b=1; Max-Age=0, c=1; expires=Thu, 01 Jan 1970 00:00:00 GMT", "https://h/2", "a=2"),
        ("https://h/1", "nothing, =1, a b=1, \x00=1, d=\xe9", "https://h/2", None),
        ("https://h/1", f"a={'x' * 9000}", "https://h/2", None),
        ("https://h/1", "", "https://h/2", None),
        ("https://h/1", f"a={' ' * 60_000}\x01, b= 1 ", "https://h/2", "b=1"),  # took the square of the blanks once
    ],
)
def test_what_is_brought_back(before: str, said: str, after: str, sent: str | None) -> None:
    moved = Cookies().along(Request(before), {"set-cookie": said} if said else {}, Request(after, {"X": "1"}))
    assert (moved.url, moved.headers.get("Cookie"), moved.headers["X"]) == (after, sent, "1")


def test_a_credential_that_is_a_cookie_stays_alone() -> None:
    mine = Request("https://h/1", {"cookie": "secret"})
    moved = Cookies().along(mine, {"Set-Cookie": "a=1"}, Request("https://h/2", {"cookie": "secret"}))
    assert moved.headers == {"cookie": "secret"}


def test_what_was_set_first_is_still_there_after_another_host() -> None:
    cookies = Cookies()
    one = cookies.along(Request("https://h/1"), {"Set-Cookie": "a=1"}, Request("https://login/"))
    two = cookies.along(one, {"Set-Cookie": "b=1"}, Request("https://h/2"))
    three = cookies.along(two, {"Set-Cookie": "a=2"}, Request("https://h/3", two.headers))
    assert [each.headers.get("Cookie") for each in (one, two, three)] == [None, "a=1", "a=2"]
