"""Applying the observations of one entry-date to the items: created, updated, touched, deleted, restored.

All endpoints of a day are applied together, in SQL. An observation that repeats what its endpoint served before costs a
row; of one that does not, ids and hashes are compared, and only the records that are new or different are copied.
Touching is not written down per item: an item was last harvested when its endpoint was, unless it stands in `unseen`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from collect_assets.collection import Collection
from collect_assets.items.records import Reading, RecordReport, reading_database, record_file, try_derive
from collect_assets.store.database import MemoryDatabase, insert_rows

STAGE = """
CREATE OR REPLACE TEMP TABLE staged AS
SELECT c.endpoint_no, r.item_id, r.record_hash, r.filename AS path, r.file_row_number AS position
FROM read_parquet($paths, filename = true, file_row_number = true, hive_partitioning = false) r
JOIN changed c ON c.path = r.filename
WHERE r.item_id IS NOT NULL
"""

# Of several records with one id the first in the file counts; the others are counted in the reading's report.
FIRST_OF_DUPLICATES = """
DELETE FROM staged WHERE (endpoint_no, position) IN (
    SELECT (endpoint_no, position) FROM (
        SELECT endpoint_no, position, row_number() OVER (PARTITION BY endpoint_no, item_id ORDER BY position) AS nth
        FROM staged WHERE endpoint_no IN (SELECT endpoint_no FROM changed WHERE duplicates)
    ) WHERE nth > 1
)
"""

FATES = """
CREATE OR REPLACE TEMP TABLE fate AS
SELECT coalesce(s.endpoint_no, l.endpoint_no) AS endpoint_no, coalesce(s.item_id, l.item_id) AS item_id,
       CASE WHEN l.item_id IS NULL THEN 'new' WHEN s.item_id IS NULL THEN 'missing' ELSE 'updated' END AS fate,
       l.version, s.path, s.position
FROM staged s
FULL JOIN (
    SELECT endpoint_no, item_id, record_hash, rowid AS version FROM item_version
    WHERE last_date IS NULL AND endpoint_no IN (SELECT endpoint_no FROM changed)
) l ON l.endpoint_no = s.endpoint_no AND l.item_id = s.item_id
WHERE s.record_hash IS DISTINCT FROM l.record_hash
"""

END_UPDATED = """
UPDATE item_version SET last_date = $day::DATE - 1, ended = 'updated'
WHERE rowid IN (SELECT version FROM fate WHERE fate = 'updated')
"""

ADD_VERSIONS = """
INSERT INTO item_version
SELECT nextval('version_number'), f.endpoint_no, f.item_id, $day, NULL,
       CASE WHEN f.fate = 'updated' THEN 'updated' WHEN gone.item_id IS NOT NULL THEN 'restored' ELSE 'created' END,
       NULL,
       r.record_hash, r.record, r.geometry, r.xmin, r.ymin, r.xmax, r.ymax, r.member, r.file_row_number + 1
FROM read_parquet($paths, filename = true, file_row_number = true, hive_partitioning = false) r
JOIN fate f ON f.path = r.filename AND f.position = r.file_row_number
LEFT JOIN (
    SELECT DISTINCT endpoint_no, item_id FROM item_version
    WHERE last_date IS NOT NULL AND ended = 'deleted' AND endpoint_no IN (SELECT endpoint_no FROM changed)
) gone ON gone.endpoint_no = f.endpoint_no AND gone.item_id = f.item_id
WHERE f.fate IN ('new', 'updated')
"""

# The first harvest of an endpoint has nothing to be compared with.
ADD_FIRST = """
INSERT INTO item_version
SELECT nextval('version_number'), c.endpoint_no, r.item_id, $day, NULL, 'created', NULL,
       r.record_hash, r.record, r.geometry, r.xmin, r.ymin, r.xmax, r.ymax, r.member, r.file_row_number + 1
FROM read_parquet($paths, filename = true, file_row_number = true, hive_partitioning = false) r
JOIN first_time c ON c.path = r.filename
WHERE r.item_id IS NOT NULL
"""

MARK_UNSEEN = """
DELETE FROM unseen WHERE (endpoint_no, item_id) IN (SELECT (endpoint_no, item_id) FROM staged);
INSERT INTO unseen
SELECT f.endpoint_no, f.item_id, c.last_seen, 0 FROM fate f JOIN changed c USING (endpoint_no)
ANTI JOIN unseen u ON u.endpoint_no = f.endpoint_no AND u.item_id = f.item_id
WHERE f.fate = 'missing';
"""

COUNT_ABSENCES = """
UPDATE unseen SET absences = absences + 1 WHERE endpoint_no IN (SELECT unnest($proving::INTEGER[]))
"""

DELETE_ABSENT = """
UPDATE item_version SET last_date = $day::DATE - 1, ended = 'deleted'
WHERE last_date IS NULL
  AND (endpoint_no, item_id) IN (SELECT (endpoint_no, item_id) FROM unseen WHERE absences >= $limit)
