"""Faults of connections and bodies, by their numbers."""

import gzip
import hashlib
import os
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from collect_assets.errors import RefusedError, StorageError
from collect_assets.network.gate import Request
from collect_assets.network.names import Names
from collect_assets.network.options import EndpointOptions
from collect_assets_tests.servers import Hold, Page, RawServer, Reset, Sleep, WebServer, closed_port, http

GZIP = "Content-Encoding: gzip"
TEXT = b"".join(b"line %d of something that compresses\n" % n for n in range(20_000))


def test_a_body_comes_as_a_file_with_its_hash_and_start(make_gate):
    with WebServer({"/a": Page(TEXT, headers={"X-Odd-Case": "1", "Set-Cookie": "secret=1"})}) as server:
        answer = make_gate().fetch(Request(server.url("/a")))
    assert answer.part.read_bytes() == TEXT
    assert answer.sha256 == hashlib.sha256(TEXT).hexdigest()
    assert (answer.status, answer.size, answer.start) == (200, len(TEXT), TEXT[:2048])
    assert answer.response_headers == {"X-Odd-Case": "1", "Content-Length": str(len(TEXT))}
    assert answer.attempts[0].address == "127.0.0.1"


def test_repeated_headers_are_joined(make_gate):
    with RawServer([http(b"x", "Link: <a>", "Link: <b>")]) as server:
        assert make_gate().fetch(Request(server.url())).response_headers["Link"] == "<a>, <b>"


def test_f01_unknown_name_is_failed_dns_after_two_attempts(make_gate, failing):
    error = failing(make_gate(attempts=5), "http://name.invalid/")
    assert error.outcome == "failed:dns"
    assert error.transient
    assert [attempt.exception for attempt in error.evidence.attempts] == ["ConnectionError"] * 2


def test_f03_connection_refused_is_retried_and_then_failed_connect(make_gate, failing):
    with closed_port() as port:
        error = failing(make_gate(attempts=3, give_up_host_after=9), f"http://127.0.0.1:{port}/")
    assert error.outcome == "failed:connect"
    assert [(a.status, a.exception) for a in error.evidence.attempts] == [(None, "ConnectionError")] * 3


def test_f04_swallowed_connection_is_a_connect_timeout(make_gate, failing):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        fillers = []
        for _ in range(4):  # the backlog fills up; from then on nobody answers
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        error = failing(make_gate(attempts=1, connect_timeout=0.3), f"http://127.0.0.1:{port}/")
        for filler in fillers:
            filler.close()
    assert (error.outcome, error.evidence.attempts[0].exception) == ("failed:connect", "ConnectTimeout")


def test_f05_closed_without_a_byte_is_retried_and_then_failed_no_response(make_gate, failing):
    with RawServer([]) as server:
        error = failing(make_gate(attempts=3), server.url())
    assert error.outcome == "failed:no-response"
    assert server.connections == 3


def test_f05_closed_once_then_answered_is_an_answer_of_two_attempts(make_gate):
    with RawServer([], [http(b"here")]) as server:
        answer = make_gate().fetch(Request(server.url()))
    assert [attempt.status for attempt in answer.attempts] == [None, 200]


@pytest.mark.parametrize("nonsense", [b"SSH-2.0-OpenSSH\r\n", b"\0" * 100 + b"\r\n\r\n"])
def test_f06_not_http_is_failed_protocol_at_once(make_gate, failing, nonsense):
    with RawServer([nonsense]) as server:
        error = failing(make_gate(), server.url())
    assert error.outcome == "failed:protocol"
    assert (len(error.evidence.attempts), error.transient) == (1, False)


@pytest.mark.parametrize("headers", [[f"X-{n}: 1" for n in range(150)], ["X: " + "y" * 100_000]])
def test_f07_too_many_or_too_long_headers_are_failed_protocol(make_gate, failing, headers):
    with RawServer([http(b"x", *headers)]) as server:
        assert failing(make_gate(), server.url()).outcome == "failed:protocol"


