"""Run config: what people set for one run when they collect, in the launchpad or from a sensor."""

from __future__ import annotations

from enum import Enum

import dagster as dg
from pydantic import Field

from collect_assets.collecting.plan import Mode
from collect_assets.orchestration.names import Names

COLLECTING = "collecting"
"""The step that `CollectConfig` belongs to."""


class Asks(Enum):
    """The modes of collecting under names that Dagster shows: it takes an enumeration's names for its values."""

    default = Mode.DEFAULT.value
    new = Mode.NEW.value
    failed = Mode.FAILED.value
    refill = Mode.REFILL.value


class CollectConfig(dg.Config):
    """What a run asks for, on a day that can still be collected; of a day that is over it changes nothing."""

    mode: Asks = Field(
        default=Asks.default,
        description="default: endpoints without a log of the day, and passing failures. new: only those without a log. "
        "failed: all that failed. refill: all, conditionally.",
    )
    only: list[str] = Field(default=[], description="Only these endpoints, by endpoint or endpoint-url.")
    organisation: str = Field(default="", description="Only the endpoints that source.csv gives to this organisation.")

    @property
    def limited(self) -> bool:
        """Whether the run is not to ask everything that the day lacks."""
        return bool(self.only or self.organisation) or self.mode is Asks.failed


def run_config(names: Names, config: CollectConfig, *, log_level: str = "") -> dg.RunConfig:
    """The config of a run of a collection's collecting; with a log level for the console where one is given."""
    loggers = {"console": {"config": {"log_level": log_level}}} if log_level else None
    return dg.RunConfig(ops={names.op(COLLECTING): config}, loggers=loggers)
