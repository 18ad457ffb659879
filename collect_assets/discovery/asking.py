"""Asking a provider what it has: through the gate, under tight limits, into files that are thrown away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer, Fetcher, Request
from collect_assets.plugins.answers import body_of, drop_body

MOST_REQUESTS = 500  # of one discovery
T = TypeVar("T")


@dataclass
class Asker:
    """The gate for one discovery."""

    gate: Fetcher
    work: Path
    left: int = MOST_REQUESTS

    def ask(self, request: Request, read: Callable[[Answer, Path], T]) -> T:
        """What a reader makes of the answer; its body is gone afterwards.

        Raises:
            FetchError: nothing came, or something else than expected.
        """
        answer = self.fetch(request)
        try:
            return read(answer, body_of(answer))
        finally:
            drop_body(answer)

    def fetch(self, request: Request) -> Answer:
        """The answer itself.

        Raises:
            FetchError: nothing came, or too much was asked for.
        """
        if not self.left:
            raise FailedError("limit", f"{request.url}: more than {MOST_REQUESTS} requests for one discovery")
        self.left -= 1
        return self.gate.fetch(request)
