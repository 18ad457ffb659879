"""What the files say now: for every endpoint and entry-date the resource that was served, and how it is to be read.

This is the whole input of the fold. Two sets of observations with the same fingerprint fold to the same index, so an
index that holds the fingerprint of what stands in the files has nothing to do.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import NoLogsError, RegisterError, SettingsError
from collect_assets.folding.rules import ItemRules, read_rules
from collect_assets.items.old_resources import WITHDRAWN, old_resources, place_of
from collect_assets.items.records import Reading
from collect_assets.plugins import plugins
from collect_assets.registers import Endpoint, Problem, read_endpoints
from collect_assets.store.database import insert_rows
from collect_assets.tables.day_files import DAY_FILE_VERSION, day_digests

OBSERVATIONS = """
CREATE TEMP TABLE wanted AS
SELECT *, CASE WHEN outside IS NULL THEN chosen ELSE '' END AS reading, coalesce(outside, problem) AS reading_problem
FROM (
    SELECT d.endpoint, CAST(parse_filename(d.filename, true) AS DATE) AS entry_date,
           coalesce(o.place, d.resource, d.partial_resource) AS resource,
           coalesce(o.canonical_hash, d.canonical_hash, d.resource, d.partial_resource) AS canonical_hash,
           if(o.withdrawn IS NULL, r.reading, '') AS chosen, coalesce(o.withdrawn, r.problem) AS problem,
           CASE WHEN CAST(parse_filename(d.filename, true) AS DATE) < r.joined
                THEN 'not counted before ' || r.joined || ', from which on it follows another endpoint'
                WHEN CAST(parse_filename(d.filename, true) AS DATE) >= r.left_on
                THEN 'not counted any more from ' || r.left_on || ' on: the endpoint ended, or another follows it'
           END AS outside,
           d.resource IS NOT NULL AND coalesce(d.complete, true) AS complete, coalesce(d.coverage, 'full') AS coverage,
           s.name IS NULL AS missing
    FROM read_parquet($files, filename = true, hive_partitioning = false) d
    JOIN reading_of r ON d.endpoint = r.endpoint
    LEFT JOIN old_resource o ON o.name = coalesce(d.resource, d.partial_resource)
    LEFT JOIN stored s ON s.name = coalesce(o.place, d.resource, d.partial_resource)
    WHERE coalesce(d.resource, d.partial_resource) IS NOT NULL
)
"""

RULES = """
CREATE TEMP TABLE wanted_endpoint AS SELECT endpoint, scope, max_age FROM reading_of;
CREATE TEMP TABLE wanted_member (scope VARCHAR, endpoint VARCHAR, place INTEGER, joined DATE, left_on DATE);
CREATE TEMP TABLE wanted_event (scope VARCHAR, entry_date DATE, stage INTEGER, content VARCHAR);
CREATE TEMP TABLE wanted_manual (
    scope VARCHAR, item_id VARCHAR, first_date DATE, last_date DATE, who VARCHAR, why VARCHAR
);
CREATE TEMP TABLE wanted_decision (
    decision VARCHAR, scope VARCHAR, entry_date DATE, verdict VARCHAR, held VARCHAR, held_on DATE, who VARCHAR,
    why VARCHAR, ids VARCHAR
);
"""

DAYS = """
CREATE TEMP TABLE wanted_day AS
WITH kv AS (
    SELECT file_name, decode(value) AS resources_digest
    FROM parquet_kv_metadata($files) WHERE decode(key) = 'resources'
), counts AS (
    SELECT filename, count(*) FILTER (outcome IS NULL OR NOT starts_with(outcome, 'skipped:')) AS logs,
           count(resource) AS resources, count(*) FILTER (starts_with(outcome, 'skipped:')) AS skips
    FROM read_parquet($files, filename = true, hive_partitioning = false) GROUP BY filename
)
SELECT CAST(parse_filename(kv.file_name, true) AS DATE) AS entry_date, coalesce(logs, 0) AS logs,
       coalesce(resources, 0) AS resources, coalesce(skips, 0) AS skips, resources_digest
