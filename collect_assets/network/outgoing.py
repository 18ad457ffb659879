"""A request as it goes out: the URL as servers take it, its headers, its body.

`requests` makes it; of a URL that it would leave as it is, and there are hardly others, the same comes out here in a
tenth of the time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import check_header_validity

from collect_assets.network.messages import Request

_AS_IT_IS = re.compile(
    r"https?://[a-z0-9][a-z0-9.-]*(?::[1-9][0-9]*)?"
    r"(?P<target>/[\w~!$&'()*+,;=:@/.-]*(?:\?[\w~!$&'()*+,;=:@/?.-]+)?)",
    re.ASCII,
)


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
