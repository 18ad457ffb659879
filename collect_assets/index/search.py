"""Searching the item index, today or as of a past day.

Conditions are bound parameters; only names of operators and fixed columns enter the SQL text. A field condition looks
at the record as JSON, numbers are compared as numbers and everything else as text (ISO dates sort as text).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from collect_assets.collection import Collection
from collect_assets.errors import QueryError
from collect_assets.index.publish import reading

OPERATORS = ("!=", ">=", "<=", "=", ">", "<")
_CONDITION = re.compile(r"(?P<field>[^=<>!]+)(?P<operator>!=|>=|<=|=|>|<)(?P<value>.*)", re.DOTALL)

MATCHES = """
SELECT e.endpoint, v.item_id, v.first_date, v.change, v.record, o.resource, v.member, v.record_number
FROM item_version v JOIN endpoint e USING (endpoint_no)
JOIN observation o ON o.endpoint_no = v.endpoint_no AND o.entry_date = v.first_date
WHERE v.first_date <= $day AND (v.last_date IS NULL OR v.last_date >= $day) {conditions}
"""


@dataclass(frozen=True)
class Hit:
    """An item as it was on the day asked for.

    Attributes:
        endpoint: where it comes from.
        item: its id.
        changed: the entry-date of this version.
        change: `created`, `updated` or `restored`.
        record: its fields.
        resource: the file that holds the version's bytes.
        member: the file inside that archive; blank when it is none.
        record_number: the position of the record in it, from 1.
    """

    endpoint: str
    item: str
    changed: dt.date
    change: str
    record: dict[str, Any]
    resource: str
    member: str
    record_number: int


@dataclass(frozen=True)
class Hits:
    """The answer: how many items match, as of which day, and the first of them."""

    total: int
    as_of: dt.date
    hits: tuple[Hit, ...]


@dataclass(frozen=True)
class Condition:
    """`field operator value`; `field = *` asks that the field is there."""

    field: str
    operator: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """From `FIELD=VALUE`, with `=`, `!=`, `>`, `>=`, `<` or `<=`.

        Raises:
            QueryError: it is not of that form.
        """
        match = _CONDITION.fullmatch(text)
        if match is None or not match["field"].strip():
            raise QueryError(f"{text!r} is not a condition; write FIELD=VALUE, with one of {' '.join(OPERATORS)}")
        return cls(match["field"].strip(), match["operator"], match["value"].strip())


@dataclass(frozen=True)
class Box:
    """A bounding box in degrees, WGS84. One that crosses the date line has its west east of its east."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def parse(cls, text: str) -> Box:
        """From `W,S,E,N`.

        Raises:
            QueryError: it is not four numbers in range.
        """
        try:
            west, south, east, north = (float(part) for part in text.split(","))
        except ValueError:
            raise QueryError(
                f"{text!r} is not a bounding box; write W,S,E,N in degrees, such as -1.5,53,-1,54"
            ) from None
        if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
            raise QueryError(
                f"{text!r} is not a bounding box: longitudes are -180 to 180, latitudes -90 to 90, south first"
            )
        return cls(west, south, east, north)


def search(
    collection: Collection,
    text: str = "",
    *,
    where: Sequence[Condition] = (),
    bbox: Box | None = None,
    as_of: dt.date | None = None,
    limit: int = 20,
) -> Hits:
    """The items that meet all conditions.

    Args:
        collection: whose index.
        text: words that must all occur in the record's values, in any case.
        where: conditions on fields of the record.
        bbox: a box that the item's geometry overlaps (with its own bounding box).
        as_of: the state at the end of that entry-date; the index's newest when left out.
        limit: how many hits to return; the total counts all.

    Raises:
        IndexUnavailableError: there is no index, or it cannot be read.
        QueryError: the day is after the newest that the index holds.
    """
    conditions: list[str] = []
    values: dict[str, object] = {}
    _add_text(text, conditions, values)
    for number, condition in enumerate(where):
        _add_condition(condition, number, conditions, values)
    _add_box(bbox, conditions, values)
    matches = MATCHES.format(conditions="".join(f"\n  AND {condition}" for condition in conditions))
    with reading(collection) as connection:
        newest = (connection.execute("SELECT max(entry_date) FROM day").fetchone() or (None,))[0]
        if as_of is not None and newest is not None and as_of > newest:
            raise QueryError(
                f"the index speaks of days up to {newest}, not of {as_of}; collect and index that day first"
            )
        values["day"] = as_of or newest
        rows = connection.execute(
            f"SELECT *, count(*) OVER () FROM ({matches}) ORDER BY endpoint, item_id LIMIT $limit",
            {**values, "limit": limit},
        ).fetchall()
        total = rows[0][-1] if rows else 0
        if limit == 0:
            total = (connection.execute(f"SELECT count(*) FROM ({matches})", values).fetchone() or (0,))[0]
    hits = tuple(Hit(e, i, d, c, json.loads(r), *rest) for e, i, d, c, r, *rest, _ in rows)
    return Hits(total, as_of or newest, hits)


def _add_text(text: str, conditions: list[str], values: dict[str, object]) -> None:
    for number, word in enumerate(text.split()):
        conditions.append(f"contains(lower(array_to_string(v.record ->> '$.*', ' ')), $word{number})")
        values[f"word{number}"] = word.lower()


def _add_condition(condition: Condition, number: int, conditions: list[str], values: dict[str, object]) -> None:
    field, value = f"(v.record ->> $field{number})", f"$value{number}"
    values[f"field{number}"] = "/" + condition.field.replace("~", "~0").replace("/", "~1")
    if condition.value == "*" and condition.operator in ("=", "!="):
        conditions.append(f"{field} IS {'NOT ' if condition.operator == '=' else ''}NULL")
        return
    values[f"value{number}"] = condition.value
    numbers = f"try_cast({field} AS DOUBLE) {condition.operator} try_cast({value} AS DOUBLE)"
    words = f"lower({field}) {condition.operator} lower({value})"
    conditions.append(f"coalesce({numbers}, {words}{', true' if condition.operator == '!=' else ', false'})")


def _add_box(box: Box | None, conditions: list[str], values: dict[str, object]) -> None:
    if box is None:
        return
    meets = "OR" if box.west > box.east else "AND"
    conditions.append(f"v.ymin <= $north AND v.ymax >= $south AND (v.xmin <= $east {meets} v.xmax >= $west)")
    values.update(north=box.north, south=box.south, east=box.east, west=box.west)
