"""The Parquet file of records: one statement of DuckDB from a table or from streamed lines, and what there is to count.

Which file becomes which records is decided in `records.py`; here stands only the SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from collect_assets.items.canonical import hash_sql, json_sql, text_sql
from collect_assets.items.identity import IdRule, find_field, usual_id
from collect_assets.items.lines import Lines, pointer_sql, write_lines, write_rejects
from collect_assets.readers.geometry import geojson_sql, geometry_sql, placed_sql
from collect_assets.readers.rejects import rejected_rows
from collect_assets.readers.source import NO_CELL, Column, Scratch, Stream, Table
from collect_assets.store.database import MemoryDatabase, literal

ENTRY_ID = "(entry id)"
_NO_ID = "no field of the usual names holds ids; the hash of each record is its id, so a change is one gone and one new"
_BLANK_ID = "no record has {}; let `id` in the endpoint's parameters name other fields"


@dataclass(frozen=True)
class Written:
    """What stands in a Parquet file of records."""

    columns: tuple[str, ...]
    id_rule: tuple[str, ...]
    records: int
    without_id: int
    rejected: int
    duplicates: int
    conflicts: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Ids:
    """The SQL of the id, the fields it is made of, and what people should know of it."""

    sql: str
    fields: tuple[str, ...]
    notes: tuple[str, ...] = ()


def write_records(
    opened: Table | Stream, rule: IdRule, parquet: Path, rejects: Path, scratch: Scratch, memory: MemoryDatabase
) -> Written:
    """Writes the records, in the order of the file, and what was rejected.

    Args:
        opened: what the reader gave.
        rule: the fields that make the id; without fields the usual ones are looked for.
        parquet: a new file for the records.
        rejects: a new file for what could not be read; not made when there is nothing.
        scratch: where temporary files go.
        memory: what reads and writes.

    Raises:
        UnreadableError: a stream broke off.
        duckdb.Error: DuckDB could not read, or could not write.
    """
    if isinstance(opened, Stream):
        return _write_stream(opened, rule, parquet, rejects, scratch, memory)
    return _write_table(opened, rule, parquet, rejects, scratch, memory)


def _write_table(
    table: Table, rule: IdRule, parquet: Path, rejects: Path, scratch: Scratch, memory: MemoryDatabase
) -> Written:
    names = [column.name for column in table.columns]
    cells = {name: f"t{number}" for number, name in enumerate(names)}
    relation = " UNION ALL ".join(f"FROM {file.relation}" for file in table.files)
    # Rows without any value are what spreadsheets leave below a table; they are no records. The condition stands on the
    # cells, since DuckDB moves one on the record down to them and makes each record twice.
    filled = ", ".join(text_sql(column.sql) for column in table.columns if column.sql != NO_CELL)
    rows = f"(SELECT {_cells(table.columns)}, member FROM ({relation}) WHERE coalesce({filled}) IS NOT NULL)"
    geometry = geometry_sql(cells)
    with memory.connection(spatial=geometry is not None) as connection:
        ids = _ids(rule, cells, partial(_has_values, connection, rows, cells), table.ids)
        records = f"(SELECT *, {json_sql(cells)} AS record FROM {rows})"
        select = f"""
            SELECT {ids.sql} AS item_id, {hash_sql("record")} AS record_hash, record,
                {placed_sql("g" if geometry else None)},
                member
            FROM (SELECT *, {geometry or "NULL"} AS g FROM {records})"""
        connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
        _copy(connection, select, parquet)
        rejected = write_rejects(connection, rejected_rows(connection, table.files), rejects, scratch)
        return _written(connection, parquet, tuple(names), ids, rejected)


def _cells(columns: Iterable[Column]) -> str:
    """The canonical text of each cell as `t0`, `t1`, …; defaults fill what is blank."""
    texts = []
    for number, column in enumerate(columns):
        text = "NULL::VARCHAR" if column.sql == NO_CELL else text_sql(column.sql)
        filled = f"coalesce({text}, {text_sql(literal(column.default))})" if column.default else text
        texts.append(f"{filled} AS t{number}")
    return ", ".join(texts)


def _write_stream(
    stream: Stream, rule: IdRule, parquet: Path, rejects: Path, scratch: Scratch, memory: MemoryDatabase
) -> Written:
    lines = write_lines(stream.entries, scratch)
    names = sorted(lines.fields)
    cells = {name: pointer_sql("record", name) for name in names}
    if lines.entry_ids:
        cells = {ENTRY_ID: "entry_id", **cells}
    placed = placed_sql("g" if lines.geometries else None)
    geometry = geojson_sql("geojson") if lines.geometries else "NULL"
    with memory.connection(spatial=lines.geometries > 0) as connection:
        preferred = (ENTRY_ID,) if lines.entry_ids else ()
        ids = _ids(rule, cells, partial(_has_values, connection, lines.relation, cells), preferred)
        # The geometry is part of what the record says, and so of its hash, though it is kept once, as WKB.
        select = f"""
            SELECT {ids.sql} AS item_id, {hash_sql("record || coalesce(geojson, '')")} AS record_hash, record, {placed},
                {literal(stream.member)} AS member
            FROM (SELECT *, {geometry} AS g FROM {lines.relation})"""
        _copy(connection, select, parquet)
        rejected = write_rejects(connection, lines.rejects, rejects, scratch)
        written = _written(connection, parquet, tuple(names), ids, rejected)
        return _with_geometry_note(connection, written, parquet, lines)


def _with_geometry_note(
    connection: duckdb.DuckDBPyConnection, written: Written, parquet: Path, lines: Lines
) -> Written:
    lost = lines.geometries - _one(connection, "SELECT count(geometry) FROM read_parquet($path)", parquet)[0]
    if not lost:
        return written
    note = f"{lost} geometries cannot be read, or lie outside the degrees of longitude and latitude"
    return Written(**{**vars(written), "notes": (*written.notes, note)})


def _ids(rule: IdRule, cells: Mapping[str, str], has_values: Callable[[str], bool], preferred: tuple[str, ...]) -> _Ids:
    if not rule.fields:
        usual = usual_id(cells, has_values, preferred)
        if usual is None:
            return _Ids(f"replace({hash_sql('record')}::VARCHAR, '-', '')", (), (_NO_ID,))
        return _Ids(cells[usual], (usual,))
    found = {wanted: find_field(wanted, cells) for wanted in rule.fields}
    missing = [wanted for wanted, name in found.items() if name is None]
    if missing:
        there = ", ".join(cells) or "none"
        return _Ids("NULL::VARCHAR", rule.fields, (f"no field {', '.join(missing)} for the id; fields: {there}",))
    parts = [cells[name] for name in found.values() if name is not None]
    return _Ids(f" || {literal(rule.separator)} || ".join(parts), tuple(name for name in found.values() if name))


def _has_values(connection: duckdb.DuckDBPyConnection, rows: str, cells: Mapping[str, str], name: str) -> bool:
    found = connection.execute(f"SELECT 1 FROM {rows} WHERE {cells[name]} IS NOT NULL LIMIT 1").fetchone()
    return found is not None


def _copy(connection: duckdb.DuckDBPyConnection, select: str, parquet: Path) -> None:
    connection.execute(f"COPY ({select}) TO {literal(parquet)} (FORMAT parquet, COMPRESSION zstd)")


def _written(
    connection: duckdb.DuckDBPyConnection, parquet: Path, columns: tuple[str, ...], ids: _Ids, rejected: int
) -> Written:
    records, with_id, different = _one(connection, _COUNTS, parquet)
    duplicates = with_id - different
    conflicts = _one(connection, _CONFLICTS, parquet)[0] if duplicates else 0
    blank = () if with_id or not records or ids.notes else (_BLANK_ID.format(" and ".join(ids.fields)),)
    notes = (*ids.notes, *blank)
    return Written(columns, ids.fields, records, records - with_id, rejected, duplicates, conflicts, notes)


_COUNTS = "SELECT count(*), count(item_id), count(DISTINCT item_id) FROM read_parquet($path)"

_CONFLICTS = """
SELECT coalesce(sum(conflicts), 0)::BIGINT FROM (
    SELECT count(*) FILTER (record_hash <> first_hash) AS conflicts
    FROM read_parquet($path) JOIN (
        SELECT item_id, arg_min(record_hash, file_row_number) AS first_hash
        FROM read_parquet($path, file_row_number = true) WHERE item_id IS NOT NULL
        GROUP BY item_id HAVING count(*) > 1
    ) USING (item_id)
)
"""


def _one(connection: duckdb.DuckDBPyConnection, query: str, parquet: Path) -> tuple[int, ...]:
    found = connection.execute(query, {"path": str(parquet)}).fetchone()
    return found or (0, 0, 0)