def _drip(data: bytes, pause: float):
    def script(_number: int):
        for byte in data:
            yield bytes([byte])
            yield Sleep(pause)

    return script


def _ends_in_time(gate, failing, url) -> None:
    begun = time.monotonic()
    error = failing(gate, url)
    assert error.outcome == "failed:deadline"
    assert len(error.evidence.attempts) == 1
    assert 0.4 < time.monotonic() - begun < 1.5


def test_f08_dripping_headers_end_at_the_total_limit(make_gate, failing):
    with RawServer(_drip(http(b"x" * 100), 0.05)) as server:
        _ends_in_time(make_gate(total_timeout=0.5), failing, server.url())


@pytest.mark.parametrize("headers", [(), ("Content-Length: 1000",)])
def test_f09_dripping_body_ends_at_the_total_limit(make_gate, failing, headers):
    def script(_number):
        yield http(b"", *headers, length=False)
        yield from _drip(b"y" * 1000, 0.05)(0)

    with RawServer(script) as server:
        _ends_in_time(make_gate(total_timeout=0.5), failing, server.url())


def test_f09_dripping_error_page_ends_at_the_total_limit(make_gate, failing):
    def script(_number):
        yield http(b"", status=404, length=False)
        yield from _drip(b"y" * 1000, 0.05)(0)

    with RawServer(script) as server:
        _ends_in_time(make_gate(total_timeout=0.5), failing, server.url())


def test_silent_tls_handshake_ends_at_the_total_limit(make_gate, failing):
    with RawServer([Hold()], read_request=False) as server:
        gate = make_gate(total_timeout=0.5, connect_timeout=30)
        _ends_in_time(gate, failing, server.url(scheme="https"))


def test_silence_is_failed_timeout(make_gate, failing):
    with RawServer([Hold()]) as server:
        error = failing(make_gate(read_timeout=0.2, attempts=2), server.url())
    assert error.outcome == "failed:timeout"
    assert [attempt.exception for attempt in error.evidence.attempts] == ["ReadTimeout"] * 2


def test_silence_in_a_body_is_failed_timeout(make_gate, failing):
    with RawServer([http(b"", "Content-Length: 10", length=False), b"half", Hold()]) as server:
        error = failing(make_gate(read_timeout=0.2, attempts=1), server.url())
    assert (error.outcome, error.evidence.attempts[0].bytes) == ("failed:timeout", 4)


def _endless(_number: int):
    yield http(b"", length=False)
    while True:
        yield b"x" * 65536


def test_f10_endless_body_is_refused_too_large(make_gate, failing):
    with RawServer(_endless) as server:
        error = failing(make_gate(max_bytes=1 << 20), server.url())
    assert error.outcome == "refused:too-large"
    assert len(error.evidence.attempts) == 1


def test_f11_too_long_by_content_length_is_refused_before_reading(make_gate, failing):
    with RawServer([http(b"", "Content-Length: 1001", length=False), Hold()]) as server:
        error = failing(make_gate(max_bytes=1000), server.url())
    assert (error.outcome, error.evidence.attempts[0].bytes) == ("refused:too-large", 0)


def test_a_body_of_exactly_the_limit_is_taken(make_gate):
    with WebServer({"/": Page(b"x" * 1000)}) as server:
        assert make_gate(max_bytes=1000).fetch(Request(server.url())).size == 1000


def test_f12_short_body_is_failed_truncated_and_retried(make_gate, failing):
    with RawServer([http(b"", "Content-Length: 100000", length=False), b"x" * 50_000]) as server:
        error = failing(make_gate(attempts=2), server.url())
    assert error.outcome == "failed:truncated"
    assert [(a.status, a.bytes, a.exception) for a in error.evidence.attempts] == [
        (200, 50_000, "ChunkedEncodingError")
    ] * 2


