"""The assets `record` and `item_index`. What they do stands in `items/` and `folding/`."""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg

from collect_assets.collecting.log import read_logs
from collect_assets.collection import Collection
from collect_assets.errors import NoLogsError
from collect_assets.folding.fold import fold
from collect_assets.index.days import IndexDay, changed_items, held_days, index_days
from collect_assets.items.day import derive_day_records
from collect_assets.orchestration import shown
from collect_assets.orchestration.adopting import adopt_first
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
from collect_assets.tables.day_files import day_digests, fresh_day_file

PREVIEWED = 10


def record_asset(kit: Kit) -> dg.AssetsDefinition:
    """`record`: the records of each day; depends on no other day."""
    key, checks = kit.names.key("record"), [kit.checks.readable]

    @kit.step("record", ["record"], checks)
    def record(context: dg.AssetExecutionContext) -> Iterator[DayEvent]:
        days = entry_dates(context)
        adopt_first(context, kit)
        for day in days:
            try:
                records = derive_day_records(kit.collection, day)
            except NoLogsError as error:
                raise_if_alone(error, days)
                yield from day_missing(checks, day)
                continue
            fresh_day_file(kit.collection, day, again=True)
            urls = _urls(kit.collection, day)
            yield day_materialised(context, key, day, shown.record_shown(records, urls), records.version)
            yield day_checked(kit.checks.read(records, urls), day)
        yield from days_done([key], checks)

    return record


def item_index_asset(kit: Kit) -> dg.AssetsDefinition:
    """`item_index`: all days of the run are folded at once, then each is reported as the index has it."""
    key, checks = kit.names.key("item_index"), [kit.checks.agrees, kit.checks.nothing_held]

    @kit.step("item_index", ["item_index"], checks, pool=kit.names.pool)
    def item_index(context: dg.AssetExecutionContext) -> Iterator[DayEvent]:
        days = entry_dates(context)
        adopt_first(context, kit)
        folded = _fold(kit.collection, days)
        held = held_days(kit.collection) if folded else {}
        files = day_digests(kit.collection, held)
        for day in days:
            if (in_index := folded.get(day)) is None:
                yield from day_missing(checks, day)
                continue
            changed = changed_items(kit.collection, day, PREVIEWED)
            metadata = shown.index_shown(kit.collection, in_index, changed)
            yield day_materialised(context, key, day, metadata, in_index.version)
            yield day_checked(kit.checks.indexed(kit.collection, day, files, held), day)
            yield day_checked(kit.checks.held(kit.collection, day), day)
        yield from days_done([key], checks)

    return item_index


def _fold(collection: Collection, days: Sequence[dt.date]) -> dict[dt.date, IndexDay]:
    """Folds up to the last day; what the index then says of each. Days without logs are not in it.

    Raises:
        NoLogsError: the run is for one day, and nothing was collected on it.
    """
    try:
        fold(collection, days[-1])
        found = index_days(collection, days)
    except NoLogsError as error:
        raise_if_alone(error, days)
        return {}
    if not found:
        raise_if_alone(NoLogsError(f"{collection.name}: there are no logs of {days[-1]}; collect it first"), days)
    return found


def _urls(collection: Collection, day: dt.date) -> dict[str, str]:
    return {log.endpoint: log.endpoint_url for log in read_logs(collection, day)[0]}
