"""log.csv and resource.csv of many days, beside DuckDB's own way of reading the same files of JSON."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, Place
from benchmarks.laid import lay_register
from benchmarks.processes import python

FIRST_DAY = dt.date(2024, 1, 1)
ROUNDS = 3


def measure(place: Place) -> list[Figure]:
    """Everything from JSON, beside `read_json`, in turn; then from the day files, and one day more."""
    days, endpoints = (10, 50) if place.quick else (200, 500)
    folder = place.folder / "tables"
    _lay(folder, days, endpoints)
    plain, rebuilt = list[float](), list[float]()
    for _ in range(ROUNDS):
        plain.append(python("benchmarks.tables_once", folder, "read_json").answer()["seconds"])
        rebuilt.append(python("benchmarks.tables_once", folder, "rebuild").answer()["seconds"])
    from_days = python("benchmarks.tables_once", folder, "from-days").answer()["seconds"]
    _lay_day(folder, FIRST_DAY + dt.timedelta(days=days), endpoints)
    new_day = python("benchmarks.tables_once", folder, "new-day").answer()["seconds"]
    shutil.rmtree(folder)
    share = median(plain) / median(rebuilt)
    says = (
        f"{days * endpoints:,} logs of {days} days, one truncated: both tables from JSON in {median(rebuilt):.1f} s, "
        f"{share:.0%} of the rate of DuckDB's read_json ({median(plain):.1f} s); from the day files {from_days:.1f} s; "
        f"one day more {new_day:.1f} s"
    )
    values = {"share": share, "from-days": from_days, "new-day": new_day}
    return [Figure("tables", says, {**values, "rebuilt-seconds": rebuilt, "read-json-seconds": plain})]


def _lay(folder: Path, days: int, endpoints: int) -> None:
    lay_register(folder, [_url(number) for number in range(endpoints)])
    for number in range(days):
        _lay_day(folder, FIRST_DAY + dt.timedelta(days=number), endpoints)
    truncated = folder / "log" / str(FIRST_DAY) / f"{_hash(_url(0))}.json"
    truncated.write_bytes(truncated.read_bytes()[:200])


def _url(number: int) -> str:
    return f"https://example.org/{number}.csv"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _lay_day(folder: Path, day: dt.date, endpoints: int) -> None:
    """A day on which one endpoint in five fails, and each resource lasts for a month."""
    place = folder / "log" / str(day)
    place.mkdir(parents=True)
    for number in range(endpoints):
        url, resource = _url(number), _hash(f"{number} {day:%Y-%m}")
        log = {
            "endpoint": _hash(url),
            "endpoint-url": url,
            "entry-date": f"{day}T00:00:00.000000",
            "elapsed": "0.123",
            "status": "200",
            "outcome": "same",
            "resource": resource,
            "canonical-hash": resource,
            "bytes": 2000,
            "complete": True,
            "coverage": "full",
            "attempts": [{"address": "192.0.2.1", "bytes": 2000, "elapsed": 0.123, "status": 200, "url": url}],
            "response-headers": {"Content-Length": "2000", "Content-Type": "text/csv", "ETag": f'"{resource[:16]}"'},
        }
        if number % 5 == 0:
            log |= {"status": "404", "outcome": "failed:status", "resource": "", "canonical-hash": ""}
        (place / f"{_hash(url)}.json").write_text(json.dumps(log, sort_keys=True, separators=(",", ":")))
