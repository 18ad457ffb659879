"""Collections to run in tests, real Dagster runs of them, and what Dagster then remembers."""

import csv
import datetime as dt
from pathlib import Path

import dagster as dg

from collect_assets.collection import Collection
from collect_assets.orchestration.build import build_definitions
from collect_assets.orchestration.config import CollectConfig, run_config
from collect_assets.orchestration.names import Names
from collect_assets.orchestration.resources import Clock, Network
from collect_assets.registers import endpoint_id

DAY = dt.date(2026, 11, 4)
NEXT_DAY = DAY + dt.timedelta(days=1)
TREES = b"reference,name\n1,oak\n2,ash\n"
PONDS = b"reference,name\n7,mill pond\n"
SETTINGS = "start-date = 2026-11-01\n[limits]\nattempts = 1\n"


def at(day: dt.date, time: str = "12:00") -> str:
    return f"{day}T{time}:00+00:00"


def write_files(root: Path, name: str, urls, settings: str = SETTINGS) -> Path:
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "collection.toml").write_text(settings)
    write_register(folder, urls)
    return folder


def write_collection(root: Path, name: str, urls, settings: str = SETTINGS) -> Collection:
    return Collection.at(write_files(root, name, urls, settings))


def write_register(folder: Path, urls, plugin: str = "", parameters: str = "") -> None:
    with (folder / "endpoint.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["endpoint", "endpoint-url", "plugin", "parameters", "entry-date", "start-date", "end-date"])
        writer.writerows([endpoint_id(url), url, plugin, parameters, "2026-10-01", "", ""] for url in urls)


def definitions(root: Path, now: str = at(DAY)) -> dg.Definitions:
    return build_definitions(root, clock=Clock(stands_at=now), network=Network(allow="127.0.0.0/8"))


def run(defs, instance, job, days=DAY, config=None, tags=None, **kwargs):
    """Runs a job in this process, for a day or for a first and a last one."""
    tags = dict(tags or {})
    if isinstance(days, tuple):
        tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"] = map(str, days)
    name = job.rsplit("_", 1)[0]
    collecting = job.endswith("_collect")
    settings = run_config(Names(name), config or CollectConfig(), log_level="CRITICAL").to_config_dict()
    return defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=None if isinstance(days, tuple) else str(days),
        run_config={key: value for key, value in settings.items() if collecting or key == "loggers"},
        tags=tags,
        raise_on_error=False,
        **kwargs,
    )


def fulfil(defs, instance, request):
    """Runs what a sensor asked for, as the daemon would: with its key, its tags and its config."""
    return defs.resolve_job_def(request.job_name).execute_in_process(
        instance=instance,
        partition_key=request.partition_key,
        run_config={**request.run_config, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        tags={**request.tags, "dagster/run_key": request.run_key},
        raise_on_error=False,
    )


def events(instance, key, day=DAY) -> list[dg.AssetMaterialization]:
    """The materialisations of an asset for a day, newest first."""
    chosen = dg.AssetRecordsFilter(asset_key=dg.AssetKey(key), asset_partitions=[str(day)])
    return [record.asset_materialization for record in instance.fetch_materializations(chosen, limit=99).records]


def shown(instance, key, day=DAY) -> dict:
    """The metadata of the newest materialisation."""
    return {name: value.value for name, value in events(instance, key, day)[0].metadata.items()}


def version(instance, key, day=DAY) -> str:
    return events(instance, key, day)[0].tags["dagster/data_version"]


def checked(instance, key, name) -> dict[str, str]:
    """The newest result of a check for each day."""
    history = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey(key), name), limit=999
    )
    return {record.partition: record.status.value for record in reversed(history)}


def sampled(instance, key, name) -> dict:
    """The metadata of the newest result of a check."""
    (record,) = instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey(key), name), limit=1
    )
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    return {name: value.value for name, value in evaluation.metadata.items()}


def failure(result) -> str:
    """The words of the first step failure, with what is behind it."""
    error = next(event.step_failure_data.error for event in result.all_events if event.is_step_failure)
    return error.to_string()
