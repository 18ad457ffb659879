"""Laying a collection by hand: registers, and for the index logs and resources as collecting leaves them."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path


def lay_register(folder: Path, urls: Iterable[str]) -> Path:
    """A collection with a register of these URLs."""
    folder.mkdir(parents=True)
    with (folder / "endpoint.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["endpoint", "endpoint-url", "parameters", "plugin", "entry-date", "start-date", "end-date"])
        rows.writerows([_endpoint(url), url, "", "", "2024-01-01", "", ""] for url in urls)
    return folder


def lay_resource(folder: Path, finished: Path) -> str:
    """Moves a file to where resources are; returns its sha256."""
    with finished.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    (folder / "resource").mkdir(exist_ok=True)
    finished.replace(folder / "resource" / sha256)
    return sha256


def lay_log(folder: Path, url: str, entry_date: str, resource: str, canonical_hash: str) -> None:
    """The log of a plain GET that brought a resource."""
    log = {
        "endpoint": _endpoint(url),
        "endpoint-url": url,
        "entry-date": f"{entry_date}T00:00:00.000000",
        "status": "200",
        "elapsed": "1.000",
        "resource": resource,
        "canonical-hash": canonical_hash,
        "complete": True,
        "coverage": "full",
    }
    _write(folder, log)


def lay_failure(folder: Path, url: str, entry_date: str, status: str, exception: str) -> None:
    """The log of a plain GET that brought nothing."""
    log = {
        "endpoint": _endpoint(url),
        "endpoint-url": url,
        "entry-date": f"{entry_date}T00:00:00.000000",
        "status": status,
        "exception": exception,
        "elapsed": "1.000",
    }
    _write(folder, {key: value for key, value in log.items() if value})


def _write(folder: Path, log: Mapping[str, object]) -> None:
    path = folder / "log" / str(log["entry-date"])[:10] / f"{log['endpoint']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(log, sort_keys=True, separators=(",", ":")))


def _endpoint(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
