"""One request and its reply, on the connections of one thread.

Turns, redirects and retries are the gate's; here a request is sent and its reply taken, within a deadline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import requests

from collect_assets.errors import FailedError, FetchError, StorageError
from collect_assets.network import outcomes
from collect_assets.network.body import Body, Progress, glance, receive
from collect_assets.network.connection import Incoming, Wire
from collect_assets.network.deadline import Deadline
from collect_assets.network.messages import Request
from collect_assets.network.options import Terms
from collect_assets.network.outgoing import Outgoing, outgoing
from collect_assets.network.tls import Tls

OUR_HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"}


@dataclass(frozen=True)
class Reply:
    """What came back for one request; only a 200 has a part.

    Attributes:
        surplus: whether more came than its length says.
    """

    status: int
    headers: Mapping[str, str]
    body: Body
    surplus: bool = False


class Connections(Protocol):
    """Those of one thread, to the hosts themselves or through a proxy."""

    def send(self, request: Outgoing, tls: Tls, timeout: tuple[float, float]) -> Incoming:
        """Sends a request; the body of the answer is still to be read."""

    def leave(self, response: Incoming, *, whole: bool) -> None:
        """Ends an answer, which was read without an error, or was not."""

    def close(self) -> None:
        """Closes all of them."""


class Exchange:
    """The connections of one thread, and the account of its last request.

    Attributes:
        sent: the headers of the last request, as they went out.
        status: of the last reply, None before there was one.
        headers: of the last reply.
        size: the bytes of the last body, as far as it came.
    """

    def __init__(self, wire: Wire, connections: Connections, headers: Mapping[str, str], work: Path) -> None:
        self._wire = wire
        self._connections = connections
        self._headers = {**OUR_HEADERS, **headers}
        self._work = work
        self._begin()

    def _begin(self, *, start_will_do: bool = False) -> None:
        self.sent: Mapping[str, str] = {}
        self.status: int | None = None
        self.headers: Mapping[str, str] = {}
        self._progress = Progress(start_will_do=start_will_do)
        self._whole = False

    @property
    def address(self) -> str | None:
        """The peer of the last request."""
        return self._wire.address

    @property
    def size(self) -> int:
        """The bytes of the last body so far."""
        return self._progress.size

    def ask(self, request: Request, terms: Terms, deadline: Deadline) -> Reply:
        """Sends a request and takes the reply.

        Raises:
            FetchError: it did not work, or was not wanted.
            StorageError: the body cannot be written.
        """
        self._begin(start_will_do=request.start_will_do)
        try:
            response = self._head(request, terms, deadline)
        except outcomes.CAUGHT as error:
            raise _late(request, terms, deadline) or outcomes.of_head(error, request.url) from error
        try:
            self.status, self.headers = response.status, headers_of(response)
            body = self._body(response, request, terms, deadline)
        finally:
            self._connections.leave(response, whole=self._whole and not self._wire.surplus)
        return Reply(response.status, self.headers, body, surplus=self._wire.surplus)

    def close(self) -> None:
        """Closes the connections."""
        self._connections.close()

    def _head(self, request: Request, terms: Terms, deadline: Deadline) -> Incoming:
        sent = outgoing(request, self._headers)
        self.sent = sent.headers
        self._wire.begin(deadline)
        try:
            return self._send(sent, terms, deadline)
        except requests.ConnectionError as error:
            if not self._wire.reused or deadline.expired or not outcomes.is_broken_keep_alive(error):
                raise
        self._wire.begin(deadline)  # the server had closed the idle connection (fault F24): that was no attempt yet
        return self._send(sent, terms, deadline)

    def _send(self, sent: Outgoing, terms: Terms, deadline: Deadline) -> Incoming:
        remaining = deadline.remaining()
        timeout = (min(terms.limits.connect_timeout, remaining), min(terms.limits.read_timeout, remaining + 1))
        return self._connections.send(sent, terms.tls(sent.url), timeout)

    def _body(self, response: Incoming, request: Request, terms: Terms, deadline: Deadline) -> Body:
        if response.status != 200:  # no other one brings what was asked for (fault F28)
            return self._glance(response, request, terms, deadline)
        try:
            body = receive(response, url=request.url, work=self._work, limits=terms.limits,
                           decode=terms.options.decode, progress=self._progress)  # fmt: skip
        except StorageError:
            raise
        except FetchError as error:
            raise _late(request, terms, deadline) or error from error
        except outcomes.CAUGHT as error:
            raise _late(request, terms, deadline) or outcomes.of_body(error, request.url) from error
        if late := _late(request, terms, deadline):  # a socket that is shut down looks like the end of the body
            if body.part is not None:
                body.part.unlink(missing_ok=True)
            raise late
        self._whole = True
        return body

    def _glance(self, response: Incoming, request: Request, terms: Terms, deadline: Deadline) -> Body:
        """The start of what comes with an error or a redirect; that it cannot be read changes nothing."""
        try:
            start = glance(response, request.url)
            self._whole = True
        except (FetchError, *outcomes.CAUGHT):
            start = b""
        if late := _late(request, terms, deadline):
            raise late
        return Body(None, None, 0, start, encoded=False)


def _late(request: Request, terms: Terms, deadline: Deadline) -> FailedError | None:
    if not deadline.expired:
        return None
    return FailedError("deadline", f"{request.url}: not done after {terms.limits.total_timeout:g} s; if it needs "
                       "longer, raise total-timeout in collection.toml", exception="Timeout")  # fmt: skip


def headers_of(response: Incoming) -> Mapping[str, str]:
    """Response headers as they were written; a repeated one is joined with commas."""
    return dict(response.headers.itermerged())
