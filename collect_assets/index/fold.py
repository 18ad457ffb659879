"""Folding days into versions of items: the only place where days meet.

The index at a day is a function of all logs up to that day. What is new at the end of an endpoint's history is applied;
an endpoint whose earlier history reads otherwise than what was folded is folded again from its first day. Either way
the same observations give the same rows, in whatever order days were materialised.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from collect_assets.collecting.window import Clock, utc_now
from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError, IndexUnavailableError, StorageError
from collect_assets.index.apply import DayChanges, LastSeen, Observation, apply_day, passing
from collect_assets.index.damage import remove_damaged
from collect_assets.index.observations import fingerprint, load_wanted
from collect_assets.index.operations import count_changes, log_operation
from collect_assets.index.publish import building, index_lock, published, reading
from collect_assets.index.represent import represent
from collect_assets.index.representation import Representation
from collect_assets.index.schema import INDEX_VERSION, create_tables, read_meta, write_meta
from collect_assets.items.records import Reading
from collect_assets.store.database import database, literal
from collect_assets.store.local import temporary

PURGE = """
CREATE TEMP TABLE again AS
SELECT DISTINCT endpoint_no FROM (
    SELECT endpoint_no FROM (
        SELECT endpoint_no, entry_date, resource, canonical_hash, reading, complete, coverage, missing,
               CASE WHEN reading = '' THEN problem END
        FROM observation
        EXCEPT
        SELECT endpoint_no, entry_date, resource, canonical_hash, reading, complete, coverage, missing, reading_problem
        FROM wanted JOIN endpoint e USING (endpoint)
    )
    UNION ALL
    SELECT endpoint_no FROM observation WHERE passing
    UNION ALL
    SELECT h.endpoint_no
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
CREATE TEMP TABLE due AS
SELECT w.entry_date, e.endpoint_no, w.endpoint, w.resource, w.canonical_hash, w.reading, w.reading_problem, w.complete,
       w.coverage, w.missing
FROM wanted w JOIN endpoint e USING (endpoint)
ANTI JOIN observation o ON o.endpoint_no = e.endpoint_no AND o.entry_date = w.entry_date
"""

TO_BE_TRIED = ", to be tried again"


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


def fold(
    collection: Collection, upto: dt.date, *, progress: Progress | None = None, now: Clock = utc_now
) -> FoldReport:
    """Brings the index to what the files say up to a day, and publishes it if that is something new.

    Days after `upto` that the index already speaks of stay in it. Missing record files are derived on the way.

    Args:
        collection: whose index.
        upto: the entry-date to fold at least.
        progress: called before each day.
        now: tells the time, which stands in the log of operations and decides nothing.

    Raises:
        NoLogsError: nothing was ever collected up to that day.
        RegisterError: old-resource.csv cannot be read.
        StorageError: the disk is full, or a folder cannot be written; the published index is as it was.
    """
    with index_lock(collection):
        held = _held(collection, upto)
        horizon = max(upto, held.horizon)
        try:
            return _fold(collection, held, horizon, progress, now)
        except duckdb.Error as error:  # a flipped bit in a derived file is noticed when its block is read
            if "No space left" in str(error):
                raise StorageError(f"{collection.derived}: {_first_line(error)}; free space and run again") from error
            damaged = remove_damaged(collection)
            reason = f"{', '.join(damaged) or held.path}: was damaged: {_first_line(error)}"
            try:
                return _fold(collection, replace(held, path=None, rebuilt=reason), horizon, progress, now)
            except duckdb.Error as again:
                raise StorageError(f"{collection.derived}: the index cannot be built: {_first_line(again)}") from again


def _fold(collection: Collection, held: Held, horizon: dt.date, progress: Progress | None, now: Clock) -> FoldReport:
    part = temporary(collection.work)
    try:
        readings, inputs = _gather(collection, horizon, part)
        state = {
            "version": str(INDEX_VERSION),
            "rules": collection.settings.items.model_dump_json(),
            "representation": Representation.of(collection.settings.index).version,
            "horizon": horizon.isoformat(),
            "inputs": inputs,
        }
        if held.path is not None and _says_all(collection, held, state):
            return FoldReport(held.path, horizon)
        with building(collection, held.path) as connection:
            if held.path is None:
                create_tables(connection)
            changes, refolded = _apply(connection, collection, readings, part, state, progress)
            _represent(connection, collection, held, changes, horizon, refolded=refolded, at=now())
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return FoldReport(_published(collection), horizon, changes, held.rebuilt)


def _says_all(collection: Collection, held: Held, state: dict[str, str]) -> bool:
    """Whether the published index says what the files say; what could not be read may be readable by now."""
    if held.meta == state:
        return True
    if held.meta != {**state, "inputs": state["inputs"] + TO_BE_TRIED}:
        return False
    with reading(collection) as connection:
        waiting = passing(connection)
    return not any(_is_whole(collection, name) for name in waiting)


def _is_whole(collection: Collection, resource: str) -> bool:
    try:
        collection.resources.check(resource)
    except DamagedFileError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0]


def _published(collection: Collection) -> Path:
    path = published(collection)
    if path is None:
        raise IndexUnavailableError(f"{collection.index}: the index that was just published is gone; run again")
    return path


@dataclass(frozen=True)
class Held:
    """What is published already.

    Attributes:
        horizon: the newest entry-date that has to be in the next index, so that none goes that was in this one.
        path: the file to build on; None where the index has to be built from nothing.
        meta: what it says of itself.
        rebuilt: why it has to be built from nothing.
    """

    horizon: dt.date
    path: Path | None = None
    meta: dict[str, str] = field(default_factory=dict)
    rebuilt: str = ""


def _held(collection: Collection, upto: dt.date) -> Held:
    path = published(collection)
    if path is None:
        return Held(upto)
    newest = max([upto, *collection.entry_dates()])
    try:
        with reading(collection) as connection:
            meta = read_meta(connection)
        horizon = dt.date.fromisoformat(meta["horizon"])
    except IndexUnavailableError as error:
        return Held(newest, rebuilt=str(error))
    except (duckdb.Error, KeyError, ValueError) as error:
        return Held(newest, rebuilt=f"{path}: is not an item index: {_first_line(error)}")
    if meta.get("version") != str(INDEX_VERSION):
        reason = f"{path}: has version {meta.get('version')}, this software writes {INDEX_VERSION}"
        return Held(horizon, rebuilt=reason)
    if meta.get("rules") != collection.settings.items.model_dump_json():
        return Held(horizon, rebuilt="the collection's rules of the item life cycle changed")
    return Held(horizon, path, meta)


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
) -> tuple[dict[dt.date, DayChanges], bool]:
    """What the days changed, and whether endpoints were folded again from their first day."""
    for table in ("wanted", "wanted_day"):
        source = f"read_parquet({literal(part / table)}, hive_partitioning = false)"
        connection.execute(f"CREATE TEMP TABLE {table} AS FROM {source}")
    connection.execute(PURGE)
    refolded = bool(connection.execute("SELECT 1 FROM again LIMIT 1").fetchone())
    connection.execute(NEW_ENDPOINTS)
    connection.execute("DELETE FROM day; INSERT INTO day FROM wanted_day ORDER BY entry_date")
    connection.execute(DUE)
    days = [day for (day,) in connection.execute("SELECT DISTINCT entry_date FROM due ORDER BY entry_date").fetchall()]
    endpoints = LastSeen.load(connection)
    changes = {}
    for number, day in enumerate(days, 1):
        if progress is not None:
            progress(day, number, len(days))
        rows = connection.execute("SELECT * FROM due WHERE entry_date = ? ORDER BY ALL", [day]).fetchall()
        observations = [Observation(*row) for row in rows]
        changes[day] = apply_day(connection, collection, day, observations, readings, endpoints)
    if passing(connection):
        state = {**state, "inputs": state["inputs"] + TO_BE_TRIED}
    write_meta(connection, state)
    return changes, refolded


def _represent(
    connection: duckdb.DuckDBPyConnection,
    collection: Collection,
    held: Held,
    changes: Mapping[dt.date, DayChanges],
    horizon: dt.date,
    *,
    refolded: bool,
    at: dt.datetime,
) -> None:
    """Brings what searches and followers look at to the state of the items."""
    representation = Representation.of(collection.settings.index)
    versions = represent(connection, representation)
    if changes or refolded:
        count_changes(connection, dt.date.min if refolded else min(changes))
    log_operation(connection, at=at, reason=held.rebuilt or ("" if held.path else "there was none"), days=list(changes),
                  horizon=horizon, versions=versions, representation=representation.version)  # fmt: skip
