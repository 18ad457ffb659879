"""A subset of items, taken out of the indexes once: what every format is then written from.

The rows lie in Parquet files in the work folder, one for each collection, so that writing holds no index open, and
takes no more memory for a million items than for ten. They leave an index as searches show them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from collect_assets.store.database import database, literal, spatial_extension

WKT = "ST_AsText(ST_GeomFromWKB(geometry))"
_PLACES = {*WKT_NAMES, *(name for pair in PAIRS for name in pair)}
_CHOSEN = "CREATE OR REPLACE TEMP TABLE chosen AS SELECT s.version_no FROM {relation}"
_ROWS = """
COPY (
    SELECT {name} AS collection, e.endpoint, v.item_id AS item, v.first_date AS changed, v.change, o.resource, v.member,
           v.record_number, v.record, v.geometry
    FROM chosen JOIN shown_version v USING (version_no) JOIN endpoint e USING (endpoint_no)
    JOIN observation o ON o.endpoint_no = v.endpoint_no AND o.entry_date = v.observed
) TO {path} (FORMAT parquet, COMPRESSION zstd)
"""
_SORTED = "CREATE VIEW subset AS FROM read_parquet({paths}) ORDER BY collection, endpoint, item"
_SHAPES = "SELECT DISTINCT json_keys(record) FROM subset"
_TYPES = """
SELECT list_distinct(flatten(list(types))) FROM (
    SELECT CASE json_type(value) WHEN 'ARRAY' THEN list_transform(value::JSON[], lambda part: json_type(part))
                                 ELSE [json_type(value)] || ['SCALAR'] END AS types
    FROM (SELECT record -> {path} AS value FROM subset WHERE contains(record, ':[')) WHERE value IS NOT NULL
)
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
        connection: has them as `subset`, in the order of collection, endpoint and id.
        scratch: files that go with the stage.
        taken: of each collection.
        left_out: why others could not be asked.
        fields: of the records, sorted.
        lists: those whose value is a list of objects in every record that has them.
    """

    connection: duckdb.DuckDBPyConnection
    scratch: Scratch
    taken: tuple[Taken, ...]
    left_out: tuple[str, ...]
    fields: tuple[str, ...] = ()
    lists: tuple[str, ...] = field(default=())

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
        taken, paths, left_out = [], [], []
        for collection in collections:
            path = scratch.file()
            try:
                taken.append(_take(collection, query, as_of, path))
                paths.append(path)
            except (IndexUnavailableError, QueryError, RegisterError) as error:
                if len(collections) == 1:
                    raise
                left_out.append(str(error))
        if not taken:
            raise IndexUnavailableError("; ".join(left_out))
        with database(spill=scratch.folder()) as connection:
            connection.execute(_SORTED.format(paths=f"[{', '.join(map(literal, paths))}]"))
            stage = Stage(connection, scratch, tuple(taken), tuple(left_out))
            fields = _fields(stage)
            yield Stage(connection, scratch, stage.taken, stage.left_out, fields, _lists(stage, fields))


def _take(collection: Collection, query: Query, as_of: dt.date | None, path: Path) -> Taken:
    with open_index(collection) as index:
        day = index.day(as_of)
        _choose(index, query, day)
        index.connection.execute(_ROWS.format(name=literal(collection.name), path=literal(path)))
        counts = f"SELECT endpoint, count(*) FROM read_parquet({literal(path)}) GROUP BY ALL ORDER BY ALL"
        items = dict(index.connection.execute(counts).fetchall())
        return Taken(collection, day, digest_of_all(digest_of(index.connection)), items)


def _choose(index: ItemIndex, query: Query, day: dt.date) -> None:
    """COPY takes no values, so what they choose is kept first."""
    matching = index.match(query, day)
    text = _CHOSEN.format(relation=matching.relation)
    named = set(re.findall(r"\$(\w+)", text))
    index.connection.execute(text, {name: value for name, value in matching.values.items() if name in named})


def _fields(stage: Stage) -> tuple[str, ...]:
    shapes = stage.connection.execute(_SHAPES).fetchall()
    return tuple(sorted({name for (names,) in shapes for name in names}))


def _lists(stage: Stage, fields: Sequence[str]) -> tuple[str, ...]:
    some = "SELECT DISTINCT json_keys(record) FROM subset WHERE contains(record, ':[')"
    there = {name for (names,) in stage.connection.execute(some).fetchall() for name in names}
    return tuple(
        name
        for name in fields
        if name in there and stage.first(_TYPES.format(path=literal(pointer(name)))) == (["OBJECT"],)
    )


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
