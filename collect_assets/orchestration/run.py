"""Runs today's partition of every collection in this process, with Dagster's memory in a folder, for the shell command.

Days that have logs and are not in that memory, as in an adopted collection, are materialised first, in ranges, so that
the pages show them. Nothing is printed here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from collect_assets.errors import RegisterError
from collect_assets.orchestration.build import Broken, Built, build_each, found, join
from collect_assets.orchestration.config import CollectConfig, run_config
from collect_assets.orchestration.home import prepare_home
from collect_assets.orchestration.jobs import run_tags
from collect_assets.orchestration.kit import Kit
from collect_assets.orchestration.resources import Clock, Network
from collect_assets.tables.day_files import day_digests
from collect_assets.tables.keeping import adopt_tables

HISTORY = ("log", "resource", "record", "item_index")
QUIET = "CRITICAL"


@dataclass(frozen=True)
class CollectionRun:
    """What became of one collection.

    Attributes:
        entry_date: today's.
        success: the run for today ended well, whatever its checks say.
        counts: the numbers that each asset shows for today, as `log.collected`.
        failed_checks: those of today that did not pass, as `log.every_endpoint: why`.
        history: earlier days that were materialised on the way.
        problem: why it did not succeed; blank when it did.
    """

    collection: str
    entry_date: dt.date
    success: bool
    counts: Mapping[str, int] = field(default_factory=dict)
    failed_checks: tuple[str, ...] = ()
    history: tuple[dt.date, ...] = ()
    problem: str = ""


def run_today(
    root: Path,
    home: Path,
    *,
    config: CollectConfig | None = None,
    clock: Clock | None = None,
    network: Network | None = None,
) -> Iterator[CollectionRun]:
    """Runs every collection below a root, and says what became of each as soon as it is known.

    Args:
        root: the folder of collections.
        home: Dagster's folder; it is made, with settings, where it is missing.
        config: what is asked for; what each day lacks when left out.
        clock: tells the time.
        network: which non-public addresses may be asked; as the environment says when left out.

    Raises:
        StorageError: Dagster's folder cannot be written.
    """
    clock, network = clock or Clock(), network or Network.of_environment()
    each = list(build_each(found(root), clock))
    definitions = join(each, clock, network)
    prepare_home(home)
    with dg.DagsterInstance.from_config(str(home.absolute())) as instance:
        for one in each:
            if isinstance(one, Broken):
                yield CollectionRun(one.collection.name, clock.today(), success=False, problem=one.collection.reason)
            else:
                yield _run(definitions, instance, one, clock.today(), config or CollectConfig())


def _run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, built: Built, today: dt.date, config: CollectConfig
) -> CollectionRun:
    kit = built.kit
    if not kit.has_day(today):
        return CollectionRun(kit.collection.name, today, success=False, problem=f"it starts after {today}")
    job = definitions.resolve_job_def(kit.names.collect_job)
    with suppress(RegisterError):  # the step that collects tells of it
        adopt_tables(kit.collection)
    history = _materialise_history(job, instance, kit, today, config)
    result = job.execute_in_process(
        run_config=run_config(kit.names, config, log_level=QUIET),
        instance=instance,
        partition_key=today.isoformat(),
        tags=run_tags(kit),
        raise_on_error=False,
    )
    return CollectionRun(
        collection=kit.collection.name,
        entry_date=today,
        success=result.success,
        counts=_counts(result),
        failed_checks=tuple(_failed_checks(result)),
        history=tuple(history),
        problem="" if result.success else _problem(result),
    )


def _materialise_history(
    job: dg.JobDefinition, instance: dg.DagsterInstance, kit: Kit, today: dt.date, config: CollectConfig
) -> list[dt.date]:
    """Materialises the earlier days that Dagster does not know as they are now; what fails comes again next time."""
    materialised = []
    for first, last in _spans(_unknown_days(instance, kit, today)):
        result = job.execute_in_process(
            run_config=run_config(kit.names, config, log_level=QUIET),
            instance=instance,
            asset_selection=[kit.keys[asset] for asset in HISTORY],
            tags={
                **run_tags(kit),
                "dagster/asset_partition_range_start": first.isoformat(),
                "dagster/asset_partition_range_end": last.isoformat(),
            },
            raise_on_error=False,
        )
        if result.success:
            materialised += [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    return materialised


def _unknown_days(instance: dg.DagsterInstance, kit: Kit, today: dt.date) -> list[dt.date]:
    """Days before today that have logs, and whose resources are not those of their last materialisation."""
    days = [day for day in kit.collection.entry_dates() if day < today and kit.has_day(day)]
    indexed = instance.get_materialized_partitions(kit.keys["item_index"])
    digests = day_digests(kit.collection, days)
    return [
        day
        for day in days
        if day.isoformat() not in indexed or _version(instance, kit.keys["resource"], day) != digests.get(day)
    ]


def _version(instance: dg.DagsterInstance, key: dg.AssetKey, day: dt.date) -> str | None:
    record = instance.get_latest_data_version_record(key, partition_key=day.isoformat())
    event = record.asset_materialization if record else None
    return (event.tags or {}).get("dagster/data_version") if event else None


def _spans(days: list[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Days that follow each other as first and last."""
    spans: list[tuple[dt.date, dt.date]] = []
    for day in days:
        if spans and day - spans[-1][1] == dt.timedelta(days=1):
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def _counts(result: dg.ExecuteInProcessResult) -> dict[str, int]:
    events = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return {
        f"{event.asset_key.path[-1]}.{name}": int(shown.value)
        for event in events
        for name, shown in event.metadata.items()
        if isinstance(shown, dg.IntMetadataValue) and shown.value is not None
    }


def _failed_checks(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    for check in result.get_asset_check_evaluations():
        if not check.passed:
            yield f"{check.asset_key.path[-1]}.{check.check_name}: {check.description or 'see its page'}"


def _problem(result: dg.ExecuteInProcessResult) -> str:
    """The message of the first step that failed; the error that we raised stands behind Dagster's own."""
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            return error.message.strip() if error else "a step failed"
    return "the run failed before its first step"