FROM kv LEFT JOIN counts ON counts.filename = kv.file_name
"""

FINGERPRINT = """
SELECT count(*), sum(md5_number_lower(row_text)::HUGEINT)::VARCHAR, sum(md5_number_upper(row_text)::HUGEINT)::VARCHAR
FROM (
    SELECT concat_ws('|', endpoint, entry_date, resource, canonical_hash, reading, reading_problem, complete, coverage,
                     missing) AS row_text FROM wanted
    UNION ALL SELECT concat_ws('|', entry_date, logs, resources, skips, resources_digest) FROM wanted_day
    UNION ALL SELECT concat_ws('|', 'endpoint', endpoint, scope, max_age) FROM wanted_endpoint
    UNION ALL SELECT to_json(w)::VARCHAR FROM wanted_member w
    UNION ALL SELECT to_json(w)::VARCHAR FROM wanted_event w
    UNION ALL SELECT to_json(w)::VARCHAR FROM wanted_manual w
)
"""


@dataclass(frozen=True)
class ReadingChoice:
    """How the resources of an endpoint are read; a problem where its parameters say something impossible."""

    reading: Reading
    problem: str = ""


@dataclass(frozen=True)
class Wanted:
    """The readings in use, by name; and what is wrong with the registers and decisions."""

    readings: Mapping[str, Reading]
    problems: tuple[Problem, ...] = ()


TABLES = (
    "wanted",
    "wanted_day",
    "wanted_endpoint",
    "wanted_member",
    "wanted_event",
    "wanted_manual",
    "wanted_decision",
)


def load_wanted(connection: duckdb.DuckDBPyConnection, collection: Collection, upto: dt.date) -> Wanted:
    """Puts what the files say up to a day into the temporary tables `TABLES`.

    Raises:
        NoLogsError: nothing was ever collected up to that day.
        RegisterError: a register about items, or old-resource.csv, is there and cannot be read.
        StorageError: a day file cannot be written.
    """
    days = [day for day in collection.entry_dates() if day <= upto]
    files = [str(collection.day_file(day)) for day in day_digests(collection, days)]
    if not files:
        raise NoLogsError(
            f"{collection.name}: there are no logs up to {upto}, so there is nothing to index; collect first"
        )
    registered = _registered(collection.register)
    answered = _answered(connection, files, registered)
    choices = {endpoint: _choice(parameters) for endpoint, parameters in answered.items()}
    rules = read_rules(collection, answered, registered)
    _load_endpoints(connection, choices, rules)
    connection.execute("CREATE TEMP TABLE stored (name VARCHAR)")
    insert_rows(connection, "stored", ((name,) for name in collection.resources.names()))
    _load_old_resources(connection, collection)
    connection.execute(OBSERVATIONS, {"files": files})
    connection.execute(DAYS, {"files": files})
    _load_rules(connection, rules, upto)
    return Wanted({choice.reading.name: choice.reading for choice in choices.values()}, tuple(rules.problems))


def _load_endpoints(
    connection: duckdb.DuckDBPyConnection, choices: Mapping[str, ReadingChoice], rules: ItemRules
) -> None:
    connection.execute(
        "CREATE TEMP TABLE reading_of (endpoint VARCHAR, reading VARCHAR, problem VARCHAR, scope VARCHAR, "
        "max_age INTEGER, joined DATE, left_on DATE)"
    )
    members = {each.endpoint: (each.joined, each.left_on) for each in rules.members}
    rows = (
        ("" if c.problem else c.reading.name, c.problem or None, rules.scopes[e], rules.ages.get(e))
        for e, c in choices.items()
    )
    spans = (members.get(endpoint, (None, None)) for endpoint in choices)
    insert_rows(connection, "reading_of", [(e, *row, *span) for e, row, span in zip(choices, rows, spans, strict=True)])


def _load_rules(connection: duckdb.DuckDBPyConnection, rules: ItemRules, upto: dt.date) -> None:
    connection.execute(RULES)
    rows: dict[str, list[tuple[object, ...]]] = {
        "wanted_member": [(m.scope, m.endpoint, m.place, m.joined, m.left_on) for m in rules.members],
        "wanted_event": [(e.scope, e.entry_date, e.stage, e.content) for e in rules.events if e.entry_date <= upto],
        "wanted_manual": [(m.endpoint, m.item, m.first_date, m.last_date, m.who, m.why) for m in rules.manual],
        "wanted_decision": [
            (d.name, scope, d.entry_date, d.verdict, d.held, d.held_on, d.who, d.why, json.dumps(dict(d.ids)))
            for scope, d in rules.decisions
            if d.entry_date <= upto
        ],
    }
    for table, content in rows.items():
        if content:
            insert_rows(connection, table, content)


def _load_old_resources(connection: duckdb.DuckDBPyConnection, collection: Collection) -> None:
    """What has the place of an old resource, with its canonical hash; why there is nothing where it was withdrawn."""
    connection.execute(
        "CREATE TEMP TABLE old_resource (name VARCHAR, place VARCHAR, canonical_hash VARCHAR, withdrawn VARCHAR)"
    )
    old = old_resources(collection)
    places = {name: place_of(name, "", old, collection) for name in old}
    rows = [(name, *(place or (None, None)), None if place else WITHDRAWN) for name, place in places.items()]
    if rows:
        insert_rows(connection, "old_resource", rows)


def fingerprint(connection: duckdb.DuckDBPyConnection) -> str:
    """One string for all observations in `wanted` and `wanted_day`."""
    row = connection.execute(FINGERPRINT).fetchone()
    return f"{DAY_FILE_VERSION}/" + "/".join(map(str, row or ()))


def _answered(
    connection: duckdb.DuckDBPyConnection, files: list[str], registered: Mapping[str, Endpoint]
) -> dict[str, Mapping[str, Any]]:
    """Parameters by endpoint: as the register says as it stands now, else as the endpoint's newest log says."""
    logged = connection.execute(
        "SELECT endpoint, arg_max_null(parameters, filename) "
        "FROM read_parquet(?, filename = true, hive_partitioning = false) "
        "WHERE resource IS NOT NULL OR partial_resource IS NOT NULL GROUP BY endpoint ORDER BY endpoint",
        [files],
    ).fetchall()
    return {e: registered[e].parameters if e in registered else _loads(text) for e, text in logged}


def _registered(register: Path) -> dict[str, Endpoint]:
    """The endpoints of the register; a folder without one works from its logs."""
    try:
        return read_endpoints(register, plugins=plugins()).by_id()
    except RegisterError:
        return {}


def _loads(text: str | None) -> Mapping[str, Any]:
    return json.loads(text) if text else {}


def _choice(parameters: Mapping[str, Any]) -> ReadingChoice:
    try:
        return ReadingChoice(Reading.of(parameters))
    except SettingsError as error:
        return ReadingChoice(Reading(), str(error))
