"""The change feed: what happened to the items of a subset, in order, each change once.

Whoever follows keeps the cursor of the last answer. It holds the place in the order and a digest of the past before it:
where a day that was folded already turns out otherwise, since a late log came or a rule changed, or where registers say
another thing of endpoints or of sensitive places, the answer says from which day on to ask again.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from collect_assets.errors import QueryError
from collect_assets.index.operations import past_digest
from collect_assets.searching.paging import question
from collect_assets.searching.query import Query
from collect_assets.searching.search import ItemIndex

_EVENTS = """
WITH matching AS MATERIALIZED (SELECT s.version_no FROM {relation}),
begun AS (
    SELECT s.first_date AS day, s.endpoint_no, s.item_id, s.version_no, v.change,
           s.version_no IN (FROM matching) AS matches
    FROM search_item s JOIN item_version v USING (version_no) WHERE s.first_date >= $since
),
ended AS (
    SELECT s.last_date + 1 AS day, s.endpoint_no, s.item_id, s.version_no, v.ended,
           s.version_no IN (FROM matching) AS matches
    FROM search_item s JOIN item_version v USING (version_no) WHERE s.last_date >= $since::DATE - 1
),
event AS (
    SELECT coalesce(b.day, x.day) AS day, e.endpoint, coalesce(b.item_id, x.item_id) AS item_id,
           coalesce(b.version_no, x.version_no) AS version_no,
           CASE WHEN coalesce(b.matches, false) AND coalesce(x.matches, false) THEN 'updated'
                WHEN b.matches AND b.change IN ('updated', 'moved', 'renamed') THEN 'entered'
                WHEN b.matches THEN b.change
                WHEN x.matches AND (b.day IS NOT NULL OR x.ended IN ('moved', 'renamed')) THEN 'left'
                WHEN x.matches THEN x.ended END AS change
    FROM begun b FULL JOIN ended x ON b.endpoint_no = x.endpoint_no AND b.item_id = x.item_id AND b.day = x.day
    JOIN endpoint e ON e.endpoint_no = coalesce(b.endpoint_no, x.endpoint_no)
)
SELECT day, endpoint, item_id, change, version_no FROM event
WHERE change IS NOT NULL AND (day, endpoint, item_id) > ($since, $endpoint, $item)
ORDER BY day, endpoint, item_id LIMIT $limit
"""

# What is told of a record hangs on it: on fields that are asked for, and on whose places are told only roughly.
_REPRESENTATION = "SELECT value FROM search_meta WHERE key = 'representation'"
_ANSWERED = """
SELECT DISTINCT endpoint FROM observation JOIN endpoint USING (endpoint_no)
WHERE entry_date <= $day AND endpoint IN (SELECT unnest($endpoints::VARCHAR[])) ORDER BY endpoint
"""


@dataclass(frozen=True)
class Change:
    """What happened to one item of a subset on an entry-date.

    Attributes:
        change: `created`, `updated`, `restored`, `deleted`; of a subset also `entered` and `left`, where an update made
            the item one of it, or none any more.
        record: as it is since then; what it last was, of one that is gone.
        collection: where several were asked.
    """

    day: dt.date
    endpoint: str
    item: str
    change: str
    record: dict[str, Any]
    collection: str = ""


@dataclass(frozen=True)
class Changes:
    """A page of the feed.

    Attributes:
        changes: in order of day, endpoint and id.
        cursor: for the next page, and for what comes later.
        more: whether there is more by now.
        again_from: the day to begin from again, where a day that was told of turned out otherwise since; the page is
            then empty.
    """

    changes: tuple[Change, ...]
    cursor: str
    more: bool = False
    again_from: dt.date | None = None


@dataclass(frozen=True)
class _Place:
    day: dt.date
    endpoint: str = ""
    item: str = ""
    past: str = ""
    last: str = ""


def changes(
    index: ItemIndex, query: Query, *, since: dt.date | None = None, cursor: str = "", limit: int = 1000
) -> Changes:
    """What happened to the items of a subset.

    Args:
        index: an open index.
        query: the subset.
        since: the first entry-date to tell of; all days when left out.
        cursor: of the page before; counts before `since`.
        limit: how many changes at most.

    Raises:
        QueryError: the cursor is none, or one of another question.
    """
    place = _parse(cursor, query) if cursor else _Place(since or dt.date.min)
    connection = index.connection
    if cursor and (again := _changed_since(index, query, place)) is not None:
        return Changes((), cursor, again_from=again)
    matching = index.match(query, index.newest)
    values = {**matching.values, "since": place.day, "endpoint": place.endpoint, "item": place.item, "limit": limit + 1}
    text = _EVENTS.format(relation=matching.relation_of_all)
    named = set(re.findall(r"\$(\w+)", text))
    rows = connection.execute(text, {name: value for name, value in values.items() if name in named}).fetchall()
    page = rows[:limit]
    records = index.records([number for *_, number in page])
    found = tuple(Change(day, e, item, change, records[number]) for day, e, item, change, number in page)
    if page:
        place = _Place(*page[-1][:3])
    return Changes(found, _text(_Place(place.day, place.endpoint, place.item, *_past(index, query, place.day)), query),
                   len(rows) > limit)  # fmt: skip


def _changed_since(index: ItemIndex, query: Query, place: _Place) -> dt.date | None:
    """The day to begin from again: that of the cursor, or the first of all where what came before it changed."""
    past, last = _past(index, query, place.day)
    if past != place.past:
        return dt.date.min
    return None if last == place.last else place.day


def _past(index: ItemIndex, query: Query, day: dt.date) -> tuple[str, str]:
    """What was told of the time before a day, and of it, as digests."""
    before = max(day, dt.date.min + dt.timedelta(1)) - dt.timedelta(1)
    representation = index.connection.execute(_REPRESENTATION).fetchone()
    past = past_digest(index.connection, None, before), representation, _asked(index, query, before)
    return _digest(past), _digest((past_digest(index.connection, day, day), _asked(index, query, day)))


def _asked(index: ItemIndex, query: Query, day: dt.date) -> list[tuple[Any, ...]]:
    """The endpoints that its organisations and datasets come to, of those that answered up to a day.

    One that comes later is told of by what it brings.
    """
    endpoints = index.endpoints(query)
    if endpoints is None:
        return []
    return index.connection.execute(_ANSWERED, {"endpoints": endpoints, "day": day}).fetchall()


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _text(place: _Place, query: Query) -> str:
    content = json.dumps(
        [place.day.isoformat(), place.endpoint, place.item, place.past, place.last, question(query, None)]
    )
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _parse(text: str, query: Query) -> _Place:
    try:
        content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        day, endpoint, item, past, last, asked = json.loads(content)
        place = _Place(dt.date.fromisoformat(day), str(endpoint), str(item), str(past), str(last))
    except (ValueError, TypeError) as error:
        raise QueryError(f"{text[:40]!r} is no cursor of the feed; take it from the answer before") from error
    if asked != question(query, None):
        raise QueryError("the cursor belongs to the changes of another subset; begin that of this one without a cursor")
    return place
