"""The stages of a day behind its answers: manual control ends, decisions take effect, endpoints retire, items grow old.

What of it people wrote is noted in `event` as it was applied, so that a fold can see whether it still stands so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from collect_assets.collection import Guard
from collect_assets.folding.answers import LastSeen
from collect_assets.folding.comparing import left_alone
from collect_assets.folding.ending import begin_due, end_due
from collect_assets.folding.holding import begin_holding, hold_losses, write_holds
from collect_assets.folding.rules import DECISION, RELEASE, RETIRED, UNTOUCHED
from collect_assets.folding.withholding import close
from collect_assets.store.database import insert_rows, run_script

_RECORD = "w.record_hash, w.record, w.geometry, w.xmin, w.ymin, w.xmax, w.ymax, w.observed, w.member, w.record_number"

# What waits and is to be applied now stands in `applying`, as rows of `withheld`.
UPDATE_ITEMS = f"""
UPDATE item_version SET last_date = $day::DATE - 1, ended = 'updated' FROM applying w
WHERE w.change = 'updated' AND item_version.scope_no = w.scope_no AND item_version.item_id = w.item_id
  AND item_version.last_date IS NULL;
UPDATE unseen SET endpoint_no = w.endpoint_no FROM applying w
WHERE w.change = 'updated' AND unseen.scope_no = w.scope_no AND unseen.item_id = w.item_id;
INSERT INTO item_version
SELECT nextval('version_number'), w.scope_no, w.endpoint_no, w.item_id, $day, NULL,
       CASE WHEN w.change = 'updated' THEN 'updated' WHEN gone.item_id IS NOT NULL THEN 'restored' ELSE 'created' END,
       NULL, NULL, {_RECORD}
FROM applying w
LEFT JOIN (SELECT DISTINCT scope_no, item_id FROM item_version WHERE ended IN ('deleted', 'renamed')) gone
    ON gone.scope_no = w.scope_no AND gone.item_id = w.item_id
WHERE w.change IN ('created', 'updated');
"""

RELEASED = """
CREATE OR REPLACE TEMP TABLE applying AS
SELECT w.* FROM withheld w ANTI JOIN manual_now m ON m.scope_no = w.scope_no AND m.item_id = w.item_id
WHERE w.last_date IS NULL AND w.reason = 'manual' AND w.scope_no IN (SELECT unnest($scopes::INTEGER[]));
CREATE OR REPLACE TEMP TABLE closing AS SELECT scope_no, item_id, change, true AS manual FROM applying;
INSERT INTO due_item SELECT scope_no, item_id, 'the provider deleted it' FROM applying WHERE change = 'deleted';
"""

DECIDED = """
CREATE OR REPLACE TEMP TABLE applying AS
FROM withheld WHERE last_date IS NULL AND reason = 'guard' AND scope_no = $scope AND held = $held;
CREATE OR REPLACE TEMP TABLE closing AS SELECT scope_no, item_id, change, false AS manual FROM applying;
"""

REJECTED = """
CREATE OR REPLACE TEMP TABLE rejected AS
SELECT * REPLACE ($day::DATE AS first_date, 'rejected' AS reason) FROM applying
"""

# A pair counts where the old item is to be deleted and the new one to be created.
PAIRS = """
CREATE OR REPLACE TEMP TABLE pair AS
SELECT p.key AS old_id, p.value AS new_id
FROM (SELECT unnest(map_entries(from_json($ids, '"MAP(VARCHAR, VARCHAR)"')), recursive := true)) p
WHERE p.key IN (SELECT item_id FROM applying WHERE change = 'deleted')
  AND p.value IN (SELECT item_id FROM applying WHERE change = 'created');
"""

RENAME = f"""
UPDATE item_version SET last_date = $day::DATE - 1, ended = 'renamed', why = $why FROM pair p
WHERE item_version.scope_no = $scope AND item_version.item_id = p.old_id AND item_version.last_date IS NULL;
INSERT INTO item_version
SELECT nextval('version_number'), w.scope_no, w.endpoint_no, w.item_id, $day, NULL, 'renamed', NULL, NULL, {_RECORD}
FROM applying w JOIN pair p ON p.new_id = w.item_id;
INSERT INTO renamed SELECT $scope, old_id, new_id, $day, $decision FROM pair;
DELETE FROM unseen WHERE scope_no = $scope AND item_id IN (SELECT old_id FROM pair);
DELETE FROM applying WHERE item_id IN (SELECT old_id FROM pair UNION SELECT new_id FROM pair);
"""

RETIRE = """
INSERT INTO due_item
SELECT v.scope_no, v.item_id, 'the endpoint retired' FROM item_version v
ANTI JOIN manual_now m ON m.scope_no = v.scope_no AND m.item_id = v.item_id
WHERE v.last_date IS NULL AND v.scope_no IN (SELECT unnest($scopes::INTEGER[]));
CREATE OR REPLACE TEMP TABLE closing AS
SELECT scope_no, item_id, change, reason = 'manual' AS manual FROM withheld
WHERE last_date IS NULL AND reason <> 'manual' AND scope_no IN (SELECT unnest($scopes::INTEGER[]));
"""

# The day on which each item of an endpoint with a max-untouched-age is too old, unless it is served before.
TOO_OLD = """
SELECT a.scope_no, a.item_id, CASE WHEN m.item_id IS NULL THEN a.day ELSE m.last_date + 1 END AS day
FROM (
    SELECT v.scope_no, v.item_id,
           greatest(coalesce(u.last_seen, o.last_seen) + e.max_age, v.first_date) + 1 AS day
    FROM item_version v
    JOIN (FROM endpoint WHERE max_age IS NOT NULL) e USING (endpoint_no)
    JOIN (SELECT endpoint_no, max(entry_date) AS last_seen FROM observation WHERE problem IS NULL GROUP BY ALL) o
        USING (endpoint_no)
    LEFT JOIN unseen u ON u.scope_no = v.scope_no AND u.item_id = v.item_id
    ANTI JOIN (FROM withheld WHERE last_date IS NULL AND change = 'deleted' AND reason <> 'manual') w
        ON w.scope_no = v.scope_no AND w.item_id = v.item_id
    WHERE v.last_date IS NULL
) a
LEFT JOIN manual_item m ON m.scope_no = a.scope_no AND m.item_id = a.item_id
    AND coalesce(m.first_date, DATE '0001-01-01') <= a.day AND (m.last_date IS NULL OR m.last_date >= a.day)
