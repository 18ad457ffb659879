"""Fixtures that several rooms share: a collection folder with its own clock and locks, and the corpus."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

from collect_assets_tests.collecting.kit import QUICK, Folder


def pytest_configure() -> None:
    """Takes signals again that whoever started this ignores, as shells do in the background: children inherit that."""
    for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """An empty collection; the locks of hosts lie in a temporary folder of its own, also for its commands."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    path = tmp_path / "trees"
    path.mkdir()
    return Folder(path, environment={"TMPDIR": str(temporary)}).settings(QUICK)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real files; tests that need it are skipped where it is not."""
    place = os.environ.get("COLLECT_ASSETS_CORPUS")
    if not place:
        pytest.skip("COLLECT_ASSETS_CORPUS is not set")
    return Path(place) / "digital-land"