CHUNKED = http(b"", "Transfer-Encoding: chunked", length=False)


@pytest.mark.parametrize("body", [b"5\r\nhello\r\n", b"10\r\nhel", b"5\r\nhello\r\nzz\r\n", b""])
def test_f13_chunked_body_that_is_cut_is_failed_truncated(make_gate, failing, body):
    with RawServer([CHUNKED + body]) as server:
        assert failing(make_gate(attempts=1), server.url()).outcome == "failed:truncated"


def test_chunked_body_is_put_together(make_gate):
    with RawServer([CHUNKED + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: 1\r\n\r\n"]) as server:
        assert make_gate().fetch(Request(server.url())).part.read_bytes() == b"hello world"


def test_f14_reset_in_a_body_without_length_is_failed_truncated(make_gate, failing):
    with RawServer([http(b"", length=False) + b"x" * 100, Sleep(0.1), Reset()]) as server:
        assert failing(make_gate(attempts=1), server.url()).outcome == "failed:truncated"


def test_f16_body_longer_than_its_length_is_taken_to_the_length(make_gate):
    with RawServer([http(b"hello") + b"more"], [http(b"again")]) as server:
        gate = make_gate()
        assert gate.fetch(Request(server.url())).part.read_bytes() == b"hello"
        assert gate.fetch(Request(server.url())).part.read_bytes() == b"again"


@pytest.mark.parametrize("cut", [1, 8, 100, 5000])
def test_f17_gzip_cut_without_length_is_failed_truncated(make_gate, failing, cut):
    with RawServer([http(b"", GZIP, length=False) + gzip.compress(TEXT)[:-cut]]) as server:
        error = failing(make_gate(attempts=2), server.url())
    assert (error.outcome, len(error.evidence.attempts)) == ("failed:truncated", 2)


def test_f17_deflate_cut_without_length_is_failed_truncated(make_gate, failing):
    with RawServer([http(b"", "Content-Encoding: deflate", length=False) + zlib.compress(TEXT)[:-9]]) as server:
        assert failing(make_gate(attempts=1), server.url()).outcome == "failed:truncated"


def _wrong_crc() -> bytes:
    packed = bytearray(gzip.compress(TEXT))
    packed[-6] ^= 0xFF
    return bytes(packed)


@pytest.mark.parametrize("body", [_wrong_crc(), b"not gzip at all", b"\x1f\x8bnot gzip either"])
def test_f18_bad_gzip_is_failed_encoding(make_gate, failing, body):
    with RawServer([http(body, GZIP)]) as server:
        error = failing(make_gate(), server.url())
    assert (error.outcome, len(error.evidence.attempts)) == ("failed:encoding", 1)
    assert error.evidence.attempts[0].exception == "ContentDecodingError"


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(TEXT)),
        ("X-GZIP", gzip.compress(TEXT)),
        ("gzip", gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:])),
        ("gzip", gzip.compress(TEXT) + b"\0" * 70_000),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", _raw_deflate(TEXT)),
        ("identity", TEXT),
        ("gzip, gzip", gzip.compress(gzip.compress(TEXT))),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT))),
    ],
)
def test_content_encodings_are_undone(make_gate, coding, body):
    with RawServer([http(body, f"Content-Encoding: {coding}")]) as server:
        assert make_gate().fetch(Request(server.url())).part.read_bytes() == TEXT


def test_gzip_that_arrives_byte_by_byte_is_undone(make_gate):
    packed = gzip.compress(b"one") + gzip.compress(b"two")
    with RawServer(_drip(http(packed, GZIP), 0)) as server:
        assert make_gate().fetch(Request(server.url())).part.read_bytes() == b"onetwo"


