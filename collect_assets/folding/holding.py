"""Holding back what an endpoint would lose at once, so that a person decides; all else of the day is applied.

`holding` holds the changes that are to wait. They are noted in `withheld`, one row for an item, and together in `hold`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb

from collect_assets.collection import Guard
from collect_assets.folding.withholding import withhold
from collect_assets.items.guard import PAST, Past, allowed_share, narrowest
from collect_assets.store.database import insert_rows, run_script

BEGIN = """
CREATE OR REPLACE TEMP TABLE holding (
    scope_no INTEGER, item_id VARCHAR, change VARCHAR, reason VARCHAR, endpoint_no INTEGER, position BIGINT
);
CREATE OR REPLACE TEMP TABLE hold_note (scope_no INTEGER, items BIGINT, allowed DOUBLE);
"""

# Items that were there before the day.
LIVE = """
SELECT scope_no, count(*) AS live FROM item_version
WHERE last_date IS NULL AND NOT (first_date = $day AND change IN ('created', 'restored'))
  AND scope_no IN (SELECT unnest($scopes::INTEGER[])) GROUP BY scope_no
"""

CHANGED_IDS = """
SELECT f.scope_no, count(*) FILTER (f.fate = 'new') AS new,
       count(*) FILTER (f.fate = 'missing' AND NOT f.manual) AS missing, any_value(s.served)
FROM fate f JOIN answer a USING (scope_no)
JOIN (SELECT scope_no, count(*) AS served FROM staged WHERE NOT deleted GROUP BY scope_no) s USING (scope_no)
WHERE a.proves AND NOT f.withheld AND NOT f.id_only GROUP BY f.scope_no HAVING new > $items ORDER BY f.scope_no
"""

HOLD_IDS = """
INSERT INTO holding
SELECT scope_no, item_id, CASE fate WHEN 'new' THEN 'created' ELSE 'deleted' END, 'ids', endpoint_no, position
FROM fate WHERE scope_no IN (SELECT unnest($scopes::INTEGER[])) AND NOT withheld
  AND (fate = 'new' OR (fate = 'missing' AND NOT manual));
UPDATE fate SET withheld = true FROM holding h
WHERE h.scope_no = fate.scope_no AND h.item_id = fate.item_id;
"""

HOLD_ALL = """
INSERT INTO holding
SELECT f.scope_no, f.item_id, 'deleted', 'nothing', NULL, NULL
FROM fate f JOIN answer a USING (scope_no)
WHERE a.nothing AND f.fate = 'missing' AND NOT f.manual AND NOT f.withheld
"""

LOSSES = "SELECT scope_no, count(*) FROM due_item GROUP BY scope_no HAVING count(*) > $items ORDER BY scope_no"

HOLD_LOSSES = """
INSERT INTO holding
SELECT scope_no, item_id, 'deleted', 'loss', NULL, NULL FROM due_item
WHERE scope_no IN (SELECT unnest($scopes::INTEGER[]));
DELETE FROM due_item WHERE scope_no IN (SELECT unnest($scopes::INTEGER[]));
"""

ANSWERS = """
SELECT DISTINCT entry_date FROM observation JOIN endpoint USING (endpoint_no)
WHERE scope_no = $scope AND proves_absence AND entry_date < $day ORDER BY entry_date DESC LIMIT $past
"""

LARGEST = """
WITH gone AS (
    SELECT last_date + 1 AS day, count(*) AS lost FROM item_version
    WHERE scope_no = $scope AND ended = 'deleted' AND last_date + 1 >= $since AND last_date + 1 < $day GROUP BY ALL
), come AS (
    SELECT first_date AS day, count(*) AS new FROM item_version
    WHERE scope_no = $scope AND change IN ('created', 'restored') AND first_date >= $since AND first_date < $day
    GROUP BY ALL
), share AS (
    SELECT g.day, g.lost, coalesce(c.new, 0) AS new, count(*) AS live
    FROM gone g LEFT JOIN come c USING (day)
    JOIN item_version v ON v.first_date < g.day AND (v.last_date IS NULL OR v.last_date >= g.day - 1)
    WHERE v.scope_no = $scope GROUP BY ALL
)
SELECT coalesce(max(lost / live), 0), coalesce(max(least(lost, new) / live), 0) FROM share
"""

WRITE = """
INSERT INTO hold
SELECT md5(concat_ws('|', count(*), sum(md5_number_lower(change || '|' || item_id)::HUGEINT),
                     sum(md5_number_upper(change || '|' || item_id)::HUGEINT))),
       scope_no, $day, string_agg(DISTINCT reason, ' ' ORDER BY reason), any_value(n.items),
       count(*) FILTER (change = 'deleted'), count(*) FILTER (change = 'created'), any_value(n.allowed)
