"""The partitions of a collection: entry-dates, UTC, from its start up to and including today."""

from __future__ import annotations

import datetime as dt

from dagster import AssetExecutionContext, DailyPartitionsDefinition

from collect_assets.collection import Collection


def entry_dates_of(collection: Collection, today: dt.date) -> DailyPartitionsDefinition:
    """Daily from `start-date`, else from the oldest day with logs, else from today. Lists one folder at most.

    Dagster ends daily partitions yesterday; `end_offset` adds the day that is being collected.
    """
    start = collection.settings.start_date or next(iter(collection.entry_dates()), today)
    return DailyPartitionsDefinition(start_date=start.isoformat(), end_offset=1)


def entry_dates(context: AssetExecutionContext) -> list[dt.date]:
    """The days that a run is for, oldest first."""
    return [dt.date.fromisoformat(key) for key in context.partition_keys]
