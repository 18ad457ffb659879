"""What somebody typed, looked at before anything is asked: whether it is a URL, and one that may be asked.

The gate checks again, and every address that it connects to; here stand the words for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from collect_assets.errors import FailedError, RefusedError, SettingsError
from collect_assets.network.addresses import DEFAULT_PORTS, AddressRules
from collect_assets.plugins import plugins
from collect_assets.plugins.parameters import options_of
from collect_assets.registers import urlsplit_scheme

LONGEST_URL = 8000
PLAIN = "GET"  # the word for the plain GET, whose name in a register is blank
_HOST = re.compile(r"[^\s/?#]+\.[^\s/?#.]+")
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_LOCAL = re.compile(r"(?:^|\.)localhost\.?$", re.IGNORECASE)


def check_typed(url: str, rules: AddressRules) -> None:
    """Lets pass what may be asked.

    Raises:
        RefusedError: `url`, `scheme` or `address`; says what is wrong in plain words, and what to type in place of it.
    """
    if not url.strip():
        raise _bad("nothing was typed; type a URL such as https://www.example.org/sites.csv", "MissingSchema")
    if url != url.strip():
        raise _bad(f"{url!r} has space before or after it; type {url.strip()!r}")
    if len(url) > LONGEST_URL:
        raise _bad(f"it has {len(url)} characters; {LONGEST_URL} are the most that is asked for")
    _check_scheme(url)
    if " " in url:
        raise _bad(f"{url!r} has a space in it; copy the URL from the browser, or write {url.replace(' ', '%20')!r}")
    parts = rules.check_url(url)
    _check_host(parts.hostname or "", rules)


def check_plugin(plugin: str) -> None:
    """Lets pass a plugin that there is.

    Raises:
        SettingsError: says which there are.
    """
    if plugin not in plugins():
        known = ", ".join(sorted(name or PLAIN for name in plugins()))
        raise SettingsError(f"unknown plugin {plugin!r}; known: {known}")


def check_parameters(plugin: str, parameters: Mapping[str, Any]) -> None:
    """Lets pass parameters whose values can be used; a key that nobody knows is a finding, as it is in a register.

    Raises:
        SettingsError: says which cannot, and what was expected.
    """
    try:
        options_of(plugin, parameters)
    except FailedError as error:
        raise SettingsError(str(error).removesuffix("; correct the row in endpoint.csv")) from error


def _check_scheme(url: str) -> None:
    scheme = urlsplit_scheme(url)
    found = _SCHEME.match(url)
    named = (scheme or (found[1] if found and "." not in found[1] and found[1] != "localhost" else "")).lower()
    if named == "file":
        raise _refused("scheme", "files of this machine are not read; publish the file on the web, and type its "
                       "https address", "InvalidSchema")  # fmt: skip
    if scheme is None and not named:
        if _HOST.match(url):
            raise _bad(f"{url!r} does not say how it is reached; type https://{url}", "MissingSchema")
        raise _bad(f"{url!r} is not a URL; type one such as https://www.example.org/sites.csv", "MissingSchema")
    if named not in DEFAULT_PORTS:
        raise _refused("scheme", f"{named}: is not fetched, only http and https are; find the https address of the "
                       "same data", "InvalidSchema")  # fmt: skip


def _check_host(host: str, rules: AddressRules) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        if _LOCAL.search(host) and not rules.allowed:
            raise _refused("address", f"{host} is this machine itself, which others cannot reach; type the address "
                           "that the data has on the web", "") from None  # fmt: skip
        return
    try:
        rules.check_address(str(address))
    except RefusedError as error:
        what = "this machine itself" if address.is_loopback else "inside a private network or reserved"
        raise _refused("address", f"{host} is {what}, and only public addresses are asked; type the address that the "
                       "data has on the web (whoever runs this program can allow others)", "") from error  # fmt: skip


def _bad(message: str, exception: str = "InvalidURL") -> RefusedError:
    return _refused("url", message, exception)


def _refused(why: str, message: str, exception: str) -> RefusedError:
    return RefusedError(why, message, exception=exception or None)


def host_of_url(url: str) -> str:
    """The host of a URL, for sentences; the URL itself where it has none."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url
