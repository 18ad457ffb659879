"""Folding days into versions of items: the only place where days meet.

The index at a day is a function of all logs up to that day. What is new at the end of an endpoint's history is applied;
an endpoint whose earlier history reads otherwise than what was folded is folded again from its first day. Either way
the same observations give the same rows, in whatever order days were materialised.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from collect_assets.collecting.window import Clock, utc_now
from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError, IndexUnavailableError, StorageError
from collect_assets.folding.again import Refolded, refolded, take_out
from collect_assets.folding.apply import DayChanges, passing
from collect_assets.folding.base import Base, first_line, published_base
from collect_assets.folding.day_by_day import Days, Progress
from collect_assets.folding.observations import TABLES, Wanted, fingerprint, load_wanted
from collect_assets.index.damage import remove_damaged
from collect_assets.index.operations import count_changes, log_operation
from collect_assets.index.publish import building, index_lock, published, reading
from collect_assets.index.represent import represent
from collect_assets.index.representation import Representation
from collect_assets.index.roughly import found_fields
from collect_assets.index.schema import INDEX_VERSION, create_tables, write_meta
from collect_assets.index.sql_views import create_views
from collect_assets.items.sensitive import sensitive_rules
from collect_assets.registers import Problem
from collect_assets.store.database import database, literal
from collect_assets.store.local import copy_file, temporary

NEW_SCOPES = """
INSERT INTO scope
SELECT coalesce((SELECT max(scope_no) FROM scope), 0) + row_number() OVER (ORDER BY scope), scope, false
FROM (SELECT DISTINCT scope FROM wanted_endpoint ANTI JOIN scope USING (scope))
"""

ENDPOINTS = """
UPDATE endpoint SET scope_no = s.scope_no, max_age = w.max_age FROM wanted_endpoint w JOIN scope s USING (scope)
WHERE w.endpoint = endpoint.endpoint
  AND (endpoint.scope_no <> s.scope_no OR endpoint.max_age IS DISTINCT FROM w.max_age);
INSERT INTO endpoint
SELECT coalesce((SELECT max(endpoint_no) FROM endpoint), 0) + row_number() OVER (ORDER BY endpoint), endpoint, scope_no,
       max_age
FROM (FROM wanted_endpoint ANTI JOIN endpoint USING (endpoint)) JOIN scope USING (scope);
DELETE FROM member;
INSERT INTO member SELECT s.scope_no, e.endpoint_no, w.place, w.joined, w.left_on
FROM wanted_member w JOIN scope s USING (scope) JOIN endpoint e USING (endpoint);
DELETE FROM manual_item;
INSERT INTO manual_item SELECT s.scope_no, w.item_id, w.first_date, w.last_date, w.who, w.why
FROM wanted_manual w JOIN scope s USING (scope);
DELETE FROM day;
INSERT INTO day FROM wanted_day ORDER BY entry_date;
"""

DUE = """
CREATE OR REPLACE TEMP TABLE due AS
SELECT w.entry_date, e.endpoint_no, e.scope_no, w.endpoint, w.resource, w.canonical_hash, w.reading, w.reading_problem,
       w.complete, w.coverage, w.missing
