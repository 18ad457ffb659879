"""Going through a proxy of the operator's; a real one that listens on loopback."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from collect_assets.checking.check import check_url
from collect_assets.discovery.discover import discover
from collect_assets.errors import FailedError, SettingsError
from collect_assets.network.addresses import AddressRules
from collect_assets.network.fetch import fetch
from collect_assets.network.gate import Request
from collect_assets.network.proxy import VARIABLE, Proxy
from collect_assets.network.tls import AUTHORITIES
from collect_assets_tests.collecting.kit import LOOPBACK
from collect_assets_tests.network.test_tls import certificate  # noqa: F401 - the fixture
from collect_assets_tests.servers import Asked, Page, RawServer, WebServer, http


class Tunnels:
    """Answers CONNECT with a tunnel to a port of 127.0.0.1, whatever host is asked for."""

    def __init__(self, port: int) -> None:
        self.asked: list[bytes] = []
        self._to = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                self.asked.append(near.recv(65536))
                far = socket.create_connection(("127.0.0.1", self._to))
                near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while piece := one.recv(65536):
                other.sendall(piece)
        other.close()

    def __enter__(self) -> Tunnels:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_http_goes_through_the_proxy_with_its_own_credentials(make_gate):
    def page(asked: Asked) -> Page:
        return Page(f"{asked.path} {asked.headers.get('proxy-authorization')}".encode())

    with WebServer(page) as proxy:
        gate = make_gate(proxy=Proxy(f"http://me:secret@127.0.0.1:{proxy.port}"))
        answer = gate.fetch(Request("http://far.example/a"))
    assert answer.start == b"http://far.example/a Basic bWU6c2VjcmV0"
    assert answer.attempts[0].address == "127.0.0.1"
    assert "secret" not in repr(answer.request_headers)
    assert "bWU6c2VjcmV0" not in repr(answer.request_headers)


def test_https_goes_through_a_tunnel_and_its_certificate_is_checked(make_gate, certificate, failing):  # noqa: F811
    with WebServer({"/": Page(b"x")}).secure(certificate[1]) as server, Tunnels(server.port) as proxy:
        through = Proxy(f"http://127.0.0.1:{proxy.port}")
        gate = make_gate(proxy=through, authorities=certificate[0], rules=AddressRules.parse("127.0.0.0/8"))
        answer = gate.fetch(Request(f"https://127.0.0.1:{server.port}/"))
        assert answer.status == 200
        answer.part.unlink()
        assert failing(gate, "https://other.example/").outcome == "failed:tls"
    assert proxy.asked[0].startswith(b"CONNECT 127.0.0.1:")


def test_the_address_of_the_proxy_is_checked_and_so_is_what_the_url_shows(make_gate, failing):
    with WebServer(lambda _: Page(b"x")) as proxy:
        through = Proxy(f"http://127.0.0.1:{proxy.port}")
        closed = make_gate(proxy=through, rules=AddressRules.none())
        assert failing(closed, "http://far.example/").outcome == "refused:address"
        gate = make_gate(proxy=through)
        for inside in ("10.0.0.1", "167772161", "localhost", "[fd00::1]", "0xa.1"):
            assert failing(gate, f"http://{inside}/").outcome == "refused:address", inside
    assert proxy.asked == []


def test_a_proxy_that_refuses_is_a_failed_connection(make_gate, failing):
    with RawServer([http(b"", status=403)]) as proxy:
        error = failing(make_gate(proxy=Proxy(f"http://127.0.0.1:{proxy.port}"), attempts=1), "https://far.example/")
    assert error.outcome == "failed:connect"
    assert "proxy" in str(error)


@pytest.mark.parametrize("url", ["proxy:3128", "socks5://h:1", "http://:1", "http://h:99999"])
def test_what_is_no_proxy_is_a_settings_error_without_its_text(url):
    with pytest.raises(SettingsError, match="COLLECT_ASSETS_PROXY") as caught:
        Proxy.from_environment({"COLLECT_ASSETS_PROXY": url})
    assert url not in str(caught.value)


def test_only_our_own_variable_sets_a_proxy():
    assert Proxy.from_environment({"HTTPS_PROXY": "http://p:1", "ALL_PROXY": "http://p:1"}) is None
    assert Proxy.from_environment({"COLLECT_ASSETS_PROXY": "http://p:1"}) == Proxy("http://p:1")


def test_whatever_asks_goes_through_the_proxy_that_the_environment_names(folder, monkeypatch, tmp_path):
    with WebServer(lambda asked: Page(b"reference\n1\n")) as proxy:
        monkeypatch.setenv(VARIABLE, f"http://127.0.0.1:{proxy.port}")
        folder.register("http://collected.example/a.csv").collect()
        check_url("http://checked.example/a.csv", plugin="GET", rules=LOOPBACK)
        with pytest.raises(FailedError):
            discover("http://discovered.example/rss", rules=LOOPBACK)
        fetch("http://fetched.example/a.csv", tmp_path / "fetched", rules=LOOPBACK)
        asked = {urlsplit(asked.path).hostname for asked in proxy.asked}
    assert asked == {f"{name}.example" for name in ("collected", "checked", "discovered", "fetched")}


def test_whatever_asks_trusts_the_authorities_that_the_environment_names(
    certificate,  # noqa: F811
    monkeypatch,
    tmp_path,
):
    with WebServer({"/": Page(b"x")}).secure(certificate[1]) as server:
        url = f"https://127.0.0.1:{server.port}/"
        with pytest.raises(FailedError, match="certificate"):
            fetch(url, tmp_path / "fetched", rules=LOOPBACK)
        monkeypatch.setenv(AUTHORITIES, str(certificate[0]))
        assert fetch(url, tmp_path / "fetched", rules=LOOPBACK).status == 200
