"""How two folders of a collection differ: for a while in which two systems collect the same register side by side.

One of them may be digital-land-python's. What differs by nature is not looked at: times, run ids, addresses.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from collect_assets.collecting.log import Log, read_logs
from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError
from collect_assets.store.canonical import canonical_hash

TABLES = {"log.csv": ("endpoint", "entry-date"), "resource.csv": ("resource",)}
KINDS = {
    "only-a-log": "only A has a log",
    "only-b-log": "only B has a log",
    "only-a": "only A got a resource",
    "only-b": "only B got a resource",
    "same-content": "other bytes, the same content",
    "other-content": "other content",
    "other-status": "neither got a resource, for other reasons",
}


@dataclass(frozen=True)
class Difference:
    """One endpoint on one day; `kind` is a key of `KINDS`."""

    entry_date: dt.date
    endpoint: str
    url: str
    kind: str
    a: str
    b: str


@dataclass(frozen=True)
class DayCompared:
    """One entry-date: how many endpoints both have a log of, how many of them agree, and what differs."""

    entry_date: dt.date
    both: int
    agree: int
    differences: tuple[Difference, ...]


@dataclass
class Compared:
    """The whole: agreement by day, what differs by kind, and files and tables.

    Attributes:
        resources: how many only A has, only B has, and both.
        damaged: resources whose bytes are not what their name says, in either.
        tables: of each table how many rows only A has, only B has, differ, and agree.
    """

    registers_agree: bool
    days: list[DayCompared] = field(default_factory=list)
    resources: tuple[int, int, int] = (0, 0, 0)
    damaged: list[str] = field(default_factory=list)
    tables: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)

    @property
    def kinds(self) -> Counter[str]:
        """How often each kind of difference came."""
        return Counter(each.kind for day in self.days for each in day.differences)

    @property
    def agrees(self) -> bool:
        """Whether nothing differs that matters downstream."""
        rows_agree = all(not (a or b or other) for a, b, other, _ in self.tables.values())
        return not self.kinds and self.registers_agree and not self.damaged and rows_agree


def compare(a: Collection, b: Collection, *, first: dt.date | None = None, last: dt.date | None = None) -> Compared:
    """Compares what two folders hold, day by day.

    Args:
        a: one side.
        b: the other.
        first: the first entry-date that counts; all when left out.
        last: the last one.
    """
    days = sorted({*a.entry_dates(), *b.entry_dates()})
    counted = [day for day in days if (first is None or day >= first) and (last is None or day <= last)]
    names = set(a.resources.names()), set(b.resources.names())
    return Compared(
        _bytes(a.register) == _bytes(b.register),
        [_day(a, b, day) for day in counted],
        (len(names[0] - names[1]), len(names[1] - names[0]), len(names[0] & names[1])),
        [*_damaged(a), *_damaged(b)],
        {name: _rows(a.folder / name, b.folder / name, keys) for name, keys in TABLES.items()},
    )


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _damaged(collection: Collection) -> Iterator[str]:
    for name in sorted(collection.resources.names()):
        try:
            collection.resources.check(name)
        except DamagedFileError as error:
            yield str(error)


def _day(a: Collection, b: Collection, day: dt.date) -> DayCompared:
    ours, theirs = ({log.endpoint: log for log in read_logs(side, day)[0]} for side in (a, b))
    differences = []
    for endpoint in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(endpoint), theirs.get(endpoint)
        if kind := _kind(a, b, one, other):
            url = (one or other or Log("", "", "")).endpoint_url
            differences.append(Difference(day, endpoint, url, kind, _shown(one), _shown(other)))
    both = len(ours.keys() & theirs.keys())
    missing = sum(each.kind in {"only-a-log", "only-b-log"} for each in differences)
    return DayCompared(day, both, both - (len(differences) - missing), tuple(differences))


def _kind(a: Collection, b: Collection, one: Log | None, other: Log | None) -> str:
    if one is None or other is None:
        return "only-b-log" if one is None else "only-a-log"
    if one.good != other.good:
        return "only-a" if one.good else "only-b"
    if one.good:
        if one.resource == other.resource:
            return ""
        return "same-content" if _canonical(a, one) == _canonical(b, other) else "other-content"
    return (
        ""
        if (one.status, one.status or one.exception) == (other.status, other.status or other.exception)
        else "other-status"
    )


def _canonical(collection: Collection, log: Log) -> str:
    path = collection.resources.path(log.resource)
    return log.canonical_hash or (canonical_hash(path, log.resource) if path.is_file() else log.resource)


def _shown(log: Log | None) -> str:
    if log is None:
        return "no log"
    return log.resource[:12] if log.good else log.outcome or log.status or log.exception or "nothing"


def _rows(a: Path, b: Path, keys: tuple[str, ...]) -> tuple[int, int, int, int]:
    ours, theirs = _table(a, keys), _table(b, keys)
    both = ours.keys() & theirs.keys()
    same = sum(ours[key] == theirs[key] for key in both)
    return len(ours) - len(both), len(theirs) - len(both), len(both) - same, same


def _table(path: Path, keys: tuple[str, ...]) -> dict[tuple[str, ...], int]:
    """The rows by key, each as a number that only the same row has: a table may have a million."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        return {tuple(row.get(key) or "" for key in keys): hash(_content(row)) for row in rows}


def _content(row: dict[str, str | None]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in row.items() if name and value and name != "elapsed"))