"""

CHANGES = """
SELECT count(*) FILTER (first_date = $day AND change = 'created'),
       count(*) FILTER (first_date = $day AND change = 'updated'),
       count(*) FILTER (first_date = $day AND change = 'restored'),
       count(*) FILTER (last_date = $day::DATE - 1 AND ended = 'deleted')
FROM item_version WHERE first_date = $day OR last_date = $day::DATE - 1
"""


@dataclass(frozen=True)
class Observation:
    """What an endpoint served on an entry-date."""

    entry_date: dt.date
    endpoint_no: int
    endpoint: str
    resource: str
    canonical_hash: str
    reading: str
    reading_problem: str | None
    complete: bool
    coverage: str
    missing: bool


@dataclass(frozen=True)
class Seen:
    """The last readable observation of an endpoint."""

    entry_date: dt.date
    canonical_hash: str
    reading: str
    records: int
    proves_absence: bool


class LastSeen(dict[int, Seen]):
    """The last readable observation of each endpoint, by its number."""

    @classmethod
    def load(cls, connection: duckdb.DuckDBPyConnection) -> LastSeen:
        """From the observations that are folded already."""
        rows = connection.execute(
            "SELECT endpoint_no, entry_date, canonical_hash, reading, records, readable_whole FROM observation "
            "WHERE problem IS NULL QUALIFY row_number() OVER (PARTITION BY endpoint_no ORDER BY entry_date DESC) = 1"
        ).fetchall()
        return cls({number: Seen(*rest) for number, *rest in rows})


@dataclass(frozen=True)
class DayChanges:
    """What a day did to the items, and which resources could not be read (by endpoint, with the reason)."""

    created: int = 0
    updated: int = 0
    restored: int = 0
    deleted: int = 0
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Read:
    """An observation with what its resource holds, as far as it can be read."""

    observation: Observation
    report: RecordReport | None
    problem: str
    passing: bool = False
    path: str = ""


def apply_day(
    connection: duckdb.DuckDBPyConnection,
    collection: Collection,
    day: dt.date,
    observations: Sequence[Observation],
    readings: Mapping[str, Reading],
    last_seen: LastSeen,
) -> DayChanges:
    """Applies what a day's endpoints served; `last_seen` moves on.

    Args:
        connection: the index in the making.
        collection: whose day.
        day: the entry-date; all days of these endpoints before it are applied.
        observations: of the day, each endpoint once.
        readings: by name.
        last_seen: of all endpoints.

    Raises:
        StorageError: a record file cannot be written.
    """
    repeated = [o for o in observations if _repeats(o, last_seen)]
    with reading_database(collection) as memory:
        read = [_read(collection, o, readings, memory) for o in observations if not _repeats(o, last_seen)]
    _apply_changed(connection, day, [r for r in read if not r.problem], last_seen)
    _write_observations(connection, repeated, read, last_seen)
    proving = _advance(repeated, read, last_seen)
    connection.execute(COUNT_ABSENCES, {"proving": proving})
    limit = collection.settings.items.absences_before_deletion
    connection.execute(DELETE_ABSENT, {"day": day, "limit": limit})
    connection.execute("DELETE FROM unseen WHERE absences >= ?", [limit])
    created, updated, restored, deleted = connection.execute(CHANGES, {"day": day}).fetchone() or (0, 0, 0, 0)
    problems = {r.observation.endpoint: r.problem for r in read if r.problem}
    return DayChanges(created, updated, restored, deleted, problems)


def passing(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The resources that could not be read for a reason that may pass: the file is damaged, or we failed."""
    return [
        name for (name,) in connection.execute("SELECT DISTINCT resource FROM observation WHERE passing").fetchall()
    ]


def _repeats(observation: Observation, last_seen: LastSeen) -> bool:
    seen = last_seen.get(observation.endpoint_no)
    same = (observation.canonical_hash, observation.reading)
    return _can_be_read(observation) == "" and seen is not None and (seen.canonical_hash, seen.reading) == same


def _can_be_read(observation: Observation) -> str:
    """Why the resource of an observation is not even looked at; blank where it is."""
    if observation.reading_problem:
        return observation.reading_problem
    if observation.missing:
        return f"{observation.resource} is missing; restore it from a copy of the collection"
    if observation.coverage == "identifiers":
        return "a list of identifiers alone; such lists are not applied yet"
    return ""


