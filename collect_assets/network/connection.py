"""Connections that go only where they may: names are resolved here, once, and every address is checked first.

The check stands where the socket is made (faults F44 to F46), so that no path around it exists: what was checked is
what is connected to. Who keeps and uses these connections stands in `direct.py` and, with a proxy, in `proxied.py`.
"""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Sequence
from functools import partial
from http.client import HTTPResponse
from io import DEFAULT_BUFFER_SIZE
from typing import Any, Protocol

from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    IncompleteRead,
    InvalidHeader,
    NameResolutionError,
    NewConnectionError,
)

from collect_assets.network.addresses import AddressRules
from collect_assets.network.deadline import Deadline, Handle
from collect_assets.network.names import Names, Resolved, SlowNameError

LONGEST_NUMBER = 20
LAST_PIECE = DEFAULT_BUFFER_SIZE // 2  # of a body, for which the buffer has room with what follows
_FOLD = re.compile(r"(?:(?<![ \t])[ \t]++)?[\r\n]++[ \t]*+")  # entered once in a run of blanks, or it costs its square


class Wire:
    """What the connections of one thread share with the gate.

    Attributes:
        deadline: the limit of the running request.
        address: the peer of the running request; None until it is connected.
        reused: whether the connection had served a request before.
        surplus: whether more came than the length of the answer says.
    """

    def __init__(self, rules: AddressRules, names: Names) -> None:
        self.rules = rules
        self.names = names
        self.deadline = Deadline(float("inf"))
        self.address: str | None = None
        self.reused = False
        self.surplus = False

    def begin(self, deadline: Deadline) -> None:
        """Starts the account of a request."""
        self.deadline, self.address, self.reused, self.surplus = deadline, None, False, False

    def connected(self, address: str, *, reused: bool) -> None:
        """Takes note of the connection in use."""
        self.address, self.reused = address, reused


class Incoming(Protocol):
    """An answer whose head is read, and whose body is still to be read."""

    status: int
    headers: HTTPHeaderDict

    def read1(self, n: int, /) -> bytes:
        """A piece of the body, in the encoding that it came in; nothing at its end."""

    def tell(self) -> int:
        """The bytes of the body so far, as they were sent."""

    def close(self) -> None:
        """Ends it, read or not."""


class MeasuredAnswer(HTTPResponse):
    """An answer that is held to its length: less than that is an error, and more is seen (faults F12 and F16).

    The last piece is taken from the buffer, and what is behind it there is the surplus; what comes later is not seen.
    """

    headers: HTTPHeaderDict  # type: ignore[assignment]  # repeated ones are joined

    def __init__(self, *args: Any, wire: Wire, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        super().__init__(*args, **options)
        self._wire = wire
        self._came = 0

    def begin(self) -> None:
        """Reads the head.

        Raises:
            http.client.HTTPException: it is not HTTP.
            urllib3.exceptions.InvalidHeader: it has several lengths.
        """
        super().begin()
        self.headers = HTTPHeaderDict((name, _FOLD.sub(" ", value)) for name, value in self.msg.items())
        if "," in self.headers.get("content-length", "") and not self.chunked:
            self._agree_on_length(self.headers["content-length"])

    def _agree_on_length(self, said: str) -> None:
        """A length that is said twice counts, where it is the same one (RFC 9110, 8.6)."""
        length, *others = {text.strip() for text in said.split(",")}
        if others:
            raise InvalidHeader(f"Content-Length has several values, {said}")
        if self.length is None and length.isdecimal() and len(length) < LONGEST_NUMBER:
            self.length = int(length)

    def read1(self, n: int = -1) -> bytes:
        """A piece of the body.

        Raises:
            urllib3.exceptions.IncompleteRead: it ended before its length.
        """
        if self.length and self.fp is not None:
            if self.length <= LAST_PIECE:
                self._wire.surplus = len(self.fp.peek()) > self.length
            elif n > 0:
                n = min(n, self.length - LAST_PIECE)
        piece = super().read1(n)
        self._came += len(piece)
        if not piece:
            self.close()
            if self.length:
                raise IncompleteRead(self._came, self.length)
        return piece

    def tell(self) -> int:
        """The bytes of the body so far."""
        return self._came


class GuardedConnection(HTTPConnection):
    """A connection that checks every address of its host before it connects to one of them."""

    def __init__(self, *args: Any, wire: Wire, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        super().__init__(*args, **options)
        self.wire = wire
        self.response_class = partial(MeasuredAnswer, wire=wire)  # type: ignore[assignment]  # it is only called
        self._peer = ""
        self._handle: Handle | None = None

    def _new_conn(self) -> socket.socket:
        found = self._addresses(self._dns_host.strip("[]"))
        for _, address in found:
            self.wire.rules.check_address(address[0])
        sys.audit("http.client.connect", self, self.host, self.port)
        sock = self._connect_to_one(found)
        self._peer = str(sock.getpeername()[0])
        self.wire.connected(self._peer, reused=False)
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
            self._handle = Handle(sock)
            self.wire.deadline.watch(self._handle)
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        sock.settimeout(self.timeout)
        return sock

    def request(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        """Sends a request, as urllib3's pools want it."""
        self._resume()
        super().request(*args, **options)

    def write(self, message: bytes, timeout: float) -> None:
        """Sends a request that is made already; the time limit holds for each wait, here and for the answer."""
        self._resume()
        if self.sock.gettimeout() != timeout:
            self.sock.settimeout(timeout)
        self.sock.sendall(message)

    def answer(self, method: str) -> MeasuredAnswer:
        """The head of the answer to what was written; the connection is given up where it is the last one on it."""
        answer = MeasuredAnswer(self.sock, method=method, wire=self.wire)
        try:
            answer.begin()
        except BaseException:
            answer.close()
            raise
        if answer.will_close:
            self.close()
        return answer

    def _resume(self) -> None:
        """A connection that is kept from an earlier request comes under the new deadline."""
        if self._handle is not None and self.wire.address is None:
            self.wire.deadline.watch(self._handle)
            self.wire.connected(self._peer, reused=True)

    def close(self) -> None:
        """Closes it; an answer that is still being read stays under the deadline."""
        self._handle = None
        super().close()


class GuardedTlsConnection(GuardedConnection, HTTPSConnection):
    """The same, with TLS."""
