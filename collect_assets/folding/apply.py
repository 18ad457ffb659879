"""Applying the answers of one entry-date to the items: created, updated, moved, touched, deleted, restored.

All scopes of a day are applied together, in SQL. An answer that repeats what its endpoint served before costs a row; of
one that does not, ids and hashes are compared, and only the records that are new or different are copied. Touching is
not written down per item: an item was last harvested when its endpoint was, unless it stands in `unseen`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from collect_assets.collection import Collection
from collect_assets.folding.answers import LastSeen, Observation, Read, Seen, cannot_be_read, gather, proves_absence
from collect_assets.folding.comparing import add_first, add_versions, compare, left_alone, mark_unseen
from collect_assets.folding.ending import count_absences, end_due, find_due
from collect_assets.folding.holding import begin_holding, hold_changed_ids, hold_losses, write_holds
from collect_assets.folding.withholding import refresh
from collect_assets.items.records import Reading, reading_database, record_file, try_derive
from collect_assets.store.database import MemoryDatabase, insert_rows

CHANGES = """
SELECT count(*) FILTER (first_date = $day AND change = 'created'),
       count(*) FILTER (first_date = $day AND change = 'updated'),
       count(*) FILTER (first_date = $day AND change = 'restored'),
       count(*) FILTER (last_date = $day::DATE - 1 AND ended = 'deleted'),
       count(*) FILTER (first_date = $day AND change IN ('moved', 'renamed'))
FROM item_version WHERE first_date = $day OR last_date = $day::DATE - 1
"""

HELD = """
SELECT e.endpoint, h.deletions + h.creations FROM hold h
JOIN (SELECT scope_no, min(endpoint) AS endpoint FROM endpoint GROUP BY scope_no) e USING (scope_no)
WHERE h.entry_date = $day
"""


@dataclass(frozen=True)
class DayChanges:
    """What a day did to the items.

    Attributes:
        moved: items that another endpoint of their scope serves now, or that have another id.
        problems: endpoint to why its resource could not be read.
        held: endpoint to how many changes wait for a decision since that day.
    """

    created: int = 0
    updated: int = 0
    restored: int = 0
    deleted: int = 0
    moved: int = 0
    problems: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        counts = f"{self.created} created, {self.updated} updated, {self.restored} restored, {self.deleted} deleted"
        return f"{counts}, {self.moved} moved" if self.moved else counts


def changes_of(connection: duckdb.DuckDBPyConnection, day: dt.date, problems: Mapping[str, str]) -> DayChanges:
    """What a day did, when all its stages are applied."""
    created, updated, restored, deleted, moved = connection.execute(CHANGES, {"day": day}).fetchone() or (0,) * 5
    held = dict(connection.execute(HELD, {"day": day}).fetchall())
    return DayChanges(created, updated, restored, deleted, moved, problems, held)


def apply_day(
    connection: duckdb.DuckDBPyConnection,
    collection: Collection,
    day: dt.date,
    observations: Sequence[Observation],
    readings: Mapping[str, Reading],
    last_seen: LastSeen,
) -> dict[str, str]:
    """Applies what a day's endpoints served; `last_seen` moves on.

    Args:
        connection: the index in the making.
        collection: whose day.
        day: the entry-date; all that came before it in these scopes is applied.
        observations: of the day, each endpoint once.
        readings: by name.
        last_seen: of all endpoints.

    Returns:
        Endpoint to why its resource could not be read.

    Raises:
        StorageError: a record file cannot be written.
    """
    settings = collection.settings.items
    repeated = [o for o in observations if last_seen.repeats(o)]
    again = {id(o) for o in repeated}
    with reading_database(collection) as memory:
        read = [_read(collection, o, readings, memory) for o in observations if id(o) not in again]
        good = [r for r in read if not r.problem]
        answers = gather(day, repeated, good, last_seen, lambda o: _read(collection, o, readings, memory))
    left_alone(connection, day)
    add_first(connection, day, answers.first)
    compare(connection, answers)
    begin_holding(connection)
    if answers.sources:
        refresh(connection, day)
        hold_changed_ids(connection, day, settings.guard)
        add_versions(connection, day, answers.sources)
        mark_unseen(connection)
    count_absences(connection, answers.proving)
    find_due(connection, settings.absences_before_deletion)
    hold_losses(connection, day, settings.guard)
    end_due(connection, day)
    write_holds(connection, day)
    _write_observations(connection, repeated, read, last_seen)
    last_seen.advance(repeated, good)
    last_seen.applied(connection, answers.scopes)
    return {r.observation.endpoint: r.problem for r in read if r.problem}


def passing(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The resources that could not be read for a reason that may pass: the file is damaged, or we failed."""
    return [
        name for (name,) in connection.execute("SELECT DISTINCT resource FROM observation WHERE passing").fetchall()
    ]


def _read(
    collection: Collection, observation: Observation, readings: Mapping[str, Reading], memory: MemoryDatabase
) -> Read:
    if problem := cannot_be_read(observation):
        return Read(observation, None, problem)
    reading = readings[observation.reading]
    resource = collection.resources.path(observation.resource)
    report, may_pass = try_derive(collection, resource, reading, observation.canonical_hash, memory)
    path = str(record_file(collection, reading, observation.canonical_hash))
    return Read(observation, report, report.problem, passing=may_pass, path=path)


def _write_observations(
    connection: duckdb.DuckDBPyConnection, repeated: Sequence[Observation], read: Sequence[Read], last_seen: LastSeen
) -> None:
    rows = [_row(o, last_seen[o.endpoint_no]) for o in repeated]
    rows += [_row(r.observation, Seen.of(r), r.problem or None, r.passing) for r in read]
    if rows:
        insert_rows(connection, "observation", rows)


def _row(o: Observation, seen: Seen, problem: str | None = None, passing: bool = False) -> tuple[object, ...]:
    content = (o.endpoint_no, o.entry_date, o.resource, o.canonical_hash, o.reading, o.complete, o.coverage, o.missing)
    counts = (seen.records, seen.without_id, seen.rejected, seen.duplicates, seen.conflicts)
    return (*content, *counts, seen.whole, proves_absence(o, seen), problem, passing)