def _read(
    collection: Collection, observation: Observation, readings: Mapping[str, Reading], memory: MemoryDatabase
) -> _Read:
    if problem := _can_be_read(observation):
        return _Read(observation, None, problem)
    reading = readings[observation.reading]
    resource = collection.resources.path(observation.resource)
    report, may_pass = try_derive(collection, resource, reading, observation.canonical_hash, memory)
    path = str(record_file(collection, reading, observation.canonical_hash))
    return _Read(observation, report, report.problem, passing=may_pass, path=path)


def _apply_changed(
    connection: duckdb.DuckDBPyConnection, day: dt.date, read: Sequence[_Read], last_seen: LastSeen
) -> None:
    """Compares the records of the endpoints that served something else with their live items."""
    known = [r for r in read if r.observation.endpoint_no in last_seen]
    plain = [r for r in read if r.observation.endpoint_no not in last_seen and r.report and not r.report.duplicates]
    with_duplicates = [
        r for r in read if r.observation.endpoint_no not in last_seen and r.report and r.report.duplicates
    ]
    _load(connection, "first_time", plain, last_seen)
    if plain:
        connection.execute(ADD_FIRST, {"day": day, "paths": _paths(plain)})
    if compared := known + with_duplicates:
        _load(connection, "changed", compared, last_seen)
        connection.execute(STAGE, {"paths": _paths(compared)})
        connection.execute(FIRST_OF_DUPLICATES)
        connection.execute(FATES)
        connection.execute(ADD_VERSIONS, {"day": day, "paths": _paths(compared)})
        connection.execute(END_UPDATED, {"day": day})
        connection.execute(MARK_UNSEEN)


def _load(connection: duckdb.DuckDBPyConnection, table: str, read: Sequence[_Read], last_seen: LastSeen) -> None:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} (endpoint_no INTEGER, path VARCHAR, duplicates BOOLEAN, last_seen DATE)"
    )
    rows = [
        (r.observation.endpoint_no, r.path, bool(r.report and r.report.duplicates), _date(last_seen, r)) for r in read
    ]
    if rows:
        insert_rows(connection, table, rows)


def _date(last_seen: LastSeen, read: _Read) -> dt.date | None:
    seen = last_seen.get(read.observation.endpoint_no)
    return seen.entry_date if seen else None


def _paths(read: Sequence[_Read]) -> list[str]:
    return sorted({r.path for r in read})


def _write_observations(
    connection: duckdb.DuckDBPyConnection, repeated: Sequence[Observation], read: Sequence[_Read], last_seen: LastSeen
) -> None:
    rows = [_row(o, last_seen[o.endpoint_no].records, last_seen[o.endpoint_no].proves_absence) for o in repeated]
    for r in read:
        records, whole = (r.report.records, r.report.proves_absence) if r.report and not r.problem else (0, False)
        rows.append(_row(r.observation, records, whole, r.problem or None, r.passing))
    insert_rows(connection, "observation", rows)


def _row(
    o: Observation, records: int, whole: bool, problem: str | None = None, passing: bool = False
) -> tuple[object, ...]:
    content = (o.endpoint_no, o.entry_date, o.resource, o.canonical_hash, o.reading, o.complete, o.coverage, o.missing)
    return (*content, records, whole, _proves_absence(o, records, whole=whole), problem, passing)


def _proves_absence(observation: Observation, records: int, *, whole: bool) -> bool:
    """An empty answer proves nothing: it is more often a fault than the end of everything."""
    return whole and records > 0 and observation.complete and observation.coverage == "full"


def _advance(repeated: Sequence[Observation], read: Sequence[_Read], last_seen: LastSeen) -> list[int]:
    """Moves `last_seen` to the day; returns the endpoints whose observation proves the absence of what it lacks."""
    proving = []
    for o in repeated:
        seen = last_seen[o.endpoint_no]
        last_seen[o.endpoint_no] = Seen(
            o.entry_date, seen.canonical_hash, seen.reading, seen.records, seen.proves_absence
        )
        if _proves_absence(o, seen.records, whole=seen.proves_absence):
            proving.append(o.endpoint_no)
    for r in read:
        o = r.observation
        if r.report is not None and not r.problem:
            whole = r.report.proves_absence
            last_seen[o.endpoint_no] = Seen(o.entry_date, o.canonical_hash, o.reading, r.report.records, whole)
            if _proves_absence(o, r.report.records, whole=whole):
                proving.append(o.endpoint_no)
    return proving
