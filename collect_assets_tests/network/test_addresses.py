"""What may be asked and connected to (faults F43 to F50)."""

import socket
import threading
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect_assets.errors import RefusedError, SettingsError
from collect_assets.network.addresses import AddressRules, host_of, is_public
from collect_assets.network.gate import Request
from collect_assets_tests.servers import Page, WebServer, http

REFUSED = [
    "127.0.0.1", "127.255.255.255", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.127.255.255", "0.0.0.0", "0.1.2.3", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::1", "::",
    "fc00::1", "fd12::1", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "::127.0.0.1", "::10.0.0.1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:7f00:1::1", "2001::1",
    "fe80::5efe:8.8.8.8", "2620:0:2d0:200::5efe:10.0.0.1", "100::1", "3fff::1", "5f00::1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "192.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
]  # fmt: skip


METADATA = [
    "169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254",
    "fd00:c1::a9fe:a9fe", "fd00:42::42", "168.63.129.16",
]  # fmt: skip


@pytest.mark.parametrize("address", [*REFUSED, *METADATA, "::ffff:168.63.129.16"])
def test_f44_addresses_that_are_not_public_are_refused(address):
    with pytest.raises(RefusedError) as caught:
        AddressRules.none().check_address(address)
    assert caught.value.outcome == "refused:address"


@pytest.mark.parametrize("address", PUBLIC)
def test_f44_public_addresses_pass(address):
    AddressRules.none().check_address(address)


def _wrapped(inner: IPv4Address) -> list[IPv6Address]:
    low = int(inner)
    return [
        IPv6Address(0xFFFF << 32 | low),
        IPv6Address(low),
        IPv6Address(0x0064FF9B << 96 | low),
        IPv6Address(0x2002 << 112 | low << 80 | 1),
        IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | (~low & 0xFFFFFFFF)),
        IPv6Address(0x26064700 << 96 | 0x5EFE << 32 | low),
    ]


@given(st.ip_addresses(v=4))
def test_f44_an_address_that_is_not_public_is_refused_however_it_is_wrapped(inner):
    if not is_public(inner):
        for outer in _wrapped(inner):
            with pytest.raises(RefusedError):
                AddressRules.none().check_address(str(outer))


@given(st.ip_addresses())
def test_f44_what_passes_is_global_to_python_too(address):
    try:
        AddressRules.none().check_address(str(address))
    except RefusedError:
        return
    mapped = getattr(address, "ipv4_mapped", None)
    assert ip_address(mapped or address).is_global


def test_allowed_networks_pass_and_no_others():
    rules = AddressRules.parse("127.0.0.0/8, 10.1.2.0/24")
    for address in ["127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3"]:
        rules.check_address(address)
    for address in ["10.1.3.1", "::1", "169.254.169.254"]:
        with pytest.raises(RefusedError):
            rules.check_address(address)


def test_everything_private_leaves_out_the_metadata_service():
    rules = AddressRules.everything_private()
    for address in ["127.0.0.1", "10.0.0.1", "192.168.0.1", "100.64.0.1", "fd00::1", "::1"]:
        rules.check_address(address)
    for address in [*METADATA, "::ffff:169.254.169.254", "::ffff:100.100.100.200", "fd00::5efe:169.254.169.254"]:
        with pytest.raises(RefusedError, match="credentials"):
            rules.check_address(address)


@pytest.mark.parametrize("address", METADATA)
def test_a_metadata_service_is_asked_only_where_a_narrow_network_names_it(address):
    wide = ["fc00::/7", "fd00::/8", "100.64.0.0/10", "0.0.0.0/0", "::/0"]
    with pytest.raises(RefusedError):
        AddressRules.parse(", ".join(wide)).check_address(address)
    AddressRules.parse(", ".join([*wide, address])).check_address(address)
    narrow = ["169.254.0.0/16", "100.100.100.0/24", "fd00:ec2::/64", "fd20:ce::/64", "fd00:c1::/64", "fd00:42::/64",
              "168.63.129.0/24"]  # fmt: skip
    AddressRules.parse(", ".join(narrow)).check_address(address)


def test_a_bad_network_names_what_to_write():
    with pytest.raises(SettingsError, match=r"write networks such as 10\.1\.2\.0/24"):
        AddressRules.parse("10.1.2.3/24")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/", "gopher://h", "//h/", "h/path", "javascript:1", ""])
