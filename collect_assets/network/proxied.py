"""Connections through the operator's proxy: those of `requests`, with ours inside of them.

The addresses that are checked are the proxy's. Without a proxy nothing here is used.
"""

from __future__ import annotations

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import ProxyManager

from collect_assets.network.connection import GuardedConnection, GuardedTlsConnection, Incoming, Wire
from collect_assets.network.outgoing import Outgoing
from collect_assets.network.proxy import Proxy
from collect_assets.network.tls import Contexts, Tls


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


class GuardedProxies(ProxyManager):
    """The pools of one thread; their connections check their addresses."""

    wire: Wire

    def guard(self, wire: Wire) -> None:
        """Hands to the connections that are made from now on what they share with the gate."""
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
        self._wire = wire
        self._context = context
        super().__init__(max_retries=0)

    def proxy_manager_for(self, proxy: str, **_options: Any) -> GuardedProxies:  # noqa: ANN401 - as requests has it
        """The pools that go through the proxy; the sizes that requests would like are for other uses."""
        pools: GuardedProxies | None = self.proxy_manager.get(proxy)
        if pools is None:
            # A thread works at one host, and may be redirected to a few others.
            pools = GuardedProxies(proxy, num_pools=4, maxsize=1, ssl_context=self._context,
                                   proxy_headers=self.proxy_headers(proxy))  # fmt: skip
            pools.guard(self._wire)
            self.proxy_manager[proxy] = pools
        return pools

    def cert_verify(self, *_args: object) -> None:
        """Leaves the certificates to the context: loading them anew for every connection takes 10 ms and more."""


class Proxied:
    """The connections of one thread, those of each kind of TLS apart."""

    def __init__(self, wire: Wire, contexts: Contexts, proxy: Proxy) -> None:
        self._wire = wire
        self._contexts = contexts
        self._proxies = {"http": proxy.url, "https": proxy.url}
        self._adapters: dict[Tls, GuardedAdapter] = {}

    def send(self, request: Outgoing, tls: Tls, timeout: tuple[float, float]) -> BaseHTTPResponse:
        """The head of the answer, as `Direct.send` has it."""
        adapter = self._adapters.get(tls)
        if adapter is None:
            adapter = self._adapters[tls] = GuardedAdapter(self._wire, self._contexts.of(tls))
        prepared = requests.PreparedRequest()
        prepared.prepare(request.method, request.url, dict(request.headers), data=request.body)
        response = adapter.send(prepared, stream=True, timeout=timeout, verify=tls.verify, proxies=self._proxies)
        raw: BaseHTTPResponse = response.raw
        return raw

    def leave(self, response: Incoming, *, whole: bool) -> None:
        """Ends an answer; the connection is kept where it was read to its end."""
        response.close()
        if isinstance(response, BaseHTTPResponse):
            response.release_conn()

    def close(self) -> None:
        """Closes all of them; they are opened again when needed."""
        for adapter in self._adapters.values():
            adapter.close()
