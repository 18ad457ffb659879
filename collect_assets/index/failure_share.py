"""Whether more endpoints fail on a day than the days before let one expect."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

from collect_assets.collection import Collection
from collect_assets.store.database import database
from collect_assets.tables.day_files import day_digests

WEEK = dt.timedelta(days=7)
COUNTS = """
SELECT count(*) FILTER (resource IS NULL), count(*) FROM read_parquet($files, hive_partitioning = false)
WHERE outcome IS NULL OR NOT starts_with(outcome, 'skipped:')
"""


@dataclass(frozen=True)
class FailureShare:
    """How many of a day's endpoints failed, and how many of those of the seven days before."""

    failed: int
    asked: int
    failed_before: int
    asked_before: int

    @property
    def share(self) -> float:
        """Of the day."""
        return self.failed / self.asked if self.asked else 0.0

    @property
    def usual(self) -> float:
        """Of the days before."""
        return self.failed_before / self.asked_before if self.asked_before else 0.0

    @property
    def expected_at_most(self) -> float:
        """As many failures are not unusual: the usual share, and some room.

        The room is the largest of two endpoints, one endpoint in twenty, and three standard deviations.
        """
        spread = 3 * math.sqrt(self.asked * self.usual * (1 - self.usual))
        return self.asked * self.usual + max(2.0, self.asked / 20, spread)

    @property
    def as_usual(self) -> bool:
        """Whether the day is not far above; a day with nothing before it always is."""
        return not self.asked_before or self.failed <= self.expected_at_most


def failure_share(collection: Collection, entry_date: dt.date) -> FailureShare:
    """Compares a day with those of the week before it that have logs.

    Raises:
        StorageError: a day file cannot be written.
    """
    before = [day for day in collection.entry_dates() if entry_date - WEEK <= day < entry_date]
    return FailureShare(*_counts(collection, [entry_date]), *_counts(collection, before))


def _counts(collection: Collection, days: list[dt.date]) -> tuple[int, int]:
    files = [str(collection.day_file(day)) for day in day_digests(collection, days)]  # written where they are stale
    if not files:
        return 0, 0
    with database() as connection:
        row = connection.execute(COUNTS, {"files": files}).fetchone()
    return row or (0, 0)
