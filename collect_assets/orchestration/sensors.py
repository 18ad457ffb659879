"""The two sensors for the whole root. They look at files and not at Dagster's memory.

A request has a key of what is on disk now and what the newest run or index had, so that a value that comes back is seen
(A, B, A runs three times) and the same change never runs twice; see `tries.py` for what happens when a run fails.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg

from collect_assets.collecting.last_run import last_run, register_hash
from collect_assets.collection import Collection
from collect_assets.errors import IndexUnavailableError
from collect_assets.index.days import held_days
from collect_assets.index.publish import number_of, published
from collect_assets.orchestration.config import Asks, CollectConfig, run_config
from collect_assets.orchestration.jobs import UnresolvedJob, run_tags
from collect_assets.orchestration.kit import Kit
from collect_assets.orchestration.resources import Clock
from collect_assets.orchestration.ticks import Enough, Passed, tick
from collect_assets.orchestration.tries import MOST_TRIES, REQUEST_TAG, next_try
from collect_assets.tables.day_files import day_digests, resources_digest

SECONDS = 60
MOST_DAYS = 10  # of one collection in a tick; the first of them folds all days before it anyway
NOTHING = resources_digest(())


@dataclass(frozen=True)
class Watched:
    """A collection and the jobs that are requested for it."""

    kit: Kit
    collect_job: UnresolvedJob
    index_job: UnresolvedJob


def sensors(watched: Sequence[Watched]) -> list[dg.SensorDefinition]:
    """Both sensors; off until switched on."""
    kits = [one.kit for one in watched]

    @dg.sensor(
        jobs=[one.collect_job for one in watched],
        minimum_interval_seconds=SECONDS,
        description="Sees that a register changed since the newest run, and collects today what is new in it.",
    )
    def register_changed(context: dg.SensorEvaluationContext, clock: Clock) -> dg.SensorResult:
        return tick(context, kits, lambda kit, _: _register_requests(context.instance, kit, clock.today()))

    @dg.sensor(
        jobs=[one.index_job for one in watched],
        minimum_interval_seconds=SECONDS,
        description="Sees that a day's logs name other resources than the index holds, and derives the day again.",
    )
    def resources_changed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return tick(context, kits, lambda kit, enough: _resource_requests(context.instance, kit, enough))

    return [register_changed, resources_changed]


def _register_requests(instance: dg.DagsterInstance, kit: Kit, today: dt.date) -> Iterator[dg.RunRequest | Passed]:
    now, last = register_hash(kit.collection), last_run(kit.collection)
    if (last and last.register == now) or not kit.has_day(today):
        return
    request = f"{kit.collection.name}:register:{now[:12]}:after:{last.run if last else 'none'}"
    run_key = next_try(instance, request)
    if run_key is None:
        yield Passed(
            f"the register changed, and collecting it failed {MOST_TRIES} times; it is tried again when it changes"
        )
        return
    yield dg.RunRequest(
        run_key=run_key,
        job_name=kit.names.collect_job,
        partition_key=today.isoformat(),
        run_config=run_config(kit.names, CollectConfig(mode=Asks.new)),
        tags={**run_tags(kit), REQUEST_TAG: request},
    )


def _resource_requests(instance: dg.DagsterInstance, kit: Kit, enough: Enough) -> Iterator[dg.RunRequest | Passed]:
    number = number_of(published(kit.collection))
    requested = 0
    for day, digest in _changed_days(kit, enough):
        request = f"{kit.collection.name}:{day}:{digest[:12]}:index-{number}"
        run_key = next_try(instance, request)
        if run_key is None:
            yield Passed(
                f"indexing {day} failed {MOST_TRIES} times; it is tried again when the day or the index changes"
            )
        elif requested < MOST_DAYS:
            requested += 1
            yield dg.RunRequest(
                run_key=run_key,
                job_name=kit.names.index_job,
                partition_key=day.isoformat(),
                tags={**run_tags(kit), REQUEST_TAG: request},
            )


def _changed_days(kit: Kit, enough: Enough) -> list[tuple[dt.date, str]]:
    """The days whose resources differ from those in the index, oldest first.

    A day whose resources are all gone is folded away with the newest day that has some: for itself there is nothing.
    """
    days = [day for day in kit.collection.entry_dates() if kit.has_day(day)]
    held = _held(kit.collection)
    now = day_digests(kit.collection, days, enough=enough)
    some = {day: digest for day, digest in now.items() if digest != NOTHING}
    changed = {day: digest for day, digest in some.items() if held.get(day) != digest}
    gone = [day for day, had in held.items() if had != NOTHING and (day not in days or now.get(day) == NOTHING)]
    if gone and some:
        changed.setdefault(max(some), resources_digest((str(day), "gone") for day in gone))
    return sorted(changed.items())


def _held(collection: Collection) -> dict[dt.date, str]:
    """What the index says of its days; nothing where there is none, or one that the fold would build anew."""
    try:
        return held_days(collection)
    except IndexUnavailableError:
        return {}
