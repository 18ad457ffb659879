"""What Dagster remembers of runs, as far as sensors need it: whose are in progress, and how often a request failed."""

from __future__ import annotations

import dagster as dg

from collect_assets.orchestration.jobs import COLLECTION_TAG
from collect_assets.orchestration.kit import Kit

REQUEST_TAG = "collect_assets/request"
MOST_TRIES = 3
_STATUS = dg.DagsterRunStatus
IN_PROGRESS = [
    _STATUS.QUEUED,
    _STATUS.NOT_STARTED,
    _STATUS.STARTING,
    _STATUS.STARTED,
    _STATUS.CANCELING,
]


class RunsInProgress:
    """The runs that have not ended, asked for once a tick."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._runs = instance.get_runs(dg.RunsFilter(statuses=IN_PROGRESS))

    def of(self, kit: Kit) -> bool:
        """Whether one of them is a collection's: by its tag, or, as backfills have none, by its assets."""
        keys = set(kit.keys.values())
        return any(
            run.tags.get(COLLECTION_TAG) == kit.names.group or not keys.isdisjoint(run.asset_selection or ())
            for run in self._runs
        )


def failures(instance: dg.DagsterInstance, request: str) -> int:
    """How many runs for this request have failed."""
    return instance.get_runs_count(dg.RunsFilter(tags={REQUEST_TAG: request}, statuses=[_STATUS.FAILURE]))


def next_try(instance: dg.DagsterInstance, request: str) -> str | None:
    """The run key of the next try of a request; None when it has failed often enough.

    Dagster never runs a run key twice, whatever became of it: so the number of failures is a part of it.
    """
    failed = failures(instance, request)
    return f"{request}:{failed}" if failed < MOST_TRIES else None