def test_f19_gzip_bomb_is_refused_on_decoded_bytes(make_gate, failing):
    bomb = gzip.compress(b"\0" * (64 << 20), 9)
    assert len(bomb) < 100_000
    with RawServer([http(bomb, GZIP)], [http(gzip.compress(bomb), "Content-Encoding: gzip, gzip")]) as server:
        gate = make_gate(max_bytes=1 << 20)
        assert failing(gate, server.url()).outcome == "refused:too-large"
        assert failing(gate, server.url()).outcome == "refused:too-large"


def test_f19_more_than_three_nested_encodings_are_failed_encoding(make_gate, failing):
    with RawServer([http(b"x", "Content-Encoding: gzip, gzip, gzip, gzip")]) as server:
        assert failing(make_gate(), server.url()).outcome == "failed:encoding"


def test_f20_gzip_file_with_gzip_encoding_is_undone_once(make_gate):
    inner = gzip.compress(TEXT)
    with RawServer([http(gzip.compress(inner), GZIP)]) as server:
        assert make_gate().fetch(Request(server.url())).part.read_bytes() == inner


def test_f21_unknown_encoding_is_kept_as_it_came_and_marked(make_gate):
    with WebServer({"/": Page(b"\x1b\x03brotli", headers={"Content-Encoding": "br"})}) as server:
        answer = make_gate().fetch(Request(server.url()))
        assert (answer.part.read_bytes(), answer.encoded) == (b"\x1b\x03brotli", True)
        assert server.asked[0].headers["accept-encoding"] == "gzip, deflate"


