"""The assets `endpoint`, `log` and `resource`. What they do stands in `collect_assets/collecting/`."""

import datetime as dt
import hashlib
import time
from collections.abc import Iterator

import dagster as dg

from collect_assets.collecting.day import DayReport, collect_day
from collect_assets.collecting.last_run import register_on
from collect_assets.collecting.log import Log
from collect_assets.collecting.plan import Mode
from collect_assets.collecting.selection import select
from collect_assets.errors import NoLogsError, RegisterError
from collect_assets.orchestration import shown
from collect_assets.orchestration.adopting import adopt_first
from collect_assets.orchestration.config import COLLECTING, CollectConfig
from collect_assets.orchestration.day_events import (
    DayEvent,
    day_checked,
    day_materialised,
    day_missing,
    days_done,
    raise_if_alone,
)
from collect_assets.orchestration.kit import Kit
from collect_assets.orchestration.partitions import entry_dates
from collect_assets.orchestration.resources import Clock, Network
from collect_assets.tables.day_files import resources_digest
from collect_assets.tables.keeping import keep_tables

EVERY = 10.0  # seconds between lines of progress


def endpoint_asset(kit: Kit) -> dg.AssetsDefinition:
    """`endpoint`: the register of each day."""
    key = kit.names.key("endpoint")

    @kit.step("endpoint", ["endpoint"])
    def endpoint(context: dg.AssetExecutionContext, clock: Clock) -> Iterator[DayEvent]:
        for day in entry_dates(context):
            register = register_on(kit.collection, day, clock.today())
            metadata = shown.register_shown(register, len(register.active(day)))
            yield day_materialised(context, key, day, metadata, register.sha256)
        yield from days_done([key])

    return endpoint


def collecting_assets(kit: Kit) -> dg.AssetsDefinition:
    """`log` and `resource`: one step, since they come from the same requests."""
    log, resource = kit.names.key("log"), kit.names.key("resource")
    checks = kit.checks.of_collecting

    @kit.step(COLLECTING, ["log", "resource"], checks)
    def collecting(
        context: dg.AssetExecutionContext, config: CollectConfig, clock: Clock, network: Network
    ) -> Iterator[DayEvent]:
        days = entry_dates(context)
        adopt_first(context, kit)
        for day in days:
            try:
                report = _collect(context, kit, day, config, clock, network)
            except NoLogsError as error:
                raise_if_alone(error, days)
                yield from day_missing(checks, day)
                continue
            yield day_materialised(context, log, day, shown.log_shown(kit.collection, report), _logs_digest(report))
            digest = resources_digest(report.resources.items())
            yield day_materialised(context, resource, day, shown.resource_shown(kit.collection, report), digest)
            for finding in kit.checks.collected(kit.collection, report, limited=config.limited):
                yield day_checked(finding, day)
        _keep_tables(context, kit)
        yield from days_done([log, resource], checks)

    return collecting


def _keep_tables(context: dg.AssetExecutionContext, kit: Kit) -> None:
    """log.csv and resource.csv; a table of others that cannot be adopted stops no day."""
    try:
        tables = keep_tables(kit.collection)
    except RegisterError as error:
        context.log.warning("%s", error)
        return
    for problem in tables.problems:
        context.log.warning("%s", problem.reason)
    if tables.without_source:
        context.log.warning("%d endpoints have no row in source.csv", len(tables.without_source))


def _collect(
    context: dg.AssetExecutionContext, kit: Kit, day: dt.date, config: CollectConfig, clock: Clock, network: Network
) -> DayReport:
    report = collect_day(
        kit.collection,
        day,
        mode=Mode(config.mode.value),
        only=select(kit.collection, config.only, config.organisation),
        rules=network.rules(),
        now=clock.now,
        progress=_Lines(context),
    )
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.outcomes.items())
    context.log.info("%s: %d asked, %d had their log; %s", day, sum(report.fetched.values()), report.already, counts)
    return report


class _Lines:
    """How far collecting is, in Dagster's log: a line every ten seconds, not one per endpoint."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self.context = context
        self.done = 0
        self.last = time.monotonic()

    def __call__(self, log: Log, total: int) -> None:
        self.done += 1
        if time.monotonic() - self.last >= EVERY:
            self.last = time.monotonic()
            self.context.log.info("%d of %d; now %s %s", self.done, total, log.outcome, log.endpoint_url)


def _logs_digest(report: DayReport) -> str:
    """The version of a day's logs: what happened to whom, and not how many milliseconds it took."""
    lines = (f"{log.endpoint} {log.outcome or log.status} {log.resource}\n" for log in report.logs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
