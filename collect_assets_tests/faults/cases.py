"""The faults F01 to F52: what a provider does, and what must stand on record of it.

A case names its server, and what the endpoint's `parameters` say, where the fault needs that. All are collected in one
run, so each also shows that the others go on.
"""
# ruff: noqa: E501 - the cases are a table

from __future__ import annotations

import gzip
import socket
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from collect_assets_tests.faults.tls import Certificates
from collect_assets_tests.servers import (
    Asked,
    Hold,
    Page,
    RawServer,
    Reset,
    Script,
    Sleep,
    Step,
    WebServer,
    closed_port,
    http,
)

CSV = b"reference,name\n1,Oak\n2,Elm\n"
HTML = b"<!doctype html><html><head><title>Sorry</title></head><body><p>Log in</p></body></html>"
GZIP = "Content-Encoding: gzip"
CHUNKED = http(b"", "Transfer-Encoding: chunked", length=False)
RANDOM = bytes(range(256)) * 300
COLLECTED = "first"


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        name: as the test has it, with the fault's number first.
        fault: in words.
        expected: the outcome in the log, `skipped:<why>` in the run's file, or what else has to be seen.
        serve: a server's context, or a URL that needs none.
        path: asked at the server.
        attempts: how many have to stand in the log, where that matters.
        why: the choice that was made, where the list leaves one.
        resource: what has to be kept, where something is.
        says: what has to stand in the message.
    """

    name: str
    fault: str
    expected: str
    serve: Callable[[Certificates], Any] | str
    path: str = "/data.csv"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    attempts: int | None = None
    why: str = ""
    resource: bytes | None = None
    says: str = ""
    scheme: str = "http"

    @property
    def number(self) -> str:
        return self.name.split("_", 1)[0].upper()


def raw(*scripts: Script) -> Callable[[Certificates], AbstractContextManager[RawServer]]:
    return lambda _: RawServer(*scripts)


def web(page: Page | Callable[[Asked], Page], *, path: str = "/data.csv") -> Callable[[Certificates], Any]:
    return lambda _: WebServer({path: page})


def secure(kind: str) -> Callable[[Certificates], Any]:
    return lambda certificates: WebServer({"/data.csv": Page(CSV)}).secure(certificates.context(kind))


def redirect(location: str) -> Callable[[Certificates], Any]:
    return web(Page(b"", 302, {"Location": location}))


def dripping(content: bytes, pause: float) -> Callable[[int], Iterator[Step]]:
    def script(_: int) -> Iterator[Step]:
        for place in range(len(content)):
            yield content[place : place + 1]
            yield Sleep(pause)

    return script


def endless(_: int) -> Iterator[Step]:
    yield http(b"", length=False)
    while True:
        yield b"1,Oak\n" * 10_000


class Refusing:
    """A port that nobody listens at."""

    def __enter__(self) -> Refusing:
        self._held = closed_port()
        self.port = self._held.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._held.__exit__(None, None, None)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


class Swallowing:
    """A port whose queue of connections is full, so that no further one is answered."""

    def __enter__(self) -> Swallowing:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.port = self._listening.getsockname()[1]
        self._waiting = [socket.socket() for _ in range(4)]
        for sock in self._waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", self.port))
        return self

    def __exit__(self, *_: object) -> None:
        for sock in (*self._waiting, self._listening):
            sock.close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def first_then(first: Page, then: Page) -> Callable[[Asked], Page]:
    answers = [first]
    return lambda _: answers.pop() if answers else then


def credentials_seen(asked: Asked) -> Page:
    """Gives away what it was sent, so that the test sees what came over."""
    names = ("authorization", "x-api-key", "cookie", "referer")
    return Page(b"header,value\n" + "".join(f"{n},{asked.headers.get(n, '')}\n" for n in names).encode())


BOMB = gzip.compress(bytes(80_000_000), compresslevel=1)
DEEP = RANDOM[:]
for _ in range(4):
    DEEP = gzip.compress(DEEP)
BAD_CRC = bytearray(gzip.compress(CSV))
BAD_CRC[-6] ^= 0xFF

TRANSPORT = (
    Case("f01_name_does_not_exist", "DNS name does not exist", "failed:dns", "http://nothing.invalid/data.csv", attempts=2),
    Case("f02_dns_is_slow", "DNS answers slowly", "failed:dns-timeout", "http://slow.test/data.csv"),
    Case("f03_connection_refused", "connection refused", "failed:connect", lambda _: Refusing(), attempts=2),
    Case("f04_syn_swallowed", "SYN swallowed, no answer", "failed:connect", lambda _: Swallowing()),
    Case("f05_closed_without_a_byte", "accept, then close without a byte", "failed:no-response", raw([]), attempts=2),
    Case("f06_not_http", "not HTTP at all", "failed:protocol", raw([b"220 ftp.example.org ready\r\n" * 3])),
    Case("f07_many_headers", "150 headers", "failed:protocol",
         raw([http(CSV, *(f"X-{n}: y" for n in range(150)))])),
    Case("f07_long_header", "a header of 100 kB", "failed:protocol", raw([http(CSV, "X: " + "y" * 100_000)])),
    Case("f08_dripping_headers", "headers sent byte by byte", "failed:deadline",
         raw(dripping(http(CSV, *(f"X-{n}: {'y' * 50}" for n in range(20))), 0.05)),
         parameters={"total-timeout": 1.0, "attempts": 1}),
    Case("f09_dripping_body", "body sent byte by byte", "failed:too-slow",
         raw(dripping(http(b"x" * 400), 0.01)), parameters={"rate-window": 0.6, "min-rate": 10_000, "attempts": 1}),
    Case("f10_endless_body", "endless body without length", "refused:too-large", raw(endless),
         parameters={"max-bytes": 1_000_000}),
    Case("f11_too_long_by_its_length", "Content-Length over the limit", "refused:too-large",
         raw([http(b"", "Content-Length: 2000000", length=False), Hold()]), parameters={"max-bytes": 1_000_000}),
    Case("f12_short_body", "body shorter than its length", "failed:truncated",
         raw([http(b"", "Content-Length: 100000", length=False), b"x" * 50_000]), attempts=2),
    Case("f13_final_chunk_missing", "chunked, the final chunk is missing", "failed:truncated",
         raw([CHUNKED + b"5\r\nhello\r\n"]), attempts=2),
    Case("f13_cut_in_a_chunk", "chunked, cut in a chunk", "failed:truncated", raw([CHUNKED + b"50\r\nhello"]), attempts=2),
    Case("f14_reset_in_the_body", "no length, connection reset in the body", "failed:truncated",
         raw([http(b"", length=False) + CSV, Sleep(0.1), Reset()]), attempts=2),
    Case("f15_json_cut", "no length, clean close, JSON cut", "failed:truncated",
         raw([http(b"", "Content-Type: application/json", length=False) + b'[{"reference": 1}, {"refer']),
         why="the bytes are kept as `partial-resource`: no reader downstream takes them for the whole"),
    Case("f15_zip_cut", "no length, clean close, zip cut", "failed:truncated",
         raw([http(b"", length=False) + b"PK\x03\x04" + RANDOM]), why="as above"),
    Case("f15_xml_cut", "no length, clean close, XML cut", "failed:truncated",
         raw([http(b"", "Content-Type: text/xml", length=False) + b"<?xml version='1.0'?><sites><site>Oak</si"]), why="as above"),
    Case("f15_csv_cut_in_a_quote", "no length, clean close, CSV cut in a quote", "failed:truncated",
         raw([http(b"", "Content-Type: text/csv", length=False) + b'reference,name\n1,"Oa']), why="as above"),
    Case("f16_longer_than_its_length", "body longer than its length", COLLECTED,
         raw([http(CSV) + b"and more"]), resource=CSV, why="taken to its length, with a warning in the log", says="Content-Length"),
    Case("f16_longer_than_its_length_by_far", "the same, 100 kB and more of it", COLLECTED,
         raw([http(RANDOM + RANDOM) + RANDOM]), resource=RANDOM + RANDOM, why="as above", says="Content-Length"),
    Case("f17_gzip_cut_without_length", "gzip encoding cut, no length", "failed:truncated",
         raw([http(b"", GZIP, length=False) + gzip.compress(RANDOM)[:-9]]), attempts=2),
    Case("f17_deflate_cut_without_length", "deflate encoding cut, no length", "failed:truncated",
         raw([http(b"", "Content-Encoding: deflate", length=False) + zlib.compress(RANDOM)[:-9]]), attempts=2),
    Case("f18_gzip_with_a_wrong_checksum", "gzip with a wrong checksum", "failed:encoding", raw([http(bytes(BAD_CRC), GZIP)])),
    Case("f18_says_gzip_and_is_not", "says gzip and is not", "failed:encoding", raw([http(CSV, GZIP)])),
    Case("f18_kept_raw_where_the_endpoint_says_so", "says gzip and is not; `decode` is false", COLLECTED,
         raw([http(CSV, GZIP)]), parameters={"decode": False}, resource=CSV, why="the option to store raw"),
    Case("f19_gzip_bomb", "gzip bomb of 1,000 : 1", "refused:too-large", raw([http(BOMB, GZIP)]),
         parameters={"max-bytes": 5_000_000}),
    Case("f19_gzip_bomb_by_its_ratio", "gzip bomb below the size limit", "refused:too-large", raw([http(BOMB, GZIP)]),
         parameters={"max-ratio": 100}),
    Case("f19_nested_encodings", "four encodings one in another", "failed:encoding",
         raw([http(DEEP, "Content-Encoding: gzip, gzip, gzip, gzip")])),
    Case("f20_gzip_file_with_gzip_encoding", "a .gz file in gzip encoding", COLLECTED,
         raw([http(gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), GZIP)]), resource=gzip.compress(CSV, mtime=0),
         why="decoded once: the file as it is"),
    Case("f21_unknown_encoding", "an encoding that was not offered", COLLECTED,
         raw([http(RANDOM, "Content-Encoding: br")]), resource=RANDOM, why="kept as it came; `complete` is false"),
    Case("f22_certificate_expired", "certificate expired", "failed:tls", secure("expired"), scheme="https", attempts=1),
    Case("f22_certificate_for_another_host", "certificate for another host", "failed:tls", secure("other-host"), scheme="https"),
    Case("f22_certificate_self_signed", "certificate signed by itself", "failed:tls", secure("self-signed"), scheme="https"),
    Case("f22_excepted_by_its_endpoint", "certificate expired; `ssl-verify` is false", COLLECTED, secure("expired"),
         scheme="https", parameters={"ssl-verify": False}, resource=CSV, why="the log says `ssl-verify: false`"),
    Case("f22_old_protocol", "TLS 1.1 only", "failed:tls", secure("old"), scheme="https"),
    Case("f23_old_protocol_excepted", "TLS 1.1 only; `tls-legacy` is true", COLLECTED, secure("old"), scheme="https",
         parameters={"tls-legacy": True}, resource=CSV, why="an option of the endpoint, in the log's parameters"),
    Case("f23_name_is_sent", "the server wants the host's name (SNI)", COLLECTED,
         secure("sni"), scheme="https-by-name", resource=CSV),
)  # fmt: skip

MEANING = (
    Case("f25_empty_200", "200 with an empty body", "failed:empty", web(Page(b""))),
    Case("f26_html_by_header_and_content", "200 with a login page", "refused:html",
         web(Page(HTML, headers={"Content-Type": "text/html"}))),
    Case("f26_html_by_content_only", "200 with a page that says it is CSV", "refused:html",
         web(Page(HTML, headers={"Content-Type": "text/csv"}))),
    Case("f27_firewall_page", "a firewall's tiny page with 200", "refused:html",
         web(Page(b"<html><script>x()</script></html>"))),
    *(Case(f"f28_{status}", f"{status} unasked", "failed:status", web(Page(CSV if status in (202, 206) else b"", status)))
      for status in (202, 204, 205, 206)),
    Case("f29_304_without_a_copy", "304 with no cached copy", "failed:status", web(Page(b"", 304)), attempts=1,
         why="nothing conditional was asked, so there is nothing to ask unconditionally"),
    Case("f32_odd_validators", "weak ETag with a comma, a date in the future", COLLECTED,
         web(Page(CSV, headers={"ETag": 'W/"a,b"', "Last-Modified": "Fri, 01 Jan 2099 00:00:00 GMT"})), resource=CSV),
    Case("f33_404", "404", "failed:status", web(Page(b"", 404)), attempts=1),
    Case("f33_410", "410", "failed:status", web(Page(b"", 410)), attempts=1, why="the message proposes an end-date"),
    Case("f34_401", "401", "failed:status", web(Page(b"", 401)), attempts=1),
    Case("f34_403", "403", "failed:status", web(Page(b"", 403)), attempts=1),
    Case("f35_retry_after_seconds", "429 with Retry-After in seconds", COLLECTED,
         web(first_then(Page(b"", 429, {"Retry-After": "0"}), Page(CSV))), attempts=2, resource=CSV),
    Case("f35_retry_after_date", "429 with Retry-After as a date", COLLECTED,
         web(first_then(Page(b"", 429, {"Retry-After": "Sat, 01 Jan 2000 00:00:00 GMT"}), Page(CSV))), attempts=2),
    Case("f35_retry_after_ten_days", "429 with Retry-After of ten days", COLLECTED,
         web(first_then(Page(b"", 429, {"Retry-After": "864000"}), Page(CSV))), attempts=2, why="waits up to the cap"),
    Case("f35_retry_after_nonsense", "429 with a Retry-After of nonsense", COLLECTED,
         web(first_then(Page(b"", 429, {"Retry-After": "soon"}), Page(CSV))), attempts=2),
    Case("f36_500_then_200", "500, then 200", COLLECTED, web(first_then(Page(b"", 500), Page(CSV))), attempts=2, resource=CSV),
    Case("f37_503_for_hours", "503 again and again", "failed:status", web(Page(b"", 503)), attempts=2),
    Case("f38_redirect_loop", "redirects to itself", "failed:redirects", redirect("/data.csv"), attempts=1),
    Case("f39_moved_permanently", "301", COLLECTED,
         lambda _: WebServer({"/data.csv": Page(b"", 301, {"Location": "/new.csv"}), "/new.csv": Page(CSV)}), resource=CSV,
         why="followed; after some days the message proposes the new URL"),
    Case("f40_https_to_http", "redirect from https to http", "refused:downgrade",
         lambda certificates: WebServer({"/data.csv": Page(b"", 302, {"Location": "http://127.0.0.1:9/x"})}).secure(
             certificates.context("good")), scheme="https"),
    Case("f41_utf_16", "UTF-16 that says UTF-8", COLLECTED,
         web(Page(CSV.decode().encode("utf-16"), headers={"Content-Type": "text/csv; charset=utf-8"})),
         resource=CSV.decode().encode("utf-16"), why="bytes untouched"),
    Case("f41_mixed_encodings", "two encodings in one file", COLLECTED, web(Page(b"n\n\xc3\xa9\n\xe9\n")),
         resource=b"n\n\xc3\xa9\n\xe9\n", why="bytes untouched"),
    Case("f42_wrong_content_type", "JSON that says it is a picture", COLLECTED,
         web(Page(b"[1]", headers={"Content-Type": "image/png"})), resource=b"[1]", why="both types stand in the log"),
    Case("f42_no_content_type", "no Content-Type", COLLECTED, web(Page(CSV)), resource=CSV),
)  # fmt: skip

PRIVATE = (
    "http://127.0.0.1:1/", "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://100.64.0.1/",
    "http://[::1]/", "http://[fc00::1]/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a00:1]/", "http://0.0.0.0/",
)  # fmt: skip
SAFETY = (
    Case("f43_redirect_to_a_file", "redirect to file:///etc/passwd", "refused:scheme", redirect("file:///etc/passwd")),
    Case("f43_redirect_to_ftp", "redirect to ftp:", "refused:scheme", redirect("ftp://127.0.0.1/x")),
    *(Case(f"f44_redirect_{number}", f"redirect to {url}", "refused:address", redirect(url))
      for number, url in enumerate(PRIVATE[1:], 1)),
    Case("f45_rebinding", "name that is public when checked and private when connected", "refused:address",
         "http://rebinding.test/data.csv", why="it is resolved once, and what is connected to is checked"),
    Case("f46_one_public_one_private", "name with a public and a private address", "refused:address", "http://both.test/x"),
    Case("f47_backslash", r"`http://127.0.0.1:1\@example.org/`", "refused:url", "http://127.0.0.1:1\\@example.org/"),
    Case("f47_decimal_address", "`http://2130706433:1/` (127.0.0.1)", "failed:connect", "http://2130706433:1/",
         why="read by the resolver, and checked as the address that it is: here loopback is allowed"),
    Case("f47_decimal_private", "`http://167772161/` (10.0.0.1)", "refused:address", "http://167772161/"),
    Case("f47_hexadecimal", "`http://0x0a.1/` (10.0.0.1)", "refused:address", "http://0x0a.1/"),
    Case("f47_user_name", "user and password before the host", "refused:url", "http://me:secret-word@127.0.0.1:1/"),
    Case("f48_proxy_of_the_environment", "proxy variables are set", COLLECTED, web(Page(CSV)), resource=CSV,
         why="not used"),
    Case("f49_netrc", "a .netrc names the host", COLLECTED, web(credentials_seen),
         resource=b"header,value\nauthorization,\nx-api-key,\ncookie,\nreferer,\n", why="not used"),
    Case("f51_secret_in_the_url", "a token in the URL, and a failure", "failed:status", web(Page(b"", 404)),
         path="/data.csv?token=very-secret-word", why="hidden in the message; the URL itself stands in the register"),
    Case("f52_no_such_plugin", "a plugin name with ../", "skipped:unknown-plugin", "http://127.0.0.1:1/plugin"),
)  # fmt: skip

CASES = (*TRANSPORT, *MEANING, *SAFETY)
