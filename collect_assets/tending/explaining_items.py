"""What readers made of one resource, and what changed in the item index by it, in sentences. Derives nothing itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from collect_assets.collecting.log import Log
from collect_assets.collection import Collection
from collect_assets.errors import IndexUnavailableError, RegisterError, SettingsError
from collect_assets.index.publish import reading
from collect_assets.items.old_resources import WITHDRAWN, old_resources, place_of
from collect_assets.items.records import Reading, RecordReport, read_report, record_file
from collect_assets.plugins import plugins
from collect_assets.registers import read_endpoints
from collect_assets.tending.explaining_log import Said

CHANGES = """
SELECT what, count(*) FROM (
    SELECT change AS what FROM item_version JOIN endpoint USING (endpoint_no)
    WHERE endpoint = $endpoint AND first_date = $day
    UNION ALL
    SELECT ended FROM item_version JOIN endpoint USING (endpoint_no)
    WHERE endpoint = $endpoint AND last_date = $day - 1 AND ended = 'deleted'
) GROUP BY what ORDER BY what
"""
HELD = "SELECT count(*) FROM day WHERE entry_date = $day"


def of_records(collection: Collection, log: Log, day: dt.date) -> Iterator[Said]:
    """The report of the reader, where it has read the resource, and what the index says of the endpoint's day."""
    if not log.resource and not log.partial_resource:
        return
    yield from _of_reading(collection, log, log.resource or log.partial_resource)
    yield from _of_index(collection, log.endpoint, day)


def _of_reading(collection: Collection, log: Log, named: str) -> Iterator[Said]:
    try:
        kind = Reading.of(_parameters(collection, log))
        place = place_of(named, log.canonical_hash, old_resources(collection), collection)
    except (SettingsError, RegisterError) as error:
        yield Said("records", f"It cannot be read: {error}.")
        return
    if place is None:
        yield Said("records", f"No records are read of it: it is {WITHDRAWN}.")
        return
    resource, canonical = place
    if resource != named:
        yield Said("records", f"In its place {resource} is read, as old-resource.csv says.")
    report = read_report(record_file(collection, kind, canonical))
    if report is None:
        yield Said("records", "It was not read into records yet, or what was read was deleted; `collect-assets index`.")
    else:
        yield from _of_report(report)


def _parameters(collection: Collection, log: Log) -> Mapping[str, Any]:
    """How records are read follows the register as it stands now, where it has the endpoint."""
    try:
        found = read_endpoints(collection.register, plugins=plugins()).by_id().get(log.endpoint)
    except RegisterError:
        return log.parameters
    return found.parameters if found else log.parameters


def _of_report(report: RecordReport) -> Iterator[Said]:
    if report.problem:
        yield Said("records", f"No records could be read: {report.problem}")
        return
    rule = f"the id is {' + '.join(report.id_rule)}" if report.id_rule else "no field is known as id, so the hash is it"
    kind = f"read as {report.format}{f', {report.encoding}' if report.encoding else ''}"
    yield Said("records", f"{report.records} records ({kind}; {rule}).")
    counts = {
        "entries could not be read": report.rejected,
        "records have a blank id": report.without_id,
        "have an id that had occurred before": report.duplicates,
    }
    for what, count in counts.items():
        if count:
            yield Said("records", f"{count} {what}.")
    if not report.proves_absence:
        yield Said("records", "So it proves no absence: items that are missing in it are kept.")
    for note in report.notes:
        yield Said("records", f"{note}.")


def _of_index(collection: Collection, endpoint: str, day: dt.date) -> Iterator[Said]:
    try:
        with reading(collection) as index:
            held = index.execute(HELD, {"day": day}).fetchone()
            rows = index.execute(CHANGES, {"endpoint": endpoint, "day": day}).fetchall()
    except IndexUnavailableError:
        return
    if not held or not held[0]:
        yield Said("items", "The item index does not hold that day.")
        return
    counts = ", ".join(f"{count} {what}" for what, count in rows)
    yield Said("items", f"Its items that day: {counts or 'nothing changed'}.")
