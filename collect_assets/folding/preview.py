"""What a fold would do: the same fold, into a copy of the index that is thrown away."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb

from collect_assets.collection import Collection
from collect_assets.folding.again import Refolded
from collect_assets.folding.apply import DayChanges
from collect_assets.folding.day_by_day import Progress
from collect_assets.folding.fold import fold_aside
from collect_assets.folding.holds import Held, load_holds
from collect_assets.registers import Problem
from collect_assets.store.local import temporary

LISTED = 20

WOULD = """
SELECT endpoint, item_id, change FROM item_version JOIN endpoint USING (endpoint_no) WHERE first_date IN $days
UNION ALL
SELECT endpoint, item_id, ended FROM item_version JOIN endpoint USING (endpoint_no)
WHERE last_date + 1 IN $days AND ended = 'deleted'
ORDER BY change, endpoint, item_id
"""


@dataclass(frozen=True)
class Preview:
    """What would be done.

    Attributes:
        changes: by entry-date.
        first: some of the items that would change: endpoint, item, and what would become of it.
        held: what would wait for a decision.
        refolded: endpoints that would be folded again from their first day.
        problems: what is wrong with registers and decisions.
        rebuilt: why the index would be built from nothing; blank when it would not.
    """

    changes: Mapping[dt.date, DayChanges] = field(default_factory=dict)
    first: tuple[tuple[str, str, str], ...] = ()
    held: tuple[Held, ...] = ()
    refolded: tuple[Refolded, ...] = ()
    problems: tuple[Problem, ...] = ()
    rebuilt: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "days": {str(day): vars(change) for day, change in self.changes.items()},
            "first": [dict(zip(("endpoint", "item", "change"), row, strict=True)) for row in self.first],
            "held": [{**vars(held), "entry_date": str(held.entry_date)} for held in self.held],
            "folded-again": [vars(each) for each in self.refolded],
            "problems": [str(problem) for problem in self.problems],
            "rebuilt": self.rebuilt,
        }


def preview(
    collection: Collection, entry_date: dt.date, *, limit: int = LISTED, progress: Progress | None = None
) -> Preview:
    """What `fold` would do now. Nothing is published, decided or changed; what was never read is read on the way.

    Args:
        collection: whose index.
        entry_date: the day to fold at least.
        limit: how many items to name.
        progress: called before each day.

    Raises:
        NoLogsError: nothing was ever collected up to that day.
        StorageError: the disk is full, or a folder cannot be written.
    """
    aside = temporary(collection.work)
    aside.mkdir(parents=True)
    try:
        with fold_aside(collection, entry_date, aside, progress) as (connection, report):
            first = _first(connection, sorted(report.changes), limit)
            held = [held for held in load_holds(connection) if held.entry_date in report.changes]
            return Preview(report.changes, first, tuple(held), report.refolded, report.problems, report.rebuilt)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _first(connection: duckdb.DuckDBPyConnection, days: list[dt.date], limit: int) -> tuple[tuple[str, str, str], ...]:
    listed = "(SELECT unnest($days::DATE[]))"
    rows = connection.execute(f"{WOULD.replace('$days', listed)} LIMIT {int(limit)}", {"days": days}).fetchall()
    return tuple(rows)
