"""Checks of URLs at loopback servers, with locks and scratch in a temporary folder of the test's own."""

from __future__ import annotations

import ssl
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collect_assets import check_url
from collect_assets.checking.report import UrlCheck
from collect_assets.network.turns import shared_folder
from collect_assets_tests.collecting.kit import LOOPBACK, NOON

Check = Callable[..., UrlCheck]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process puts temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def check(temporary: Path) -> Check:
    """Checks a URL; whatever comes of it, nothing is left in the scratch."""

    def run(url: str, **options: Any) -> UrlCheck:
        found = check_url(url, **{"rules": LOOPBACK, "now": lambda: NOON, **options})
        scratch = shared_folder().with_name("check")
        assert not scratch.exists() or list(scratch.iterdir()) == []
        return found

    return run


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that nobody vouches for."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem", "-days", "2", "-subj", "/CN=test"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context
