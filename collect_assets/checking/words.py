"""What is wrong with a URL, for the person who typed it: what it means, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from collect_assets.errors import FetchError
from collect_assets.registers import urlsplit_scheme

_WORDS: Mapping[str, str] = {
    "dns": "There is no server of that name. Check the spelling of the address.",
    "dns-timeout": "The name of the server could not be looked up in time. Try again in a few minutes.",
    "connect": "The server does not answer. Check the address, and whether the site is up in a browser.",
    "host-given-up": "The server does not answer. Check the address, and whether the site is up in a browser.",
    "no-response": "The server closed the connection without an answer. It may refuse programs; ask its owner.",
    "timeout": "The server did not answer in time. Try again; if it stays so, ask its owner.",
    "deadline": "It takes longer than a check waits. Collecting waits longer, so it may still work.",
    "too-slow": "The file comes more slowly than anybody would wait for. Try again, or ask the site's owner.",
    "tls": "The secure connection (https) of the site is not in order: its certificate cannot be verified. "
    "Its owner has to renew it.",
    "protocol": "What answers there is no web server that we understand. Check the address.",
    "truncated": "The file ended before it was complete. Try again.",
    "encoding": "The file is not packed as the server says it is. Its owner has to correct that.",
    "empty": "The address answers, but with an empty file.",
    "redirects": "The address leads from one page to the next without end.",
    "html": "This is a web page, not data. Open it, and copy the address of the download itself.",
    "address": "The address leads into a private network, and is not asked. Only public addresses are.",
    "too-large": "The file is larger than a check reads. Collecting takes larger files, so it may still work.",
    "not-a-layer": "This is a whole map service. Choose one of its layers: its address ends in a number.",
    "token-needed": "The service wants a password (a token). Its owner has to open it, or give you an address without.",
    "service-error": "The service answers with an error of its own.",
    "no-credential": "The credential that the parameters name is not set on this machine.",
}
_STATUS: Mapping[int, str] = {
    401: "The address is not open to everybody: it wants a login.",
    403: "The address is not open to everybody, or not to programs. Its owner has to allow it.",
    404: "There is nothing at this address. Check that it is spelled correctly.",
    410: "What was at this address was removed for good.",
    429: "The site says that it is asked too often. Try again later.",
}


def of_error(error: FetchError, status: int | None) -> str:
    """The sentence for what went wrong."""
    if error.why == "status" and status is not None:
        server = "The server has a fault of its own. Try again later, or tell its owner."
        return _STATUS.get(status, server if status >= 500 else f"The server answered with status {status}.")
    return _WORDS.get(error.why, str(error))


def of_typing(url: str) -> str:
    """What is wrong with the text before anything is asked; blank where nothing is."""
    text = url.strip()
    if not text:
        return "Type an address, such as https://example.org/sites.csv."
    if urlsplit_scheme(text) is None:
        return f"The address has no https:// before it. Did you mean https://{text.removeprefix('//')} ?"
    scheme = urlsplit(text).scheme
    if scheme not in {"http", "https"}:
        return f"Addresses that begin with {scheme}: are not fetched; only https:// and http:// are."
    if text != url:
        return "There is a space before or after the address; leave it out."
    return ""
