"""The TLS settings that connections are made with: strict by default, laxer ones for an endpoint that says so.

Each kind has a context, and by it connections, of its own: an exception for one endpoint can never reach another
through a kept connection (GHSA-9wx4).
"""

from __future__ import annotations

import os
import ssl
import threading
from pathlib import Path
from typing import NamedTuple

import certifi
from urllib3.util.ssl_ import create_urllib3_context

from collect_assets.errors import SettingsError

_LEGACY_CONNECT = getattr(ssl, "OP_LEGACY_SERVER_CONNECT", 0x4)  # Python 3.11 has no name for it


class Tls(NamedTuple):
    """A kind of secure connection.

    Attributes:
        verify: whether the certificate has to be right.
        legacy: whether old versions, short keys and the old renegotiation are spoken too.
    """

    verify: bool = True
    legacy: bool = False


STRICT = Tls()
AUTHORITIES = "COLLECT_ASSETS_AUTHORITIES"


def authorities_of_environment() -> Path | None:
    """The file of certificates (PEM) that the operator trusts beside the usual authorities; None where none is named.

    Raises:
        SettingsError: it is not there, or holds no certificate.
    """
    name = os.environ.get(AUTHORITIES, "")
    if not name:
        return None
    try:
        ssl.create_default_context(cafile=name)
    except OSError as error:  # ssl.SSLError is one too
        raise SettingsError(f"{AUTHORITIES}={name}: no file of certificates in PEM: {error}") from error
    return Path(name)


class Contexts:
    """One context for each kind, shared by all threads: loading the authorities takes 10 ms and more."""

    def __init__(self, authorities: Path | None = None) -> None:
        self._authorities = authorities
        self._contexts: dict[Tls, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def of(self, tls: Tls) -> ssl.SSLContext:
        """The context of a kind."""
        with self._lock:
            if tls not in self._contexts:
                self._contexts[tls] = _context(tls, self._authorities)
            return self._contexts[tls]


def _context(tls: Tls, authorities: Path | None) -> ssl.SSLContext:
    """Certificates are checked against the usual authorities, and against others given."""
    oldest = ssl.TLSVersion.MINIMUM_SUPPORTED if tls.legacy else None
    required = ssl.CERT_REQUIRED if tls.verify else ssl.CERT_NONE
    context = create_urllib3_context(cert_reqs=required, ssl_minimum_version=oldest)
    if tls.legacy:
        context.options |= _LEGACY_CONNECT
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    if tls.verify:
        context.load_verify_locations(certifi.where())
        if authorities is not None:
            context.load_verify_locations(authorities)
    return context
