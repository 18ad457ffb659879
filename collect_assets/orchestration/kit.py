"""What the assets, checks, jobs and sensors of one collection share, and how one of its steps is declared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from collect_assets.collection import Collection
from collect_assets.index.schema import INDEX_VERSION
from collect_assets.items.records import reading_version
from collect_assets.orchestration.checks import Checks
from collect_assets.orchestration.names import Names
from collect_assets.orchestration.partitions import entry_dates_of

ONE_RUN = dg.BackfillPolicy.single_run()
STEPS_VERSION = "1"  # goes up when the same files give another report


@dataclass(frozen=True)
class _Asset:
    above: str
    kind: str
    version: str
    description: str


def _assets() -> dict[str, _Asset]:
    """The assets in order of the flow."""
    return {
        "endpoint": _Asset("", "csv", STEPS_VERSION, "The register of endpoints, read and checked, as the day had it."),
        "log": _Asset(
            "endpoint", "json", STEPS_VERSION, "What happened to each endpoint: the step with network and clock."
        ),
        "resource": _Asset(
            "log", "file", STEPS_VERSION, "What was served, byte for byte, in files named by their sha256."
        ),
        "record": _Asset("resource", "parquet", str(reading_version()), "The entries of the day's resources, read."),
        "item_index": _Asset(
            "record", "duckdb", str(INDEX_VERSION), "The items with the day folded in; answers searches."
        ),
    }


@dataclass(frozen=True)
class Kit:
    """One collection with its names, its days (one object, so that days map to days) and its checks."""

    collection: Collection
    names: Names
    days: dg.DailyPartitionsDefinition
    checks: Checks

    @classmethod
    def of(cls, collection: Collection, today: dt.date) -> Kit:
        """Lists two folders at most, and reads the tables of a collection that is not adopted yet."""
        names, days = Names(collection.name), entry_dates_of(collection, today)
        return cls(collection, names, days, Checks.of(names, days))

    @property
    def keys(self) -> dict[str, dg.AssetKey]:
        """The keys of its assets, in order of the flow."""
        return {asset: self.names.key(asset) for asset in _assets()}

    def spec(self, asset: str) -> dg.AssetSpec:
        """The description of one of its assets.

        Raises:
            dagster.DagsterInvalidDefinitionError: `owners` in the settings are neither addresses nor teams.
        """
        known = _assets()[asset]
        title = self.collection.settings.title or self.collection.name
        return dg.AssetSpec(
            self.names.key(asset),
            deps=[self.names.key(known.above)] if known.above else [],
            description=f"{known.description}\n\n{title}: {self.collection.settings.description}".rstrip(": \n"),
            group_name=self.names.group,
            kinds={known.kind},
            owners=list(self.collection.settings.owners),
            code_version=known.version,
        )

    def step(
        self, name: str, assets: Sequence[str], checks: Sequence[dg.AssetCheckSpec] = (), *, pool: str | None = None
    ) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
        """Declares a function as the step that makes some of its assets, for any number of days in one run."""
        return dg.multi_asset(
            name=self.names.op(name),
            specs=[self.spec(asset) for asset in assets],
            partitions_def=self.days,
            backfill_policy=ONE_RUN,
            check_specs=list(checks),
            pool=pool,
        )

    def has_day(self, day: dt.date) -> bool:
        """Whether a day is one of its partitions now."""
        return self.days.has_partition_key(day.isoformat())
