"""The same questions to several collections at once: one order, one count, one cursor.

A collection that cannot answer stops no other one; it is named in `left_out`. Ranks are those that each index gives.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from collect_assets.collection import BrokenCollection, Collection
from collect_assets.errors import IndexUnavailableError, QueryError, RegisterError
from collect_assets.searching.feed import Changes, changes
from collect_assets.searching.paging import question
from collect_assets.searching.query import Query, Sort
from collect_assets.searching.search import Facet, Hits, ItemIndex, open_index

ALL_VALUES = 1_000_000  # of a field in one collection; counts of the first alone do not add up
_BEHIND_ALL = "g"  # endpoints are hex
Answer = TypeVar("Answer")


@dataclass
class ManyIndexes:
    """The indexes of several collections, open; by the names of these.

    Attributes:
        left_out: why others are not asked; each question adds those that could not answer it.
    """

    indexes: Mapping[str, ItemIndex]
    left_out: list[str] = field(default_factory=list)

    @property
    def first(self) -> dt.date:
        """The first day of all."""
        return min(index.first for index in self.indexes.values())

    def search(
        self, query: Query, *, as_of: dt.date | None = None, sort: Sort | None = None, limit: int = 20, after: str = ""
    ) -> Hits:
        """As `ItemIndex.search`: by rank or field, then by collection, endpoint and id; each hit says its collection.

        Without `as_of` each collection answers as of its own newest day, and goes on so on all pages.

        Raises:
            QueryError: no collection can answer, or `after` belongs to another question.
        """
        asked = question(query, sort)
        days, place = _parse(after, asked) if after else (None, None)

        def ask(name: str, index: ItemIndex) -> tuple[dt.date, list[tuple[Any, ...]], int]:
            day = index.day(as_of if days is None else dt.date.fromisoformat(days[name]))
            return (day, *index.ranked(query, day, sort, _place_of(name, place), limit))

        answers = self._each(ask, only=days)
        found = [
            (value, name, endpoint, item, number)
            for name, (_, rows, _) in answers.items()
            for number, value, endpoint, item in rows
        ]
        page = _in_order(
            found, descending=bool(query.text and not sort) or bool(sort and sort.direction != "ascending")
        )
        del page[limit:]
        hits = {
            (name, number): replace(hit, collection=name)
            for name, (day, *_) in answers.items()
            for numbers in [[number for _, of, _, _, number in page if of == name]]
            for number, hit in zip(numbers, self.indexes[name].hits(numbers, day), strict=True)
        }
        told = {name: day.isoformat() for name, (day, *_) in answers.items()}
        following = _text([told, asked, *page[-1][:4]]) if len(page) == limit and limit else ""
        total = sum(count for *_, count in answers.values())
        newest = max(day for day, *_ in answers.values())
        return Hits(total, newest, tuple(hits[name, number] for _, name, _, _, number in page), following)

    def count(self, query: Query, *, as_of: dt.date | None = None) -> int:
        """How many items are in a subset, in all collections."""
        return sum(self._each(lambda _, index: index.count(query, as_of=as_of)).values())

    def facet(self, name: str, query: Query, *, as_of: dt.date | None = None, limit: int = 10) -> Facet:
        """The values of a field in all collections, with how many items have each."""
        found = self._each(lambda _, index: index.facet(name, query, as_of=as_of, limit=ALL_VALUES)).values()
        counts = Counter[str]()
        for each in found:
            counts.update(dict(each.values))
        values = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return Facet(name, tuple(values[:limit]), sum(each.missing for each in found))

    def changes(self, query: Query, *, since: dt.date | None = None, cursor: str = "", limit: int = 1000) -> Changes:
        """As `feed.changes`, in order of day, collection, endpoint and id; collections that are new are told whole.

        Raises:
            QueryError: the cursor is none, or one of another question.
        """
        asked = question(query, None)
        before = _parse_feed(cursor, asked) if cursor else {}

        def ask(name: str, index: ItemIndex, most: int = limit) -> Changes:
            return changes(index, query, since=since, cursor=before.get(name, ""), limit=most)

        answers = self._each(ask)
        again = [each.again_from for each in answers.values() if each.again_from is not None]
        if again:
            return Changes((), cursor, again_from=min(again))
        found = [replace(change, collection=name) for name, each in answers.items() for change in each.changes]
        page = sorted(found, key=lambda each: (each.day, each.collection, each.endpoint, each.item))[:limit]
        told = Counter(each.collection for each in page)
        places = dict(before)
        for name, each in answers.items():
            if told[name] == len(each.changes):
                places[name] = each.cursor
            elif told[name]:
                places[name] = ask(name, self.indexes[name], told[name]).cursor
        more = len(page) < len(found) or any(each.more for each in answers.values())
        return Changes(tuple(page), _text([asked, places]), more)

    def _each(
        self, ask: Callable[[str, ItemIndex], Answer], *, only: Mapping[str, str] | None = None
    ) -> dict[str, Answer]:
        """What each collection answers; without those that cannot."""
        answers, reasons = {}, []
        for name, index in self.indexes.items():
            if only is not None and name not in only:
                continue
            try:
                answers[name] = ask(name, index)
            except QueryError as error:
                reasons.append(f"{name}: {error}")
        if not answers:
            raise QueryError("; ".join(reasons) or "none of the collections of the page before is there any more")
        self.left_out += [reason for reason in reasons if reason not in self.left_out]
        return answers


@contextmanager
def open_indexes(collections: Sequence[Collection | BrokenCollection]) -> Iterator[ManyIndexes]:
    """The indexes of some collections, open while the `with` lasts.

    Raises:
        IndexUnavailableError: none of them has one.
    """
    with ExitStack() as stack:
        found: dict[str, ItemIndex] = {}
        left_out = []
        for collection in sorted(collections, key=lambda each: each.name):
            if isinstance(collection, BrokenCollection):
                left_out.append(f"{collection.name}: {collection.reason}")
                continue
            try:
                found[collection.name] = stack.enter_context(open_index(collection))
            except (IndexUnavailableError, RegisterError) as error:
                left_out.append(str(error))
        if not found:
            raise IndexUnavailableError("; ".join(left_out) or "there is no collection to ask")
        yield ManyIndexes(found, left_out)


def _in_order(found: list[tuple[Any, ...]], *, descending: bool) -> list[tuple[Any, ...]]:
    """Rows that begin with a value, by it; what has none comes last."""
    ordered = sorted((row for row in found if row[0] is not None), key=lambda row: row[1:4])
    if len({isinstance(row[0], str) for row in ordered}) > 1:
        raise QueryError(
            "the field to sort by is a number in one collection and text in another; say what it is in `[index.fields]`"
        )
    ordered.sort(key=lambda row: row[0], reverse=descending)  # equal ones keep their order either way
    return [*ordered, *sorted((row for row in found if row[0] is None), key=lambda row: row[1:4])]


def _place_of(name: str, place: Sequence[Any] | None) -> tuple[Any, str, str] | None:
    """Where a collection goes on, where the last hit was one of a collection before it, of it, or of a later one."""
    if place is None:
        return None
    value, last, endpoint, item = place
    if name == last:
        return (value, endpoint, item)
    return (value, _BEHIND_ALL if name < last else "", "")


def _text(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def _content(text: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError as error:
        raise QueryError(f"{text[:40]!r} is not where an answer ended; take it from the answer before") from error


def _parse(text: str, asked: str) -> tuple[dict[str, str], list[Any]]:
    content = _content(text)
    if not isinstance(content, list) or len(content) != 6 or content[1] != asked:
        raise QueryError("the page before this one answered another question; ask the same again, or from its start")
    return content[0], content[2:]


def _parse_feed(text: str, asked: str) -> dict[str, str]:
    content = _content(text)
    if not isinstance(content, list) or len(content) != 2 or content[0] != asked:
        raise QueryError("the cursor belongs to the changes of another subset; begin that of this one without a cursor")
    return dict(content[1])