WHERE m.item_id IS NULL OR m.last_date IS NOT NULL
"""


@dataclass(frozen=True)
class DueEvent:
    """Something that people wrote takes effect now."""

    scope_no: int
    entry_date: dt.date
    stage: int
    content: str


def apply_events(
    connection: duckdb.DuckDBPyConnection, day: dt.date, events: Sequence[DueEvent], last_seen: LastSeen
) -> None:
    """Applies what people wrote of a day in some of its stages, behind its answers."""
    left_alone(connection, day)
    by_stage: dict[int, list[DueEvent]] = {}
    for event in sorted(events, key=lambda each: (each.stage, each.scope_no, each.content)):
        by_stage.setdefault(event.stage, []).append(event)
    if released := by_stage.get(RELEASE):
        _release(connection, day, sorted({event.scope_no for event in released}))
    for event in by_stage.get(DECISION, []):
        _decide(connection, day, event)
    if retired := by_stage.get(RETIRED):
        _retire(connection, day, [event.scope_no for event in retired], last_seen)
    if rows := [(e.scope_no, e.entry_date, e.stage, e.content) for e in events]:
        insert_rows(connection, "event", rows)


def _release(connection: duckdb.DuckDBPyConnection, day: dt.date, scopes: list[int]) -> None:
    begin_due(connection)
    run_script(connection, RELEASED, {"scopes": scopes})
    close(connection, day)
    run_script(connection, UPDATE_ITEMS, {"day": day})
    end_due(connection, day)


def _decide(connection: duckdb.DuckDBPyConnection, day: dt.date, event: DueEvent) -> None:
    name = event.content.split("\n", 1)[0]
    row = connection.execute(
        "SELECT verdict, held, held_on, who, why, ids FROM wanted_decision WHERE decision = ?", [name]
    ).fetchone()
    if row is None:
        return
    verdict, held, held_on, who, why, ids = row
    known = connection.execute(
        "SELECT 1 FROM hold WHERE scope_no = ? AND held = ? AND entry_date = ?", [event.scope_no, held, held_on]
    ).fetchone()
    run_script(connection, DECIDED, {"scope": event.scope_no, "held": held})
    (count,) = connection.execute("SELECT count(*) FROM applying").fetchone() or (0,)
    problem = (
        None if known else f"nothing is held on {held_on} under {held}; what the endpoint served reads otherwise now"
    )
    connection.execute(
        "INSERT INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [name, event.scope_no, day, verdict, held, held_on, who, why, count, problem],
    )
    if not count:
        return
    if verdict == "reject":
        connection.execute(REJECTED, {"day": day})
        close(connection, day)
        connection.execute("INSERT INTO withheld FROM rejected")
        return
    close(connection, day)
    reason = f"{verdict} by {name}"
    if verdict == "map":
        connection.execute(PAIRS, {"ids": ids})
        run_script(connection, RENAME, {"day": day, "scope": event.scope_no, "decision": name, "why": reason})
    begin_due(connection)
    connection.execute(
        "INSERT INTO due_item SELECT scope_no, item_id, $why FROM applying WHERE change = 'deleted'", {"why": reason}
    )
    run_script(connection, UPDATE_ITEMS, {"day": day})
    end_due(connection, day)


def _retire(connection: duckdb.DuckDBPyConnection, day: dt.date, scopes: list[int], last_seen: LastSeen) -> None:
    begin_due(connection)
    run_script(connection, RETIRE, {"scopes": scopes})
    close(connection, day)
    last_seen.compare_again(connection, end_due(connection, day))


def has_ages(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether any endpoint has a `max-untouched-age`."""
    return bool(connection.execute("SELECT 1 FROM endpoint WHERE max_age IS NOT NULL LIMIT 1").fetchone())


def next_too_old(connection: duckdb.DuckDBPyConnection) -> dt.date | None:
    """The first day on which an item is too old, as things are."""
    row = connection.execute(f"SELECT min(day) FROM ({TOO_OLD})").fetchone()
    return row[0] if row else None


def end_too_old(connection: duckdb.DuckDBPyConnection, day: dt.date, guard: Guard, last_seen: LastSeen) -> None:
    """Ends the items that are too old on a day, as far as the guard lets them go."""
    left_alone(connection, day)
    begin_due(connection)
    begin_holding(connection)
    connection.execute(
        f"INSERT INTO due_item SELECT scope_no, item_id, 'untouched' FROM ({TOO_OLD}) WHERE day <= $day", {"day": day}
    )
    connection.execute(f"INSERT INTO event SELECT DISTINCT scope_no, $day, {UNTOUCHED}, '' FROM due_item", {"day": day})
    hold_losses(connection, day, guard)
    last_seen.compare_again(connection, end_due(connection, day))
    write_holds(connection, day)
