"""One event per day in a run for many days: the only module that knows how Dagster has to be talked into that.

Dagster ends a step with one event per partition, all with the same metadata and version, and with none at all when a
day fails. So events are yielded day by day, where they are kept at once, and the step's own are suppressed. A test
counts them.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from collect_assets.errors import NoLogsError

# With this metadata key a step emits the output, so that what depends on it runs, but no event of the asset. Dagster
# 1.13.27, `_log_materialization_or_observation_events_for_asset`; the version is pinned.
_NO_STEP_EVENT: Mapping[str, bool] = {"__source_asset_observation__": True}
WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR
NO_LOGS = "nothing was collected on this day, and it is over"

Value = str | int | float | dg.MetadataValue
DayEvent = dg.AssetMaterialization | dg.AssetCheckEvaluation | dg.MaterializeResult | dg.Output  # type: ignore[type-arg]


@dataclass(frozen=True)
class Finding:
    """What a check found on one day."""

    check: dg.AssetCheckSpec
    passed: bool
    description: str = ""
    severity: dg.AssetCheckSeverity = ERROR
    metadata: Mapping[str, Value] = field(default_factory=dict)


def day_check(asset: dg.AssetKey, name: str, days: dg.PartitionsDefinition, description: str) -> dg.AssetCheckSpec:
    """A check with a result per day. Partitioned checks are in preview; Dagster's warning of that ends here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(name, asset=asset, partitions_def=days, description=description)


def day_materialised(
    context: dg.AssetExecutionContext, key: dg.AssetKey, day: dt.date, metadata: Mapping[str, Value], version: str
) -> dg.AssetMaterialization:
    """The event that an asset was made for a day, with the version and provenance that a step would stamp on it."""
    partition = day.isoformat()
    spec = next(spec for spec in context.assets_def.specs if spec.key == key)
    tags = {"dagster/data_version": version, "dagster/data_version_is_user_provided": "true"}
    if spec.code_version:
        tags["dagster/code_version"] = spec.code_version
    for dep in spec.deps:
        above = context.instance.get_latest_data_version_record(dep.asset_key, partition_key=partition)
        event = above.asset_materialization if above else None
        name = dep.asset_key.to_user_string()
        tags[f"dagster/input_data_version/{name}"] = (
            (event.tags or {}).get("dagster/data_version", "") if event else "INITIAL"
        )
        tags[f"dagster/input_event_pointer/{name}"] = str(above.storage_id) if above else "NULL"
    return dg.AssetMaterialization(key, partition=partition, metadata=metadata, tags=tags)


def day_checked(finding: Finding, day: dt.date) -> dg.AssetCheckEvaluation:
    """The event that a check was evaluated for a day. Never blocking: one day would stop all others."""
    return dg.AssetCheckEvaluation(
        asset_key=finding.check.asset_key,
        check_name=finding.check.name,
        passed=finding.passed,
        partition=day.isoformat(),
        severity=finding.severity,
        description=finding.description or None,
        metadata=finding.metadata,
    )


def day_missing(checks: Sequence[dg.AssetCheckSpec], day: dt.date) -> Iterator[dg.AssetCheckEvaluation]:
    """A day without logs inside a range: its checks fail, the other days go on, and it stays unmaterialised."""
    for check in checks:
        yield day_checked(Finding(check, passed=False, description=NO_LOGS), day)


def days_done(keys: Sequence[dg.AssetKey], checks: Sequence[dg.AssetCheckSpec] = ()) -> Iterator[DayEvent]:
    """Ends the step, so that what depends on it runs, without further events. Keys in order of dependency."""
    for key in keys:
        yield dg.MaterializeResult(asset_key=key, metadata=_NO_STEP_EVENT)
    for check in checks:
        yield dg.Output(None, output_name=check.get_python_identifier())


def raise_if_alone(error: NoLogsError, days: Sequence[dt.date]) -> None:
    """Raises the error where the run is for that one day; in a range it becomes failing checks.

    Raises:
        NoLogsError: the run is for one day.
    """
    if len(days) == 1:
        raise error