def test_f24_connection_closed_while_idle_is_no_attempt(make_gate):
    def closes_after_second_request(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(http(b"one"))
        connection.recv(65536)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            closes_after_second_request(listening.accept()[0])
            connection = listening.accept()[0]
            connection.recv(65536)
            connection.sendall(http(b"two"))
            connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        gate = make_gate(attempts=1)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        assert gate.fetch(Request(url)).start == b"one"
        answer = gate.fetch(Request(url))
        thread.join()
    assert (answer.start, len(answer.attempts)) == (b"two", 1)


def test_f25_empty_200_is_an_answer_of_size_0_without_a_part(make_gate, work):
    with RawServer([http(b"")], [http(b"", length=False)], [http(gzip.compress(b""), GZIP)]) as server:
        gate = make_gate()
        for _ in range(3):
            answer = gate.fetch(Request(server.url()))
            assert (answer.status, answer.size, answer.part, answer.sha256) == (200, 0, None, None)
    assert not work.exists() or list(work.iterdir()) == []


def test_connections_are_kept_for_the_next_request(make_gate):
    ports = set()
    with WebServer({"/": Page(b"x"), "/bad": Page(b"y" * 3000, 404), "/empty": Page()}) as server:
        gate = make_gate()
        for path in ["/", "/bad", "/empty", "/", "/bad", "/"]:
            gate.fetch(Request(server.url(path)))
            ports.update(conn.sock.getsockname()[1] for conn in _idle(gate))
    assert len(ports) == 1


def _idle(gate):
    return [kept for kept in gate._local.exchange._connections._kept.values() if kept.sock]


def test_full_disk_is_a_storage_error_and_leaves_no_part(make_gate, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    with WebServer({"/": Page(b"x")}) as server, pytest.raises(StorageError, match="blocked"):
        make_gate(work=blocked).fetch(Request(server.url()))


def test_f64_enospc_while_writing_is_a_storage_error(make_gate, work, monkeypatch):
    work.mkdir()
    full = work / "full"
    full.symlink_to("/dev/full")
    opened = os.open(full, os.O_WRONLY)
    monkeypatch.setattr("collect_assets.network.body.new_file", lambda _work: (full, opened))
    with WebServer({"/": Page(TEXT)}) as server, pytest.raises(StorageError, match="No space left"):
        make_gate().fetch(Request(server.url()))
    assert list(work.iterdir()) == []


def test_a_post_sends_its_body_and_headers(make_gate):
    with WebServer({"/": Page(b"x")}) as server:
        make_gate().fetch(Request(server.url(), {"content-type": "text/xml", "ACCEPT": "text/xml"}, "POST", b"<a/>"))
        asked = server.asked[0]
    assert (asked.method, asked.body, asked.headers["content-type"]) == ("POST", b"<a/>", "text/xml")
    assert asked.headers["accept"] == "text/xml"
    assert asked.headers["user-agent"] == "tests (me@example.org)"


def test_a_header_that_cannot_be_sent_is_refused(make_gate, failing):
    with WebServer({"/": Page(b"x")}) as server:
        error = failing(make_gate(), server.url(), headers={"X": "a\r\nY: b"})
    assert isinstance(error, RefusedError)
    assert server.asked == []


def test_f09_a_dripping_body_is_failed_too_slow_and_not_asked_again(make_gate, failing):
    def drip(_number):
        yield http(b"", length=False)
        while True:
            yield b"x"
            yield Sleep(0.05)

    with RawServer(drip) as server:
        error = failing(make_gate(min_rate=100, rate_window=0.3, total_timeout=60), server.url())
        assert server.connections == 1
    assert error.outcome == "failed:too-slow"
    assert "min-rate" in str(error)


def test_a_slow_start_and_a_steady_slow_body_are_no_fault(make_gate):
    def steady(_number):
        yield http(b"", length=False)
        yield Sleep(0.15)
        for _ in range(8):
            yield b"x" * 100
            yield Sleep(0.05)

    with RawServer(steady) as server:
        assert make_gate(min_rate=500, rate_window=0.2).fetch(Request(server.url())).size == 800


def test_a_body_longer_on_the_wire_than_allowed_is_refused_though_it_decodes_to_little(make_gate, failing):
    body = b"".join(gzip.compress(b"") for _ in range(5000))
    with RawServer([http(body, GZIP, length=False)]) as server:
        error = failing(make_gate(max_wire_bytes=50_000), server.url())
    assert error.outcome == "refused:too-large"
    assert "max-wire-bytes" in str(error)


def test_f19_a_bomb_is_refused_by_its_ratio_before_it_reaches_the_limit_of_bytes(make_gate, failing):
    bomb = gzip.compress(b"\0" * (80 << 20))
    with RawServer([http(bomb, GZIP)]) as server:
        error = failing(make_gate(total_timeout=60), server.url())
    assert error.outcome == "refused:too-large"
    assert "max-ratio" in str(error)


def test_f02_a_name_that_nobody_answers_for_is_failed_dns_timeout_within_the_connect_timeout(make_gate, failing):
    asked = threading.Event()

    def silent(_host, _port):
        asked.wait(30)
        return []

    begun = time.monotonic()
    error = failing(make_gate(resolver=silent, connect_timeout=0.2, attempts=5), "http://slow.example/")
    asked.set()
    assert time.monotonic() - begun < 3
    assert error.outcome == "failed:dns-timeout"
    assert len(error.evidence.attempts) == 2
    assert error.transient


def test_threads_that_ask_for_one_name_wait_for_one_lookup(make_gate):
    asked = []

    def slow(host, port):
        asked.append(host)
        time.sleep(0.2)
        return [(socket.AF_INET, ("127.0.0.1", port))]

    names = Names(slow)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: names.find("one.example", 80, 5), range(4)))
    assert asked == ["one.example"]
    assert found == [[(socket.AF_INET, ("127.0.0.1", 80))]] * 4


def test_f18_a_body_can_be_kept_in_its_encoding(make_gate):
    body = b"\x1f\x8b and then nothing of the kind"
    with RawServer([http(body, GZIP)]) as server:
        gate = make_gate().for_endpoint(server.url(), EndpointOptions(decode=False))
        answer = gate.fetch(Request(server.url()))
    assert (answer.part.read_bytes(), answer.encoded) == (body, True)


