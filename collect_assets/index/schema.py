"""The tables of the item index. Columns are explained where people read them: docs/auditing.md."""

from __future__ import annotations

import duckdb

INDEX_VERSION = 4  # goes up when a table or a rule of the fold changes; an index of another version is built anew

# Every publication is a copy of the one before: records are half of it, and a quarter when they are compressed well.
TABLES = """
CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR);

CREATE TABLE scope (scope_no INTEGER PRIMARY KEY, scope VARCHAR UNIQUE, again BOOLEAN);

CREATE TABLE endpoint (
    endpoint_no INTEGER PRIMARY KEY, endpoint VARCHAR UNIQUE, scope_no INTEGER, max_age INTEGER
);

CREATE TABLE member (scope_no INTEGER, endpoint_no INTEGER, place INTEGER, joined DATE, left_on DATE);

CREATE TABLE manual_item (
    scope_no INTEGER, item_id VARCHAR, first_date DATE, last_date DATE, who VARCHAR, why VARCHAR
);

CREATE TABLE day (
    entry_date DATE PRIMARY KEY, logs INTEGER, resources INTEGER, skips INTEGER,
    resources_digest VARCHAR
);

CREATE TABLE observation (
    endpoint_no INTEGER, entry_date DATE, resource VARCHAR, canonical_hash VARCHAR, reading VARCHAR,
    complete BOOLEAN, coverage VARCHAR, missing BOOLEAN,
    records BIGINT, without_id BIGINT, rejected BIGINT, duplicates BIGINT, conflicts BIGINT,
    readable_whole BOOLEAN, proves_absence BOOLEAN, problem VARCHAR, passing BOOLEAN
);

CREATE TABLE event (scope_no INTEGER, entry_date DATE, stage INTEGER, content VARCHAR);

CREATE SEQUENCE version_number;

CREATE TABLE item_version (
    version_no BIGINT DEFAULT nextval('version_number'),
    scope_no INTEGER, endpoint_no INTEGER, item_id VARCHAR, first_date DATE, last_date DATE, change VARCHAR,
    ended VARCHAR, why VARCHAR,
    record_hash UUID, record VARCHAR USING COMPRESSION zstd, geometry BLOB,
    xmin DOUBLE, ymin DOUBLE, xmax DOUBLE, ymax DOUBLE,
    observed DATE, member VARCHAR, record_number BIGINT
);

CREATE TABLE day_change (
    entry_date DATE PRIMARY KEY, created BIGINT, updated BIGINT, restored BIGINT, deleted BIGINT, digest VARCHAR
);

CREATE TABLE index_operation (
    operation_no BIGINT, published TIMESTAMP, rebuilt VARCHAR, first_date DATE, last_date DATE, horizon DATE,
    versions BIGINT, software VARCHAR, representation VARCHAR
);

CREATE TABLE unseen (scope_no INTEGER, endpoint_no INTEGER, item_id VARCHAR, last_seen DATE, absences INTEGER);

CREATE TABLE withheld (
    scope_no INTEGER, item_id VARCHAR, first_date DATE, last_date DATE, change VARCHAR, reason VARCHAR, held VARCHAR,
    endpoint_no INTEGER, record_hash UUID, record VARCHAR, geometry BLOB,
    xmin DOUBLE, ymin DOUBLE, xmax DOUBLE, ymax DOUBLE, observed DATE, member VARCHAR, record_number BIGINT
);

CREATE TABLE hold (
    held VARCHAR, scope_no INTEGER, entry_date DATE, reasons VARCHAR, items BIGINT, deletions BIGINT,
    creations BIGINT, allowed DOUBLE
);

CREATE TABLE decision (
    decision VARCHAR, scope_no INTEGER, entry_date DATE, verdict VARCHAR, held VARCHAR, held_on DATE,
    who VARCHAR, why VARCHAR, applied BIGINT, problem VARCHAR
);

CREATE TABLE renamed (scope_no INTEGER, old_id VARCHAR, new_id VARCHAR, entry_date DATE, decision VARCHAR);

CREATE VIEW item AS
SELECT e.endpoint, v.item_id, v.first_date AS changed, v.change, coalesce(u.last_seen, o.last_seen) AS last_harvested,
       w.change AS withheld, w.reason AS withheld_by, w.held,
       v.record_hash, v.record, v.geometry, v.xmin, v.ymin, v.xmax, v.ymax, v.observed, v.member, v.record_number
FROM item_version v
JOIN endpoint e USING (endpoint_no)
LEFT JOIN (SELECT endpoint_no, max(entry_date) AS last_seen FROM observation WHERE problem IS NULL GROUP BY ALL) o
    USING (endpoint_no)
LEFT JOIN unseen u ON u.scope_no = v.scope_no AND u.item_id = v.item_id
LEFT JOIN withheld w ON w.scope_no = v.scope_no AND w.item_id = v.item_id AND w.last_date IS NULL
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
