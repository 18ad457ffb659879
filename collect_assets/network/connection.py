"""Connections that go only where they may: names are resolved here, once, and every address is checked first.

The check stands where the socket is made (faults F44 to F46), so that no path around it exists: what was checked is
what is connected to. `requests` gets these connections through `GuardedAdapter`.
"""

from __future__ import annotations

import socket
import ssl
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.poolmanager import PoolManager, ProxyManager

from collect_assets.network.addresses import AddressRules
from collect_assets.network.deadline import Deadline
from collect_assets.network.names import Names, Resolved, SlowNameError
from collect_assets.network.proxy import Proxy
from collect_assets.network.tls import STRICT, Contexts, Tls


class Wire:
    """What the connections of one thread share with the gate.

    Attributes:
        deadline: the limit of the running request.
        address: the peer of the running request; None until it is connected.
        reused: whether the connection had served a request before.
    """

    def __init__(self, rules: AddressRules, names: Names) -> None:
        self.rules = rules
        self.names = names
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
        found = self._addresses(self._dns_host.strip("[]"))
        for _, address in found:
            self.wire.rules.check_address(address[0])
        sys.audit("http.client.connect", self, self.host, self.port)
        sock = self._connect_to_one(found)
        self.wire.connected(sock, reused=False)
        return sock

    def _addresses(self, host: str) -> Sequence[Resolved]:
        """What the name leads to; finding that out has as much time as connecting has afterwards."""
        within = min(self.timeout or float("inf"), self.wire.deadline.remaining())
        try:
            return self.wire.names.find(host, self.port, within)
        except TimeoutError as error:
            slow = socket.gaierror(socket.EAI_AGAIN, f"no answer within {within:.3g} s")
            raise SlowNameError(self.host, self, slow) from error
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error

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

    def _validate_conn(self, conn: Any) -> None:  # noqa: ANN401 - its name and type are urllib3's
        """Connects, without a warning for an endpoint that is excepted: the log says so."""
        if conn.is_closed:
            conn.connect()


class _Guarded(PoolManager):
    """Makes the pools, and hands them what their connections share with the gate."""

    wire: Wire

    def guard(self, wire: Wire) -> None:
        """Has the connections that are made from now on check their addresses."""
        self.wire = wire
        self.pool_classes_by_scheme = {"http": GuardedPool, "https": GuardedTlsPool}

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        pool.conn_kw["wire"] = self.wire
        return pool


class GuardedProxies(_Guarded, ProxyManager):
    """The pools of one thread that go through a proxy; the addresses that are checked are then the proxy's."""


class GuardedAdapter(HTTPAdapter):
    """The way of `requests` into these connections.

    It is used without a `Session`, whose additions are what we must not have: cookies, `.netrc`, proxies from the
    environment, and the body of every redirect in memory.
    """

    def __init__(self, wire: Wire, context: ssl.SSLContext, *, verify: bool = True, proxy: Proxy | None = None) -> None:
        self._wire = wire
        self._context = context
        self._verify = verify
        self._proxies = {"http": proxy.url, "https": proxy.url} if proxy else {}
        self._origin: tuple[str, str] | None = None
        self._pool: Any = None
        super().__init__(max_retries=0)

    def init_poolmanager(self, *_args: object, **_options: object) -> None:
        """Makes the pools; the sizes that requests would like are for other uses."""
        # A thread works at one host, and may be redirected to a few others.
        pools = _Guarded(num_pools=4, maxsize=1, ssl_context=self._context)
        pools.guard(self._wire)
        self.poolmanager = pools

    def proxy_manager_for(self, proxy: str, **_options: Any) -> GuardedProxies:  # noqa: ANN401 - as requests has it
        """The pools that go through the proxy."""
        pools: GuardedProxies | None = self.proxy_manager.get(proxy)
        if pools is None:
            pools = GuardedProxies(proxy, num_pools=4, maxsize=1, ssl_context=self._context,
                                   proxy_headers=self.proxy_headers(proxy))  # fmt: skip
            pools.guard(self._wire)
            self.proxy_manager[proxy] = pools
        return pools

    def cert_verify(self, *_args: object) -> None:
        """Leaves the certificates to the context: loading them anew for every connection takes 10 ms and more."""

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        *args: Any,  # noqa: ANN401 - as requests has it
        **options: Any,  # noqa: ANN401 - as requests has it
    ) -> HTTPConnectionPool:
        """The pool of an origin; to look it up as requests does, by forty settings, takes longer than a request."""
        origin = urlsplit(request.url or "")[:2]
        if origin != self._origin:
            self._pool = super().get_connection_with_tls_context(request, *args, **options)
            self._origin = origin
        pool: HTTPConnectionPool = self._pool
        return pool

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:  # noqa: ANN401
        """The answer without what we do not use: cookies, and a guess at its encoding."""
        response = requests.Response()
        response.status_code, response.raw, response.request = resp.status, resp, req
        return response

    def get(self, request: requests.PreparedRequest, timeout: tuple[float, float]) -> requests.Response:
        """The head of the answer; the body is still to be read."""
        return self.send(request, stream=True, timeout=timeout, verify=self._verify, proxies=self._proxies)


class Connections:
    """The connections of one thread, those of each kind of TLS apart."""

    def __init__(self, wire: Wire, contexts: Contexts, proxy: Proxy | None = None) -> None:
        self.wire = wire
        self._contexts = contexts
        self._proxy = proxy
        self._adapters: dict[Tls, GuardedAdapter] = {}

    def of(self, tls: Tls = STRICT) -> GuardedAdapter:
        """Those of a kind."""
        adapter = self._adapters.get(tls)
        if adapter is None:
            adapter = GuardedAdapter(self.wire, self._contexts.of(tls), verify=tls.verify, proxy=self._proxy)
            self._adapters[tls] = adapter
        return adapter

    def close(self) -> None:
        """Closes all of them; they are opened again when needed."""
        for adapter in self._adapters.values():
            adapter.close()


def headers_of(response: requests.Response) -> Mapping[str, str]:
    """Response headers as they were written; a repeated one is joined with commas."""
    return dict(response.raw.headers.itermerged())
