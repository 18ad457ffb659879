"""Which scopes have to be folded again from their first day, and taking them out of the index.

What is new behind all that was folded of a scope is applied on top of it. Anything else (a day that came late, a
register or a decision that says something else of a day that is folded) folds the scope again; no other is touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from collect_assets.folding.rules import ANSWER, UNTOUCHED


def _moment(day: str, stage: object) -> str:
    """SQL for a day and stage as one number."""
    return f"datediff('day', DATE '0001-01-01', {day}) * 8 + {stage}"


# How far each scope is folded: the last moment, and its day.
FOLDED = f"""
CREATE OR REPLACE TEMP TABLE folded AS
SELECT scope_no, max({_moment("entry_date", "stage")}) AS moment, max(entry_date) AS day FROM (
    SELECT e.scope_no, o.entry_date, {ANSWER} AS stage FROM observation o JOIN endpoint e USING (endpoint_no)
    WHERE o.reading <> ''
    UNION ALL SELECT scope_no, entry_date, stage FROM event
) GROUP BY scope_no
"""

OTHERWISE = f"""
CREATE OR REPLACE TEMP TABLE otherwise AS
SELECT scope_no, min(why) AS why FROM (
    SELECT e.scope_no, 'other answers, or read otherwise' AS why FROM (
        SELECT endpoint_no, entry_date, resource, canonical_hash, reading, complete, coverage, missing,
               CASE WHEN reading = '' THEN problem END
        FROM observation
        EXCEPT
        SELECT endpoint_no, entry_date, resource, canonical_hash, reading, complete, coverage, missing, reading_problem
        FROM wanted JOIN endpoint e USING (endpoint)
    ) JOIN endpoint e USING (endpoint_no)
    UNION ALL
    SELECT e.scope_no, 'what could not be read is tried again'
    FROM observation JOIN endpoint e USING (endpoint_no) WHERE passing
    UNION ALL
    SELECT e.scope_no, 'an answer came late'
    FROM wanted w JOIN endpoint e USING (endpoint) JOIN folded f USING (scope_no)
    ANTI JOIN observation o ON o.endpoint_no = e.endpoint_no AND o.entry_date = w.entry_date
    WHERE w.reading <> '' AND {_moment("w.entry_date", ANSWER)} <= f.moment
    UNION ALL
    SELECT scope_no, 'a decision or a register says otherwise' FROM (
        SELECT scope_no, entry_date, stage, content FROM event WHERE stage <> {UNTOUCHED}
        EXCEPT SELECT scope_no, entry_date, stage, content FROM wanted_event JOIN scope USING (scope)
    )
    UNION ALL
    SELECT f.scope_no, 'a decision or a register speaks of a day that is folded'
    FROM wanted_event w JOIN scope USING (scope) JOIN folded f USING (scope_no)
    ANTI JOIN event e ON e.scope_no = f.scope_no AND e.entry_date = w.entry_date AND e.stage = w.stage
                         AND e.content = w.content
    WHERE {_moment("w.entry_date", "w.stage")} < f.moment
    UNION ALL
    SELECT e.scope_no, 'it belongs to another scope' FROM endpoint e JOIN scope s USING (scope_no)
    LEFT JOIN wanted_endpoint w USING (endpoint) WHERE w.scope IS DISTINCT FROM s.scope
    UNION ALL
    SELECT s.scope_no, 'it belongs to another scope' FROM endpoint e JOIN wanted_endpoint w USING (endpoint)
    JOIN scope s ON s.scope = w.scope WHERE e.scope_no <> s.scope_no
    UNION ALL
    SELECT e.scope_no, 'max-untouched-age changed' FROM endpoint e JOIN wanted_endpoint w USING (endpoint)
    WHERE w.max_age IS DISTINCT FROM e.max_age
    UNION ALL
    SELECT f.scope_no, 'endpoints share their items otherwise' FROM folded f JOIN (
        (FROM had EXCEPT FROM has) UNION ALL (FROM has EXCEPT FROM had)
    ) USING (scope_no)
) GROUP BY scope_no
"""

# Who belongs to a scope, as far as it matters for what is folded. Who joins or first answers later changes nothing.
MEMBERS = """
CREATE OR REPLACE TEMP TABLE {name} AS
SELECT f.scope_no, e.endpoint, rank() OVER (PARTITION BY f.scope_no ORDER BY coalesce(m.place, 0)) AS place,
       CASE WHEN m.joined <= f.day THEN m.joined END AS joined,
       CASE WHEN m.left_on <= f.day THEN m.left_on END AS left_on
