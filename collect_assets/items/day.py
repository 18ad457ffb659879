"""The records of one entry-date: every resource of the day, read as its endpoint says. Depends on no other day."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collect_assets.collecting.log import Log, read_logs
from collect_assets.collection import Collection
from collect_assets.errors import NoLogsError, RegisterError, SettingsError
from collect_assets.items.old_resources import WITHDRAWN, old_resources, place_of
from collect_assets.items.records import Reading, RecordReport, reading_database, record_file, rejects_file, try_derive
from collect_assets.plugins import plugins
from collect_assets.registers import read_endpoints
from collect_assets.store.database import MemoryDatabase


@dataclass(frozen=True)
class DayRecords:
    """What reading a day came to.

    Attributes:
        reports: of each endpoint whose resource could be read.
        unreadable: endpoint to why its resource gave no records.
        version: a hash of what was read, and how; two days with the same one have the same records.
        rejects: endpoint to the file of the entries that could not be read, of those that have some.
    """

    entry_date: dt.date
    reports: Mapping[str, RecordReport]
    unreadable: Mapping[str, str]
    version: str
    rejects: Mapping[str, Path] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """Rows in all record files of the day."""
        return sum(report.records for report in self.reports.values())

    @property
    def rejected(self) -> int:
        """Entries that could not be read."""
        return sum(report.rejected for report in self.reports.values())

    @property
    def without_id(self) -> int:
        """Records whose id is blank."""
        return sum(report.without_id for report in self.reports.values())


def derive_day_records(collection: Collection, entry_date: dt.date) -> DayRecords:
    """Reads each resource of the day that was not read in this way before. One that cannot be read stops no other.

    Raises:
        NoLogsError: nothing was collected on that day.
        RegisterError: old-resource.csv cannot be read.
        StorageError: the disk is full, or a folder cannot be read or written.
    """
    logs, _ = read_logs(collection, entry_date)
    if not logs and not collection.runs(entry_date).is_dir():
        raise NoLogsError(
            f"{collection.name}: there are no logs of {entry_date}, so there is nothing to read; collect first"
        )
    parameters, old = _registered(collection), old_resources(collection)
    reports: dict[str, RecordReport] = {}
    unreadable: dict[str, str] = {}
    rejects: dict[str, Path] = {}
    lines = []
    with reading_database(collection) as memory:
        for log in logs:
            if log.resource or log.partial_resource:
                report, line, records = _derive(
                    collection, log, parameters.get(log.endpoint, log.parameters), old, memory
                )
                lines.append(f"{log.endpoint} {line}\n")
                if report.problem:
                    unreadable[log.endpoint] = report.problem
                else:
                    reports[log.endpoint] = report
                    if records and report.rejected:
                        rejects[log.endpoint] = rejects_file(records)
    version = hashlib.sha256("".join(lines).encode()).hexdigest()
    return DayRecords(entry_date, reports, unreadable, version, rejects)


def _derive(
    collection: Collection, log: Log, parameters: Mapping[str, Any], old: Mapping[str, str], memory: MemoryDatabase
) -> tuple[RecordReport, str, Path | None]:
    """The report of one resource, the line that stands for it in the day's version, and where its records are."""
    sha256 = log.resource or log.partial_resource
    try:
        reading = Reading.of(parameters)
    except SettingsError as error:
        return RecordReport(problem=str(error)), f"{sha256} not read", None
    if (place := place_of(sha256, log.canonical_hash, old, collection)) is None:
        return RecordReport(problem=f"{sha256} is {WITHDRAWN}"), f"{sha256} withdrawn", None
    resource, canonical = place
    report, passing = try_derive(collection, collection.resources.path(resource), reading, canonical, memory)
    line = f"{sha256} not read" if passing else f"{reading.name} {canonical}"
    return report, line, record_file(collection, reading, canonical)


def _registered(collection: Collection) -> dict[str, Mapping[str, Any]]:
    """Parameters by endpoint, as the register stands now; a folder without one is read as its logs say."""
    try:
        register = read_endpoints(collection.register, plugins=plugins())
    except RegisterError:
        return {}
    return {endpoint.endpoint: endpoint.parameters for endpoint in register.endpoints}
