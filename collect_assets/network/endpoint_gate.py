"""The gate as one endpoint has it: the same `fetch`, under the endpoint's terms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from collect_assets.network.messages import Answer, Request
from collect_assets.network.options import Terms


@dataclass(frozen=True)
class EndpointGate:
    """What a plugin asks through: every request of the endpoint gets its headers, limits and exceptions."""

    terms: Terms
    ask: Callable[[Request, Terms], Answer]

    def fetch(self, request: Request) -> Answer:
        """Asks for one thing, as `Gate.fetch` does and with the same errors."""
        return self.ask(self._with_headers(request), self.terms)

    def _with_headers(self, request: Request) -> Request:
        headers = self.terms.headers
        return replace(request, headers={**headers, **request.headers}) if headers else request
