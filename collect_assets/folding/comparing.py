"""Comparing a day's records with the live items, and adding what is new or different as versions.

`fate` holds, for each item that is not as it was served, what would become of it: `new`, `updated`, `moved` (the same,
from another endpoint of its scope), `deleted` (the provider says so) or `missing`; and whether it is under manual
control, or waits for a decision.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb

from collect_assets.folding.answers import Answers, Source
from collect_assets.store.database import insert_rows

CHANGED = """
CREATE OR REPLACE TEMP TABLE changed (
    scope_no INTEGER, endpoint_no INTEGER, observed DATE, path VARCHAR, place INTEGER, coverage VARCHAR, several BOOLEAN
);
CREATE OR REPLACE TEMP TABLE prior (endpoint_no INTEGER, last_seen DATE);
CREATE OR REPLACE TEMP TABLE stays (endpoint_no INTEGER);
CREATE OR REPLACE TEMP TABLE answer (scope_no INTEGER, proves BOOLEAN, nothing BOOLEAN);
"""

NOTHING = """
CREATE OR REPLACE TEMP TABLE staged (
    scope_no INTEGER, endpoint_no INTEGER, item_id VARCHAR, record_hash UUID, deleted BOOLEAN, id_only BOOLEAN,
    position BIGINT
);
CREATE OR REPLACE TEMP TABLE fate (
    scope_no INTEGER, item_id VARCHAR, fate VARCHAR, version BIGINT, holder INTEGER, endpoint_no INTEGER,
    record_hash UUID, position BIGINT, id_only BOOLEAN, manual BOOLEAN, withheld BOOLEAN
);
"""

STAGE = """
CREATE OR REPLACE TEMP TABLE staged AS
SELECT c.scope_no, c.endpoint_no, r.item_id, r.record_hash, coalesce(r.deleted, false) AS deleted,
       c.coverage = 'identifiers' AS id_only, r.file_row_number AS position
FROM read_parquet($paths, filename = true, file_row_number = true, hive_partitioning = false) r
JOIN changed c ON c.path = r.filename
WHERE r.item_id IS NOT NULL
"""

# Of several records of one file with one id the first counts; of a list of changes the last, which came later. Of
# several endpoints of a scope that of the lowest place counts among those that have the item. The rest is in the counts
# of the observation.
ONE_OF_EACH = """
CREATE OR REPLACE TEMP TABLE surplus AS
SELECT s.rowid AS surplus_row FROM staged s JOIN changed c USING (scope_no, endpoint_no)
WHERE c.several
QUALIFY row_number() OVER (
    PARTITION BY s.scope_no, s.endpoint_no, s.item_id
    ORDER BY CASE WHEN c.coverage = 'changes' THEN -s.position ELSE s.position END
) > 1;
DELETE FROM staged WHERE rowid IN (FROM surplus);
CREATE OR REPLACE TEMP TABLE surplus AS
SELECT s.rowid AS surplus_row FROM staged s JOIN changed c USING (scope_no, endpoint_no)
WHERE s.scope_no IN (SELECT scope_no FROM changed GROUP BY scope_no HAVING count(*) > 1)
QUALIFY row_number() OVER (PARTITION BY s.scope_no, s.item_id ORDER BY s.deleted, s.id_only, c.place) > 1;
DELETE FROM staged WHERE rowid IN (FROM surplus);
"""

FATES = """
CREATE OR REPLACE TEMP TABLE fate AS
SELECT f.*, m.item_id IS NOT NULL AS manual, w.item_id IS NOT NULL AS withheld
FROM (
    SELECT coalesce(s.scope_no, l.scope_no) AS scope_no, coalesce(s.item_id, l.item_id) AS item_id,
           CASE WHEN s.item_id IS NULL THEN 'missing'
                WHEN s.deleted THEN 'deleted'
                WHEN l.item_id IS NULL THEN 'new'
                WHEN s.record_hash = l.record_hash THEN 'moved'
                ELSE 'updated' END AS fate,
           l.version, l.endpoint_no AS holder, s.endpoint_no, s.record_hash, s.position,
           coalesce(s.id_only, false) AS id_only
    FROM staged s
    FULL JOIN (
        SELECT scope_no, endpoint_no, item_id, record_hash, rowid AS version FROM item_version
        WHERE last_date IS NULL AND scope_no IN (SELECT scope_no FROM changed UNION SELECT scope_no FROM answer)
    ) l ON l.scope_no = s.scope_no AND l.item_id = s.item_id
    WHERE s.record_hash IS DISTINCT FROM l.record_hash OR s.endpoint_no <> l.endpoint_no OR s.deleted
) f
LEFT JOIN manual_now m ON m.scope_no = f.scope_no AND m.item_id = f.item_id
LEFT JOIN (SELECT scope_no, item_id, change FROM withheld WHERE last_date IS NULL AND reason <> 'manual') w
    ON w.scope_no = f.scope_no AND w.item_id = f.item_id
   AND w.change = CASE f.fate WHEN 'new' THEN 'created' WHEN 'missing' THEN 'deleted' WHEN 'deleted' THEN 'deleted' END
WHERE NOT (f.fate IN ('new', 'updated', 'moved') AND f.id_only)
  AND NOT (f.fate = 'deleted' AND f.version IS NULL)
  AND NOT (f.fate IN ('updated', 'moved') AND f.holder <> f.endpoint_no AND f.holder IN (FROM stays))
