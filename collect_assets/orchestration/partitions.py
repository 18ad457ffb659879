"""The partitions of a collection: entry-dates, UTC, from its start up to and including today."""

from __future__ import annotations

import datetime as dt

from dagster import AssetExecutionContext, DailyPartitionsDefinition

from collect_assets.collection import Collection
from collect_assets.tables.oldest import oldest_to_adopt


def entry_dates_of(collection: Collection, today: dt.date) -> DailyPartitionsDefinition:
    """Daily from `start-date`, else from the oldest day with logs or in tables to be adopted, else from today.

    Lists two folders at most, and reads the tables of others that are not adopted yet.

    Dagster ends daily partitions yesterday; `end_offset` adds the day that is being collected.
    """
    start = collection.settings.start_date or _oldest(collection, today)
    return DailyPartitionsDefinition(start_date=start.isoformat(), end_offset=1)


def _oldest(collection: Collection, today: dt.date) -> dt.date:
    logged = next(iter(collection.entry_dates()), today)
    return min(logged, oldest_to_adopt(collection) or logged)


def entry_dates(context: AssetExecutionContext) -> list[dt.date]:
    """The days that a run is for, oldest first."""
    return [dt.date.fromisoformat(key) for key in context.partition_keys]
