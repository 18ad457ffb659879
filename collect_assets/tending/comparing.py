"""How two folders of a collection differ: for a while in which two systems collect the same register side by side.

One of them may be digital-land-python's. What differs by nature is not looked at: times, run ids, addresses. Days are
read one after the other, and what is kept of them grows with the endpoints that differ, not with the days.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from collect_assets.collecting.log import Log, read_logs
from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError, NoLogsError
from collect_assets.store.canonical import canonical_hash
from collect_assets.tending.comparing_tables import TABLES, TableCompared, compare_tables

KINDS = {
    "only-a": "only A got a resource",
    "only-b": "only B got a resource",
    "other-content": "both got a resource, with other content",
    "same-content": "both got a resource, other bytes with the same content",
    "other-status": "neither got a resource, with another status or exception",
    "only-a-log": "only A has a log",
    "only-b-log": "only B has a log",
}


@dataclass
class Differing:
    """One endpoint that differs in one way: on how many days, and what the newest of them says on each side."""

    url: str
    days: int = 0
    first: dt.date | None = None
    last: dt.date | None = None
    a: str = ""
    b: str = ""


@dataclass(frozen=True)
class DayCompared:
    """One entry-date: how many endpoints have a log in either, how many of them agree, and what differs, by kind."""

    entry_date: dt.date
    endpoints: int
    agree: int
    kinds: Mapping[str, int]

    @property
    def rate(self) -> float:
        """The share that agrees."""
        return self.agree / self.endpoints if self.endpoints else 1.0


@dataclass
class Compared:
    """The whole.

    Attributes:
        endpoints: by kind, and then by endpoint, what differs.
        only_a: resources that only A has.
        damaged: logs and resources of either that are not what they should be.
        tables: registers, log.csv and resource.csv.
    """

    days: list[DayCompared] = field(default_factory=list)
    endpoints: dict[str, dict[str, Differing]] = field(default_factory=dict)
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)
    both: int = 0
    damaged: list[str] = field(default_factory=list)
    tables: dict[str, TableCompared] = field(default_factory=dict)

    @property
    def kinds(self) -> Counter[str]:
        """How often each kind of difference came, by endpoint and day."""
        return Counter({kind: sum(each.days for each in found.values()) for kind, found in self.endpoints.items()})

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.endpoints and not self.damaged and all(table.agrees for table in self.tables.values())

    @property
    def rate(self) -> float:
        """The share of all logs that agree."""
        endpoints = sum(day.endpoints for day in self.days)
        return sum(day.agree for day in self.days) / endpoints if endpoints else 1.0


def compare(
    a: Collection,
    b: Collection,
    *,
    first: dt.date | None = None,
    last: dt.date | None = None,
    progress: Callable[[int], None] | None = None,
) -> Compared:
    """Compares what two folders hold. Changes nothing in either.

    Args:
        a: one side.
        b: the other.
        first: the first entry-date that counts; all when left out. Files and tables are compared whole.
        last: the last one.
        progress: called after each day with the number of days.

    Raises:
        NoLogsError: neither has a day that counts.
    """
    days = [
        day
        for day in sorted({*a.entry_dates(), *b.entry_dates()})
        if (first is None or day >= first) and (last is None or day <= last)
    ]
    if not days:
        raise NoLogsError(f"neither {a.log} nor {b.log} has a day that counts, so there is nothing to compare")
    compared = Compared()
    for day in days:
        compared.days.append(_day(a, b, day, compared))
        if progress is not None:
            progress(len(days))
    _resources(a, b, compared)
    with tempfile.TemporaryDirectory() as spill:
        tables = {name: compare_tables(_place(a, name), _place(b, name), name, Path(spill)) for name in TABLES}
    compared.tables = tables
    return compared


def _place(collection: Collection, name: str) -> Path:
    if name == "endpoint.csv":
        return collection.register
    return (collection.folder if name in {"log.csv", "resource.csv"} else collection.registers) / name


def _resources(a: Collection, b: Collection, compared: Compared) -> None:
    ours, theirs = set(a.resources.names()), set(b.resources.names())
    compared.only_a, compared.only_b = sorted(ours - theirs), sorted(theirs - ours)
    compared.both = len(ours & theirs)
    for side in (a, b):
        compared.damaged += _damaged(side)


def _damaged(collection: Collection) -> Iterator[str]:
    for name in sorted(collection.resources.names()):
        try:
            collection.resources.check(name)
        except DamagedFileError as error:
            yield str(error)


def _day(a: Collection, b: Collection, day: dt.date, compared: Compared) -> DayCompared:
    sides = []
    for side in (a, b):
        logs, problems = read_logs(side, day)
        compared.damaged += [problem.reason for problem in problems]
        sides.append({log.endpoint: log for log in logs})
    ours, theirs = sides
    kinds: Counter[str] = Counter()
    for endpoint in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(endpoint), theirs.get(endpoint)
        if kind := _kind(a, b, one, other):
            kinds[kind] += 1
            url = (one or other or Log("", "", "")).endpoint_url
            found = compared.endpoints.setdefault(kind, {}).setdefault(endpoint, Differing(url, first=day))
            found.days += 1
            found.last, found.a, found.b = day, _shown(one), _shown(other)
    endpoints = len(ours.keys() | theirs.keys())
    return DayCompared(day, endpoints, endpoints - kinds.total(), dict(kinds))


def _kind(a: Collection, b: Collection, one: Log | None, other: Log | None) -> str:
    if one is None or other is None:
        return "only-b-log" if one is None else "only-a-log"
    if one.good != other.good:
        return "only-a" if one.good else "only-b"
    if one.good:
        if one.resource == other.resource:
            return ""
        return "same-content" if _canonical(a, one) == _canonical(b, other) else "other-content"
    return "" if _failed_alike(one, other) else "other-status"


def _failed_alike(one: Log, other: Log) -> bool:
    """By what every system says in the same words; an outcome is only ours.

    Where the exception is one and the same it decides: digital-land-python forgets the status of a body that broke off.
    """
    return one.exception == other.exception if one.exception and other.exception else one.status == other.status


def _canonical(collection: Collection, log: Log) -> str:
    path = collection.resources.path(log.resource)
    return log.canonical_hash or (canonical_hash(path, log.resource) if path.is_file() else log.resource)


def _shown(log: Log | None) -> str:
    if log is None:
        return "no log"
    if log.good:
        return f"resource {log.resource[:12]}"
    words = dict.fromkeys(filter(None, (log.outcome, log.status, log.exception)))
    return " ".join(words) or "nothing"
