"""The tables of the item index. Columns are explained where people read them: docs/auditing.md."""

from __future__ import annotations

import duckdb

INDEX_VERSION = 3  # goes up when a table or a rule of the fold changes; an index of another version is built anew

TABLES = """
CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR);

CREATE TABLE endpoint (endpoint_no INTEGER PRIMARY KEY, endpoint VARCHAR UNIQUE);

CREATE TABLE day (
    entry_date DATE PRIMARY KEY, logs INTEGER, resources INTEGER, skips INTEGER,
    resources_digest VARCHAR
);

CREATE TABLE observation (
    endpoint_no INTEGER, entry_date DATE, resource VARCHAR, canonical_hash VARCHAR, reading VARCHAR,
    complete BOOLEAN, coverage VARCHAR, missing BOOLEAN,
    records BIGINT, readable_whole BOOLEAN, proves_absence BOOLEAN, problem VARCHAR, passing BOOLEAN
);

CREATE SEQUENCE version_number;

CREATE TABLE item_version (
    version_no BIGINT DEFAULT nextval('version_number'),
    endpoint_no INTEGER, item_id VARCHAR, first_date DATE, last_date DATE, change VARCHAR, ended VARCHAR,
    record_hash UUID, record VARCHAR, geometry BLOB, xmin DOUBLE, ymin DOUBLE, xmax DOUBLE, ymax DOUBLE,
    member VARCHAR, record_number BIGINT
);

CREATE TABLE day_change (
    entry_date DATE PRIMARY KEY, created BIGINT, updated BIGINT, restored BIGINT, deleted BIGINT, digest VARCHAR
);

CREATE TABLE index_operation (
    operation_no BIGINT, published TIMESTAMP, rebuilt VARCHAR, first_date DATE, last_date DATE, horizon DATE,
    versions BIGINT, software VARCHAR, representation VARCHAR
);

CREATE TABLE unseen (endpoint_no INTEGER, item_id VARCHAR, last_seen DATE, absences INTEGER);

CREATE VIEW item AS
SELECT e.endpoint, v.item_id, v.first_date AS changed, v.change, coalesce(u.last_seen, o.last_seen) AS last_harvested,
       v.record_hash, v.record, v.geometry, v.xmin, v.ymin, v.xmax, v.ymax, v.member, v.record_number
FROM item_version v
JOIN endpoint e USING (endpoint_no)
JOIN (SELECT endpoint_no, max(entry_date) AS last_seen FROM observation WHERE problem IS NULL GROUP BY ALL) o
    USING (endpoint_no)
LEFT JOIN unseen u USING (endpoint_no, item_id)
WHERE v.last_date IS NULL;
"""


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Lays an empty index."""
    connection.execute(TABLES)


def read_meta(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What an index says of itself: `version`, `rules`, `horizon`, `inputs`."""
    return dict(connection.execute("SELECT key, value FROM meta").fetchall())


def write_meta(connection: duckdb.DuckDBPyConnection, values: dict[str, str]) -> None:
    """Replaces what an index says of itself."""
    connection.execute("DELETE FROM meta")
    connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(values.items()))
