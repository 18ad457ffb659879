"""Where a redirect leads, and what may be taken along.

Redirects are followed by hand, one at a time, so that each one passes the address rules and the politeness of its host.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from collect_assets.errors import RefusedError
from collect_assets.network.addresses import AddressRules, origin_of
from collect_assets.network.messages import Request

STATUSES = frozenset({301, 302, 303, 307, 308})


def next_request(
    request: Request, status: int, location: str, rules: AddressRules, *, downgrade: bool = False
) -> Request:
    """The request that follows a redirect: without credentials to another origin, to http from https only if allowed.

    Raises:
        RefusedError: `scheme`, `url` or `downgrade`.
    """
    url = _target(request.url, location)
    here, there = urlsplit(request.url), rules.check_url(url)
    if here.scheme == "https" and there.scheme == "http" and not downgrade:
        raise RefusedError("downgrade", f"{request.url}: redirects to {url}, which is not encrypted; if that is right, "
                           "register the http URL, or allow it by \"allow-downgrade\": true in parameters")  # fmt: skip
    moved = replace(request, url=url)
    if origin_of(here) != origin_of(there):
        kept = {name: value for name, value in request.headers.items() if not request.is_credential(name)}
        moved = replace(moved, headers=kept)
    return _as_get(moved) if _becomes_get(request.method, status) else moved


def _target(url: str, location: str) -> str:
    """The Location as an absolute URL; http.client reads headers as Latin-1, servers write UTF-8."""
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(url, location.strip(" "))
    except ValueError as error:
        raise RefusedError("url", f"{url}: redirects to {location!r}, which is no URL: {error}",
                           exception="InvalidURL") from error  # fmt: skip


def _becomes_get(method: str, status: int) -> bool:
    """What browsers and requests do: 303 asks anew; 301 and 302 do so after a POST."""
    return (status == 303 and method != "HEAD") or (status in {301, 302} and method == "POST")


def _as_get(request: Request) -> Request:
    kept = {name: value for name, value in request.headers.items() if not name.lower().startswith("content-")}
    return replace(request, method="GET", body=None, headers=kept)
