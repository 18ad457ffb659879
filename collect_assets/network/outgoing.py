"""A request as it goes out: the URL as servers take it, its headers, its body.

`requests` makes it; of a URL that it would leave as it is, and there are hardly others, the same comes out here in a
tenth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity

from collect_assets.network.addresses import DEFAULT_PORTS
from collect_assets.network.messages import Request

_AS_IT_IS = re.compile(
    r"(?P<origin>https?://[a-z0-9][a-z0-9.-]*(?::[1-9][0-9]*)?)"
    r"(?P<target>/[\w~!$&'()*+,;=:@/.-]*(?:\?[\w~!$&'()*+,;=:@/?.-]+)?)",
    re.ASCII,
)
_BREAK = re.compile(r"[\r\n\0]")


class Origin(NamedTuple):
    """Where a request goes.

    Attributes:
        named: host and port as the request names them, without a port that goes without saying.
    """

    scheme: str
    host: str
    port: int
    named: str

    @classmethod
    @lru_cache(8192)
    def of(cls, url: str) -> Origin:
        """That of a URL, of which scheme, host and port will do."""
        parts = urlsplit(url)
        host, usual = parts.hostname or "", DEFAULT_PORTS[parts.scheme]
        named = f"[{host}]" if ":" in host else host.rstrip(".")
        port = parts.port or usual
        return cls(parts.scheme, host, port, named if port == usual else f"{named}:{port}")


@dataclass(frozen=True)
class Outgoing:
    """What is written to the connection.

    Attributes:
        target: path and query.
    """

    method: str
    url: str
    origin: Origin
    target: str
    headers: Mapping[str, str]
    body: bytes | str | None = None

    def message(self) -> bytes:
        """All that is written, as RFC 9112 has it.

        Raises:
            ValueError: something in it would end the line that it stands in.
        """
        line = f"{self.method} {self.target} HTTP/1.1"
        if _BREAK.search(line):
            raise ValueError(f"{line!r} is not one line")
        body = self.body.encode() if isinstance(self.body, str) else self.body
        host = f"Host: {self.origin.named}\r\n".encode("ascii")
        return b"".join(
            (line.encode("ascii"), b"\r\n", host, _lines(tuple(self.headers.items())), b"\r\n", body or b"")
        )


@lru_cache(1024)  # they are the same for most requests of a run
def _lines(headers: tuple[tuple[str, str], ...]) -> bytes:
    for name, value in headers:
        if _BREAK.search(f"{name}{value}"):
            raise ValueError(f"the header {name!r} is not one line")  # its value may be a secret
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")


def outgoing(request: Request, ours: Mapping[str, str]) -> Outgoing:
    """A request with our own headers, of which it replaces those that it has too.

    Raises:
        requests.RequestException: the URL or a header cannot be sent.
    """
    headers = {name.lower(): (name, value) for name, value in (*ours.items(), *request.headers.items())}
    found = _AS_IT_IS.fullmatch(request.url)
    if found is None or "/." in found["target"] or request.method != "GET" or request.body is not None:
        return _prepared(request, dict(headers.values()))
    for header in request.headers.items():
        check_header_validity(header)
    return Outgoing("GET", request.url, Origin.of(found["origin"]), found["target"], dict(headers.values()))


def _prepared(request: Request, headers: Mapping[str, str]) -> Outgoing:
    prepared = requests.PreparedRequest()
    prepared.prepare(request.method, request.url, CaseInsensitiveDict(headers), data=request.body)
    sent = {str(name): str(value) for name, value in prepared.headers.items()}
    body = prepared.body if isinstance(prepared.body, bytes | str) else None
    url = prepared.url or ""
    return Outgoing(request.method, url, Origin.of(url), prepared.path_url, sent, body)
