"""Extensions: the rows of other tables as lists inside of the records to which they belong.

A list is sorted by the canonical form of its rows, and not kept in the order of the file: databases export rows in any
order, and an order that says nothing must not change items. Rows that say the same stay as often as they stand there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb

from collect_assets.items.canonical import filled_sql, json_sql, text_sql
from collect_assets.readers.source import NO_CELL, Column, Extension, Scratch, Table
from collect_assets.store.database import literal

PART = 128 << 20  # DuckDB keeps the lists that it makes in memory; so they are made of this much text at a time
NO_TEXT = "NULL::VARCHAR"
EXAMPLES = 3


@dataclass(frozen=True)
class Nested:
    """A table whose rows have their lists.

    Attributes:
        relation: what stands after FROM: the rows with all cells, their lists, and `place`, their number.
        lists: of each name, SQL for the list as JSON; NULL where there are no rows.
        notes: what people should know, such as rows that belong to no record.
    """

    relation: str
    lists: Mapping[str, str]
    notes: tuple[str, ...]


def canonical_cell(column: Column) -> str:
    """SQL for the canonical text of a cell; a default fills what is blank."""
    text = _text(column.sql)
    return f"coalesce({text}, {text_sql(literal(column.default))})" if column.default else text


def _text(cell: str) -> str:
    return NO_TEXT if cell == NO_CELL else text_sql(cell)


def rows_sql(table: Table | Extension) -> str:
    """What stands after FROM to read the rows of a table, without those that have no value.

    Such rows are what spreadsheets leave below a table. The condition stands on the cells, since DuckDB moves one on
    the record down to them and makes each record twice.
    """
    relation = " UNION ALL ".join(f"FROM {file.relation}" for file in table.files)
    return f"(SELECT * FROM ({relation}) WHERE {filled_sql([c.sql for c in table.columns if c.sql != NO_CELL])})"


def nest(connection: duckdb.DuckDBPyConnection, table: Table, scratch: Scratch) -> Nested:
    """Joins the extensions to the rows of their table, through files: neither has to fit in memory.

    Raises:
        duckdb.Error: DuckDB could not read, or could not write.
    """
    rows = scratch.file()
    _copy(connection, f"FROM {rows_sql(table)}", rows)
    joins, lists, notes = [], {}, list[str]()
    named = sorted(table.extensions, key=lambda extension: extension.name)
    for number, (name, group) in enumerate(groupby(named, key=lambda extension: extension.name)):
        extensions = list(group)
        parts, key = _lists(connection, extensions, scratch), _text(extensions[0].record_key)
        notes += _orphans(connection, name, parts, f"SELECT {key} FROM {_parquet([rows])}")
        joins.append(f"LEFT JOIN {_parquet(parts)} l{number} ON {key} = l{number}.key")
        lists[name] = f"l{number}.list"
    columns = ", ".join(f"{sql} AS list{number}" for number, sql in enumerate(lists.values()))
    kept = f"rows.* EXCLUDE (file_row_number), rows.file_row_number AS place, {columns}"
    relation = f"(SELECT {kept} FROM {_parquet([rows])} rows {' '.join(joins)})"
    return Nested(relation, {name: f"list{number}" for number, name in enumerate(lists)}, tuple(notes))


def _lists(connection: duckdb.DuckDBPyConnection, extensions: list[Extension], scratch: Scratch) -> list[Path]:
    """Files with a row for each key: `key`, `list` as JSON, and `rows`, how many are in it."""
    texts = scratch.file()
    _copy(connection, " UNION ALL ".join(_texts(extension) for extension in extensions), texts)
    count = 1 + sum(file.path.stat().st_size for extension in extensions for file in extension.files) // PART
    parts = [scratch.file() for _ in range(count)]
    for number, part in enumerate(parts):
        _copy(
            connection,
            f"""SELECT key, '[' || string_agg(text, ',' ORDER BY text) || ']' AS list, count(*) AS rows
            FROM {_parquet([texts])} WHERE coalesce(hash(key), 0) % {count} = {number} GROUP BY key""",
            part,
        )
    return parts


def _texts(extension: Extension) -> str:
    cells = {column.name: canonical_cell(column) for column in extension.columns}
    return f"SELECT {_text(extension.key)} AS key, {json_sql(cells)} AS text FROM {rows_sql(extension)}"


def _orphans(connection: duckdb.DuckDBPyConnection, name: str, parts: list[Path], keys: str) -> list[str]:
    """What to say of rows that belong to no record."""
    query = f"""
        SELECT coalesce(sum(rows), 0)::BIGINT, coalesce(sum(rows) FILTER (key IS NULL), 0)::BIGINT,
            list_sort(min(key, {EXAMPLES}))
        FROM {_parquet(parts)} lists WHERE NOT EXISTS (FROM ({keys}) records(key) WHERE records.key = lists.key)"""
    rows, blank, examples = connection.execute(query).fetchone() or (0, 0, [])
    if not rows:
        return []
    named = f", such as {', '.join(examples)}" if examples else ""
    without = f"; {blank} of them name none" if blank else ""
    return [f"{name}: {rows} rows belong to no record{named}{without}; they are left out"]


def _copy(connection: duckdb.DuckDBPyConnection, select: str, parquet: Path) -> None:
    connection.execute(f"COPY ({select}) TO {literal(parquet)} (FORMAT parquet, COMPRESSION lz4_raw)")


def _parquet(paths: list[Path]) -> str:
    return f"read_parquet([{', '.join(literal(path) for path in paths)}], file_row_number = true)"
