"""The rows of log.csv and resource.csv as text, made by DuckDB from day files.

Columns, their order and what stands in them are those of digital-land-python (`reference/digital-land.md` 1.3 and 1.4),
and so are the line ends and quotes: those of Python's csv module.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import RegisterError
from collect_assets.registers import read_sources
from collect_assets.store.database import database, insert_rows
from collect_assets.tables.adopting import adopted_table

LOG_HEADER = b"bytes,content-type,elapsed,endpoint,resource,status,entry-date,start-date,end-date,exception\r\n"
RESOURCE_HEADER = b"resource,bytes,organisations,datasets,endpoints,start-date,end-date\r\n"

_CELL = """
CREATE MACRO cell(value) AS CASE
    WHEN value IS NULL THEN ''
    WHEN regexp_matches(value, '[",\\r\\n]') THEN '"' || replace(value, '"', '""') || '"'
    ELSE value END
"""
_LOGS = """
SELECT filename, string_agg(line, '' ORDER BY endpoint) FROM (
    SELECT filename, endpoint,
           cell(coalesce(bytes::VARCHAR, content_length)) || ',' || cell(content_type) || ',' || cell(elapsed) || ','
           || cell(endpoint) || ',' || cell(resource) || ',' || cell(status) || ',' || cell(entry_date) || ',,,'
           || cell(exception) || chr(13) || chr(10) AS line
    FROM read_parquet($files, filename = true, hive_partitioning = false)
    WHERE outcome IS NULL OR NOT starts_with(outcome, 'skipped:')
) GROUP BY filename ORDER BY filename
"""
_RESOURCES = """
WITH named AS (
    SELECT resource, endpoint, coalesce(bytes::VARCHAR, content_length, '') AS size, filename || endpoint AS place,
           coalesce(left(entry_date, 10), parse_filename(filename, true)) AS day
    FROM read_parquet($files, filename = true, hive_partitioning = false)
    UNION ALL SELECT resource, endpoint, size, '', day FROM adopted
), served AS (
    SELECT resource, arg_min(size, place) AS size, min(day) AS first_day, max(day) AS last_day FROM named
    WHERE resource IS NOT NULL GROUP BY resource
), serving AS (SELECT DISTINCT resource, endpoint FROM named WHERE resource IS NOT NULL AND endpoint <> ''),
from_endpoints AS (
    SELECT resource, string_agg(endpoint, ';' ORDER BY endpoint) AS endpoints FROM serving GROUP BY resource
), organisations AS (
    SELECT resource, string_agg(DISTINCT organisation, ';' ORDER BY organisation) AS organisations
    FROM serving JOIN source USING (endpoint) WHERE organisation <> '' GROUP BY resource
), datasets AS (
    SELECT resource, string_agg(DISTINCT dataset, ';' ORDER BY dataset) AS datasets
    FROM serving JOIN (SELECT endpoint, unnest(string_split(datasets, ';')) AS dataset FROM source) USING (endpoint)
    WHERE dataset <> '' GROUP BY resource
)
SELECT cell(resource) || ',' || cell(size) || ',' || cell(organisations) || ',' || cell(datasets) || ','
       || cell(endpoints) || ',' || first_day || ','
       || CASE WHEN last_day >= (SELECT max(day) FROM named) THEN '' ELSE last_day END || chr(13) || chr(10)
FROM served LEFT JOIN from_endpoints USING (resource) LEFT JOIN organisations USING (resource)
    LEFT JOIN datasets USING (resource)
ORDER BY resource
"""
_WITHOUT_SOURCE = """
SELECT DISTINCT endpoint FROM read_parquet($files, hive_partitioning = false)
WHERE resource IS NOT NULL AND endpoint NOT IN (SELECT endpoint FROM source) ORDER BY endpoint
"""
# What others knew of a resource: its size, its endpoints, and the days on which it was first and last seen.
_ADOPTED = """
CREATE TEMP TABLE adopted AS
WITH csv AS (
    SELECT * FROM read_csv($path, header = true, all_varchar = true, null_padding = true, strict_mode = false)
), dated AS (
    SELECT resource, coalesce(bytes, '') AS size, coalesce(endpoints, '') AS endpoints, "start-date" AS first_day,
           coalesce(nullif("end-date", ''), (SELECT max(greatest("start-date", "end-date")) FROM csv)) AS last_day
    FROM csv WHERE resource <> '' AND TRY_CAST("start-date" AS DATE) IS NOT NULL
)
SELECT resource, size, unnest(string_split(endpoints, ';')) AS endpoint, unnest([first_day, last_day]) AS day FROM dated
"""
AT_ONCE = 200  # days whose lines are in memory together


def log_lines(files: Sequence[Path]) -> Iterator[tuple[Path, bytes]]:
    """The lines of log.csv that each day file stands for, in their order; none for a day without logs.

    Raises:
        duckdb.Error: a file is damaged.
    """
    with database() as connection:
        connection.execute(_CELL)
        for start in range(0, len(files), AT_ONCE):
            some = files[start : start + AT_ONCE]
            lines = dict(connection.execute(_LOGS, {"files": [str(path) for path in some]}).fetchall())
            yield from ((path, lines.get(str(path), "").encode()) for path in some)


def resource_lines(collection: Collection, files: Sequence[Path]) -> tuple[bytes, list[str]]:
    """All of resource.csv, and the endpoints with a resource that source.csv does not know.

    Raises:
        duckdb.Error: a file is damaged.
    """
    with database() as connection:
        connection.execute(_CELL)
        _load_sources(connection, collection)
        _load_adopted(connection, adopted_table(collection, "resource.csv"))
        names = {"files": [str(path) for path in files]}
        lines = connection.execute(_RESOURCES, names).fetchall()
        unknown = connection.execute(_WITHOUT_SOURCE, names).fetchall()
    return RESOURCE_HEADER + "".join(line for (line,) in lines).encode(), [endpoint for (endpoint,) in unknown]


def _load_adopted(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    if path.is_file():
        connection.execute(_ADOPTED, {"path": str(path)})
    else:
        connection.execute("CREATE TEMP TABLE adopted (resource VARCHAR, size VARCHAR, endpoint VARCHAR, day VARCHAR)")


def _load_sources(connection: duckdb.DuckDBPyConnection, collection: Collection) -> None:
    connection.execute("CREATE TEMP TABLE source (endpoint VARCHAR, organisation VARCHAR, datasets VARCHAR)")
    try:
        rows = [(s.endpoint, s.organisation, s.datasets) for s in read_sources(collection.registers / "source.csv")]
    except RegisterError:
        return
    if rows:
        insert_rows(connection, "source", rows)
