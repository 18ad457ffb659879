"""A year of days folded, with a day of the middle taken away that comes back late: the digest has to be the same.

The days are the recorded ones of `COLLECT_ASSETS_CORPUS`, again and again: which endpoint answered, and when it served
something new. What it served is made: a tenth of the bytes that came, as a CSV whose rows keep their ids; from month to
month some endpoints, chosen by a seed, have rows that changed, came and went. Without a corpus the record is made too.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import MB, Figure, Place
from benchmarks.laid import lay_failure, lay_log, lay_register, lay_resource
from benchmarks.processes import BenchmarkError, python

COLLECTION = "brownfield-land"
YEAR, MONTH, QUICK_DAYS = 365, 30, 40
FIRST = dt.date(2025, 1, 1)
SHARE = 10  # of the bytes one in so many
CHANGING = 0.1  # of the endpoints each month
MADE_ENDPOINTS, MADE_BYTES = 60, 40_000
DATES = "2024-01-01", "2024-02-01"
ONE_IN = 20  # rows changes with an edition


@dataclass(frozen=True)
class Fetch:
    """What a recorded day says of an endpoint; without a resource it failed."""

    endpoint: str
    status: str
    exception: str
    resource: str
    size: int

    @property
    def url(self) -> str:
        """A URL that stands for it."""
        return f"https://example.org/{self.endpoint}"


def measure(place: Place) -> list[Figure]:
    """How long the year takes, and the late day."""
    folder, days = place.folder / "year", QUICK_DAYS if place.quick else YEAR
    recorded = list(_recorded() if "COLLECT_ASSETS_CORPUS" in os.environ else _made())
    if place.quick:
        recorded = [day[:MADE_ENDPOINTS] for day in recorded]
    lay_register(folder, sorted({fetch.url for day in recorded for fetch in day}))
    year = _Year(folder)
    for number in range(days):
        year.lay(number, recorded[number % len(recorded)])
    whole = _fold(folder, days)
    digest = _digest(folder)
    middle = folder / "log" / _day(days // 2)
    middle.rename(folder / "aside")
    for path in (folder / "derived").glob("index*"):
        path.unlink()
    _fold(folder, days)
    if _digest(folder) == digest:
        raise BenchmarkError("the digest is the same without the day")
    (folder / "aside").rename(middle)
    late = _fold(folder, days)
    if _digest(folder) != digest:
        raise BenchmarkError("the digest is another one after a day went and came back late")
    shutil.rmtree(folder)
    says = (
        f"{days} days of {len(recorded[0])} endpoints ({year.logs:,} logs, {year.resources:,} distinct resources, "
        f"{whole['records']:,} items on the last) read and folded in {whole['seconds']:.0f} s; a day of the middle "
        f"that comes late, in {late['seconds']:.0f} s: the digest is the same; at most "
        f"{max(whole['peak-bytes'], late['peak-bytes']) / MB:.0f} MB of memory"
    )
    values = {"days": days, "logs": year.logs, "seconds": whole["seconds"], "late": late["seconds"]}
    return [Figure("year", says, {**values, "resources": year.resources, "records": whole["records"]})]


def _recorded() -> Iterator[list[Fetch]]:
    """The days of the record, in their order."""
    derived = Path(os.environ["COLLECT_ASSETS_CORPUS"]) / "digital-land" / "derived"
    (history,) = derived.glob("fetch-history-*.csv")
    days: dict[str, list[Fetch]] = {}
    with history.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["collection"] == COLLECTION:
                size = int(row["content-length"] or MADE_BYTES)
                fetch = Fetch(row["endpoint"], row["status"], row["exception"], row["resource"], size)
                days.setdefault(row["date"], []).append(fetch)
    yield from (days[day] for day in sorted(days))


def _made() -> Iterator[list[Fetch]]:
    """A month in which a few endpoints fail now and then, and a few serve something new."""
    seed = random.Random(1)
    served = [0] * MADE_ENDPOINTS
    for _ in range(MONTH):
        fetches = []
        for endpoint in range(MADE_ENDPOINTS):
            served[endpoint] += seed.random() < 0.05
            works = seed.random() > 0.02
            resource = f"{served[endpoint]}" if works else ""
            fetches.append(Fetch(f"{endpoint}", "200" if works else "404", "", resource, MADE_BYTES))
        yield fetches


class _Year:
    """Lays day after day, and remembers what stands already.

    Attributes:
        logs: how many were laid.
    """

    def __init__(self, folder: Path) -> None:
        self.logs = 0
        self._folder = folder
        self._laid: dict[tuple[str, int], str] = {}
        self._editions: dict[str, list[str]] = {}

    @property
    def resources(self) -> int:
        """How many distinct ones were laid."""
        return len(set(self._laid.values()))

    def lay(self, number: int, fetches: list[Fetch]) -> None:
        """A day: what its endpoints served, or that they failed."""
        for fetch in fetches:
            self.logs += 1
            if fetch.resource:
                sha256 = self._resource(fetch, number // MONTH)
                lay_log(self._folder, fetch.url, _day(number), sha256, sha256)
            else:
                lay_failure(self._folder, fetch.url, _day(number), fetch.status, fetch.exception)

    def _resource(self, fetch: Fetch, month: int) -> str:
        edition = self._edition_of(fetch) + 100 * self._changes(fetch, month)
        key = fetch.endpoint, edition
        if key not in self._laid:
            part = self._folder / "part.csv"
            part.write_text(_csv(fetch, edition))
            self._laid[key] = lay_resource(self._folder, part)
        return self._laid[key]

    def _edition_of(self, fetch: Fetch) -> int:
        editions = self._editions.setdefault(fetch.endpoint, [])
        if fetch.resource not in editions:
            editions.append(fetch.resource)
        return editions.index(fetch.resource)

    @staticmethod
    def _changes(fetch: Fetch, month: int) -> int:
        """How often the endpoint changed in the months before, whatever the record says."""
        return sum(random.Random(f"{fetch.endpoint} {m}").random() < CHANGING for m in range(month))


def _csv(fetch: Fetch, edition: int) -> str:
    """Rows by number: some depend on the edition, and of fifty the last one comes and goes."""
    seed = random.Random(f"{fetch.endpoint} {edition}")
    rows = max(3, fetch.size // SHARE // 80)
    there = rows - seed.randrange(1 + rows // 50)
    lines = ["reference,name,entry-date,notes"]
    for number in range(there):
        changes = edition if number % ONE_IN == edition % ONE_IN else 0
        mark = hashlib.md5(f"{fetch.endpoint} {number} {changes}".encode(), usedforsecurity=False).hexdigest()
        lines.append(f"{fetch.endpoint[:8]}-{number},Site {mark[:6]},{DATES[number % 2]},{mark}")
    return "\n".join(lines) + "\n"


def _fold(folder: Path, days: int) -> dict[str, float]:
    answer = python("benchmarks.index_once", folder, _day(days - 1)).answer()
    return {**answer, "seconds": answer["reading"] + answer["folding"]}


def _digest(folder: Path) -> str:
    return str(python("benchmarks.digest_once", folder).answer())


def _day(number: int) -> str:
    return (FIRST + dt.timedelta(days=number)).isoformat()
