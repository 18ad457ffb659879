"""Requests as they go out: the same as `requests` would send."""

import http.client
import io
import itertools

import pytest
import requests

from collect_assets.network.messages import Request
from collect_assets.network.outgoing import Origin, Outgoing, outgoing

STARTS = ["http://h.example", "https://H.example", "http://127.0.0.1:8080", "http://h.example:080", "http://[::1]:9",
          "http://b\u00fccher.example", "http://h.example:80"]  # fmt: skip
PATHS = ["", "/", "/a/b.csv", "//x", "/a/../b", "/a/./b", "/.a", "/%7Ea", "/a b", "/\u00fc", "/a;p=1", "/(x)'!*",
         "/[1]", "/a#part"]  # fmt: skip
QUERIES = ["", "?", "?a=1&b=%20", "?a=b/../c", "?q=x y", "?\u00e9=1", "?a?b", "?x=[1]#f", "?a={b}|c", "?a=1&&;@:"]


def test_what_is_sent_is_what_requests_would_send():
    seen = 0
    for url in map("".join, itertools.product(STARTS, PATHS, QUERIES)):
        prepared = requests.PreparedRequest()
        prepared.prepare("GET", url, {"Accept": "*/*", "x-one": "2"})
        sent = outgoing(Request(url, {"x-one": "2"}), {"Accept": "*/*", "X-One": "1"})
        assert (sent.url, sent.target, dict(sent.headers)) == (prepared.url, prepared.path_url, dict(prepared.headers))
        seen += 1
    assert seen == len(STARTS) * len(PATHS) * len(QUERIES)


def test_a_body_has_its_length_and_a_header_that_would_break_the_request_is_refused():
    sent = outgoing(Request("http://h/x", {"Content-Type": "text/xml"}, "POST", b"<a/>"), {})
    assert (sent.body, sent.headers) == (b"<a/>", {"Content-Type": "text/xml", "Content-Length": "4"})
    for url in ("http://h/x", "http://h/x y"):
        with pytest.raises(requests.exceptions.InvalidHeader):
            outgoing(Request(url, {"If-None-Match": "a\r\nb: c"}), {})


def test_the_message_is_what_the_standard_library_would_write():
    for url in map("".join, itertools.product(STARTS, PATHS)):
        sent = outgoing(Request(url, {"X-Name": "\u00fc"}), {"Accept": "*/*", "Accept-Encoding": "gzip"})
        assert sent.message() == written_by_http_client(sent)
    posted = outgoing(
        Request("http://h:8080/x", {"Content-Type": "text/xml"}, "POST", b"<a/>"), {"Accept-Encoding": ""}
    )
    assert posted.message() == written_by_http_client(posted)


def written_by_http_client(sent):
    class Written(http.client.HTTPConnection):
        def connect(self):
            self.sock = io.BytesIO()
            self.sock.sendall = self.sock.write
            self.sock.close = lambda: None

        @property
        def default_port(self):
            return {"http": 80, "https": 443}[sent.origin.scheme]

    connection = Written(sent.origin.host, sent.origin.port)
    connection.request(sent.method, sent.target, sent.body, dict(sent.headers))
    return connection.sock.getvalue()


@pytest.mark.parametrize("headers", [{"X-A": "1\r\nX-B: 2"}, {"X-A\r\nX-B": "2"}, {"X-A": "1\n"}, {"X-A": "\u2603"}])
def test_what_would_break_out_of_its_line_is_not_sent(headers):
    sent = Outgoing("GET", "http://h/", Origin.of("http://h/"), "/", headers)
    with pytest.raises(ValueError):
        sent.message()
    with pytest.raises(ValueError):
        Outgoing("GET", "http://h/", Origin.of("http://h/"), "/ HTTP/1.1\r\nX-A: 1", {}).message()
