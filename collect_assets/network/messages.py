"""What goes into the gate and what comes out of it: plain values, no behaviour of their own.

`Attempt`, `Redirect` and `Evidence` stand beside the errors that carry them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from collect_assets.collection import CREDENTIAL_HEADERS as CREDENTIALS
from collect_assets.errors import Attempt, Evidence, Redirect

_ANSWERED_SECRETS = frozenset({"set-cookie", "set-cookie2", "www-authenticate", "authentication-info"})


@dataclass(frozen=True)
class Request:
    """One thing to ask for.

    Attributes:
        headers: sent in place of, or beside, what the gate sends by itself.
        credentials: names of headers that are secret, beside the usual ones: kept from other origins and from the log.
        start_will_do: a body of more than `max-bytes` is cut there in place of being refused.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: bytes | None = None
    credentials: frozenset[str] = frozenset()
    start_will_do: bool = False

    def is_credential(self, header: str) -> bool:
        """Whether a header is for the asked origin only."""
        return header.lower() in CREDENTIALS or header.lower() in {name.lower() for name in self.credentials}


@dataclass(frozen=True)
class Answer:
    """What one request brought, also when the status is not 200: the caller decides what the status means.

    Attributes:
        url: the one that answered, after redirects.
        response_headers: as they were written, without cookies; repeated ones joined with commas.
        elapsed: seconds on the wire in all attempts, pauses left out.
        part: a file with the decoded body, for the caller to take or delete; None where the status is not 200, or
            where the body is empty.
        sha256: of the part.
        size: of the part.
        start: up to 2048 bytes of the decoded body, for any status.
        delimited: whether something said where the body ends; else it may be cut off, and nobody can tell.
        encoded: whether the part still is in a Content-Encoding that we did not ask for and do not undo.
        cut: whether the part is only the start of the body, because the request said that it will do.
        surplus: whether more came than the Content-Length says; the part ends there.
    """

    url: str
    status: int
    request_headers: dict[str, str]
    response_headers: dict[str, str]
    attempts: tuple[Attempt, ...]
    redirects: tuple[Redirect, ...]
    elapsed: float
    part: Path | None
    sha256: str | None
    size: int
    start: bytes
    ssl_verify: bool = True
    encoded: bool = False
    delimited: bool = True
    cut: bool = False
    surplus: bool = False

    @property
    def evidence(self) -> Evidence:
        """What was tried, for the log."""
        return Evidence(
            attempts=self.attempts,
            redirects=self.redirects,
            elapsed=self.elapsed,
            status=self.status,
            request_headers=self.request_headers,
            response_headers=self.response_headers,
            ssl_verify=self.ssl_verify,
        )

    def header(self, name: str, default: str = "") -> str:
        """A response header by its name in any case."""
        return next((value for key, value in self.response_headers.items() if key.lower() == name.lower()), default)


class Fetcher(Protocol):
    """What plugins are handed: the gate, or the gate under the terms of one endpoint."""

    def fetch(self, request: Request) -> Answer:
        """Asks for one thing; see `Gate.fetch`."""


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Response headers as they may be logged."""
    return {name: value for name, value in headers.items() if name.lower() not in _ANSWERED_SECRETS}
