"""Ending items: because the provider says so, because they were absent, or for what people wrote.

`due` holds the items that are to end on the day, and why; whatever ends an item goes through it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb

from collect_assets.store.database import insert_rows

DUE = "CREATE OR REPLACE TEMP TABLE due_item (scope_no INTEGER, item_id VARCHAR, why VARCHAR)"

PROVING = "CREATE OR REPLACE TEMP TABLE proving (scope_no INTEGER, endpoint_no INTEGER)"

COUNT_ABSENCES = """
UPDATE unseen SET absences = absences + 1
WHERE (scope_no, endpoint_no) IN (SELECT (scope_no, endpoint_no) FROM proving)
"""

FIND_DUE = """
INSERT INTO due_item
SELECT scope_no, item_id, 'the provider deleted it' FROM fate WHERE fate = 'deleted' AND NOT manual AND NOT withheld
UNION ALL
SELECT u.scope_no, u.item_id, 'absent' FROM unseen u JOIN proving USING (scope_no, endpoint_no)
ANTI JOIN manual_now m ON m.scope_no = u.scope_no AND m.item_id = u.item_id
ANTI JOIN (FROM withheld WHERE last_date IS NULL AND change = 'deleted' AND reason <> 'manual') w
    ON w.scope_no = u.scope_no AND w.item_id = u.item_id
ANTI JOIN holding h ON h.scope_no = u.scope_no AND h.item_id = u.item_id
ANTI JOIN (FROM fate WHERE fate = 'deleted') f ON f.scope_no = u.scope_no AND f.item_id = u.item_id
WHERE u.absences >= $limit
"""

END = """
UPDATE item_version SET last_date = $day::DATE - 1, ended = 'deleted', why = d.why
FROM due_item d
WHERE item_version.scope_no = d.scope_no AND item_version.item_id = d.item_id AND item_version.last_date IS NULL
"""

FORGET = """
DELETE FROM unseen USING due_item d WHERE unseen.scope_no = d.scope_no AND unseen.item_id = d.item_id
"""


def begin_due(connection: duckdb.DuckDBPyConnection) -> None:
    """Nothing is due yet."""
    connection.execute(DUE)


def count_absences(connection: duckdb.DuckDBPyConnection, proving: Sequence[tuple[int, int]]) -> None:
    """Counts an absence of every item that an answer should have and lacks."""
    connection.execute(PROVING)
    if proving:
        insert_rows(connection, "proving", sorted(proving))
        connection.execute(COUNT_ABSENCES)


def find_due(connection: duckdb.DuckDBPyConnection, limit: int) -> None:
    """What the answers of the day end: what they say is deleted, and what was absent `limit` times in a row."""
    begin_due(connection)
    connection.execute(FIND_DUE, {"limit": limit})


def end_due(connection: duckdb.DuckDBPyConnection, day: dt.date) -> list[int]:
    """Ends the items that are due; returns their scopes."""
    scopes = [no for (no,) in connection.execute("SELECT DISTINCT scope_no FROM due_item ORDER BY ALL").fetchall()]
    if scopes:
        connection.execute(END, {"day": day})
        connection.execute(FORGET)
    return scopes
