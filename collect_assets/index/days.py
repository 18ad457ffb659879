"""What the published index says of single entry-dates: how many items came, changed and went, and which ones."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection as Those
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from collect_assets.collection import Collection
from collect_assets.index.publish import reading

COUNTS = """
WITH event AS (
    SELECT first_date AS entry_date, change AS what, 1 AS step, endpoint_no, item_id, record_hash FROM item_version
    UNION ALL
    SELECT last_date + 1, ended, -1, endpoint_no, item_id, record_hash FROM item_version WHERE last_date IS NOT NULL
), hashed AS (
    SELECT entry_date, what, step, md5_number_lower(concat_ws('|', endpoint, item_id, what, step, record_hash)) AS part
    FROM event JOIN endpoint USING (endpoint_no)
    UNION ALL SELECT entry_date, NULL, 0, 0 FROM day
), counted AS (
    SELECT entry_date, count(*) FILTER (what = 'created') AS created,
           count(*) FILTER (what = 'updated' AND step = 1) AS updated, count(*) FILTER (what = 'restored') AS restored,
           count(*) FILTER (what = 'deleted') AS deleted, sum(step) AS step, sum(part::HUGEINT)::VARCHAR AS content
    FROM hashed GROUP BY entry_date
), running AS (SELECT *, sum(step) OVER (ORDER BY entry_date) AS items FROM counted)
SELECT r.entry_date, created, updated, restored, deleted, items::BIGINT, coalesce(o.records, 0)::BIGINT, content,
       d.resources_digest
FROM running r JOIN day d USING (entry_date)
LEFT JOIN (SELECT entry_date, sum(records) AS records FROM observation WHERE problem IS NULL GROUP BY entry_date) o
    USING (entry_date)
WHERE r.entry_date IN (SELECT unnest($days::DATE[]))
"""

PROBLEMS = """
SELECT entry_date, endpoint, problem FROM observation JOIN endpoint USING (endpoint_no)
WHERE problem IS NOT NULL AND entry_date IN (SELECT unnest($days::DATE[])) ORDER BY ALL
"""

CHANGED = """
SELECT endpoint, item_id, change, record FROM shown_version JOIN endpoint USING (endpoint_no)
WHERE first_date = $day ORDER BY change DESC, endpoint, item_id LIMIT $limit
"""


FOLDED = """
SELECT endpoint, resource FROM observation JOIN endpoint USING (endpoint_no) WHERE entry_date = $day AND NOT missing
"""

HELD = """
SELECT d.day, count(w.item_id) FROM (SELECT unnest($days::DATE[]) AS day) d
LEFT JOIN withheld w ON w.reason <> 'manual' AND w.first_date <= d.day AND (w.last_date IS NULL OR w.last_date >= d.day)
GROUP BY d.day
"""

PUBLISHED = "SELECT published FROM index_operation ORDER BY operation_no DESC LIMIT 1"


@dataclass(frozen=True)
class IndexDay:
    """One entry-date that the index holds.

    Attributes:
        items: live at the end of the day.
        records: in the day's readable resources.
        version: a hash of what changed that day, and of what it changed to.
        resources: the digest of the day's resources, as folded.
        problems: endpoint to why its resource could not be read.
        held: items of which what was served is not applied that day, since a decision is missing or was against it.
        published: when the index that says so was published, in UTC.
    """

    entry_date: dt.date
    created: int
    updated: int
    restored: int
    deleted: int
    items: int
    records: int
    version: str
    resources: str
    problems: Mapping[str, str] = field(default_factory=dict)
    held: int = 0
    published: dt.datetime | None = None


@dataclass(frozen=True)
class ChangedItem:
    """An item with a new version."""

    endpoint: str
    item: str
    change: str
    record: dict[str, Any]


def index_days(collection: Collection, days: Those[dt.date]) -> dict[dt.date, IndexDay]:
    """The days among those asked for that the index holds.

    Raises:
        IndexUnavailableError: there is no index, or it cannot be read.
    """
    with reading(collection) as connection:
        rows = connection.execute(COUNTS, {"days": list(days)}).fetchall()
        held = dict(connection.execute(HELD, {"days": list(days)}).fetchall())
        (published,) = connection.execute(PUBLISHED).fetchone() or (None,)
        problems: dict[dt.date, dict[str, str]] = {}
        for day, endpoint, problem in connection.execute(PROBLEMS, {"days": list(days)}).fetchall():
            problems.setdefault(day, {})[endpoint] = problem
    columns = [
        (*row[:7], _version(row), row[8], problems.get(row[0], {}), held.get(row[0], 0), published) for row in rows
    ]
    return {column[0]: IndexDay(*column) for column in columns}


def _version(row: tuple[Any, ...]) -> str:
    return hashlib.sha256(" ".join(map(str, row[1:])).encode()).hexdigest()


def held_days(collection: Collection) -> dict[dt.date, str]:
    """Every day that the index holds, with the digest of the resources that were folded.

    Raises:
        IndexUnavailableError: there is no index, or it cannot be read.
    """
    with reading(collection) as connection:
        return dict(connection.execute("SELECT entry_date, resources_digest FROM day").fetchall())


def changed_items(collection: Collection, day: dt.date, limit: int) -> list[ChangedItem]:
    """The first items that have a new version on a day.

    Raises:
        IndexUnavailableError: there is no index, or it cannot be read.
    """
    with reading(collection) as connection:
        rows = connection.execute(CHANGED, {"day": day, "limit": limit}).fetchall()
    return [ChangedItem(endpoint, item, change, json.loads(record)) for endpoint, item, change, record in rows]


def folded_resources(collection: Collection, day: dt.date) -> dict[str, str]:
    """The resource of each endpoint that the index holds of a day.

    Raises:
        IndexUnavailableError: there is no index, or it cannot be read.
    """
    with reading(collection) as connection:
        return dict(connection.execute(FOLDED, {"day": day}).fetchall())
