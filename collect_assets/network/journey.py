"""The account of one attempt: where it went, what it sent and what it saw.

It only collects; the gate fills it and makes an `Answer` or an `Evidence` of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collect_assets.errors import Attempt, Evidence, Redirect
from collect_assets.network.cookies import Cookies
from collect_assets.network.exchange import Exchange, Reply
from collect_assets.network.messages import Answer, Request, without_secrets
from collect_assets.network.options import Terms


class Journey:
    """One attempt, along its redirects.

    Attributes:
        first: what was asked for.
        terms: what holds for it.
        request: what is being asked now.
        cookies: that were set on the way.
        begun: whether anything was asked at all.
        elapsed: seconds on the wire.
        cooling: for how long the last host asked to be left alone.
    """

    def __init__(self, first: Request, terms: Terms) -> None:
        self.first = first
        self.terms = terms
        self.request = first
        self.redirects: list[Redirect] = []
        self.cookies = Cookies()
        self.begun = False
        self.elapsed = 0.0
        self.cooling = 0.0
        self._status: int | None = None
        self._size = 0
        self._address: str | None = None
        self._sent: Mapping[str, str] = {}
        self._received: Mapping[str, str] = {}

    def note(self, exchange: Exchange, elapsed: float) -> None:
        """Takes over what a request came to."""
        self.begun = True
        self.elapsed += elapsed
        self._status, self._size, self._address = exchange.status, exchange.size, exchange.address
        self._sent, self._received = exchange.sent, exchange.headers

    def attempt(self, exception: str | None) -> Attempt:
        """The attempt for the log."""
        return Attempt(self._status, self.elapsed, self._size, exception, self._address, self.request.url)

    def evidence(self, attempts: Sequence[Attempt]) -> Evidence:
        """What there is to say when it failed."""
        return Evidence(tuple(attempts), tuple(self.redirects), _sum(attempts), self._status, self._loggable(),
                        without_secrets(self._received), self.terms.options.ssl_verify)  # fmt: skip

    def answer(self, reply: Reply, attempts: Sequence[Attempt]) -> Answer:
        """What there is to say when something was answered."""
        body = reply.body
        return Answer(
            url=self.request.url,
            status=reply.status,
            request_headers=self._loggable(),
            response_headers=without_secrets(reply.headers),
            attempts=tuple(attempts),
            redirects=tuple(self.redirects),
            elapsed=_sum(attempts),
            part=body.part,
            sha256=body.sha256,
            size=body.size,
            start=body.start,
            ssl_verify=self.terms.options.ssl_verify,
            encoded=body.encoded,
            delimited=body.delimited,
            cut=body.cut,
            surplus=reply.surplus,
        )

    def _loggable(self) -> dict[str, str]:
        return {name: value for name, value in self._sent.items() if not self.first.is_credential(name)}


def _sum(attempts: Sequence[Attempt]) -> float:
    return sum(attempt.elapsed for attempt in attempts)


def location_of(reply: Reply) -> str | None:
    """The Location of a reply."""
    return next((value for name, value in reply.headers.items() if name.lower() == "location"), None)
