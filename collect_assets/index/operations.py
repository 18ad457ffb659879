"""What the index says of its own making: each publication in `index_operation`, and what each day changed.

The operations tell of software and clock, so the digest passes them over. What a day changed is content: its digest
lets a follower of the feed know that the past it has seen is still the past.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb

from collect_assets.version import __version__

_OPERATION = """
INSERT INTO index_operation
SELECT coalesce(max(operation_no), 0) + 1, $published, $reason, $first, $last, $horizon, $versions, $software,
       $representation
FROM index_operation
"""

_EVENTS = """
SELECT v.first_date AS entry_date, v.change,
       concat_ws('|', e.endpoint, v.item_id, v.change, v.record_hash) AS content
FROM item_version v JOIN endpoint e USING (endpoint_no)
UNION ALL
SELECT v.last_date + 1, v.ended, concat_ws('|', e.endpoint, v.item_id, v.ended, v.record_hash)
FROM item_version v JOIN endpoint e USING (endpoint_no)
WHERE v.last_date IS NOT NULL AND v.ended NOT IN ('updated', 'moved')
"""

_CHANGES = f"""
INSERT INTO day_change
SELECT entry_date, count(*) FILTER (change = 'created'), count(*) FILTER (change = 'updated'),
       count(*) FILTER (change = 'restored'), count(*) FILTER (change = 'deleted'),
       md5(concat_ws('|', count(*), sum(md5_number_lower(content)::HUGEINT), sum(md5_number_upper(content)::HUGEINT)))
FROM ({_EVENTS}) WHERE entry_date >= $first GROUP BY entry_date
"""


def log_operation(
    connection: duckdb.DuckDBPyConnection,
    *,
    at: dt.datetime,
    reason: str,
    days: Sequence[dt.date],
    horizon: dt.date,
    versions: int,
    representation: str,
) -> None:
    """Adds a publication to the log of operations.

    Args:
        connection: the index in the making.
        at: now.
        reason: why it was built from nothing; blank when it was not.
        days: the entry-dates that were applied.
        horizon: the newest entry-date that the index speaks of.
        versions: how many versions of items were represented.
        representation: its version.
    """
    values = {"first": min(days, default=None), "last": max(days, default=None), "horizon": horizon}
    what = {"reason": reason, "versions": versions, "software": __version__, "representation": representation}
    connection.execute(_OPERATION, {"published": at.replace(tzinfo=None), **values, **what})


def count_changes(connection: duckdb.DuckDBPyConnection, first: dt.date) -> None:
    """Counts what the days from `first` on changed."""
    connection.execute("DELETE FROM day_change WHERE entry_date >= ?", [first])
    connection.execute(_CHANGES, {"first": first})


def past_digest(connection: duckdb.DuckDBPyConnection, first: dt.date | None, last: dt.date) -> str:
    """One hash of all that happened to items from a day (the first of all when left out) to another."""
    row = connection.execute(
        "SELECT md5(string_agg(concat(entry_date, digest), '|' ORDER BY entry_date)) FROM day_change "
        "WHERE entry_date BETWEEN $first AND $last",
        {"first": first or dt.date.min, "last": last},
    ).fetchone()
    return str(row[0] or "")[:16] if row else ""
