"""Whether the files that logs name are there and are what their names say (promise 1), at a cost a day can afford."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from collect_assets.collecting.day import DayReport
from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError

TURNS = 30  # days in which every file of the store is read once
NEW = frozenset({"first", "changed", "returned"})


@dataclass(frozen=True)
class Wholeness:
    """How many files were looked at, how many of them read whole, and which are not as they should be."""

    seen: int
    read: int
    damaged: tuple[DamagedFileError, ...]


def check_resources(collection: Collection, report: DayReport) -> Wholeness:
    """Checks a day's resources: all have their size; the bytes that came today and a thirtieth of the rest are read.

    The thirtieth follows the day, so that a month of days reads all. While a day is open, the rest is the whole store;
    of a day that is over it is the day's own, or a backfill of a year would read the store twelve times.
    """
    new = {log.resource for log in report.logs if log.good and log.outcome in NEW} if report.open else set()
    sizes = {log.resource: log.size for log in report.logs if log.good}
    others = (name for name in collection.resources.names() if name not in sizes) if report.open else ()
    whole = {name for name in sizes if name in new or _is_due(name, report.entry_date)}
    stored = [name for name in others if _is_due(name, report.entry_date)]
    damaged = [
        *_damaged(collection, sizes.items(), whole),
        *_damaged(collection, ((n, None) for n in stored), set(stored)),
    ]
    return Wholeness(len(sizes) + len(stored), len(whole) + len(stored), tuple(damaged))


def _is_due(name: str, day: dt.date) -> bool:
    return name[:8].isalnum() and int.from_bytes(name[:8].encode()) % TURNS == day.toordinal() % TURNS


def _damaged(
    collection: Collection, sizes: Iterable[tuple[str, int | None]], whole: set[str]
) -> Iterable[DamagedFileError]:
    for name, size in sizes:
        try:
            collection.resources.check(name, size=size, whole=name in whole)
        except DamagedFileError as error:
            yield error
