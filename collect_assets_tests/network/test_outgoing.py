"""Requests as they go out: the same as `requests` would send."""

import itertools

import pytest
import requests

from collect_assets.network.messages import Request
from collect_assets.network.outgoing import outgoing

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
