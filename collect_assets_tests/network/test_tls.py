"""https: certificates are checked, and nobody is led from https to http (faults F22, F40)."""

import ssl
import subprocess
import warnings

import pytest

from collect_assets.errors import FetchError
from collect_assets.network.gate import Request
from collect_assets.network.options import EndpointOptions
from collect_assets.network.tls import STRICT, Contexts, Tls
from collect_assets_tests.servers import Page, RawServer, WebServer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that is its own authority: its file, and a context to serve with."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=test",
         "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


def test_f22_a_certificate_nobody_vouches_for_is_failed_tls_at_once(make_gate, failing, certificate):
    with WebServer({"/": Page(b"x")}).secure(certificate[1]) as server:
        error = failing(make_gate(), server.url())
    assert (error.outcome, error.transient, len(error.evidence.attempts)) == ("failed:tls", False, 1)
    assert error.evidence.attempts[0].exception == "SSLError"
    assert server.asked == []


def test_f22_a_certificate_for_another_name_is_failed_tls(make_gate, failing, certificate):
    with WebServer({"/": Page(b"x")}).secure(certificate[1]) as server:
        gate = make_gate(authorities=certificate[0])
        assert failing(gate, f"https://localhost:{server.port}/").outcome == "failed:tls"


def test_a_certificate_of_a_given_authority_is_taken(make_gate, certificate):
    with WebServer({"/": Page(b"x" * 100_000)}).secure(certificate[1]) as server:
        gate = make_gate(authorities=certificate[0])
        for _ in range(3):
            answer = gate.fetch(Request(server.url()))
            assert (answer.size, answer.ssl_verify, answer.attempts[0].address) == (100_000, True, "127.0.0.1")


def test_f40_a_redirect_from_https_to_http_is_refused(make_gate, failing, certificate):
    with WebServer({"/": Page(b"x")}) as plain:
        pages = {"/": Page(b"", 301, {"Location": plain.url()})}
        with WebServer(pages).secure(certificate[1]) as server:
            error = failing(make_gate(authorities=certificate[0]), server.url())
    assert error.outcome == "refused:downgrade"
    assert plain.asked == []


def test_plain_http_where_tls_is_expected_is_failed_tls(make_gate, failing):
    with RawServer([b"HTTP/1.1 400 Bad\r\n\r\n"], read_request=False) as server:
        assert failing(make_gate(), server.url(scheme="https")).outcome == "failed:tls"


def test_f22_an_exception_holds_for_its_endpoint_alone_though_connections_are_kept(make_gate, failing, certificate):
    with WebServer({"/": Page(b"x")}).secure(certificate[1]) as server:
        gate = make_gate()
        lax = gate.for_endpoint(server.url(), EndpointOptions(ssl_verify=False))
        for _ in range(2):
            answer = lax.fetch(Request(server.url()))
            assert (answer.status, answer.ssl_verify, answer.evidence.ssl_verify) == (200, False, False)
            answer.part.unlink()
            assert failing(gate, server.url()).outcome == "failed:tls"


def test_f22_an_exception_does_not_hold_for_the_host_that_it_redirects_to(make_gate, certificate):
    other = WebServer({"/": Page(b"x")}).secure(certificate[1])
    with other, WebServer({}).secure(certificate[1]) as server:
        server.pages = {"/": Page(b"", 302, {"Location": f"https://localhost:{other.port}/"})}
        with pytest.raises(FetchError) as caught:
            make_gate().for_endpoint(server.url(), EndpointOptions(ssl_verify=False)).fetch(Request(server.url()))
    assert caught.value.outcome == "failed:tls"
    assert caught.value.evidence.ssl_verify is False
    assert other.asked == []


def test_f22_f23_an_old_protocol_is_spoken_only_where_the_endpoint_says_so(make_gate, failing, certificate):
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.load_cert_chain(certificate[0], certificate[0].with_name("key.pem"))
    with WebServer({"/": Page(b"x")}).secure(old) as server:
        gate = make_gate(authorities=certificate[0])
        assert failing(gate, server.url()).outcome == "failed:tls"
        answer = gate.for_endpoint(server.url(), EndpointOptions(tls_legacy=True)).fetch(Request(server.url()))
    assert (answer.status, answer.ssl_verify) == (200, True)


def test_f40_a_redirect_from_https_to_http_is_followed_where_it_is_allowed(make_gate, certificate):
    with WebServer({"/": Page(b"x")}) as plain:
        pages = {"/": Page(b"", 301, {"Location": plain.url()})}
        with WebServer(pages).secure(certificate[1]) as server:
            gate = make_gate(authorities=certificate[0])
            options = EndpointOptions(allow_downgrade=True)
            answer = gate.for_endpoint(server.url(), options).fetch(Request(server.url()))
    assert (answer.status, answer.url) == (200, plain.url())
    assert [redirect.status for redirect in answer.redirects] == [301]


def test_f23_the_renegotiation_of_old_servers_is_taken_only_where_the_endpoint_says_so():
    """OpenSSL servers all speak RFC 5746, so there is none to ask: what we would say to one is looked at."""
    contexts = Contexts()
    legacy_connect = 0x4  # OP_LEGACY_SERVER_CONNECT
    assert not contexts.of(STRICT).options & legacy_connect
    assert not contexts.of(Tls(verify=False)).options & legacy_connect
    assert contexts.of(Tls(legacy=True)).options & legacy_connect
    assert contexts.of(Tls(legacy=True)).verify_mode is ssl.CERT_REQUIRED