FROM holding LEFT JOIN (
    SELECT scope_no, max(items) AS items, min(allowed) AS allowed FROM hold_note GROUP BY scope_no
) n USING (scope_no)
GROUP BY scope_no
"""

TO_WITHHOLD = """
CREATE OR REPLACE TEMP TABLE to_withhold AS
SELECT g.scope_no, g.item_id, g.change, 'guard' AS reason, h.held, g.endpoint_no, g.position
FROM holding g JOIN (
    SELECT scope_no, held FROM hold WHERE entry_date = $day
    QUALIFY row_number() OVER (PARTITION BY scope_no ORDER BY rowid DESC) = 1
) h USING (scope_no)
"""


@dataclass(frozen=True)
class _Loss:
    """What a scope would lose; `of` is how many items that is compared with."""

    scope_no: int
    items: int
    shares: tuple[float, ...]


def begin_holding(connection: duckdb.DuckDBPyConnection) -> None:
    """Nothing waits yet."""
    connection.execute(BEGIN)


def hold_changed_ids(connection: duckdb.DuckDBPyConnection, day: dt.date, guard: Guard) -> None:
    """Holds what is new and what is missing where that looks like other ids for the same; and whatever is nothing."""
    rows = connection.execute(CHANGED_IDS, {"items": guard.items}).fetchall()
    live = _live(connection, day, [scope for scope, *_ in rows])
    losses = [
        _Loss(scope, live[scope], (new / served, missing / live[scope]))
        for scope, new, missing, served in rows
        if live.get(scope)
    ]
    if held := _too_much(connection, day, losses, guard.ids, guard, changed_ids=True):
        run_script(connection, HOLD_IDS, {"scopes": held})
    connection.execute(HOLD_ALL)
    nothing = connection.execute("SELECT DISTINCT scope_no FROM holding WHERE reason = 'nothing'").fetchall()
    _note(connection, [(no, items, 0.0) for no, items in _live(connection, day, [no for (no,) in nothing]).items()])


def hold_losses(connection: duckdb.DuckDBPyConnection, day: dt.date, guard: Guard) -> None:
    """Takes out of `due_item` what is too much to lose in one day."""
    rows = connection.execute(LOSSES, {"items": guard.items}).fetchall()
    live = _live(connection, day, [scope for scope, _ in rows])
    losses = [_Loss(scope, live[scope], (count / live[scope],)) for scope, count in rows if live.get(scope)]
    if held := _too_much(connection, day, losses, guard.loss, guard, changed_ids=False):
        run_script(connection, HOLD_LOSSES, {"scopes": held})


def write_holds(connection: duckdb.DuckDBPyConnection, day: dt.date) -> None:
    """Notes what waits for a decision."""
    if connection.execute("SELECT 1 FROM holding LIMIT 1").fetchone():
        connection.execute(WRITE, {"day": day})
        connection.execute(TO_WITHHOLD, {"day": day})
        withhold(connection, day)


def _too_much(
    connection: duckdb.DuckDBPyConnection,
    day: dt.date,
    losses: Iterable[_Loss],
    share: float,
    guard: Guard,
    *,
    changed_ids: bool,
) -> list[int]:
    held, notes = [], []
    for loss in losses:
        if min(loss.shares) <= narrowest(share):
            continue
        past = _past(connection, loss.scope_no, day, changed_ids=changed_ids)
        allowed = allowed_share(share, past, guard.past_answers)
        if min(loss.shares) > allowed:
            held.append(loss.scope_no)
            notes.append((loss.scope_no, loss.items, allowed))
    _note(connection, notes)
    return held


def _note(connection: duckdb.DuckDBPyConnection, notes: Sequence[tuple[int, int, float]]) -> None:
    if notes:
        insert_rows(connection, "hold_note", notes)


def _live(connection: duckdb.DuckDBPyConnection, day: dt.date, scopes: Sequence[int]) -> dict[int, int]:
    return dict(connection.execute(LIVE, {"day": day, "scopes": list(scopes)}).fetchall()) if scopes else {}


def _past(connection: duckdb.DuckDBPyConnection, scope_no: int, day: dt.date, *, changed_ids: bool) -> Past:
    values = {"scope": scope_no, "day": day}
    days = [found for (found,) in connection.execute(ANSWERS, {**values, "past": PAST}).fetchall()]
    if not days:
        return Past()
    lost, churned = connection.execute(LARGEST, {**values, "since": min(days)}).fetchone() or (0.0, 0.0)
    return Past(len(days), churned if changed_ids else lost)
