"""Which URLs may be asked, and which addresses may be connected to.

Pure rules: nothing here resolves a name or opens a socket. They come from OWASP's page on server-side request forgery
and from the bypasses that others met (carrier-grade NAT, backslashes, IPv4 inside IPv6).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import idna

from collect_assets.errors import RefusedError, SettingsError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DEFAULT_PORTS = {"http": 80, "https": 443}
# The backslash: `http://inside:80\@outside/` is read in two ways by urlsplit and urllib3 (GHSA-rph4).
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u2028\u2029]")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_NAME = 253

# What Python 3.11 calls global although it is not for us, or did until a later patch release.
_NOT_GLOBAL = tuple(map(ip_network, ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "240.0.0.0/4",
                                     "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20",
                                     "5f00::/16", "fec0::/10")))  # fmt: skip
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_ISATAP = (0x00005EFE, 0x02005EFE)

_PRIVATE = "127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, ::1/128, fc00::/7"
# Where clouds hand out credentials to whoever asks from within: AWS, Azure and others, Alibaba, AWS again, Google,
# Oracle, Scaleway; and Azure's WireServer, which tells a machine its certificates at an address that looks public.
_METADATA = tuple(map(ip_network, ("169.254.0.0/16", "100.100.100.200/32", "fd00:ec2::/32", "fd20:ce::/32",
                                   "fd00:c1::/32", "fd00:42::/32", "168.63.129.16/32")))  # fmt: skip
_NARROW = {4: 16, 6: 64}  # the shortest prefix that names such a service on purpose


@dataclass(frozen=True)
class AddressRules:
    """What is allowed beyond the public internet; only the operator sets it, never a collection."""

    allowed: tuple[Network, ...] = ()

    @classmethod
    def none(cls) -> AddressRules:
        """Public addresses only."""
        return cls()

    @classmethod
    def parse(cls, text: str) -> AddressRules:
        """Public addresses, and the networks in a list such as `127.0.0.0/8, 10.1.2.0/24`; `private` for all private.

        Raises:
            SettingsError: a part is not a network.
        """
        if text.strip() == "private":
            return cls.everything_private()
        parts = [part.strip() for part in text.split(",") if part.strip()]
        try:
            return cls(tuple(ip_network(part) for part in parts))
        except ValueError as error:
            raise SettingsError(f"allowed addresses {text!r}: {error}; write networks such as 10.1.2.0/24") from error

    @classmethod
    def everything_private(cls) -> AddressRules:
        """Public and private addresses; those where clouds hand out credentials have to be named to `parse`."""
        return cls.parse(_PRIVATE)

    def check_url(self, url: str) -> SplitResult:
        """The parts of a URL that may be asked. Spaces may stand in its path and query, where registers have them.

        Raises:
            RefusedError: `refused:scheme` where it is not http or https, `refused:url` where it cannot be trusted.
        """
        return _checked(url)

    def check_address(self, address: str) -> None:
        """Lets public and allowed addresses pass, also where they are wrapped into IPv6.

        Raises:
            RefusedError: `refused:address`.
        """
        try:
            outer = ip_address(address)
        except ValueError as error:
            raise RefusedError("address", f"{address!r} is not an address: {error}") from error
        readings = tuple(_readings(outer))
        if self._allows(outer) and not any(map(_serves_metadata, readings)):
            return
        for each in readings:
            if not self._allows(each) and not is_public(each):
                raise RefusedError("address", _not_public(each, outer))

    def _allows(self, address: Address) -> bool:
        shortest = _NARROW[address.version] if _serves_metadata(address) else 0
        return any(network.prefixlen >= shortest for network in self.allowed if _holds(network, address))


def is_public(address: Address) -> bool:
    """Whether an address, taken as it stands, is one of the public internet."""
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(_holds(network, address) for network in (*_NOT_GLOBAL, *_METADATA))


def _holds(network: Network, address: Address) -> bool:
    return address.version == network.version and address in network


def _serves_metadata(address: Address) -> bool:
    return any(_holds(network, address) for network in _METADATA)


def _not_public(address: Address, outer: Address) -> str:
    """What is wrong with an address, and what the operator can do about it."""
    within = "" if address == outer else f" (inside {outer})"
    if _serves_metadata(address):
        return (f"{address}{within} is where clouds hand out credentials; if it is meant, the operator can name it "
                f"narrowly among the allowed addresses, as {address}")  # fmt: skip
    return (f"{address}{within} is not a public address; if it is meant, the operator can add its network to the "
            "allowed addresses")  # fmt: skip


def _readings(address: Address) -> Iterator[Address]:
    """The addresses that packets to this one may reach: itself, and the IPv4 address it carries."""
    if isinstance(address, IPv4Address):
        yield address
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
        return
    low = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64:  # the prefix itself is reserved; only the address inside it is reached
        yield low
        return
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in _COMPATIBLE or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        yield low
    yield IPv6Address(int(address))


def host_of(parts: SplitResult) -> str:
    """Host and port, in one spelling: the name of its queue and of its turn."""
    return origin_of(parts)[1]


@lru_cache(8192)  # as for `_checked`
def origin_of(parts: SplitResult) -> tuple[str, str]:
    """What credentials belong to: scheme, host and port."""
    host = ascii_host(parts.hostname or "").rstrip(".")
    return parts.scheme, f"{host}:{parts.port or DEFAULT_PORTS.get(parts.scheme, 0)}"


def ascii_host(host: str) -> str:
    """A host name as it goes to DNS, which is how `requests` writes it too.

    Raises:
        UnicodeError: it is not a name.
    """
    return host.lower() if host.isascii() else idna.encode(host, uts46=True).decode("ascii")


@lru_cache(8192)  # each URL is looked at when it is planned, queued and asked
def _checked(url: str) -> SplitResult:
    parts = _split(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise RefusedError("scheme", f"{url}: the scheme {parts.scheme!r} is not fetched; use https or http",
                           exception="InvalidSchema")  # fmt: skip
    if _FORBIDDEN.search(url) or url != url.lstrip():
        raise _bad(url, "it holds a backslash, a control character or leading space")
    if "@" in parts.netloc:
        raise _bad(url, "it holds a user name or password; give them as credentials")
    _check_host(url, parts)
    return parts


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError as error:
        raise _bad(url, str(error)) from error
    return parts


def _check_host(url: str, parts: SplitResult) -> None:
    if not parts.hostname:
        raise _bad(url, "it has no host")
    if parts.port == 0:
        raise _bad(url, "port 0 cannot be connected to")
    try:
        host = ascii_host(parts.hostname)
        valid = _is_ipv6(host) if parts.netloc.startswith("[") else _is_name(host)
    except ValueError:
        valid = False
    if not valid:
        raise _bad(url, f"{parts.hostname!r} is not a host name or address")


def _is_name(host: str) -> bool:
    """Whether it can be a name, or an IPv4 address in any spelling; one dot may stand at the end."""
    labels = host.removesuffix(".").split(".")
    return len(host) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)


def _is_ipv6(host: str) -> bool:
    """Whether it is an address, without the zone of a network card; a `ValueError` where it is not."""
    return IPv6Address(host).scope_id is None


def _bad(url: str, reason: str) -> RefusedError:
    return RefusedError("url", f"{url!r} cannot be asked: {reason}", exception="InvalidURL")
