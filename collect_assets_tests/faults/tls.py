"""A certificate authority of the tests' own, and certificates with the faults that servers have."""

from __future__ import annotations

import ssl
import subprocess
import warnings
from pathlib import Path

NAME = "secure.test"


class Certificates:
    """Makes each kind when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = folder / "authority.pem"
        self._openssl("req", "-x509", *_KEY, "-nodes", "-keyout", "authority.key", "-out", "authority.pem",
                      "-days", "9", "-subj", "/CN=Tests", "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip

    def context(self, kind: str) -> ssl.SSLContext:
        """To serve with: `good`, `expired`, `other-host`, `self-signed`, `old` (TLS 1.1) or `sni`."""
        self._make(kind)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if kind == "old":
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            with warnings.catch_warnings(action="ignore"):  # deprecated, which is the point
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.load_cert_chain(self._folder / f"{kind}.pem", self._folder / f"{kind}.key")
        if kind == "sni":
            context.sni_callback = lambda _, name, __: None if name == NAME else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return context

    def _make(self, kind: str) -> None:
        place = "DNS:elsewhere.test" if kind == "other-host" else f"IP:127.0.0.1,DNS:{NAME}"
        if kind == "self-signed":
            self._openssl("req", "-x509", *_KEY, "-nodes", "-keyout", f"{kind}.key", "-out", f"{kind}.pem",
                          "-days", "9", "-subj", "/CN=itself", "-addext", f"subjectAltName={place}")  # fmt: skip
            return
        key = ("-newkey", "rsa:2048") if kind == "old" else _KEY
        self._openssl("req", *key, "-nodes", "-keyout", f"{kind}.key", "-out", f"{kind}.csr", "-subj", "/CN=server")
        (self._folder / f"{kind}.ext").write_text(f"subjectAltName={place}\n")
        days = (
            ("-not_before", "20200101000000Z", "-not_after", "20200201000000Z") if kind == "expired" else ("-days", "9")
        )
        signed = ("x509", "-req", "-in", f"{kind}.csr", "-CA", "authority.pem", "-CAkey", "authority.key", "-out",
                  f"{kind}.pem", "-extfile", f"{kind}.ext")  # fmt: skip
        try:
            self._openssl(*signed, *days)
        except subprocess.CalledProcessError:  # before OpenSSL 3.4 an end in the past is said as a number of days
            self._openssl(*signed, "-days", "-1")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self._folder, check=True, capture_output=True)


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
