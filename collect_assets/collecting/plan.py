"""Which endpoints a run asks, by what the day's logs already say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection as Those
from dataclasses import dataclass
from enum import StrEnum

from collect_assets.collecting.log import Log
from collect_assets.collecting.past import Past
from collect_assets.collection import Collection
from collect_assets.registers import Endpoint, EndpointRegister, Skip


class Mode(StrEnum):
    """What a run asks for on a day that has logs already (architecture, "A day is collected while it lasts")."""

    DEFAULT = "default"  # those without a log, and those with a transient failure
    NEW = "new"  # only those without a log
    FAILED = "failed"  # all that failed
    REFILL = "refill"  # all, conditionally; harvests that could go on from the last one ask for everything

    def asks(self, log: Log | None) -> bool:
        """Whether an endpoint with this log of the day is asked."""
        if log is None:
            return self is not Mode.FAILED
        match self:
            case Mode.DEFAULT:
                return log.transient
            case Mode.NEW:
                return False
            case Mode.FAILED:
                return not log.good
            case Mode.REFILL:
                return True


@dataclass(frozen=True)
class Plan:
    """What a run will do: whom it asks, who has a log already, and what it cannot ask."""

    asked: tuple[Endpoint, ...]
    already: tuple[Endpoint, ...]
    skips: tuple[Skip, ...]


def make_plan(
    collection: Collection,
    register: EndpointRegister,
    entry_date: dt.date,
    *,
    mode: Mode = Mode.DEFAULT,
    only: Those[str] | None = None,
) -> Plan:
    """Decides for every row of the register. A damaged log of the day counts as none: the endpoint is asked again.

    Args:
        collection: whose logs count.
        register: as it stands at the start of the run.
        entry_date: the day.
        mode: what to ask for.
        only: ids of endpoints; the others are left alone and not recorded as skipped.
    """
    ended = [
        Skip(e.endpoint, e.url, "ended", e.row, f"ended on {e.end_date}")
        for e in register.endpoints
        if e.ended(entry_date)
    ]
    skips = [skip for skip in (*register.skips, *ended) if only is None or skip.endpoint in only]
    days = collection.settings.politeness.short_after_days
    past = Past(collection, entry_date)
    memory = bool(days) and mode is Mode.DEFAULT
    asked: list[Endpoint] = []
    already: list[Endpoint] = []
    for endpoint in register.active(entry_date):
        if only is None or endpoint.endpoint in only:
            log = past.of_day(endpoint.endpoint)
            again = log is None or not memory or not past.failing(endpoint.endpoint, days)
            (asked if again and mode.asks(log) else already).append(endpoint)
    return Plan(tuple(asked), tuple(already), tuple(skips))
