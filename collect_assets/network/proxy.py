"""Going through a proxy, where the operator says so.

Proxy settings of the environment that others read (`HTTPS_PROXY` and its like) are not used (fault F48), and no
collection can set one: whoever chooses the proxy sees every request. With it, names are resolved by the proxy: the
address that is checked is the proxy's own, and of the target only what its URL shows.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from collect_assets.errors import RefusedError, SettingsError
from collect_assets.network.addresses import AddressRules

VARIABLE = "COLLECT_ASSETS_PROXY"


@dataclass(frozen=True)
class Proxy:
    """Where the proxy is: its URL, which may hold a user and a password for it."""

    url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Proxy | None:
        """The proxy of this machine; None where none is set.

        Raises:
            SettingsError: it is no URL of a proxy.
        """
        url = environment.get(VARIABLE, "").strip()
        if not url:
            return None
        try:
            parts = urlsplit(url)
            right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        except ValueError:
            right = False
        if not right:
            raise SettingsError(f"{VARIABLE}: not the URL of a proxy; write http://proxy.example.org:3128")
        return cls(url)

    def check(self, parts: SplitResult, rules: AddressRules) -> None:
        """Refuses what the URL shows to be inside: an address that is not allowed, or the proxy's own host.

        Raises:
            RefusedError: `address`.
        """
        host = (parts.hostname or "").rstrip(".")
        if host == "localhost" or host.endswith(".localhost"):
            raise RefusedError("address", f"{host} would be the proxy's own host")
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (socket.gaierror, UnicodeError):
            return  # a name: only the proxy knows where it leads
        for *_, address in found:
            rules.check_address(str(address[0]))
