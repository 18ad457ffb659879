"""Connections that go only where they may: names are resolved here, once, and every address is checked first.

The check stands where the socket is made (faults F44 to F46), so that no path around it exists: what was checked is
what is connected to. `requests` gets these connections through `GuardedAdapter`.
"""

from __future__ import annotations

import socket
import ssl
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager
from urllib3.util.ssl_ import create_urllib3_context

from collect_assets.network.addresses import AddressRules
from collect_assets.network.deadline import Deadline

Resolved = tuple[int, tuple[Any, ...]]  # the family and the socket address
Resolver = Callable[[str, int], Sequence[Resolved]]


def resolve(host: str, port: int) -> list[Resolved]:
    """Every address of a host, in the system's order.

    Raises:
        socket.gaierror: there is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((int(family), address) for family, _, _, _, address in found))


class Wire:
    """What the connections of one thread share with the gate.

    Attributes:
        deadline: the limit of the running request.
        address: the peer of the running request; None until it is connected.
        reused: whether the connection had served a request before.
    """

    def __init__(self, rules: AddressRules, resolver: Resolver = resolve) -> None:
        self.rules = rules
        self.resolver = resolver
        self.deadline = Deadline(float("inf"))
        self.address: str | None = None
        self.reused = False

    def begin(self, deadline: Deadline) -> None:
        """Starts the account of a request."""
        self.deadline, self.address, self.reused = deadline, None, False

    def connected(self, sock: socket.socket, *, reused: bool) -> None:
        """Takes note of the connection in use."""
        self.address, self.reused = str(sock.getpeername()[0]), reused


class GuardedConnection(HTTPConnection):
    """A connection that checks every address of its host before it connects to one of them."""

    def __init__(self, *args: Any, wire: Wire, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        super().__init__(*args, **options)
        self.wire = wire

    def _new_conn(self) -> socket.socket:
        host = self._dns_host.strip("[]")
        try:
            found = self.wire.resolver(host, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        for _, address in found:
            self.wire.rules.check_address(address[0])
        sys.audit("http.client.connect", self, self.host, self.port)
        sock = self._connect_to_one(found)
        self.wire.connected(sock, reused=False)
        return sock

    def _connect_to_one(self, found: Sequence[Resolved]) -> socket.socket:
        """The connect timeout holds for all together; each has its share, or the first could leave the others none."""
        last: OSError = OSError("the name has no address")
        until = time.monotonic() + min(self.timeout or float("inf"), self.wire.deadline.remaining())
        for left, (family, address) in zip(range(len(found), 0, -1), found, strict=True):
            try:
                return self._connect(family, address, max((until - time.monotonic()) / left, 0.001))
            except OSError as error:
                last = error
        if isinstance(last, TimeoutError):
            raise ConnectTimeoutError(self, f"no connection within {self.timeout} s") from last
        raise NewConnectionError(self, f"no connection: {last}") from last

    def _connect(self, family: int, address: tuple[Any, ...], within: float) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(within)
            self.wire.deadline.watch(sock)
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        sock.settimeout(self.timeout)
        return sock

    def request(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        """Sends a request; a connection that is kept from an earlier one comes under the new deadline first."""
        if self.sock is not None and self.wire.address is None:
            self.wire.deadline.watch(self.sock)
            self.wire.connected(self.sock, reused=True)
        super().request(*args, **options)


class GuardedTlsConnection(GuardedConnection, HTTPSConnection):
    """The same, with TLS."""


class GuardedPool(HTTPConnectionPool):
    """Connections to one host."""

    ConnectionCls = GuardedConnection


class GuardedTlsPool(HTTPSConnectionPool):
    """Connections with TLS to one host."""

    ConnectionCls = GuardedTlsConnection


class GuardedPools(PoolManager):
    """The pools of one thread."""

    def __init__(self, wire: Wire, context: ssl.SSLContext) -> None:
        # A thread works at one host, and may be redirected to a few others.
        super().__init__(num_pools=4, maxsize=1, ssl_context=context)
        self.wire = wire
        self.pool_classes_by_scheme = {"http": GuardedPool, "https": GuardedTlsPool}

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        pool.conn_kw["wire"] = self.wire
        return pool


class GuardedAdapter(HTTPAdapter):
    """The way of `requests` into these connections.

    It is used without a `Session`, whose additions are what we must not have: cookies, `.netrc`, proxies from the
    environment, and the body of every redirect in memory.
    """

    def __init__(self, wire: Wire, context: ssl.SSLContext) -> None:
        self.wire = wire
        self.context = context
        super().__init__(max_retries=0)

    def init_poolmanager(self, *_args: object, **_options: object) -> None:
        """Makes the pools; the sizes that requests would like are for other uses."""
        self.poolmanager = GuardedPools(self.wire, self.context)

    def cert_verify(self, *_args: object) -> None:
        """Leaves the certificates to the context: loading them anew for every connection takes 10 ms and more."""

    def get(self, request: requests.PreparedRequest, timeout: tuple[float, float]) -> requests.Response:
        """The head of the answer; the body is still to be read."""
        return self.send(request, stream=True, timeout=timeout, verify=True, proxies=_NO_PROXIES)


_NO_PROXIES: dict[str, str] = {}


def tls_context(authorities: str | None = None) -> ssl.SSLContext:
    """The TLS settings of a gate: certificates are checked against the usual authorities, and against others given."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(certifi.where())
    if authorities is not None:
        context.load_verify_locations(authorities)
    return context


def headers_of(response: requests.Response) -> Mapping[str, str]:
    """Response headers as they were written; a repeated one is joined with commas."""
    return dict(response.raw.headers.itermerged())
