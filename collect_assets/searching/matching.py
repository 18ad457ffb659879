"""From a query to the SQL that finds what it asks for.

Values are bound; only operators, columns and names of our own enter the text. A field with a column of its own is asked
there; any other by a look into the record.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import duckdb

from collect_assets.collection import FieldKind
from collect_assets.errors import QueryError
from collect_assets.index.represent import key_sql, pointer
from collect_assets.index.representation import Column
from collect_assets.index.words import words_sql
from collect_assets.searching.query import OPEN, Box, Condition, Near, Query

EARTH = 6371.0088  # km, the mean radius
_KM_PER_DEGREE = math.pi * EARTH / 180
FEW, MANY = 5, 20  # ids that are looked up one by one, and versions
_LIVE = "s.first_date <= $day AND (s.last_date IS NULL OR s.last_date >= $day)"


@dataclass(frozen=True)
class Word:
    """A word of a text that is asked for; `starts` where it is the beginning of one."""

    text: str
    starts: bool


@dataclass
class Matching:
    """The parts of a statement that finds what a query asks for.

    Attributes:
        conditions: all have to hold of `search_item s` and, where it is joined, `item_version v`.
        values: what is bound.
        words: of the text; each has to be in the record.
        versions: where few are left by the ids that are asked for, those; None where it may be any.
        needs_record: whether `item_version v` has to be joined.
        spatial: whether geometry functions are needed.
    """

    conditions: list[str] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)
    words: tuple[Word, ...] = ()
    versions: tuple[int, ...] | None = None
    needs_record: bool = False
    spatial: bool = False
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def bind(self, value: object) -> str:
        """Binds a value, and returns how the statement names it."""
        name = f"v{next(self._numbers)}"
        self.values[name] = value
        return f"${name}"

    @property
    def relation(self) -> str:
        """What stands after FROM: all versions that match on `$day`, as `s`."""
        return self._where([_LIVE])

    @property
    def relation_of_all(self) -> str:
        """What stands after FROM: all versions that match, whatever their days."""
        return self._where(["true"])

    @property
    def scored(self) -> str:
        """As `relation`, of the versions in `score`, which have all the words and live on the day."""
        if not self.conditions and self.versions is None:
            return "score s"
        return f"score JOIN {self._from} ON score.version_no = s.version_no WHERE {self._conditions(['true'])}"

    @property
    def _from(self) -> str:
        joined = " JOIN shown_version v ON v.version_no = s.version_no" if self.needs_record else ""
        if self.versions is None:
            return f"search_item s{joined}"
        # One by one: DuckDB finds a number by the smallest and largest of each part, but reads all for a list of them.
        one_by_one = " UNION ALL ".join(f"FROM search_item WHERE version_no = {number}" for number in self.versions)
        return f"({one_by_one or 'FROM search_item WHERE false'}) s{joined}"

    def _conditions(self, conditions: list[str]) -> str:
        return " AND ".join([*conditions, *self.conditions])

    def _where(self, conditions: list[str]) -> str:
        texts = [f"s.version_no IN ({self.hits_sql(word)})" for word in self.words]
        return f"{self._from} WHERE {self._conditions([*conditions, *texts])}"

    def hits_sql(self, word: Word) -> str:
        """The versions with a word, each as often as the word is in it; versions that went may be among them."""
        if word.starts:
            low, high = self.bind(word.text), self.bind(word.text + chr(0x10FFFF))
            return f"SELECT unnest(versions) AS version_no FROM word WHERE word >= {low} AND word < {high}"
        return f"SELECT unnest(versions) AS version_no FROM word WHERE word = {self.bind(word.text)}"


def match(connection: duckdb.DuckDBPyConnection, query: Query, endpoints: Sequence[str] | None) -> Matching:
    """The statement's parts for a query.

    Args:
        connection: to the index.
        query: what is asked.
        endpoints: those that its organisations and datasets come to; None where it names none.

    Raises:
        QueryError: it names an endpoint that there is not, or a polygon that is none.
    """
    columns = read_columns(connection)
    found = Matching(words=split_words(connection, query.text))
    for conditions in _alternatives(query.where):
        parts = [_condition_sql(found, condition, columns) for condition in conditions]
        found.conditions.append(f"({' OR '.join(parts)})")
    _add_places(connection, found, query)
    if query.items:
        _add_items(connection, found, query.items)
    _add_endpoints(connection, found, query.endpoints, endpoints)
    if query.resource:
        found.conditions.append(
            "s.version_no IN (SELECT x.version_no FROM item_version x JOIN observation o "
            "ON o.endpoint_no = x.endpoint_no AND o.entry_date = x.observed "
            f"WHERE o.resource = {found.bind(query.resource)})"
        )
    if query.withheld:
        found.conditions.append(
            "s.version_no IN (SELECT x.version_no FROM withheld w JOIN item_version x USING (scope_no, item_id) "
            "WHERE w.last_date IS NULL)"
        )
    if query.changed:
        for operator, day in ((">=", query.changed.first), ("<=", query.changed.last)):
            if day is not None:
                found.conditions.append(f"s.first_date {operator} {found.bind(day)}")
    return found


def _add_items(connection: duckdb.DuckDBPyConnection, found: Matching, items: Sequence[str]) -> None:
    if len(items) == 1:
        found.conditions.append(f"s.item_id = {found.bind(items[0])}")
    else:
        found.conditions.append(f"s.item_id IN (SELECT unnest({found.bind(list(items))}))")
    if len(items) > FEW:
        wanted = f"SELECT unnest({found.bind(list(items))}::VARCHAR[])"
        keys = f"SELECT version_no FROM item_key WHERE key IN (SELECT {key_sql('id')} FROM ({wanted} AS id))"
        found.conditions.append(f"s.version_no IN ({keys})")
        return
    look_up = f"SELECT version_no FROM item_key WHERE key = {key_sql('?')}"
    numbers = {number for item in items for (number,) in connection.execute(look_up, [item]).fetchall()}
    if len(numbers) <= MANY:
        found.versions = tuple(sorted(numbers))
    else:
        found.conditions.append(f"s.version_no IN (SELECT unnest({found.bind(sorted(numbers))}))")


def read_columns(connection: duckdb.DuckDBPyConnection) -> tuple[Column, ...]:
    """The fields that have a column of their own in this index."""
    row = connection.execute("SELECT value FROM search_meta WHERE key = 'columns'").fetchone()
    return tuple(Column(*each) for each in json.loads(row[0])) if row else ()


def split_words(connection: duckdb.DuckDBPyConnection, text: str) -> tuple[Word, ...]:
    """The words of a text that is asked for, each once, by the rule that the index has for those of records."""
    parts = text.split()
    if not parts:
        return ()
    rows = connection.execute(
        f"SELECT {words_sql('part')} FROM (SELECT unnest($parts::VARCHAR[]) AS part)", {"parts": parts}
    ).fetchall()
    found: dict[Word, None] = {}
    for part, (words,) in zip(parts, rows, strict=True):
        for number, word in enumerate(words, 1):
            found[Word(word, part.endswith(OPEN) and number == len(words))] = None
    return tuple(found)


def _alternatives(conditions: Iterable[Condition]) -> list[list[Condition]]:
    """Conditions with `=` on one field stand together; each other one by itself."""
    groups: dict[object, list[Condition]] = {}
    for number, condition in enumerate(conditions):
        groups.setdefault(condition.field if condition.is_equality else number, []).append(condition)
    return list(groups.values())


def field_sql(found: Matching, name: str, columns: Iterable[Column]) -> tuple[str, Column | None]:
    """SQL for the value of a field, and its column where it has one."""
    column = next((column for column in columns if column.field == name), None)
    if column is not None:
        return f"s.{column.name}", column
    found.needs_record = True
    return f"(v.record ->> {found.bind(pointer(name))})", None


def _condition_sql(found: Matching, condition: Condition, columns: Iterable[Column]) -> str:
    value, column = field_sql(found, condition.field, columns)
    kind: FieldKind = column.kind if column else "text"
    if condition.asks_presence:
        return f"{value} IS {'NOT ' if condition.operator == '=' else ''}NULL"
    if condition.prefix is not None:
        sql = f"starts_with(lower({_text(found, condition.field, value, kind)}), lower({found.bind(condition.prefix)}))"
    elif condition.range is not None:
        ends = zip((">=", "<="), condition.range, strict=True)
        sql = (
            " AND ".join(_compared(found, condition.field, (value, kind), op, end) for op, end in ends if end != OPEN)
            or f"{value} IS NOT NULL"
        )
    else:
        operator = "=" if condition.operator == "!=" else condition.operator
        sql = _compared(found, condition.field, (value, kind), operator, condition.plain)
    sql = f"coalesce({sql}, false)"
    return f"NOT {sql}" if condition.operator == "!=" else sql


def _text(found: Matching, name: str, value: str, kind: FieldKind) -> str:
    """The text of a value, as it stands in the record where the field's column keeps numbers only."""
    if kind != "number":
        return value
    text, _ = field_sql(found, name, ())
    return text


