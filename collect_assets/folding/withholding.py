"""What endpoints say and the items do not follow: under manual control, or waiting for a decision.

`withheld` has one open row for such an item, with the record as it is served now. It is closed when the endpoint says
what the item says, when somebody decides, or when manual control ends.
"""

from __future__ import annotations

import datetime as dt

import duckdb

from collect_assets.store.database import run_script

# Rows that ended on the day on which they began were never there.
CLOSE = """
UPDATE withheld SET last_date = $day::DATE - 1 FROM closing c
WHERE withheld.last_date IS NULL AND withheld.scope_no = c.scope_no AND withheld.item_id = c.item_id
  AND withheld.change = c.change AND (withheld.reason = 'manual') = c.manual;
DELETE FROM withheld WHERE last_date < first_date;
"""

# Deletions of what is served again, creations of what is not served any more, and records that are served otherwise.
OVERTAKEN = """
CREATE OR REPLACE TEMP TABLE closing AS
SELECT w.scope_no, w.item_id, w.change, false AS manual, w.reason, w.held,
       w.change = 'created' AND s.item_id IS NOT NULL AND NOT s.deleted AS again, s.endpoint_no, s.position
FROM withheld w JOIN answer a USING (scope_no)
LEFT JOIN staged s ON s.scope_no = w.scope_no AND s.item_id = w.item_id
WHERE w.last_date IS NULL AND w.reason <> 'manual' AND CASE
    WHEN w.change = 'deleted' THEN s.item_id IS NOT NULL AND NOT s.deleted
    WHEN s.item_id IS NULL THEN a.proves
    WHEN s.id_only THEN false
    ELSE s.deleted OR s.record_hash IS DISTINCT FROM w.record_hash OR s.endpoint_no <> w.endpoint_no END
"""

SERVED_OTHERWISE = """
CREATE OR REPLACE TEMP TABLE to_withhold AS
SELECT scope_no, item_id, change, reason, held, endpoint_no, position FROM closing WHERE again
"""

# Of items under manual control: what is served that differs from them.
DIFFERENCES = """
CREATE OR REPLACE TEMP TABLE difference AS
SELECT f.scope_no, f.item_id, f.fate AS change, f.endpoint_no,
       CASE WHEN f.fate = 'updated' THEN f.record_hash END AS record_hash, f.position
FROM fate f JOIN answer a USING (scope_no)
WHERE f.manual AND (f.fate IN ('updated', 'deleted') OR (f.fate = 'missing' AND a.proves));
CREATE OR REPLACE TEMP TABLE closing AS
SELECT w.scope_no, w.item_id, w.change, true AS manual
FROM withheld w JOIN answer a USING (scope_no)
LEFT JOIN staged s ON s.scope_no = w.scope_no AND s.item_id = w.item_id
ANTI JOIN difference d ON d.scope_no = w.scope_no AND d.item_id = w.item_id AND d.change = w.change
                      AND d.record_hash IS NOT DISTINCT FROM w.record_hash
WHERE w.last_date IS NULL AND w.reason = 'manual' AND (s.item_id IS NOT NULL OR a.proves)
  AND NOT coalesce(s.id_only, false);
CREATE OR REPLACE TEMP TABLE to_withhold AS
SELECT d.scope_no, d.item_id, d.change, 'manual' AS reason, NULL::VARCHAR AS held, d.endpoint_no, d.position
FROM difference d
ANTI JOIN withheld w ON w.scope_no = d.scope_no AND w.item_id = d.item_id AND w.last_date IS NULL
                    AND w.reason = 'manual' AND w.change = d.change
                    AND w.record_hash IS NOT DISTINCT FROM d.record_hash;
"""

ANY = """
SELECT 1 FROM withheld WHERE last_date IS NULL UNION ALL SELECT 1 FROM fate WHERE manual LIMIT 1
"""

WITH_RECORD = """
INSERT INTO withheld
SELECT t.scope_no, t.item_id, $day, NULL, t.change, t.reason, t.held, t.endpoint_no,
       r.record_hash, r.record, r.geometry, r.xmin, r.ymin, r.xmax, r.ymax, c.observed, r.member, r.file_row_number + 1
FROM read_parquet($paths, filename = true, file_row_number = true, hive_partitioning = false) r
JOIN changed c ON c.path = r.filename
JOIN to_withhold t ON t.scope_no = c.scope_no AND t.endpoint_no = c.endpoint_no AND t.position = r.file_row_number
WHERE t.change <> 'deleted'
"""

PATHS = """
SELECT DISTINCT c.path FROM to_withhold t JOIN changed c USING (scope_no, endpoint_no)
WHERE t.position IS NOT NULL AND t.change <> 'deleted' ORDER BY ALL
"""

WITHOUT_RECORD = """
INSERT INTO withheld (scope_no, item_id, first_date, change, reason, held)
SELECT scope_no, item_id, $day, change, reason, held FROM to_withhold WHERE position IS NULL OR change = 'deleted'
"""


def withhold(connection: duckdb.DuckDBPyConnection, day: dt.date) -> None:
    """Opens a row for what stands in `to_withhold`; records are taken from the files that are compared."""
    paths = connection.execute(PATHS).fetchall()
    if paths:
        connection.execute(WITH_RECORD, {"day": day, "paths": [path for (path,) in paths]})
    connection.execute(WITHOUT_RECORD, {"day": day})


def close(connection: duckdb.DuckDBPyConnection, day: dt.date) -> None:
    """Closes the rows that stand in `closing`."""
    run_script(connection, CLOSE, {"day": day})


def refresh(connection: duckdb.DuckDBPyConnection, day: dt.date) -> None:
    """Brings the rows of the compared scopes to what is served.

    Most days nothing is withheld; to find that out by joining it with 2 million records takes a second.
    """
    if not connection.execute(ANY).fetchone():
        return
    connection.execute(OVERTAKEN)
    close(connection, day)
    connection.execute(SERVED_OTHERWISE)
    withhold(connection, day)
    connection.execute(DIFFERENCES)
    close(connection, day)
    withhold(connection, day)
