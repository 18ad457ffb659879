"""The jobs and the schedule of a collection."""

import datetime as dt
from typing import Any

import dagster as dg

from collect_assets.orchestration.kit import Kit

COLLECTION_TAG = "collect_assets/collection"
UnresolvedJob = Any  # dagster's UnresolvedAssetJobDefinition is not public


def collect_job(kit: Kit) -> UnresolvedJob:
    """What people run daily: all five assets, for a day or a range of days."""
    return dg.define_asset_job(
        kit.names.collect_job,
        selection=dg.AssetSelection.assets(*kit.keys.values()),
        description="Collects a day and derives everything from it. Config: mode, only, organisation. "
        "A day that is over is built again from its logs, without a network.",
        tags=run_tags(kit),
        executor_def=dg.in_process_executor,
    )


def index_job(kit: Kit) -> UnresolvedJob:
    """What is derived, without looking at the network or the clock."""
    return dg.define_asset_job(
        kit.names.index_job,
        selection=dg.AssetSelection.assets(kit.keys["record"], kit.keys["item_index"]),
        description="Reads the day's resources and folds the day into the index; never touches the network.",
        tags=run_tags(kit),
        executor_def=dg.in_process_executor,
    )


def run_tags(kit: Kit) -> dict[str, str]:
    """The tags of all its runs: whose they are, and how urgent."""
    return {COLLECTION_TAG: kit.names.group, "dagster/priority": str(kit.collection.settings.schedule.priority)}


def schedule(kit: Kit, job: UnresolvedJob) -> dg.ScheduleDefinition | None:
    """When it is collected by itself, for the entry-date that it then is; None where its settings say never.

    Raises:
        dagster.DagsterInvalidDefinitionError: the cron line or the time zone is none.
    """
    settings = kit.collection.settings.schedule
    if not settings.cron:
        return None

    @dg.schedule(
        name=kit.names.schedule,
        job=job,
        cron_schedule=settings.cron,
        execution_timezone=settings.timezone,
        description=f"Collects {kit.collection.name}: {settings.cron}, {settings.timezone}. Off until switched on.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        moment = context.scheduled_execution_time
        return dg.RunRequest(run_key=moment.isoformat(), partition_key=moment.astimezone(dt.UTC).date().isoformat())

    return daily