def _compared(found: Matching, name: str, shown: tuple[str, FieldKind], operator: str, other: str) -> str:
    """Numbers as numbers, dates as far as the day that is asked for goes, all else as text in any case."""
    value, kind = shown
    number = _number(other)
    if kind == "number" and number is not None:
        return f"{value} {operator} {found.bind(number)}"
    text = found.bind(other)
    if kind == "date":
        return f"left({value}, length({text})) {operator} {text}"
    words = f"lower({_text(found, name, value, kind)}) {operator} lower({text})"
    if number is None:
        return words
    return f"coalesce(TRY_CAST({value} AS DOUBLE) {operator} {found.bind(number)}, {words})"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _add_places(connection: duckdb.DuckDBPyConnection, found: Matching, query: Query) -> None:
    if query.box is not None:
        found.conditions.append(_box_sql(found, query.box))
    if query.near is not None:
        _add_near(found, query.near)
    if query.polygon:
        found.spatial = found.needs_record = True
        _add_polygon(connection, found, query.polygon)


def _box_sql(found: Matching, box: Box) -> str:
    meets = "OR" if box.west > box.east else "AND"
    south, north, east, west = (found.bind(side) for side in (box.south, box.north, box.east, box.west))
    return f"s.ymin <= {north} AND s.ymax >= {south} AND (s.xmin <= {east} {meets} s.xmax >= {west})"


