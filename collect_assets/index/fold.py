"""Folding days into versions of items: the only place where days meet.

The index at a day is a function of all logs up to that day. What is new at the end of an endpoint's history is applied;
an endpoint whose earlier history reads otherwise than what was folded is folded again from its first day. Either way
the same observations give the same rows, in whatever order days were materialised.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import IndexUnavailableError, StorageError
from collect_assets.index.apply import DayChanges, LastSeen, Observation, apply_day, passing
from collect_assets.index.observations import fingerprint, load_wanted
from collect_assets.index.publish import DAMAGE, building, index_lock, published, reading
from collect_assets.index.schema import INDEX_VERSION, create_tables, read_meta, write_meta
from collect_assets.items.records import Reading
from collect_assets.store.database import database, literal
from collect_assets.store.local import temporary

PURGE = """
CREATE TEMP TABLE again AS
SELECT DISTINCT endpoint_no FROM (
    SELECT endpoint_no, e.endpoint, entry_date, resource, canonical_hash, reading, complete, coverage
    FROM observation JOIN endpoint e USING (endpoint_no) WHERE NOT passing
    EXCEPT
    SELECT endpoint_no, e.endpoint, entry_date, resource, canonical_hash, reading, complete, coverage
    FROM wanted JOIN endpoint e USING (endpoint)
    UNION ALL
    SELECT endpoint_no, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM observation WHERE passing
    UNION ALL
    SELECT h.endpoint_no, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM wanted w JOIN endpoint e USING (endpoint)
    JOIN (SELECT endpoint_no, max(entry_date) AS newest FROM observation GROUP BY endpoint_no) h USING (endpoint_no)
    ANTI JOIN observation o ON o.endpoint_no = e.endpoint_no AND o.entry_date = w.entry_date
    WHERE w.entry_date < h.newest
);
DELETE FROM item_version WHERE endpoint_no IN (FROM again);
DELETE FROM unseen WHERE endpoint_no IN (FROM again);
DELETE FROM observation WHERE endpoint_no IN (FROM again);
"""

NEW_ENDPOINTS = """
INSERT INTO endpoint
SELECT coalesce((SELECT max(endpoint_no) FROM endpoint), 0) + row_number() OVER (ORDER BY endpoint), endpoint
FROM (SELECT DISTINCT endpoint FROM wanted ANTI JOIN endpoint USING (endpoint))
"""

DUE = """
SELECT w.entry_date, e.endpoint_no, w.endpoint, w.resource, w.canonical_hash, w.reading, w.reading_problem, w.complete,
       w.coverage