def test_f43_other_schemes_are_refused(url):
    with pytest.raises(RefusedError) as caught:
        AddressRules.none().check_url(url)
    assert caught.value.outcome == "refused:scheme"


@pytest.mark.parametrize(
    "url",
    ["http://inside:80\\@outside/", "http://h\\x/", "http://h/\\", "http://user@h/", "http://u:p@h/", "http:///x",
     "http://", "http://h:0/", "http://h:99999/", "http://h:x/", "http://h h/", " http://h/", "http://h/\n", "http://h\t/",
     "http://h/\x00", "http://h\x7f/", "http://[::1", "http://[::1%25eth0]/", "http://[h]/", "http://127.0.0.%31/",
     "http://a..b/", "http://.a/", "http://" + "a" * 64 + "/", "http://" + "a." * 130 + "/", "http://h\uff0f@x/", "http://h,x/",
     "http://-a/"],
)  # fmt: skip
def test_f47_urls_that_can_be_read_in_two_ways_are_refused(url):
    with pytest.raises(RefusedError) as caught:
        AddressRules.none().check_url(url)
    assert caught.value.outcome == "refused:url"


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://H.Example/", "h.example:80"), ("https://h.example./x y?q=ä b", "h.example:443"), ("http://h:81", "h:81"),
     ("http://bücher.example/", "xn--bcher-kva.example:80"), ("http://[::1]:8/", "::1:8"), ("http://a_b/", "a_b:80")],
)  # fmt: skip
def test_f47_one_host_has_one_spelling(url, host):
    assert host_of(AddressRules.none().check_url(url)) == host


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "0", "localhost", "[::ffff:127.0.0.1]"])
def test_f47_odd_spellings_of_this_machine_are_refused_where_they_are_connected(make_gate, failing, host):
    with WebServer({"/": Page(b"secret")}) as server:
        error = failing(make_gate(rules=AddressRules.none()), f"http://{host}:{server.port}/")
    assert error.outcome == "refused:address"
    assert server.asked == []
    assert len(error.evidence.attempts) == 1


@pytest.mark.parametrize(
    ("location", "outcome"),
    [
        ("file:///etc/passwd", "refused:scheme"),
        ("FILE:///etc/passwd", "refused:scheme"),
        ("http://10.0.0.1/", "refused:address"),
        ("http://169.254.169.254/latest", "refused:address"),
        ("http://[::1]/", "refused:address"),
        ("http://[fc00::1]/", "refused:address"),
        ("http://[64:ff9b::a00:1]/", "refused:address"),
        ("http://[::ffff:10.0.0.1]/", "refused:address"),
        ("http://0.0.0.0/", "refused:address"),
        ("http://100.64.0.1/", "refused:address"),
        ("//10.0.0.1/", "refused:address"),
        ("http://u:p@x/", "refused:url"),
        ("http://[", "refused:url"),
    ],
)  # fmt: skip
def test_f43_f44_redirects_to_where_we_do_not_go_are_refused(make_gate, failing, location, outcome):
    with WebServer({"/": Page(b"", 302, {"Location": location})}) as server:
        error = failing(make_gate(), server.url())
    assert error.outcome == outcome
    assert [redirect.location for redirect in error.evidence.redirects] == [location]


def _answering(*addresses: str):
    return lambda _host, port: [
        (socket.AF_INET6 if ":" in each else socket.AF_INET, (each, port)) for each in addresses
    ]


def test_f45_a_name_that_changes_its_address_is_refused_when_connecting(make_gate, failing):
    answers = iter(["127.0.0.1", "127.0.0.2"])
    with WebServer({"/": Page(b"x", headers={"Connection": "close"})}) as server:
        gate = make_gate(
            rules=AddressRules.parse("127.0.0.1/32"),
            resolver=lambda _host, port: [(socket.AF_INET, (next(answers), port))],
        )
        first = gate.fetch(Request(f"http://changing.example:{server.port}/"))
        assert first.attempts[0].address == "127.0.0.1"
        first.part.unlink()
        error = failing(gate, f"http://changing.example:{server.port}/")
    assert error.outcome == "refused:address"
    assert len(server.asked) == 1


def test_f45_the_name_is_resolved_once_for_a_connection(make_gate):
    calls = []

    def counting(host: str, port: int):
        calls.append(host)
        return _answering("127.0.0.1")(host, port)

    with WebServer({"/": Page(b"x")}) as server:
        make_gate(resolver=counting).fetch(Request(f"http://Once.example:{server.port}/"))
    assert calls == ["once.example"]