def _add_near(found: Matching, near: Near) -> None:
    """A circle: points by the haversine, other shapes on a plane that touches the globe at its centre.

    The plane does not close at the date line: where the circle reaches over it, its centre stands on both sides too.
    """
    found.spatial = found.needs_record = True
    around = _around(near)
    found.conditions.append(_box_sql(found, around))
    lat, lon, distance = found.bind(near.latitude), found.bind(near.longitude), found.bind(near.kilometres)
    haversine = (
        f"{2 * EARTH} * asin(least(1, sqrt(pow(sin(radians(s.ymin - {lat}) / 2), 2) + cos(radians({lat})) * "
        f"cos(radians(s.ymin)) * pow(sin(radians(s.xmin - {lon}) / 2), 2))))"
    )
    across, up = f"cos(radians({lat})) * {_KM_PER_DEGREE}", str(_KM_PER_DEGREE)
    shape = f"ST_Affine(ST_GeomFromWKB(v.geometry), {across}, 0, 0, {up}, 0, 0)"
    turns = (0, -360, 360) if around.west > around.east or around.east - around.west >= 360 else (0,)
    distances = (f"ST_Distance({shape}, ST_Point(({lon} + {turn}) * {across}, {lat} * {up}))" for turn in turns)
    plane = f"least({', '.join(distances)})"
    is_point = "s.xmin = s.xmax AND s.ymin = s.ymax"
    found.conditions.append(f"CASE WHEN {is_point} THEN {haversine} ELSE {plane} END <= {distance}")


def _around(near: Near) -> Box:
    """The box of a circle; all longitudes where a pole is in it."""
    angle = min(near.kilometres / EARTH, math.pi)
    south, north = near.latitude - math.degrees(angle), near.latitude + math.degrees(angle)
    if south <= -90 or north >= 90:
        return Box(-180, max(south, -90), 180, min(north, 90))
    wide = math.degrees(math.asin(min(1, math.sin(angle) / math.cos(math.radians(near.latitude)))))
    west, east = near.longitude - wide, near.longitude + wide
    return Box(west + 360 if west < -180 else west, south, east - 360 if east > 180 else east, north)


def _add_polygon(connection: duckdb.DuckDBPyConnection, found: Matching, wkt: str) -> None:
    sides = "ST_XMin(g), ST_YMin(g), ST_XMax(g), ST_YMax(g), ST_IsValid(g)"
    try:
        row = connection.execute(f"SELECT {sides} FROM (SELECT ST_GeomFromText($wkt) AS g)", {"wkt": wkt}).fetchone()
    except duckdb.Error as error:
        reason = str(error).split("\n", 1)[0]
        raise QueryError(
            f"{wkt[:60]!r} is not WKT ({reason}); write such as POLYGON((-2 53, -1 53, -1 54, -2 53))"
        ) from error
    *box, valid = row or (None,) * 5
    if box[0] is None or not valid:
        raise QueryError(f"{wkt[:60]!r} is empty, or its border crosses itself; draw it without crossings")
    found.conditions.append(_box_sql(found, Box(*box)))
    found.conditions.append(f"ST_Intersects(ST_GeomFromWKB(v.geometry), ST_GeomFromText({found.bind(wkt)}))")


def _add_endpoints(
    connection: duckdb.DuckDBPyConnection, found: Matching, named: Sequence[str], others: Sequence[str] | None
) -> None:
    """Both what names endpoints and what the registers say of organisations and datasets have to hold."""
    if named:
        numbers = [number for name in named for number in _numbers_of(connection, name)]
        found.conditions.append(f"s.endpoint_no IN (SELECT unnest({found.bind(numbers)}::INTEGER[]))")
    if others is not None:
        known = (
            f"SELECT endpoint_no FROM endpoint WHERE endpoint IN (SELECT unnest({found.bind(list(others))}::VARCHAR[]))"
        )
        found.conditions.append(f"s.endpoint_no IN ({known})")


def _numbers_of(connection: duckdb.DuckDBPyConnection, name: str) -> list[int]:
    rows = connection.execute(
        "SELECT endpoint_no FROM endpoint WHERE starts_with(endpoint, ?) LIMIT 2", [name]
    ).fetchall()
    if len(rows) != 1:
        many = "is the beginning of several endpoints" if rows else "is no endpoint that the index knows"
        raise QueryError(f"{name!r} {many}; write its id, the sha256 of its URL, or enough of its beginning")
    return [number for (number,) in rows]
