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

_SCORES = """
WITH hit AS MATERIALIZED (
    SELECT h.which, h.version_no, h.times, s.words FROM ({hits}) h JOIN search_item s USING (version_no)
    WHERE s.first_date <= $day AND (s.last_date IS NULL OR s.last_date >= $day)
), rarity AS (
    SELECT which, ln(1 + ({items} - count(*) + 0.5) / (count(*) + 0.5)) AS weight FROM hit GROUP BY which
), score AS MATERIALIZED (
    SELECT version_no,
           round(sum(weight * times * {k} / (times + {k1} * ({rest} + {b} * words / {average}))), 6) AS score
    FROM hit JOIN rarity USING (which) GROUP BY version_no HAVING count(*) = {words}
)
"""


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


def text_order(connection: duckdb.DuckDBPyConnection, matching: Matching) -> Order:
    """By rank: BM25 over the items that live on the day, whatever else is asked, so that ranks of subsets compare."""
    live = "first_date <= $day AND (last_date IS NULL OR last_date >= $day)"
    items, average = connection.execute(
        f"SELECT count(*), greatest(avg(words), 1) FROM search_item WHERE {live}", {"day": matching.values["day"]}
    ).fetchone() or (0, 1)
    hits = " UNION ALL ".join(
        f"SELECT {number} AS which, version_no, count(*) AS times FROM ({matching.hits_sql(word)}) GROUP BY version_no"
        for number, word in enumerate(matching.words)
    )
    tables = _SCORES.format(hits=hits, items=items, average=average or 1, k=K1 + 1, k1=K1, rest=1 - B, b=B,
                            words=len(matching.words))  # fmt: skip
    return Order("score.score", descending=True, tables=tables)


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
