"""Cookies along the redirects of one attempt: some servers give a file only to who brings back what they set before.

(A share of SharePoint sets one and sends on to the file; ASP.NET and filters before a server set one, send to the very
same URL, and go on so for ever with who does not keep it.) They go back to the host that set them and nowhere else,
whatever their Domain says, and are forgotten with the attempt: nothing that a server says of us outlives it, and no
fetch depends on another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from collect_assets.network.addresses import DEFAULT_PORTS, ascii_host
from collect_assets.network.messages import Request

LONGEST = 8000  # characters of the header; servers refuse more
_SEVERAL = re.compile(r",(?=\s*[\w!#$%&'*+.^`|~-]+=)", re.ASCII)  # a date has a comma too
_COOKIE = re.compile(r"\s*([\w!#$%&'*+.^`|~-]+)\s*=([\t -:<-~]*)(?:;(.*))?", re.ASCII | re.DOTALL)
_GONE = re.compile(r"(?:^|;)\s*(?:max-age\s*=\s*(?:0|-\d+)\s*(?:;|$)|expires\s*=[^;]*\b1970\b)", re.IGNORECASE)
_SECURE = re.compile(r"(?:^|;)\s*secure\s*(?:;|$)", re.IGNORECASE)


class Cookies:
    """What the hosts of one attempt have set."""

    def __init__(self) -> None:
        self._set: dict[str, dict[str, tuple[str, bool]]] = {}

    def along(self, before: Request, headers: Mapping[str, str], after: Request) -> Request:
        """The request that follows a redirect, with what its host has set so far.

        An endpoint whose credential is a cookie has that one, and no other.

        Args:
            before: the request that was sent on.
            headers: of the answer to it.
            after: the request that follows, as it would be without cookies.
        """
        if any(name.lower() == "cookie" and value != self._for(before.url) for name, value in before.headers.items()):
            return after
        self._keep(before.url, headers)
        others = {name: value for name, value in after.headers.items() if name.lower() != "cookie"}
        cookies = self._for(after.url)
        return replace(after, headers={**others, "Cookie": cookies} if cookies else others)

    def _keep(self, url: str, headers: Mapping[str, str]) -> None:
        host, encrypted = _host(url)
        known = self._set.setdefault(host, {})
        for name, value, attributes in _cookies(headers):
            known.pop(name, None)
            if not _GONE.search(attributes):
                known[name] = value, encrypted or bool(_SECURE.search(attributes))

    def _for(self, url: str) -> str:
        host, encrypted = _host(url)
        known = self._set.get(host, {})
        cookies = "; ".join(f"{name}={value}" for name, (value, secure) in known.items() if encrypted or not secure)
        return cookies if len(cookies) <= LONGEST else ""


def _cookies(headers: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Name, value and attributes of each; what is none, or could break a line, is passed over."""
    said = next((value for name, value in headers.items() if name.lower() == "set-cookie"), "")
    for text in _SEVERAL.split(said):
        if found := _COOKIE.fullmatch(text):
            yield found[1], found[2].strip(), found[3] or ""


def _host(url: str) -> tuple[str, bool]:
    """Whose cookies they are, the ports of http and https being one; and whether what is sent is encrypted."""
    parts = urlsplit(url)
    host = ascii_host(parts.hostname or "").rstrip(".")
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    return host if port in DEFAULT_PORTS.values() else f"{host}:{port}", parts.scheme == "https"
