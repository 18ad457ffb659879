"""A request as it goes out: the URL as servers take it, its headers, its body.

`requests` makes it; of a URL that it would leave as it is, and there are hardly others, the same comes out here in a
tenth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity

from collect_assets.network.addresses import DEFAULT_PORTS
from collect_assets.network.messages import Request

_AS_IT_IS = re.compile(
    r"https?://[a-z0-9][a-z0-9.-]*(?::[1-9][0-9]*)?"
    r"(?P<target>/[\w~!$&'()*+,;=:@/.-]*(?:\?[\w~!$&'()*+,;=:@/?.-]+)?)",
    re.ASCII,
)
_BREAK = re.compile(rb"[\r\n\0]")


@dataclass(frozen=True)
class Outgoing:
    """What is written to the connection.

    Attributes:
        target: path and query.
    """

    method: str
    url: str
    target: str
    headers: Mapping[str, str]
    body: bytes | str | None = None

    def message(self) -> bytes:
        """All that is written, as RFC 9112 has it.

        Raises:
            ValueError: something in it would end the line that it stands in.
        """
        lines = [f"{self.method} {self.target} HTTP/1.1".encode("ascii"), f"Host: {self._host()}".encode("ascii")]
        lines += [f"{name}: {value}".encode("latin-1") for name, value in self.headers.items()]
        if broken := next(filter(_BREAK.search, lines), None):
            raise ValueError(f"{broken!r} is not one line")
        body = self.body.encode() if isinstance(self.body, str) else self.body
        return b"\r\n".join([*lines, b"", body or b""])

    def _host(self) -> str:
        """Host and port, without what goes without saying."""
        parts = urlsplit(self.url)
        host = (parts.hostname or "").rstrip(".")
        host = f"[{host}]" if ":" in host else host
        return host if parts.port in {None, DEFAULT_PORTS[parts.scheme]} else f"{host}:{parts.port}"


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
    return Outgoing(request.method, request.url, found["target"], dict(headers.values()))


def _prepared(request: Request, headers: Mapping[str, str]) -> Outgoing:
    prepared = requests.PreparedRequest()
    prepared.prepare(request.method, request.url, CaseInsensitiveDict(headers), data=request.body)
    sent = {str(name): str(value) for name, value in prepared.headers.items()}
    body = prepared.body if isinstance(prepared.body, bytes | str) else None
    return Outgoing(request.method, prepared.url or "", prepared.path_url, sent, body)
