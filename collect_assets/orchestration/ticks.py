"""One tick of a sensor over all collections: in turn, within a time, going on next time where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import dagster as dg

from collect_assets.orchestration.kit import Kit
from collect_assets.orchestration.tries import RunsInProgress

BUDGET = 40.0  # seconds of the 60 that Dagster gives a tick before it kills it, with everything that it found


@dataclass(frozen=True)
class Passed:
    """Something that is not requested in this tick, and why."""

    reason: str


Enough = Callable[[], bool]
Look = Callable[[Kit, Enough], Iterable[dg.RunRequest | Passed]]


def tick(
    context: dg.SensorEvaluationContext, kits: Sequence[Kit], look: Look, *, budget: float = BUDGET
) -> dg.SensorResult:
    """Looks at one collection after the other until the time is over; the cursor is the last one looked at.

    A collection with a run in progress is passed over, and one that cannot be read stops no other.
    """
    until = time.monotonic() + budget
    running = RunsInProgress(context.instance)
    requests: list[dg.RunRequest] = []
    reasons: list[str] = []
    cursor = context.cursor or ""
    for kit in _in_turn(kits, cursor):
        name = kit.collection.name
        for found in _look(kit, look, running, lambda: time.monotonic() > until):
            if isinstance(found, Passed):
                reasons.append(f"{name}: {found.reason}")
            else:
                requests.append(found)
        cursor = name
        if time.monotonic() > until:
            reasons.append(f"the time of a tick was over after {name}; the next one goes on there")
            break
    for reason in reasons:
        context.log.info(reason)
    skip = None if requests else dg.SkipReason("; ".join(reasons) or "nothing changed")
    return dg.SensorResult(run_requests=requests, skip_reason=skip, cursor=cursor)


def _in_turn(kits: Sequence[Kit], last: str) -> list[Kit]:
    """All collections, beginning after the last one that was looked at."""
    ordered = sorted(kits, key=lambda kit: kit.collection.name)
    return sorted(ordered, key=lambda kit: kit.collection.name <= last)


def _look(kit: Kit, look: Look, running: RunsInProgress, enough: Enough) -> list[dg.RunRequest | Passed]:
    if running.of(kit):
        return [Passed("a run is in progress")]
    try:
        return list(look(kit, enough))
    except Exception as error:  # noqa: BLE001 - the outermost edge of one collection: the others are looked at
        return [Passed(f"{type(error).__name__}: {error}")]
