"""The versions of one item, in order, each with where its bytes are; and how two versions differ, field by field."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import QueryError
from collect_assets.index.publish import reading
from collect_assets.index.roughly import check_sensitive
from collect_assets.items.sensitive import generalised, sensitive_rules

# An item that was given another id goes on under it; its history goes back beyond that.
VERSIONS = """
WITH RECURSIVE known AS (
    SELECT DISTINCT v.scope_no, v.item_id FROM item_version v JOIN endpoint e USING (endpoint_no)
    WHERE v.item_id = $item AND starts_with(e.endpoint, $endpoint)
    UNION
    SELECT k.scope_no, CASE WHEN r.new_id = k.item_id THEN r.old_id ELSE r.new_id END
    FROM known k JOIN renamed r ON r.scope_no = k.scope_no AND k.item_id IN (r.old_id, r.new_id)
)
SELECT s.scope, e.endpoint, v.item_id, v.first_date, v.last_date, v.change, v.ended, v.why, v.record, v.observed,
       o.resource, v.member, v.record_number
FROM known k JOIN shown_version v USING (scope_no, item_id) JOIN endpoint e USING (endpoint_no)
JOIN scope s ON s.scope_no = v.scope_no
JOIN observation o ON o.endpoint_no = v.endpoint_no AND o.entry_date = v.observed
ORDER BY s.scope, v.first_date, v.version_no
"""

WITHHELD = """
SELECT w.first_date, w.last_date, w.change, w.reason, w.held, w.record, i.decimals, i.why
FROM withheld w JOIN scope s USING (scope_no)
LEFT JOIN sensitive_item i ON i.scope_no = w.scope_no AND i.item_id = w.item_id
WHERE s.scope = $scope AND w.item_id = $item ORDER BY w.first_date
"""


@dataclass(frozen=True)
class Version:
    """An item as it was over a span of days.

    Attributes:
        scope: within what its id is unique; the endpoint, unless endpoints share their items.
        endpoint: that served it.
        last_date: the last day on which it was so; None while it is.
        change, ended, why: how it began, how it ended, and for what reason.
        observed: the entry-date of the log whose resource holds its bytes.
        resource, member, record_number: where they are.
    """

    scope: str
    endpoint: str
    item: str
    first_date: dt.date
    last_date: dt.date | None
    change: str
    ended: str | None
    why: str | None
    record: dict[str, Any]
    observed: dt.date
    resource: str
    member: str
    record_number: int


@dataclass(frozen=True)
class Withheld:
    """What was served of the item and not applied to it, over a span of days."""

    first_date: dt.date
    last_date: dt.date | None
    change: str
    reason: str
    held: str | None
    record: dict[str, Any] | None


@dataclass(frozen=True)
class History:
    """All that is known of an item."""

    versions: tuple[Version, ...]
    withheld: tuple[Withheld, ...]


@dataclass(frozen=True)
class FieldChange:
    """A field that differs; None where it is not there."""

    field: str
    before: Any
    after: Any


def history(collection: Collection, item: str, endpoint: str = "") -> History:
    """The versions of an item, oldest first.

    Args:
        collection: whose.
        item: its id, now or earlier.
        endpoint: of the item, as much of its beginning as makes it one; may be left out where only one has that id.

    Raises:
        IndexUnavailableError: there is no index, or it cannot be read.
        QueryError: there is no such item, or several endpoints have one.
    """
    places = sensitive_rules(collection).places
    with reading(collection) as connection:
        check_sensitive(connection, collection)
        found = _versions(connection, item, endpoint)
        rows = connection.execute(WITHHELD, {"scope": found[0].scope, "item": item}).fetchall()
    waiting = [
        Withheld(first, last, change, reason, held, _told(record, decimals, why, places))
        for first, last, change, reason, held, record, decimals, why in rows
    ]
    return History(tuple(found), tuple(waiting))


def _told(record: str | None, decimals: int | None, why: str | None, places: frozenset[str]) -> dict[str, Any] | None:
    """What was withheld, as far as it is told."""
    if record is None:
        return None
    fields: dict[str, Any] = json.loads(record)
    return fields if decimals is None else generalised(fields, decimals, why or "", places)


def _versions(connection: duckdb.DuckDBPyConnection, item: str, endpoint: str) -> list[Version]:
    rows = connection.execute(VERSIONS, {"item": item, "endpoint": endpoint}).fetchall()
    if not rows:
        of = f" of {endpoint}" if endpoint else ""
        raise QueryError(f"there is no item {item!r}{of}, and never was; ids are compared as they are written")
    found = [
        Version(scope, e, i, first, last, change, ended, why, json.loads(record), *place)
        for scope, e, i, first, last, change, ended, why, record, *place in rows
    ]
    if len(scopes := sorted({version.scope for version in found})) > 1:
        raise QueryError(f"several endpoints have an item {item!r}; say which: {', '.join(s[:12] for s in scopes)}")
    return found


def version_on(versions: Iterable[Version], day: dt.date | None) -> Version | None:
    """The version of a day; the last one there was when the day is left out."""
    if day is None:
        return max(versions, key=lambda each: each.first_date, default=None)
    return next((v for v in versions if v.first_date <= day and (v.last_date is None or v.last_date >= day)), None)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldChange]:
    """The fields in which two records differ, sorted."""
    names = sorted(set(before) | set(after))
    return [FieldChange(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)]
