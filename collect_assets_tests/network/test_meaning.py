"""Statuses, redirects and retries."""

import subprocess
import sys
import time
from email.utils import formatdate

import pytest

from collect_assets.collection import Limits
from collect_assets.network.content import is_html
from collect_assets.network.gate import Request
from collect_assets.network.retries import Retries, seconds_of
from collect_assets_tests.servers import Page, RawServer, WebServer, closed_port, http


def test_f33_a_status_is_the_callers_to_judge(make_gate, work):
    with WebServer({}) as server:
        answer = make_gate().fetch(Request(server.url("/none")))
    assert (answer.status, answer.part, answer.size, answer.start) == (404, None, 0, b"no such page")
    assert len(answer.attempts) == 1


def test_f36_500_then_200_is_one_answer_of_two_attempts(make_gate):
    with RawServer([http(b"oops", status=500)], [http(b"good")]) as server:
        answer = make_gate().fetch(Request(server.url()))
    assert [attempt.status for attempt in answer.attempts] == [500, 200]
    assert answer.part.read_bytes() == b"good"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_f37_a_status_that_stays_bad_is_answered_after_all_attempts(make_gate, status):
    with WebServer({"/": Page(b"busy", status)}) as server:
        answer = make_gate(attempts=3).fetch(Request(server.url()))
    assert (answer.status, answer.part, answer.start) == (status, None, b"busy")
    assert len(answer.attempts) == len(server.asked) == 3


def _waits(make_gate, retry_after: str, **limits) -> list[float]:
    waits: list[float] = []
    with RawServer([http(b"", f"Retry-After: {retry_after}", status=429)], [http(b"good")]) as server:
        make_gate(sleep=waits.append, backoff=0, **limits).fetch(Request(server.url()))
    return [wait for wait in waits if wait]


def test_f35_retry_after_in_seconds_is_waited(make_gate):
    assert max(_waits(make_gate, "7", max_backoff=30)) == 7


def test_f35_retry_after_as_a_date_is_waited(make_gate):
    assert 17 < max(_waits(make_gate, formatdate(time.time() + 20, usegmt=True), max_backoff=30)) <= 20