FROM wanted w JOIN endpoint e USING (endpoint)
ANTI JOIN observation o ON o.endpoint_no = e.endpoint_no AND o.entry_date = w.entry_date;
CREATE OR REPLACE TEMP TABLE due_event AS
SELECT s.scope_no, w.entry_date, w.stage, w.content FROM wanted_event w JOIN scope s USING (scope)
ANTI JOIN event e ON e.scope_no = s.scope_no AND e.entry_date = w.entry_date AND e.stage = w.stage
                 AND e.content = w.content;
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
        refolded: endpoints that were folded again from their first day, and what that did.
        problems: what is wrong with the registers about items, and with decisions.
    """

    index: Path
    horizon: dt.date
    changes: dict[dt.date, DayChanges] = field(default_factory=dict)
    rebuilt: str = ""
    refolded: tuple[Refolded, ...] = ()
    problems: tuple[Problem, ...] = ()


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
        held = published_base(collection, upto)
        horizon = max(upto, held.horizon)
        try:
            return _fold(collection, held, horizon, progress, now)
        except duckdb.Error as error:  # a flipped bit in a derived file is noticed when its block is read
            if "No space left" in str(error):
                raise StorageError(f"{collection.derived}: {first_line(error)}; free space and run again") from error
            damaged = remove_damaged(collection)
            reason = f"{', '.join(damaged) or held.path}: was damaged: {first_line(error)}"
            try:
                return _fold(collection, replace(held, path=None, rebuilt=reason), horizon, progress, now)
            except duckdb.Error as again:
                raise StorageError(f"{collection.derived}: the index cannot be built: {first_line(again)}") from again


def _fold(collection: Collection, held: Base, horizon: dt.date, progress: Progress | None, now: Clock) -> FoldReport:
    part = temporary(collection.work)
    try:
        wanted, inputs = _gather(collection, horizon, part)
        state = _state(collection, horizon, inputs)
        if held.path is not None and _says_all(collection, held, state):
            return FoldReport(held.path, horizon, problems=(*wanted.problems, *_sensitive_problems(collection)))
        with building(collection, held.path) as connection:
            if held.path is None:
                create_tables(connection)
            done = _apply(connection, collection, wanted, part, state, progress)
            connection.execute("COMMIT; BEGIN")  # DuckDB reads what is not committed yet with one thread only
            _represent(connection, collection, held, done.changes, horizon, refolded=done.again, at=now())
    finally:
        shutil.rmtree(part, ignore_errors=True)
    problems = (*wanted.problems, *_sensitive_problems(collection))
    return FoldReport(_published(collection), horizon, done.changes, held.rebuilt, done.refolded, problems)


def _sensitive_problems(collection: Collection) -> tuple[Problem, ...]:
    """What is wrong with the rules about sensitive places, as the published index knows it."""
    rules = sensitive_rules(collection)
    if not rules:
        return rules.problems
    with reading(collection) as connection:
        return (*rules.problems, *rules.unmatched(found_fields(connection)))


@contextmanager
def fold_aside(
    collection: Collection, upto: dt.date, aside: Path, progress: Progress | None = None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, FoldReport]]:
    """The fold in a copy that is published nowhere: what it would do, and the index that would come of it.

    Args:
        collection: whose index.
        upto: the entry-date to fold at least.
        aside: a folder for the copy.
        progress: called before each day.

    Raises:
        NoLogsError: nothing was ever collected up to that day.
        IndexUnavailableError: the published index turns out to be damaged.
        StorageError: the disk is full, or a folder cannot be written.
    """
    copy = aside / "index.duckdb"
    with index_lock(collection):  # the file behind the link goes when the one after the next is published
        held = published_base(collection, upto)
        if held.path is not None:
            copy_file(held.path, copy)
    horizon = max(upto, held.horizon)
    wanted, inputs = _gather(collection, horizon, aside / "wanted")
    try:
        with database(copy, spill=aside / "spill") as connection:
            if held.path is None:
                create_tables(connection)
            done = _apply(
                connection, collection, wanted, aside / "wanted", _state(collection, horizon, inputs), progress
            )
            yield connection, FoldReport(copy, horizon, done.changes, held.rebuilt, done.refolded, wanted.problems)
    except duckdb.Error as error:
        raise IndexUnavailableError(
            f"{held.path or collection.index}: {first_line(error)}; run `collect-assets index`, which builds it again"
        ) from error


def _state(collection: Collection, horizon: dt.date, inputs: str) -> dict[str, str]:
    """What an index says of itself."""
    return {
        "version": str(INDEX_VERSION),
        "rules": collection.settings.items.model_dump_json(),
        "representation": Representation.of(collection.settings.index, sensitive_rules(collection)).version,
        "horizon": horizon.isoformat(),
        "inputs": inputs,
    }


def _says_all(collection: Collection, held: Base, state: dict[str, str]) -> bool:
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


def _published(collection: Collection) -> Path:
    path = published(collection)
    if path is None:
        raise IndexUnavailableError(f"{collection.index}: the index that was just published is gone; run again")
    return path


def _gather(collection: Collection, horizon: dt.date, part: Path) -> tuple[Wanted, str]:
    """Writes what the files say into the folder `part`; returns what is not a table, and the fingerprint of it all."""
    part.mkdir()
    with database() as connection:
        wanted = load_wanted(connection, collection, horizon)
        for table in TABLES:
            connection.execute(f"COPY {table} TO {literal(part / table)} (FORMAT parquet)")
        return wanted, fingerprint(connection)


@dataclass(frozen=True)
class _Applied:
    """What applying came to."""

    changes: dict[dt.date, DayChanges]
    refolded: tuple[Refolded, ...]
    again: bool


def _apply(
    connection: duckdb.DuckDBPyConnection,
    collection: Collection,
    wanted: Wanted,
    part: Path,
    state: dict[str, str],
    progress: Progress | None,
) -> _Applied:
    """Brings the tables of the items to what the files say."""
    for table in TABLES:
        source = f"read_parquet({literal(part / table)}, hive_partitioning = false)"
        connection.execute(f"CREATE TEMP TABLE {table} AS FROM {source}")
    connection.execute(NEW_SCOPES)
    again = take_out(connection)
    connection.execute(ENDPOINTS)
    connection.execute(DUE)
    days = Days(connection, collection, wanted.readings, dt.date.fromisoformat(state["horizon"]))
    changes = days.apply(progress)
    if passing(connection):
        state = {**state, "inputs": state["inputs"] + TO_BE_TRIED}
    write_meta(connection, state)
    return _Applied(changes, refolded(connection), again)


def _represent(
    connection: duckdb.DuckDBPyConnection,
    collection: Collection,
    held: Base,
    changes: Mapping[dt.date, DayChanges],
    horizon: dt.date,
    *,
    refolded: bool,
    at: dt.datetime,
) -> None:
    """Brings what searches and followers look at to the state of the items."""
    representation = Representation.of(collection.settings.index, sensitive_rules(collection))
    versions = represent(connection, representation)
    create_views(connection, collection)
    if changes or refolded:
        count_changes(connection, dt.date.min if refolded else min(changes))
    log_operation(connection, at=at, reason=held.rebuilt or ("" if held.path else "there was none"), days=list(changes),
                  horizon=horizon, versions=versions, representation=representation.version)  # fmt: skip