FROM wanted w JOIN endpoint e USING (endpoint)
ANTI JOIN observation o ON o.endpoint_no = e.endpoint_no AND o.entry_date = w.entry_date
ORDER BY ALL
"""


@dataclass(frozen=True)
class FoldReport:
    """What a fold did.

    Attributes:
        index: the published file.
        horizon: the newest entry-date that the index speaks of.
        changes: by entry-date, what was applied; empty when the files say nothing new.
        rebuilt: why the index was built from nothing; blank when it was not.
    """

    index: Path
    horizon: dt.date
    changes: dict[dt.date, DayChanges] = field(default_factory=dict)
    rebuilt: str = ""


Progress = Callable[[dt.date, int, int], None]
"""Called before each day with the day, its number and the number of days to apply."""


def fold(collection: Collection, upto: dt.date, *, progress: Progress | None = None) -> FoldReport:
    """Brings the index to what the files say up to a day, and publishes it if that is something new.

    Days after `upto` that the index already speaks of stay in it. Missing record files are derived on the way.

    Args:
        collection: whose index.
        upto: the entry-date to fold at least.
        progress: called before each day.

    Raises:
        NoLogsError: nothing was ever collected up to that day.
        StorageError: the disk is full, or a folder cannot be written; the published index is as it was.
    """
    with index_lock(collection):
        base, held, rebuilt = _held(collection)
        horizon = max(upto, dt.date.fromisoformat(held.get("horizon", upto.isoformat())))
        part = temporary(collection.work)
        try:
            readings, inputs = _gather(collection, horizon, part)
            state = {
                "version": str(INDEX_VERSION),
                "rules": collection.settings.items.model_dump_json(),
                "horizon": horizon.isoformat(),
                "inputs": inputs,
            }
            if base is not None and held == state:
                return FoldReport(base, horizon)
            try:
                changes = _publish(collection, base, readings, part, state, progress)
            except DAMAGE as error:  # a flipped bit is noticed when its block is read
                if base is None:
                    raise StorageError(f"{collection.derived}: the index cannot be written: {error}") from error
                rebuilt = f"{base}: is damaged: {str(error).splitlines()[0]}"
                changes = _publish(collection, None, readings, part, state, progress)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return FoldReport(_published(collection), horizon, changes, rebuilt)


def _publish(
    collection: Collection,
    base: Path | None,
    readings: dict[str, Reading],
    part: Path,
    state: dict[str, str],
    progress: Progress | None,
) -> dict[dt.date, DayChanges]:
    with building(collection, base) as connection:
        if base is None:
            create_tables(connection)
        return _apply(connection, collection, readings, part, state, progress)


def _published(collection: Collection) -> Path:
    path = published(collection)
    if path is None:
        raise IndexUnavailableError(f"{collection.index}: the index that was just published is gone; run again")
    return path


def _held(collection: Collection) -> tuple[Path | None, dict[str, str], str]:
    """The published index and what it says of itself; none, and why, where it must be built from nothing."""
    path = published(collection)
    if path is None:
        return None, {}, ""
    try:
        with reading(collection) as connection:
            held = read_meta(connection)
    except IndexUnavailableError as error:
        return None, {}, str(error)
    except duckdb.Error as error:
        return None, {}, f"{path}: is not an item index: {error}"
    if held.get("version") != str(INDEX_VERSION):
        return None, {}, f"{path}: has version {held.get('version')}, this software writes {INDEX_VERSION}"
    if held.get("rules") != collection.settings.items.model_dump_json():
        return None, {}, "the collection's rules of the item life cycle changed"
    return path, held, ""


def _gather(collection: Collection, horizon: dt.date, part: Path) -> tuple[dict[str, Reading], str]:
    """Writes the observations into the folder `part`; returns the readings in use and the fingerprint of it all."""
    part.mkdir()
    with database() as connection:
        readings = load_wanted(connection, collection, horizon)
        for table in ("wanted", "wanted_day"):
            connection.execute(f"COPY {table} TO {literal(part / table)} (FORMAT parquet)")
        return readings, fingerprint(connection)


def _apply(
    connection: duckdb.DuckDBPyConnection,
    collection: Collection,
    readings: dict[str, Reading],
    part: Path,
    state: dict[str, str],
    progress: Progress | None,
) -> dict[dt.date, DayChanges]:
    for table in ("wanted", "wanted_day"):
        connection.execute(f"CREATE TEMP TABLE {table} AS FROM read_parquet({literal(part / table)})")
    connection.execute(PURGE)
    connection.execute(NEW_ENDPOINTS)
    connection.execute("DELETE FROM day; INSERT INTO day FROM wanted_day ORDER BY entry_date")
    due = [Observation(*row) for row in connection.execute(DUE).fetchall()]
    days = {day: list(those) for day, those in groupby(due, key=lambda observation: observation.entry_date)}
    endpoints = LastSeen.load(connection)
    changes = {}
    for number, (day, observations) in enumerate(days.items(), 1):
        if progress is not None:
            progress(day, number, len(days))
        changes[day] = apply_day(connection, collection, day, observations, readings, endpoints)
    if passing(connection):
        state = {**state, "inputs": f"{state['inputs']}, to be tried again"}
    write_meta(connection, state)
    return changes
