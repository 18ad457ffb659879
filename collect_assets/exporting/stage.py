"""A subset of items, taken out of the indexes once: what every format is then written from.

The rows of one collection are a view of its open index; those of several are copied into one file in the work folder.
They are sorted once, while the file is written that is asked for, and leave an index as searches show them. That takes
no more memory for a million items than for ten.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import IndexUnavailableError, QueryError, RegisterError
from collect_assets.index.digest import digest_of, digest_of_all
from collect_assets.index.represent import pointer
from collect_assets.readers.geometry import PAIRS, WKT_NAMES
from collect_assets.readers.source import Scratch, scratch_files
from collect_assets.searching.query import Query
from collect_assets.searching.search import ItemIndex, open_index
from collect_assets.store.database import database, literal, quoted, spatial_extension

WKT = "ST_AsText(ST_GeomFromWKB(geometry))"
_PLACES = {*WKT_NAMES, *(name for pair in PAIRS for name in pair)}
MEMORY_LIMIT = "600MB"  # DuckDB holds about a quarter more; with the rest of a process that stays under 1 GB
_CHOSEN = "CREATE OR REPLACE TEMP TABLE chosen AS SELECT s.version_no FROM {relation}"
# The places of endpoints are compared, not their names: of 64 letters, most often the same ones.
_ROWS = """
SELECT {name} AS collection, endpoint, place, v.item_id AS item, v.first_date AS changed, v.change, o.resource,
       v.member, v.record_number, v.record, v.geometry, v.xmin, v.ymin, v.xmax, v.ymax
FROM chosen JOIN shown_version v USING (version_no)
JOIN (SELECT *, row_number() OVER (ORDER BY endpoint) AS place FROM endpoint) USING (endpoint_no)
JOIN observation o ON o.endpoint_no = v.endpoint_no AND o.entry_date = v.observed
"""
_COUNTS = "SELECT endpoint, count(*) FROM ({rows}) GROUP BY ALL ORDER BY ALL"
SORTED = "(FROM subset ORDER BY collection, place, item)"
# Records of the same fields have one hash (of 64 bits; a collection has a few hundred such shapes at most), which is
# compared in a tenth of the time that their lists of names take.
_SHAPES = """
SELECT json_keys(any_value(record)), bool_or(contains(record, ':[')) FROM subset GROUP BY hash(json_keys(record))
"""
_ALWAYS_LISTS = """
SELECT name FROM (SELECT unnest({names}) AS name, unnest(json_type(record, {paths})) AS type FROM subset
                  WHERE contains(record, ':['))
WHERE type IS NOT NULL GROUP BY name HAVING bool_and(type = 'ARRAY')
"""
_OF_OBJECTS = """
SELECT bool_and(json_type(value) = 'ARRAY') AND count(*) > 0
       AND bool_and(len(list_filter(json_type(value, '$[*]'), lambda type: type != 'OBJECT')) = 0)
       AND sum(json_array_length(value)) > 0
FROM (SELECT record -> {path} AS value FROM subset) WHERE value IS NOT NULL
"""


@dataclass(frozen=True)
class Taken:
    """What was taken of one collection.

    Attributes:
        digest: of its whole index, as `collect-assets digest` tells it.
        items: how many of the subset each endpoint has.
    """

    collection: Collection
    as_of: dt.date
    digest: str
    items: Mapping[str, int]


@dataclass(frozen=True)
class Stage:
    """The rows of a subset.

    Attributes:
        connection: has them as `subset`, and as `SORTED` in the order of collection, endpoint and id.
        scratch: files that go with the stage.
        taken: of each collection.
        left_out: why others could not be asked.
    """

    connection: duckdb.DuckDBPyConnection
    scratch: Scratch
    taken: tuple[Taken, ...]
    left_out: tuple[str, ...]

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Those of the records, sorted."""
        return tuple(sorted({name for names, _ in self._shapes for name in names}))

    @cached_property
    def lists(self) -> tuple[str, ...]:
        """The fields whose value is a list of objects in every record that has them."""
        there = sorted({name for names, has_lists in self._shapes if has_lists for name in names})
        query = _ALWAYS_LISTS.format(names=literal_list(there), paths=literal_list(list(map(pointer, there))))
        always = [name for (name,) in self.connection.execute(query).fetchall()] if there else []
        return tuple(name for name in sorted(always) if self.first(_OF_OBJECTS.format(path=literal(pointer(name))))[0])

    @cached_property
    def _shapes(self) -> list[tuple[list[str], bool]]:
        return self.connection.execute(_SHAPES).fetchall()

    @property
    def items(self) -> int:
        """How many there are."""
        return sum(sum(each.items.values()) for each in self.taken)

    def load_spatial(self) -> None:
        """Makes geometry functions known."""
        self.connection.execute(f"LOAD {literal(spatial_extension())}")

    def has_shapes_apart(self, fields: Sequence[str]) -> bool:
        """Whether places stand in no field: formats of maps keep shapes beside the fields."""
        named = _PLACES & {name.casefold() for name in fields}
        return not named and bool(self.first("SELECT count(geometry) > 0 FROM subset")[0])

    @property
    def several(self) -> bool:
        """Whether rows have to say of which collection they are."""
        return len(self.taken) > 1

    def first(self, query: str) -> tuple[Any, ...]:
        """The first row of an answer."""
        return self.connection.execute(query).fetchone() or ()