@pytest.mark.parametrize("addresses", [("127.0.0.1", "10.0.0.1"), ("10.0.0.1", "127.0.0.1"), ("127.0.0.1", "::1")])
def test_f46_a_name_with_one_refused_address_is_refused(make_gate, failing, addresses):
    with WebServer({"/": Page(b"x")}) as server:
        error = failing(make_gate(resolver=_answering(*addresses)), f"http://mixed.example:{server.port}/")
    assert error.outcome == "refused:address"
    assert server.asked == []


def test_the_next_address_is_tried_where_one_does_not_answer(make_gate):
    with WebServer({"/": Page(b"x")}) as server:
        gate = make_gate(resolver=_answering("127.0.0.9", "127.0.0.1"))
        assert gate.fetch(Request(f"http://two.example:{server.port}/")).attempts[0].address == "127.0.0.1"


def test_f48_proxies_of_the_environment_are_not_used(make_gate, monkeypatch):
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"]:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with WebServer({"/": Page(b"x")}) as server:
        assert make_gate().fetch(Request(server.url())).status == 200


def test_f49_netrc_is_not_used(make_gate, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\ndefault login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with WebServer({"/": Page(b"x")}) as server:
        make_gate().fetch(Request(server.url()))
    assert "authorization" not in server.asked[0].headers


SECRETS = {"Authorization": "Basic x", "COOKIE": "a=b", "X-Api-Key": "k", "X-Ours": "o", "X-Plain": "p"}


def test_f50_another_origin_gets_no_credentials(make_gate):
    other, server = WebServer({"/": Page(b"there")}), WebServer({})
    server.pages = {"/?key=s": Page(b"", 302, {"Location": other.url()})}
    with other, server:
        answer = make_gate().fetch(Request(server.url("/?key=s"), SECRETS, credentials=frozenset({"x-ours"})))
    assert {"authorization", "cookie", "x-api-key", "x-ours", "x-plain"} <= set(server.asked[0].headers)
    assert {"authorization", "cookie", "x-api-key", "x-ours", "referer"}.isdisjoint(other.asked[0].headers)
    assert other.asked[0].headers["x-plain"] == "p"
    assert not {"Authorization", "COOKIE", "X-Api-Key", "X-Ours"} & set(answer.request_headers)


def test_f50_the_same_origin_gets_them_and_the_log_does_not(make_gate):
    with WebServer({"/a": Page(b"", 302, {"Location": "/b"}), "/b": Page(b"x")}) as server:
        answer = make_gate().fetch(Request(server.url("/a"), SECRETS))
    assert server.asked[1].headers["x-api-key"] == "k"
    assert "X-Api-Key" not in answer.request_headers


def test_cookies_are_not_kept(make_gate):
    with WebServer({"/": Page(b"x", headers={"Set-Cookie": "a=b; Path=/"})}) as server:
        gate = make_gate()
        gate.fetch(Request(server.url()))
        gate.fetch(Request(server.url()))
    assert "cookie" not in server.asked[1].headers


@pytest.fixture
def swallowing():
    """Three addresses of one port where nobody takes a connection."""
    with ExitStack() as stack:
        port = 0
        for number in (1, 2, 3):
            full = stack.enter_context(socket.create_server((f"127.0.0.{number}", port), backlog=0))
            port = full.getsockname()[1]
            for _ in range(4):
                filler = stack.enter_context(socket.socket())
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
        yield port


def test_the_connect_timeout_holds_for_all_addresses_together(make_gate, failing, swallowing):
    addresses = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    gate = make_gate(resolver=_answering(*addresses), connect_timeout=0.6, attempts=1)
    error = failing(gate, f"http://many.example:{swallowing}/")
    assert error.outcome == "failed:connect"
    assert 0.5 < error.evidence.attempts[0].elapsed < 1.1


def test_an_address_that_swallows_connections_leaves_time_for_the_next(make_gate, swallowing):
    with socket.socket() as last:
        last.bind(("127.0.0.4", swallowing))
        last.listen()
        threading.Thread(target=_answer_once, args=(last,), daemon=True).start()
        gate = make_gate(resolver=_answering("127.0.0.1", "127.0.0.2", "127.0.0.4"), connect_timeout=0.9)
        answer = gate.fetch(Request(f"http://many.example:{swallowing}/"))
    assert answer.attempts[0].address == "127.0.0.4"


def _answer_once(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(http(b"x"))
