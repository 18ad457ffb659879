"""Connections to the hosts themselves, without a proxy: one thread's, the last few of them kept open.

urllib3 connects them; the request is written and its answer read without it: that takes 0.21 ms of processor time where
urllib3's connections take 0.29, and `requests` with its pools 0.5. What goes wrong gets the names that `requests` would
give it: they stand in logs, and readers of logs know them.
"""

from __future__ import annotations

import ssl
import weakref
from collections import OrderedDict
from contextlib import suppress
from http.client import HTTPException

import requests
from urllib3 import exceptions as urllib3
from urllib3.util.ssl_match_hostname import CertificateError

from collect_assets.network.connection import GuardedConnection, GuardedTlsConnection, Incoming, MeasuredAnswer, Wire
from collect_assets.network.outgoing import Origin, Outgoing
from collect_assets.network.tls import Contexts, Tls

KEPT = 4  # a thread works at one host, and may be redirected to a few others


class Direct:
    """The connections of one thread, by origin and kind of TLS."""

    def __init__(self, wire: Wire, contexts: Contexts) -> None:
        self._wire = wire
        self._contexts = contexts
        self._kept: OrderedDict[tuple[Tls, Origin], GuardedConnection] = OrderedDict()
        weakref.finalize(self, _close_all, self._kept)  # when its thread ends without closing it

    def send(self, request: Outgoing, tls: Tls, timeout: tuple[float, float]) -> MeasuredAnswer:
        """The head of the answer; the body is still to be read.

        Args:
            request: as it goes out.
            tls: how a secure connection is made.
            timeout: in seconds, to connect and to read.

        Raises:
            requests.RequestException: as `requests` would raise it.
        """
        connection = self._connection(tls, request.origin)
        try:
            return _ask(connection, request, timeout)
        except BaseException as error:
            connection.close()
            if isinstance(error, Exception) and (known := _as_requests(error)) is not None:
                raise known from error
            raise

    def leave(self, response: Incoming, *, whole: bool) -> None:
        """Ends the answer that came last.

        Args:
            response: of the last request.
            whole: whether it was read to its end; else nobody knows where the next answer begins.
        """
        if not whole and self._kept:
            self._kept[next(reversed(self._kept))].close()
        response.close()

    def close(self) -> None:
        """Closes all of them."""
        _close_all(self._kept)

    def _connection(self, tls: Tls, origin: Origin) -> GuardedConnection:
        """The one that is kept for an origin, now the last one used."""
        connection = self._kept.get((tls, origin))
        if connection is None:
            connection = self._kept[tls, origin] = self._new(tls, origin)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)[1].close()
        else:
            self._kept.move_to_end((tls, origin))
            if not connection.is_connected:  # closed by the server, or it holds more than its last answer
                connection.close()
        return connection

    def _new(self, tls: Tls, origin: Origin) -> GuardedConnection:
        if origin.scheme == "https":
            return GuardedTlsConnection(origin.host, origin.port, wire=self._wire, ssl_context=self._contexts.of(tls))
        return GuardedConnection(origin.host, origin.port, wire=self._wire)


def _close_all(kept: OrderedDict[tuple[Tls, Origin], GuardedConnection]) -> None:
    while kept:
        kept.popitem()[1].close()


def _ask(connection: GuardedConnection, request: Outgoing, timeout: tuple[float, float]) -> MeasuredAnswer:
    connection.timeout, until_answer = timeout
    if connection.is_closed:
        _connect(connection)
    with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered before it closed
        connection.write(request.message(), until_answer)
    try:
        return connection.answer(request.method)
    except (TimeoutError, BlockingIOError) as error:
        raise requests.ReadTimeout(TimeoutError(f"nothing for {until_answer:.3g} s")) from error


def _connect(connection: GuardedConnection) -> None:
    try:
        connection.connect()
    except TimeoutError as error:  # after the connection: in the middle of the greetings of TLS
        raise requests.ReadTimeout(TimeoutError(f"no secure connection within {connection.timeout:.3g} s")) from error


def _as_requests(error: Exception) -> requests.RequestException | None:
    """What `requests` makes of an exception; None for what it passes on as it is."""
    match error:
        case requests.RequestException():
            return None
        case ssl.SSLError() | CertificateError() | urllib3.SSLError():
            return requests.exceptions.SSLError(error)
        case urllib3.ConnectTimeoutError() if not isinstance(error, urllib3.NewConnectionError):
            return requests.ConnectTimeout(error)
        case urllib3.NewConnectionError() | urllib3.ProtocolError() | HTTPException() | OSError():
            return requests.ConnectionError(error)
    return None