FROM {endpoints} e JOIN folded f USING (scope_no)
JOIN (SELECT {key}, min(entry_date) AS first_answer FROM {answers} GROUP BY {key}) a USING ({key})
LEFT JOIN {members} m USING (scope_no, {key})
WHERE a.first_answer <= f.day AND (m.joined IS NULL OR m.joined <= f.day)
"""
HAD = {"name": "had", "endpoints": "endpoint", "answers": "observation", "members": "member", "key": "endpoint_no"}
HAS = {
    "name": "has",
    "endpoints": "(FROM wanted_endpoint JOIN scope USING (scope))",
    "answers": "wanted",
    "members": "(FROM wanted_member JOIN scope USING (scope))",
    "key": "endpoint",
}

COMPARED = """
WITH again AS (
    SELECT scope_no FROM otherwise
    UNION SELECT scope_no FROM endpoint WHERE endpoint_no IN (SELECT endpoint_no FROM had_item)
), now AS (
    SELECT endpoint_no, item_id FROM item_version WHERE last_date IS NULL AND scope_no IN (FROM again)
), compared AS (
    SELECT coalesce(h.endpoint_no, n.endpoint_no) AS endpoint_no, h.item_id AS had, n.item_id AS has
    FROM had_item h FULL JOIN now n ON n.endpoint_no = h.endpoint_no AND n.item_id = h.item_id
)
SELECT e.endpoint, min(o.why), count(had), count(has), count(*) FILTER (had IS NOT NULL AND has IS NOT NULL)
FROM compared JOIN endpoint e USING (endpoint_no) LEFT JOIN otherwise o USING (scope_no)
GROUP BY e.endpoint ORDER BY e.endpoint
"""

STATE_TABLES = ("item_version", "unseen", "withheld", "hold", "decision", "renamed", "event")


@dataclass(frozen=True)
class Refolded:
    """What folding an endpoint again came to.

    Attributes:
        why: it was necessary.
        before, after: how many live items there were, and are.
        kept: how many of these have the id of one before.
    """

    endpoint: str
    why: str
    before: int
    after: int = 0
    kept: int = 0

    def __str__(self) -> str:
        return (
            f"{self.endpoint[:12]}: {self.why or 'its items are others now'}: {self.before} items before, {self.after} "
            f"now, {self.kept} of them with an id that was there"
        )


def take_out(connection: duckdb.DuckDBPyConnection) -> bool:
    """Takes the scopes that have to be folded again out of the index; whether there are any.

    `otherwise` and `had_item` then hold which, why, and the items that they had.
    """
    connection.execute(FOLDED)
    connection.execute(MEMBERS.format(**HAD))
    connection.execute(MEMBERS.format(**HAS))
    connection.execute(OTHERWISE)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE had_item AS SELECT endpoint_no, item_id FROM item_version "
        "WHERE last_date IS NULL AND scope_no IN (SELECT scope_no FROM otherwise)"
    )
    if not connection.execute("SELECT 1 FROM otherwise LIMIT 1").fetchone():
        return False
    for table in STATE_TABLES:
        connection.execute(f"DELETE FROM {table} WHERE scope_no IN (SELECT scope_no FROM otherwise)")
    connection.execute(
        "DELETE FROM observation WHERE endpoint_no IN "
        "(SELECT endpoint_no FROM endpoint WHERE scope_no IN (SELECT scope_no FROM otherwise))"
    )
    connection.execute("UPDATE scope SET again = false WHERE scope_no IN (SELECT scope_no FROM otherwise)")
    return True


def refolded(connection: duckdb.DuckDBPyConnection) -> tuple[Refolded, ...]:
    """What became of the items of what was folded again. To be asked when all is applied."""
    rows = connection.execute(COMPARED).fetchall()
    return tuple(Refolded(endpoint, why or "", *counts) for endpoint, why, *counts in rows)
