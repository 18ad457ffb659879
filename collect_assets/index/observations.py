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
from collect_assets.items.old_resources import WITHDRAWN, old_resources, place_of
from collect_assets.items.records import Reading
from collect_assets.plugins import plugins
from collect_assets.registers import read_endpoints
from collect_assets.store.database import insert_rows
from collect_assets.tables.day_files import DAY_FILE_VERSION, day_digests

OBSERVATIONS = """
CREATE TEMP TABLE wanted AS
SELECT d.endpoint, CAST(parse_filename(d.filename, true) AS DATE) AS entry_date,
       coalesce(o.place, d.resource, d.partial_resource) AS resource,
       coalesce(o.canonical_hash, d.canonical_hash, d.resource, d.partial_resource) AS canonical_hash,
       if(o.withdrawn IS NULL, r.reading, '') AS reading, coalesce(o.withdrawn, r.problem) AS reading_problem,
       d.resource IS NOT NULL AND coalesce(d.complete, true) AS complete, coalesce(d.coverage, 'full') AS coverage,
       s.name IS NULL AS missing
FROM read_parquet($files, filename = true, hive_partitioning = false) d
JOIN reading_of r ON d.endpoint = r.endpoint
LEFT JOIN old_resource o ON o.name = coalesce(d.resource, d.partial_resource)
LEFT JOIN stored s ON s.name = coalesce(o.place, d.resource, d.partial_resource)
WHERE coalesce(d.resource, d.partial_resource) IS NOT NULL
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
)
"""


@dataclass(frozen=True)
class ReadingChoice:
    """How the resources of an endpoint are read; a problem where its parameters say something impossible."""

    reading: Reading
    problem: str = ""


def load_wanted(connection: duckdb.DuckDBPyConnection, collection: Collection, upto: dt.date) -> dict[str, Reading]:
    """Puts the observations up to a day into the temporary tables `wanted` and `wanted_day`.

    Returns:
        The readings in use, by name.

    Raises:
        NoLogsError: nothing was ever collected up to that day.
        RegisterError: old-resource.csv cannot be read.
        StorageError: a day file cannot be written.
    """
    days = [day for day in collection.entry_dates() if day <= upto]
    files = [str(collection.day_file(day)) for day in day_digests(collection, days)]
    if not files:
        raise NoLogsError(
            f"{collection.name}: there are no logs up to {upto}, so there is nothing to index; collect first"
        )
    choices = _readings(connection, collection, files)
    connection.execute("CREATE TEMP TABLE reading_of (endpoint VARCHAR, reading VARCHAR, problem VARCHAR)")
    rows = [(e, "" if c.problem else c.reading.name, c.problem or None) for e, c in choices.items()]
    insert_rows(connection, "reading_of", rows)
    connection.execute("CREATE TEMP TABLE stored (name VARCHAR)")
    insert_rows(connection, "stored", ((name,) for name in collection.resources.names()))
    _load_old_resources(connection, collection)
    connection.execute(OBSERVATIONS, {"files": files})
    connection.execute(DAYS, {"files": files})
    return {choice.reading.name: choice.reading for choice in choices.values()}


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


def _readings(
    connection: duckdb.DuckDBPyConnection, collection: Collection, files: list[str]
) -> dict[str, ReadingChoice]:
    """By endpoint: what the register says as it stands now, else what the endpoint's newest log says."""
    logged = connection.execute(
        "SELECT endpoint, arg_max_null(parameters, filename) "
        "FROM read_parquet(?, filename = true, hive_partitioning = false) "
        "WHERE resource IS NOT NULL OR partial_resource IS NOT NULL GROUP BY endpoint",
        [files],
    ).fetchall()
    registered = _registered(collection.register)
    return {endpoint: _choice(registered.get(endpoint, _loads(text))) for endpoint, text in logged}


def _registered(register: Path) -> dict[str, Mapping[str, Any]]:
    """Parameters by endpoint; a folder without a register works from its logs."""
    try:
        return {e.endpoint: e.parameters for e in read_endpoints(register, plugins=plugins()).endpoints}
    except RegisterError:
        return {}


def _loads(text: str | None) -> Mapping[str, Any]:
    return json.loads(text) if text else {}


def _choice(parameters: Mapping[str, Any]) -> ReadingChoice:
    try:
        return ReadingChoice(Reading.of(parameters))
    except SettingsError as error:
        return ReadingChoice(Reading(), str(error))