@pytest.mark.parametrize("long", ["864000", "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_f35_a_long_retry_after_is_waited_up_to_the_cap(make_gate, long):
    assert max(_waits(make_gate, long, max_backoff=3)) == 3


@pytest.mark.parametrize("nonsense", ["soon", "-5", "", "1.5 hours", "Mon, 99 Foo 2020"])
def test_f35_a_nonsense_retry_after_is_passed_over(nonsense):
    assert seconds_of(nonsense) == 0


def test_backoff_grows_and_is_capped():
    retries = Retries(Limits(attempts=9, backoff=1, max_backoff=10))
    waits = [retries.after_status(500, 0, attempts) for attempts in range(1, 9)]
    assert all(0.5 * 2**n <= wait <= 1.5 * 2**n or wait == 10 for n, wait in enumerate(waits))
    assert waits[-1] == 10
    assert retries.after_status(500, 0, 9) is None
    assert retries.after_status(404, 0, 1) is None


def test_redirects_are_followed_and_kept_in_order(make_gate):
    pages = {
        "/a": Page(b"moved", 301, {"Location": "/b?x=1"}),
        "/b?x=1": Page(b"", 302, {"Location": "c d"}),
        "/c%20d": Page(b"there"),
    }
    with WebServer(pages) as server:
        answer = make_gate().fetch(Request(server.url("/a")))
        assert answer.part.read_bytes() == b"there"
        assert [(r.status, r.url, r.location) for r in answer.redirects] == [
            (301, server.url("/a"), "/b?x=1"),
            (302, server.url("/b?x=1"), "c d"),
        ]
    assert answer.url == server.url("/c d")
    assert len(answer.attempts) == 1
    assert all("referer" not in asked.headers for asked in server.asked)


def test_a_location_in_utf_8_is_understood(make_gate):
    with WebServer({"/a": Page(b"", 302, {"Location": "/é"}), "/%C3%A9": Page(b"there")}) as server:
        assert make_gate().fetch(Request(server.url("/a"))).start == b"there"


def test_a_redirect_without_location_is_an_answer(make_gate):
    with WebServer({"/": Page(b"", 302)}) as server:
        assert make_gate().fetch(Request(server.url())).status == 302


def test_f38_redirect_loop_is_failed_redirects_with_the_chain(make_gate, failing):
    with WebServer({"/a": Page(b"", 302, {"Location": "/b"}), "/b": Page(b"", 302, {"Location": "/a"})}) as server:
        error = failing(make_gate(max_redirects=4), server.url("/a"))
    assert error.outcome == "failed:redirects"
    assert [r.location for r in error.evidence.redirects] == ["/b", "/a", "/b", "/a", "/b"]
    assert error.evidence.attempts[0].exception == "TooManyRedirects"
    assert len(server.asked) == 5


def test_an_endless_redirect_body_is_not_read(make_gate):
    def endless(_number):
        yield http(b"", "Location: /next", status=302, length=False)
        while True:
            yield b"x" * 65536

    with RawServer(endless, [http(b"there")]) as server:
        begun = time.monotonic()
        assert make_gate().fetch(Request(server.url())).start == b"there"
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_a_post_is_repeated_only_where_the_status_says_so(make_gate, status, method):
    with WebServer({"/a": Page(b"", status, {"Location": "/b"}), "/b": Page(b"x")}) as server:
        make_gate().fetch(Request(server.url("/a"), {"Content-Type": "text/plain"}, "POST", b"body"))
        asked = server.asked[1]
    assert (asked.method, asked.body) == (method, b"body" if method == "POST" else b"")
    assert ("content-type" in asked.headers) == (method == "POST")


def test_a_host_without_connection_is_given_up_for_the_gates_life(make_gate, failing):
    with closed_port() as port:
        gate, url = make_gate(attempts=2, give_up_host_after=3), f"http://127.0.0.1:{port}/"
        assert failing(gate, url).outcome == "failed:connect"
        half = failing(gate, url)
        assert (half.outcome, len(half.evidence.attempts)) == ("failed:connect", 1)
        error = failing(gate, url)
    assert (error.outcome, error.transient, error.evidence.attempts) == ("failed:host-given-up", True, ())


def test_a_connection_in_between_clears_a_host(make_gate, failing):
    with RawServer([]) as server:
        gate = make_gate(attempts=1, give_up_host_after=1)
        for _ in range(3):
            assert failing(gate, server.url()).outcome == "failed:no-response"


def test_another_host_is_not_affected_by_one_given_up(make_gate, failing):
    with closed_port() as port, WebServer({"/": Page(b"x")}) as server:
        gate = make_gate(attempts=1, give_up_host_after=1)
        failing(gate, f"http://127.0.0.1:{port}/")
        assert gate.fetch(Request(server.url())).status == 200


REPEATED = """
from collect_assets.network.content import is_html, mime_type
start = (b"<!---->" * 293)[:2047] + b"x"
print(is_html(start, "text/csv"), is_html(b"<!---->" * 280 + b"<html>", "text/csv"), mime_type(start))
"""


def test_a_start_of_nothing_but_comments_is_judged_at_once():
    done = subprocess.run([sys.executable, "-c", REPEATED], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("False True application/xml\n", "")


@pytest.mark.parametrize(
    "start",
    [
        b"<!-- a --> \n<!-- b --><!DOCTYPE  html>",
        b"\n <?xml version='1.0'?>\n<!-- x > y --> <html lang='en'>",
        b"<HTML>",
    ],
)
def test_a_page_behind_comments_and_declarations_is_a_page(start):
    assert is_html(start, "text/csv")


@pytest.mark.parametrize("start", [b"<!-- <html> --><svg/>", b"<!-- <html>", b"<?xml <html> ?><a/>", b"<htmlx>"])
def test_a_page_within_a_comment_is_none(start):
    assert not is_html(start, "text/csv")
