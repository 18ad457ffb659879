"""Searching the item index, today or as of a past day: subsets, single items, counts, facets, and pages of it all.

`search` opens the index for one question. Whoever has several opens it once, by `open_index`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import QueryError
from collect_assets.index.publish import reading
from collect_assets.index.roughly import check_sensitive
from collect_assets.registers import read_sources
from collect_assets.searching.matching import Matching, field_sql, match, read_columns
from collect_assets.searching.paging import Cursor, Lengths, Order, after_sql, text_order
from collect_assets.searching.query import Box, Condition, Query, Sort
from collect_assets.store.database import literal, spatial_extension

_NAMED = re.compile(r"\$(\w+)")
ONE_BY_ONE = 50  # hits: so many records are found faster by their numbers, one by one, than by one scan for all
AHEAD = 20_000  # hits: the records of so many are found in little more than the second that those of a thousand take

# What served it is looked up apart, once for all hits that it served: joined to each, the plan takes half the time.
_HIT = """
SELECT v.version_no, v.endpoint_no, v.observed, v.item_id, v.first_date, v.change, v.record, v.member, v.record_number,
       {withheld} AS withheld
FROM shown_version v WHERE v.version_no {which}
"""
_SERVED = """
SELECT endpoint_no, entry_date, resource FROM observation
WHERE endpoint_no IN ({numbers}) AND entry_date IN ({days})
"""

_WITHHELD = """
coalesce((SELECT min(CASE WHEN w.reason = 'guard' THEN 'held ' || w.held ELSE w.reason END) FROM withheld w
          WHERE w.scope_no = v.scope_no AND w.item_id = v.item_id AND w.first_date <= {day}
            AND (w.last_date IS NULL OR w.last_date >= {day})), '')
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
        withheld: why what its endpoint says of it on that day is not applied: `held` with the hash that a decision
            names, `rejected`, or `manual`; blank where nothing is.
        collection: where several were asked.
    """

    endpoint: str
    item: str
    changed: dt.date
    change: str
    record: dict[str, Any]
    resource: str
    member: str
    record_number: int
    withheld: str = ""
    collection: str = ""


@dataclass(frozen=True)
class Hits:
    """The answer: how many items match, as of which day, the first of them, and where the next page begins."""

    total: int
    as_of: dt.date
    hits: tuple[Hit, ...]
    after: str = ""


@dataclass(frozen=True)
class Facet:
    """How many items of a subset have each value of a field, the most frequent first; and how many have none."""

    field: str
    values: tuple[tuple[str, int], ...]
    missing: int


class ItemIndex:
    """An index that is open, as it was published then. Each thread takes one of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, registers: Path) -> None:
        self.connection = connection
        self._sources = registers / "source.csv"
        self._spatial = False
        self._lengths_by_day: dict[dt.date, Lengths] = {}
        self._names: dict[int, str] = dict(connection.execute("SELECT endpoint_no, endpoint FROM endpoint").fetchall())
        # To look for it takes 8 ms a hit, most of it for the plan.
        self._any_withheld = bool(connection.execute("SELECT 1 FROM withheld LIMIT 1").fetchone())
        first, newest = connection.execute("SELECT min(entry_date), max(entry_date) FROM day").fetchone() or (
            None,
            None,
        )
        self.first: dt.date = first or dt.date.min
        self.newest: dt.date = newest or dt.date.min

    def search(
        self, query: Query, *, as_of: dt.date | None = None, sort: Sort | None = None, limit: int = 20, after: str = ""
    ) -> Hits:
        """The items of a subset, a page of them: by rank where words are asked for, else by endpoint and id.

        Args:
            query: the subset.
            as_of: the state at the end of that entry-date; the index's newest when left out.
            sort: another order.
            limit: how many hits to return; the total counts all.
            after: what an answer to the same question gave, for the page after it. Its day holds on.

        Raises:
            QueryError: the index does not speak of that day, or `after` belongs to another question.
        """
        return next(self._answers(query, as_of, sort, limit, limit, after))

    def _answers(
        self, query: Query, as_of: dt.date | None, sort: Sort | None, size: int, limit: int, after: str
    ) -> Iterator[Hits]:
        """The next `limit` hits, in pages of `size`."""
        cursor = Cursor.parse(after, query, sort) if after else None
        day = self.day(cursor.day if cursor else as_of)
        matching = self.match(query, day)
        page, total = self._page(matching, self._order(matching, sort), cursor, limit)
        hits = self.hits([number for number, *_ in page], day)
        for begin in range(0, max(len(hits), 1), size or 1):
            end = begin + size
            more = end < len(page) or (end == len(page) == limit and limit > 0)
            following = Cursor.at(day, query, sort, page[end - 1][1:]) if more else ""
            yield Hits(total, day, tuple(hits[begin:end]), following)

    def ranked(
        self, query: Query, day: dt.date, sort: Sort | None, place: tuple[Any, str, str] | None, limit: int
    ) -> tuple[list[tuple[Any, ...]], int]:
        """The version, sort value, endpoint and item of the first hits after a place; and how many there are in all.

        Raises:
            QueryError: something in the query cannot be understood.
        """
        matching = self.match(query, day)
        cursor = Cursor(day, place) if place else None
        return self._page(matching, self._order(matching, sort), cursor, limit)

    def count(self, query: Query, *, as_of: dt.date | None = None) -> int:
        """How many items are in a subset.

        Raises:
            QueryError: the index does not speak of that day.
        """
        matching = self.match(query, self.day(as_of))
        return int(self._rows(f"SELECT count(*) FROM {matching.relation}", matching)[0][0])

    def facet(self, name: str, query: Query, *, as_of: dt.date | None = None, limit: int = 10) -> Facet:
        """The values of a field in a subset, with how many items have each.

        Raises:
            QueryError: the index does not speak of that day.
        """
        matching = self.match(query, self.day(as_of))
        value, column = field_sql(matching, name, read_columns(self.connection))
        text = f"format('{{:g}}', {value})" if column and column.kind == "number" else value
        counted = f"SELECT {text} AS value, count(*) AS items FROM {matching.relation} GROUP BY ALL"
        rows = self._rows(
            f"WITH counted AS ({counted}) (SELECT value, items FROM counted WHERE value IS NOT NULL "
            f"ORDER BY items DESC, value LIMIT {int(limit)}) UNION ALL BY NAME "
            "SELECT NULL AS value, coalesce(sum(items), 0)::BIGINT AS items FROM counted WHERE value IS NULL",
            matching,
        )
        missing = next(count for value, count in rows if value is None)
        values = sorted(((v, n) for v, n in rows if v is not None), key=lambda row: (-row[1], row[0]))
        return Facet(name, tuple(values), missing)

    def pages(
        self, query: Query, *, as_of: dt.date | None = None, sort: Sort | None = None, size: int = 1000
    ) -> Iterator[Hits]:
        """All items of a subset, a page at a time, each item once; records of several pages are looked up at once."""
        limit = max(AHEAD // size, 1) * size
        after = ""
        while True:
            for found in self._answers(query, as_of, sort, size, limit, after):
                if found.hits or not after:
                    yield found
            after = found.after
            if not after:
                return

    def day(self, as_of: dt.date | None) -> dt.date:
        """The day that is asked for; the newest when left out.

        Raises:
            QueryError: the index does not speak of it yet.
        """
        if as_of is not None and as_of > self.newest:
            raise QueryError(
                f"the index speaks of days up to {self.newest}, not of {as_of}; collect and index that day first"
            )
        return as_of or self.newest

    def match(self, query: Query, day: dt.date) -> Matching:
        """The parts of a statement that finds a subset as it is on a day.

        Raises:
            QueryError: something in it cannot be understood.
        """
        if (query.polygon or query.near) and not self._spatial:
            self.connection.execute(f"LOAD {literal(spatial_extension())}")
            self._spatial = True
        matching = match(self.connection, query, self.endpoints(query))
        matching.values["day"] = day
        return matching

    def endpoints(self, query: Query) -> list[str] | None:
        """The endpoints that the registers give to its organisations and datasets, as they say now; None without."""
        if not query.organisations and not query.datasets:
            return None
        sources = read_sources(self._sources)
        return [
            source.endpoint
            for source in sources
            if (not query.organisations or source.organisation in query.organisations)
            and (not query.datasets or set(query.datasets) & set(source.datasets.split(";")))
        ]

    def _order(self, matching: Matching, sort: Sort | None) -> Order:
        if sort is not None:
            value, _ = field_sql(matching, sort.field, read_columns(self.connection))
            return Order(value, descending=sort.direction == "descending")
        return text_order(matching, self._lengths(matching)) if matching.words else Order("0")

    def _lengths(self, matching: Matching) -> Lengths:
        """The same for each question of a day: the file is never changed."""
        day: Any = matching.values["day"]
        if day not in self._lengths_by_day:
            self._lengths_by_day[day] = Lengths.on(self.connection, day)
        return self._lengths_by_day[day]

    def _page(
        self, matching: Matching, order: Order, cursor: Cursor | None, limit: int
    ) -> tuple[list[tuple[Any, ...]], int]:
        """The version, sort value, endpoint and item of each hit of a page; and how many hits there are in all."""
        found = f"SELECT s.version_no, s.endpoint_no, s.item_id, {order.value} AS value FROM {matching.relation}"
        counted = matching.relation
        if order.tables and limit:  # scores are made once, for the page and for the count
            found = f"SELECT s.version_no, s.endpoint_no, s.item_id, score AS value FROM {matching.scored}"
            self._rows(f"CREATE OR REPLACE TEMP TABLE found AS {order.tables} {found}", matching)
            found, counted = "FROM found", "found"
        if not limit:
            return [], self._counted(counted, matching)
        if matching.versions is not None and cursor is None and order == Order("0"):
            rows = self._in_order(self._rows(found, matching))
            return rows[:limit], len(rows)
        beyond = f"WHERE {after_sql(order, cursor, matching)}" if cursor else ""
        places = "SELECT endpoint_no, endpoint, row_number() OVER (ORDER BY endpoint) AS place FROM endpoint"
        rows = self._rows(
            f"SELECT version_no, value, endpoint, item_id FROM ({found}) JOIN ({places}) USING (endpoint_no) {beyond} "
            f"ORDER BY value {'DESC' if order.descending else 'ASC'} NULLS LAST, place, item_id LIMIT {int(limit)}",
            matching,
        )
        whole = cursor is None and len(rows) < limit  # to count them again takes a fifth of finding an item by its id
        return rows, len(rows) if whole else self._counted(counted, matching)

    def _in_order(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """A few versions, as the statement for many sorts them: to plan that takes a third of finding an item."""
        named = [(version, value, self._names[endpoint], item) for version, endpoint, item, value in rows]
        return sorted(named, key=lambda row: (row[2], row[3]))

    def _counted(self, relation: str, matching: Matching) -> int:
        return int(self._rows(f"SELECT count(*) FROM {relation}", matching)[0][0])

    def _rows(self, query: str, matching: Matching) -> list[tuple[Any, ...]]:
        named = set(_NAMED.findall(query))
        used = {name: value for name, value in matching.values.items() if name in named}
        return self.connection.execute(query, used).fetchall()

    def records(self, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The records of versions, by the numbers of these."""
        listed = ", ".join(map(str, numbers)) or "NULL"
        rows = self.connection.execute(f"SELECT version_no, record FROM shown_version WHERE version_no IN ({listed})")
        return {number: json.loads(record) for number, record in rows.fetchall()}

    def hits(self, numbers: Sequence[int], day: dt.date) -> list[Hit]:
        """What is known of versions, by the numbers of these."""
        shown = _WITHHELD.format(day=f"DATE '{day.isoformat()}'") if self._any_withheld else "''"
        if len(numbers) <= ONE_BY_ONE:
            # Written into the statement: by a number that it knows, DuckDB passes over parts of the file sooner.
            queries = (_HIT.format(which=f"= {number}", withheld=shown) for number in map(int, numbers))
            rows = [row for query in queries for row in self.connection.execute(query).fetchall()]
        else:
            listed = f"IN ({', '.join(map(str, numbers))})"
            rows = self.connection.execute(_HIT.format(which=listed, withheld=shown)).fetchall()
        resources = self._served({(row[1], row[2]) for row in rows})
        by_number = {
            number: Hit(self._names[no], item, first, change, json.loads(record), resources[no, observed], *rest)
            for number, no, observed, item, first, change, record, *rest in rows
        }
        return [by_number[number] for number in numbers]

    def _served(self, asked: set[tuple[int, dt.date]]) -> dict[tuple[int, dt.date], str]:
        """The resource that an endpoint served, by the number of the endpoint and the day."""
        numbers = ", ".join({str(number) for number, _ in asked}) or "NULL"
        days = ", ".join({f"DATE '{day.isoformat()}'" for _, day in asked}) or "NULL"
        rows = self.connection.execute(_SERVED.format(numbers=numbers, days=days)).fetchall()
        return {(number, day): resource for number, day, resource in rows}


@contextmanager
def open_index(collection: Collection) -> Iterator[ItemIndex]:
    """The index of a collection, open while the `with` lasts; later publications do not disturb it.

    Raises:
        IndexUnavailableError: there is none yet, or it is damaged; says what to do.
    """
    with reading(collection) as connection:
        check_sensitive(connection, collection)
        yield ItemIndex(connection, collection.registers)


def search(
    collection: Collection,
    text: str = "",
    *,
    where: Sequence[Condition] = (),
    bbox: Box | None = None,
    query: Query | None = None,
    as_of: dt.date | None = None,
    sort: Sort | None = None,
    limit: int = 20,
    after: str = "",
) -> Hits:
    """The items that meet all conditions.

    Args:
        collection: whose index.
        text: words that must all occur in the record's values, in any case; `word*` for what begins so.
        where: conditions on fields of the record.
        bbox: a box that the item's geometry overlaps (with its own bounding box).
        query: what else is asked; the three above are added to it.
        as_of: the state at the end of that entry-date; the index's newest when left out.
        sort: another order than by rank, or by endpoint and id.
        limit: how many hits to return; the total counts all.
        after: of the answer before, for the next page.

    Raises:
        IndexUnavailableError: there is no index, or it cannot be read.
        QueryError: the day is after the newest that the index holds, or something in it cannot be understood.
    """
    asked = query or Query()
    asked = replace(asked, text=f"{asked.text} {text}".strip(), where=(*asked.where, *where), box=bbox or asked.box)
    with open_index(collection) as index:
        return index.search(asked, as_of=as_of, sort=sort, limit=limit, after=after)