def test_f16_what_follows_a_body_does_not_become_the_next_answer(make_gate):
    def late(_number):
        yield http(b"first")
        yield Sleep(0.1)
        yield b"and more than it said\r\n\r\n"
        yield Hold()

    with RawServer(late, [http(b"second")]) as server:
        gate = make_gate()
        answers = [gate.fetch(Request(server.url(path))) for path in ("/1", "/2")]
    assert [answer.start for answer in answers] == [b"first", b"second"]
    assert len(answers[1].attempts) == 1


def test_f10_of_an_endless_body_the_start_is_kept_where_it_will_do(make_gate):
    script = lambda _: iter([http(length=False), *([b"row\n" * 4096] * 1000)])  # noqa: E731
    with RawServer(script) as server:
        answer = make_gate(max_bytes=100_000).fetch(Request(server.url(), start_will_do=True))
    assert (answer.status, answer.size, answer.cut) == (200, 100_000, True)
    assert answer.part.read_bytes() == b"row\n" * 25_000
    assert answer.sha256 == hashlib.sha256(b"row\n" * 25_000).hexdigest()


@pytest.mark.parametrize("coding", ["", "gzip"])
def test_f11_a_body_that_says_that_it_is_too_long_is_cut_where_its_start_will_do(make_gate, coding):
    body = gzip.compress(b"x" * 5000) if coding else b"x" * 5000
    with WebServer({"/": Page(body, 200, {"Content-Encoding": coding} if coding else {})}) as server:
        gate = make_gate(max_bytes=1000)
        for _ in range(2):  # the connection of a body that was not read to its end is not used again
            answer = gate.fetch(Request(server.url(), start_will_do=True))
            assert (answer.part.read_bytes(), answer.size, answer.cut) == (b"x" * 1000, 1000, True)


def test_a_body_of_exactly_the_limit_is_not_cut(make_gate):
    with WebServer({"/": Page(b"x" * 1000)}) as server:
        answer = make_gate(max_bytes=1000).fetch(Request(server.url(), start_will_do=True))
    assert (answer.size, answer.cut) == (1000, False)


def test_a_transfer_coding_that_nobody_asked_for_is_not_kept_as_data(failing, make_gate, work):
    packed = gzip.compress(TEXT)
    frame = b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + frame
    with RawServer([answer]) as server:
        error = failing(make_gate(attempts=1), server.url())
    assert (error.outcome, work.exists()) == ("failed:protocol", False)


def test_f16_what_follows_a_body_is_never_taken_for_the_next_answer(make_gate):
    forged = http(b"forged")
    with RawServer([http(b"first") + forged], [http(b"second")]) as server:
        gate = make_gate()
        first, second = gate.fetch(Request(server.url())), gate.fetch(Request(server.url()))
    assert (first.part.read_bytes(), first.surplus) == (b"first", True)
    assert (second.part.read_bytes(), second.surplus) == (b"second", False)


def test_a_length_said_twice_counts_once_and_two_lengths_are_no_http(make_gate, failing):
    twice = http(b"hello", "Content-Length: 5, 5", length=False)
    with RawServer([twice + b"and more"]) as server:
        answer = make_gate().fetch(Request(server.url()))
    assert (answer.part.read_bytes(), answer.surplus) == (b"hello", True)
    answer.part.unlink()
    with RawServer([http(b"hell", "Content-Length: 5, 5", length=False)]) as server:
        assert failing(make_gate(attempts=1), server.url()).outcome == "failed:truncated"
    for lengths in (["Content-Length: 5, 6"], ["Content-Length: 5", "Content-Length: 6"]):
        with RawServer([http(b"hello", *lengths, length=False)]) as server:
            assert failing(make_gate(attempts=1), server.url()).outcome == "failed:protocol"


def test_a_header_folded_over_lines_is_one_line_in_the_log(make_gate):
    with RawServer([http(b"x", "X-Folded: one\r\n \t two")]) as server:
        assert make_gate().fetch(Request(server.url())).response_headers["X-Folded"] == "one two"