"""

MANUAL_NOW = """
CREATE OR REPLACE TEMP TABLE manual_now AS
SELECT DISTINCT scope_no, item_id FROM manual_item
WHERE coalesce(first_date, DATE '0001-01-01') <= $day AND (last_date IS NULL OR last_date >= $day)
"""

_FROM_RECORDS = """
       r.record_hash, r.record, r.geometry, r.xmin, r.ymin, r.xmax, r.ymax, c.observed, r.member,
       r.file_row_number + 1
FROM read_parquet($paths, filename = true, file_row_number = true, hive_partitioning = false) r
"""

ADD_VERSIONS = f"""
INSERT INTO item_version
SELECT nextval('version_number'), f.scope_no, f.endpoint_no, f.item_id, $day, NULL,
       CASE WHEN f.fate <> 'new' THEN f.fate WHEN gone.item_id IS NOT NULL THEN 'restored' ELSE 'created' END,
       NULL, NULL, {_FROM_RECORDS}
JOIN changed c ON c.path = r.filename
JOIN fate f ON f.scope_no = c.scope_no AND f.endpoint_no = c.endpoint_no AND f.position = r.file_row_number
LEFT JOIN (
    SELECT DISTINCT scope_no, item_id FROM item_version
    WHERE ended IN ('deleted', 'renamed') AND scope_no IN (SELECT scope_no FROM changed)
) gone ON gone.scope_no = f.scope_no AND gone.item_id = f.item_id
WHERE f.fate IN ('new', 'updated', 'moved') AND (f.fate = 'new' OR NOT f.manual) AND NOT f.withheld
"""

END_REPLACED = """
UPDATE item_version SET last_date = $day::DATE - 1, ended = f.fate
FROM fate f
WHERE item_version.rowid = f.version AND f.fate IN ('updated', 'moved') AND NOT f.manual
"""

# The first answer of an endpoint has nothing to be compared with.
ADD_FIRST = f"""
INSERT INTO item_version
SELECT nextval('version_number'), c.scope_no, c.endpoint_no, r.item_id, $day, NULL, 'created', NULL, NULL,
       {_FROM_RECORDS}
JOIN changed c ON c.path = r.filename
WHERE r.item_id IS NOT NULL AND NOT coalesce(r.deleted, false)
"""

SEEN_AGAIN = """
DELETE FROM unseen WHERE rowid IN (
    SELECT u.rowid FROM unseen u JOIN staged s USING (scope_no, item_id) WHERE NOT s.deleted
)
"""

MARK_UNSEEN = """
INSERT INTO unseen
SELECT f.scope_no, f.holder, f.item_id, p.last_seen, 0 FROM fate f JOIN prior p ON p.endpoint_no = f.holder
ANTI JOIN unseen u ON u.scope_no = f.scope_no AND u.item_id = f.item_id
WHERE f.fate IN ('missing', 'deleted')
"""


def left_alone(connection: duckdb.DuckDBPyConnection, day: dt.date) -> None:
    """Puts the items under manual control on a day into `manual_now`."""
    connection.execute(MANUAL_NOW, {"day": day})


def add_first(connection: duckdb.DuckDBPyConnection, day: dt.date, sources: Sequence[Source]) -> None:
    """Adds the items of endpoints that never answered before."""
    if sources:
        _load(connection, sources)
        connection.execute(ADD_FIRST, {"day": day, "paths": _paths(sources)})


def nothing_served(connection: duckdb.DuckDBPyConnection) -> None:
    """Empties `staged` and `fate`, and what they are made of."""
    connection.execute(CHANGED)
    connection.execute(NOTHING)


def compare(connection: duckdb.DuckDBPyConnection, answers: Answers) -> None:
    """Fills `staged` with what is served, and `fate` with what of it is not as it was served before."""
    connection.execute(NOTHING)
    _load(connection, answers.sources)
    if not answers.sources:
        return
    rows = [(scope_no, scope_no in answers.proves, scope_no in answers.nothing) for scope_no in sorted(answers.scopes)]
    if rows:
        insert_rows(connection, "answer", rows)
    if answers.prior:
        insert_rows(connection, "prior", sorted(answers.prior.items()))
    if answers.stays:
        insert_rows(connection, "stays", [(number,) for number in sorted(answers.stays)])
    connection.execute(STAGE, {"paths": _paths(answers.sources)})
    connection.execute(ONE_OF_EACH)
    connection.execute(FATES)


def add_versions(connection: duckdb.DuckDBPyConnection, day: dt.date, sources: Sequence[Source]) -> None:
    """Adds what is new or different, unless it is left alone or held."""
    connection.execute(ADD_VERSIONS, {"day": day, "paths": _paths(sources)})
    connection.execute(END_REPLACED, {"day": day})


def mark_unseen(connection: duckdb.DuckDBPyConnection) -> None:
    """Notes which live items the answers lack, and when those were seen last.

    Mostly none was unseen before; to find that out by joining none with 2 million takes a second.
    """
    if connection.execute("SELECT 1 FROM unseen LIMIT 1").fetchone():
        connection.execute(SEEN_AGAIN)
    connection.execute(MARK_UNSEEN)


def _load(connection: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> None:
    connection.execute(CHANGED)
    rows = [(s.scope_no, s.endpoint_no, s.observed, s.path, s.place, s.coverage, s.several) for s in sources]
    if rows:
        insert_rows(connection, "changed", rows)


def _paths(sources: Sequence[Source]) -> list[str]:
    return sorted({source.path for source in sources})