@contextmanager
def staged(collections: Sequence[Collection], query: Query, as_of: dt.date | None) -> Iterator[Stage]:
    """Takes a subset out of the indexes of some collections; the files go at the end of the `with`.

    Of several collections those that cannot be asked are left out, and named.

    Raises:
        IndexUnavailableError: there is no index to ask.
        QueryError: something in the query cannot be understood, or no index speaks of that day.
    """
    with scratch_files(collections[0].work) as scratch:
        if len(collections) == 1:
            with _taken(collections[0], query, as_of) as (connection, rows, taken):
                connection.execute(f"CREATE OR REPLACE TEMP VIEW subset AS {rows}")
                yield Stage(connection, scratch, (taken,), ())
            return
        path = scratch.file()
        found, left_out = _taken_of_all(collections, query, as_of, path)
        with database(path, spill=scratch.folder(), memory_limit=MEMORY_LIMIT) as connection:
            yield Stage(connection, scratch, found, left_out)


@contextmanager
def _taken(
    collection: Collection, query: Query, as_of: dt.date | None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str, Taken]]:
    """A connection to an index, SQL for the rows of a subset there, and what is said of them."""
    with open_index(collection) as index:
        index.connection.execute(f"SET memory_limit = {literal(MEMORY_LIMIT)}")
        day = index.day(as_of)
        _choose(index, query, day)
        rows = _ROWS.format(name=literal(collection.name))
        items = dict(index.connection.execute(_COUNTS.format(rows=rows)).fetchall())
        yield index.connection, rows, Taken(collection, day, digest_of_all(digest_of(index.connection)), items)


def _taken_of_all(
    collections: Sequence[Collection], query: Query, as_of: dt.date | None, path: Path
) -> tuple[tuple[Taken, ...], tuple[str, ...]]:
    """Copies the rows of several collections into one file; what was taken, and why others could not be asked."""
    found, left_out = [], []
    for collection in collections:
        try:
            with _taken(collection, query, as_of) as (connection, rows, taken):
                _copy(connection, rows, path)
                found.append(taken)
        except (IndexUnavailableError, QueryError, RegisterError) as error:
            left_out.append(str(error))
    if not found:
        raise IndexUnavailableError("; ".join(left_out))
    return tuple(found), tuple(left_out)


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, path: Path) -> None:
    """Not compressed: that takes longer than all the rest."""
    stage = quoted(str(path))  # a name that no other export of this process has
    connection.execute("SET force_compression = 'uncompressed'")
    connection.execute(f"ATTACH {literal(path)} AS {stage} (READ_WRITE)")
    try:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {stage}.subset AS SELECT * FROM ({rows}) LIMIT 0")
        connection.execute(f"INSERT INTO {stage}.subset {rows}")
    finally:
        connection.execute(f"DETACH {stage}")


def _choose(index: ItemIndex, query: Query, day: dt.date) -> None:
    """COPY takes no values, so what they choose is kept first."""
    matching = index.match(query, day)
    text = _CHOSEN.format(relation=matching.relation)
    named = set(re.findall(r"\$(\w+)", text))
    index.connection.execute(text, {name: value for name, value in matching.values.items() if name in named})


def cells_sql(fields: Sequence[str], record: str = "record") -> str:
    """SQL for the texts of fields of a record as one list; what is nested is JSON."""
    return f"json_extract_string({record}, {literal_list(map(pointer, fields))})" if fields else "[]::VARCHAR[]"


def literal_list(texts: Iterator[str] | Sequence[str]) -> str:
    """SQL for a list of texts."""
    return f"[{', '.join(map(literal, texts))}]::VARCHAR[]"


def unlike(names: Sequence[str], taken: Sequence[str] = ()) -> list[str]:
    """Names for columns, of which no two differ in case only: those that would get a number, `_2`."""
    known = {name.casefold() for name in taken}
    found = []
    for name in names:
        free, count = name, 1
        while free.casefold() in known:
            count += 1
            free = f"{name}_{count}"
        known.add(free.casefold())
        found.append(free)
    return found
