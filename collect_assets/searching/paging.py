"""The order of hits, and the cursor from one page to the next.

A cursor holds the day and the place of the last hit in the order, so a page costs the same wherever it lies, each item
comes once, and days that are published in between change nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import duckdb

from collect_assets.errors import QueryError
from collect_assets.searching.matching import Matching
from collect_assets.searching.query import Query, Sort

K1, B = 1.2, 0.75  # of BM25, as everybody has them

# The items of a word that live on the day; of the first word with what a page is sorted by, so that it is read once.
_HIT = """
hit_{number} AS MATERIALIZED (
    SELECT h.version_no, h.times, s.words, s.endpoint_no, s.item_id
    FROM (SELECT version_no, count(*) AS times FROM ({hits}) GROUP BY version_no) h
    JOIN search_item s USING (version_no)
    WHERE s.first_date <= $day AND (s.last_date IS NULL OR s.last_date >= $day)
)
"""
_PART = (
    "(SELECT ln(1 + ({items} - count(*) + 0.5) / (count(*) + 0.5)) FROM hit_{number}) * hit_{number}.times * {k} / "
    "(hit_{number}.times + {k1} * ({rest} + {b} * hit_{number}.words / {average}))"
)


@dataclass(frozen=True)
class Order:
    """How hits are sorted: by a value, then by endpoint and id.

    Attributes:
        value: SQL for it, of a version `s`.
        tables: what has to stand before the statement.
    """

    value: str
    descending: bool = False
    tables: str = ""


@dataclass(frozen=True)
class Lengths:
    """Of the items that live on a day: how many there are, and how many words they have on average."""

    items: int
    average: float

    @classmethod
    def on(cls, connection: duckdb.DuckDBPyConnection, day: dt.date) -> Lengths:
        """Those of a day."""
        live = "first_date <= $day AND (last_date IS NULL OR last_date >= $day)"
        row = connection.execute(
            f"SELECT count(*), greatest(avg(words), 1) FROM search_item WHERE {live}", {"day": day}
        ).fetchone()
        items, average = row or (0, 1)
        return cls(items, average or 1)


def text_order(matching: Matching, lengths: Lengths) -> Order:
    """By rank: BM25 over the items that live on the day, whatever else is asked, so that ranks of subsets compare."""
    numbers = range(len(matching.words))
    hits = ", ".join(
        _HIT.format(number=number, hits=matching.hits_sql(word)) for number, word in enumerate(matching.words)
    )
    rule = {"items": lengths.items, "average": lengths.average, "k": K1 + 1, "k1": K1, "rest": 1 - B, "b": B}
    parts = " + ".join(_PART.format(number=number, **rule) for number in numbers)
    joined = "".join(f" JOIN hit_{number} USING (version_no)" for number in numbers[1:])
    score = f"SELECT version_no, hit_0.endpoint_no, hit_0.item_id, round({parts}, 6) AS score FROM hit_0{joined}"
    return Order("score", descending=True, tables=f"WITH {hits}, score AS ({score})")


@dataclass(frozen=True)
class Cursor:
    """Where a page ended.

    Attributes:
        day: whose state is asked.
        place: the sort value, the endpoint and the id of the last hit.
    """

    day: dt.date
    place: tuple[Any, str, str]

    @staticmethod
    def at(day: dt.date, query: Query, sort: Sort | None, place: tuple[Any, ...]) -> str:
        """The cursor as text."""
        content = json.dumps([day.isoformat(), question(query, sort), *place], separators=(",", ":"))
        return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, query: Query, sort: Sort | None) -> Cursor:
        """From its text.

        Raises:
            QueryError: it is no cursor, or one of another question.
        """
        try:
            content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            day, asked, value, endpoint, item = json.loads(content)
            cursor = cls(dt.date.fromisoformat(day), (value, str(endpoint), str(item)))
        except (ValueError, TypeError) as error:
            raise QueryError(f"{text[:40]!r} is not where a page ended; take it from the answer before") from error
        if asked != question(query, sort):
            raise QueryError(
                "the page before this one answered another question; ask the same again, or from its start"
            )
        return cursor


def question(query: Query, sort: Sort | None) -> str:
    """What is asked, in twelve digits: a cursor of one question says nothing of another."""
    return hashlib.sha256(repr((query, sort)).encode()).hexdigest()[:12]


def after_sql(order: Order, cursor: Cursor, matching: Matching) -> str:
    """SQL for what comes after a cursor, of rows with `value`, `endpoint` and `item_id`."""
    value, endpoint, item = cursor.place
    behind = f"(endpoint, item_id) > ({matching.bind(endpoint)}, {matching.bind(item)})"
    if value is None:
        return f"value IS NULL AND {behind}"
    bound = matching.bind(value)
    return f"(value {'<' if order.descending else '>'} {bound} OR value IS NULL OR (value = {bound} AND {behind}))"
