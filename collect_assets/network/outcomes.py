"""What an exception of requests, urllib3 or the system means, as an outcome word of ours.

Measured with requests 2.34.2 and urllib3 2.8.0 (`reference/faults.md`); their messages are never matched, only classes.
"""

from __future__ import annotations

import ssl
from http.client import BadStatusLine, HTTPException

import requests
from urllib3 import exceptions as urllib3
from urllib3.util.ssl_match_hostname import CertificateError

from collect_assets.errors import FailedError, FetchError, RefusedError
from collect_assets.network.names import SlowNameError

CAUGHT = (requests.RequestException, urllib3.HTTPError, HTTPException, OSError, ValueError)
_NO_URL = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema,
           requests.exceptions.InvalidHeader, urllib3.LocationValueError, UnicodeError)  # fmt: skip

_UNCONNECTED: dict[type[Exception], tuple[str, str]] = {  # in this order: each is a kind of the last but one
    SlowNameError: ("dns-timeout", "nobody said in time where its host is"),
    urllib3.NameResolutionError: ("dns", "its host has no address; check the name"),
    urllib3.NewConnectionError: ("connect", "no connection"),
    urllib3.ConnectTimeoutError: ("connect", "no connection"),
}
_NO_WAY = ("connect", "no connection through the proxy")
_PERMANENT = frozenset({"tls", "protocol"})
_ENDED = (ssl.SSLEOFError, ssl.SSLZeroReturnError)  # the other side went away: no fault of its certificate


def of_head(error: Exception, url: str) -> FetchError:
    """What an exception before the end of the headers means."""
    name, root = type(error).__name__, _root(error)
    plain_value_error = isinstance(error, ValueError) and not isinstance(error, requests.RequestException)
    if plain_value_error or isinstance(error, _NO_URL):
        return RefusedError("url", f"{url!r} cannot be asked: {error}", exception=name)
    why, what = _meaning(error, root)
    return FailedError(why, f"{url}: {what} ({_text(root)})", transient=why not in _PERMANENT, exception=name)


def _meaning(error: Exception, root: BaseException) -> tuple[str, str]:
    """The outcome word, and what to tell people."""
    if unconnected := next((found for kind, found in _UNCONNECTED.items() if isinstance(root, kind)), None):
        return unconnected
    if isinstance(error, requests.ReadTimeout):
        return "timeout", "no answer within the read timeout"
    if isinstance(root, CertificateError) or (isinstance(root, ssl.SSLError) and not isinstance(root, _ENDED)):
        return "tls", "no secure connection"
    if isinstance(root, OSError):  # RemoteDisconnected is one of them
        through = isinstance(error, requests.exceptions.ProxyError)
        return _NO_WAY if through else ("no-response", "the connection was closed without an answer")
    return "protocol", "the answer is not HTTP as we know it"


def of_body(error: Exception, url: str) -> FetchError:
    """What an exception in the middle of a body means; the class names are those of `Response.iter_content`."""
    root = _root(error)
    why, what, name = "truncated", "the body ended early", "ChunkedEncodingError"
    if isinstance(error, urllib3.ReadTimeoutError | TimeoutError):
        why, what, name = "timeout", "the body stopped for longer than the read timeout", "ConnectionError"
    elif isinstance(root, ssl.SSLError) and not isinstance(root, _ENDED):
        why, what, name = "tls", "the secure connection broke", "SSLError"
    return FailedError(why, f"{url}: {what} ({_text(root)})", transient=why not in _PERMANENT, exception=name)


def _text(root: BaseException) -> str:
    """The reason without the representation of objects that urllib3 puts before it."""
    cause = root.__cause__ if isinstance(root, urllib3.NewConnectionError | urllib3.ConnectTimeoutError) else None
    shown = cause or root
    return str(shown) or type(shown).__name__


def is_broken_keep_alive(error: Exception) -> bool:
    """Whether a connection broke as one does that the server had closed while it was idle.

    Or that the answer before left something in: a body longer than it said (fault F16) is read as the next status line.
    """
    return isinstance(_root(error), BadStatusLine | ConnectionError)


def _root(error: BaseException) -> BaseException:
    """The innermost exception that requests and urllib3 wrapped as an argument."""
    while True:
        inner = error.reason if isinstance(error, urllib3.MaxRetryError) else next(
            (each for each in reversed(error.args) if isinstance(each, BaseException)), None)  # fmt: skip
        if not isinstance(inner, BaseException) or isinstance(error, urllib3.NewConnectionError):
            return error
        error = inner
