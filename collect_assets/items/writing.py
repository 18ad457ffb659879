"""The Parquet file of records: one statement of DuckDB from a table or from streamed lines, and what there is to count.

Which file becomes which records is decided in `records.py`; here stands only the SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from collect_assets.items.canonical import hash_sql, json_sql, odd_sql
from collect_assets.items.identity import ENOUGH, USUAL_IDS, IdRule, enough_filled, find_field, usual_ids
from collect_assets.items.lines import GEOMETRY, placed_record_sql, pointer_sql, pointers_sql, write_lines
from collect_assets.items.nesting import Nested, canonical_cell, nest, rows_sql, single_cells
from collect_assets.items.rejects import Rejects, write_rejects, writing_rejects
from collect_assets.readers.geometry import geojson_sql, geometry_sql, placed_sql, placing_names
from collect_assets.readers.rejects import rejected_rows
from collect_assets.readers.source import NO_CELL, NOTHING_SAID, Description, Scratch, Stream, Table
from collect_assets.store.database import MemoryDatabase, literal

ENTRY_ID = "(entry id)"
WIDE = 50
PARQUET = """FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 61440,
    STRING_DICTIONARY_PAGE_SIZE_LIMIT 10000"""
"""Level 3, the default, takes 7 % longer for 2 % more. Groups of half the usual size take less memory, and a tenth less
time: what is compressed is still at hand. No two records are the same, so a dictionary of them is soon given up: to try
a megabyte of it takes a fifth of the time."""
_NO_ID = "no field of the usual names holds ids; the hash of each record is its id, so a change is one gone and one new"
_LOST = "{} geometries cannot be read, or lie outside the degrees of longitude and latitude; they stay in the records"
_BOUND = "the id is the identifier in the header, and not {}: a deletion has nothing else"
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
    about: Description = NOTHING_SAID


@dataclass(frozen=True)
class _Ids:
    """The SQL of the id, the fields it is made of, and what people should know of it."""

    sql: str
    fields: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Fields:
    """The SQL of the fields of records in what gives them, and those that the format takes for the id."""

    relation: str
    cells: Mapping[str, str]
    preferred: tuple[str, ...]


@dataclass(frozen=True)
class _Counts:
    records: int
    with_id: int
    different_ids: int
    geometries: int


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
    cells = {column.name: canonical_cell(column) for column in table.columns}
    geometry = geometry_sql(cells, _given(table)) or geometry_sql(single_cells(table))
    with memory.connection(spatial=geometry is not None) as connection, _planned(connection, len(cells)):
        nested = nest(connection, table, scratch) if table.extensions else Nested(rows_sql(table), {}, ())
        records = _with_record(table, nested, cells)

        def select(item_id: str) -> str:
            return f"""
                SELECT {item_id} AS item_id, {hash_sql("record")} AS record_hash, record,
                    {placed_sql("g" if geometry else None)}, member, false AS deleted
                FROM (SELECT *, {geometry or "NULL"} AS g FROM {records}) {"ORDER BY place" if nested.lists else ""}"""

        ids, counts = _copy(connection, select, _Fields(nested.relation, cells, table.ids), rule, parquet)
        files = (*table.files, *(file for extension in table.extensions for file in extension.files))
        with writing_rejects(scratch) as rejected:
            for reject in rejected_rows(connection, files):
                rejected.add(reject)
        write_rejects(connection, rejected, rejects)
        columns = tuple(dict.fromkeys((*names, *nested.lists)))
        written = _written(connection, parquet, columns, ids, counts, rejected)
        return replace(written, notes=(*nested.notes, *written.notes))


@contextmanager
def _planned(connection: duckdb.DuckDBPyConnection, width: int) -> Iterator[None]:
    """Lets DuckDB look for what expressions have in common only where they are few: 300 columns take it 6 seconds."""
    if width <= WIDE:
        yield
        return
    connection.execute("SET disabled_optimizers = 'common_subexpressions'")
    yield  # without `finally`: an error of DuckDB closes the whole database
    connection.execute("RESET disabled_optimizers")


def _given(table: Table) -> dict[str, str]:
    """SQL for the cells of columns that stand as they are in the file; nothing is filled in for blank ones."""
    return {column.name: column.sql for column in table.columns if not column.default and column.sql != NO_CELL}


def _with_record(table: Table, nested: Nested, cells: Mapping[str, str]) -> str:
    """What stands after FROM: the rows with their record, made of the cells as they are wherever that is the same."""
    given = _given(table)
    raw = {**cells, **given}
    found = [file.cells for file in table.files]
    beyond, blanks = any(cell.beyond for cell in found), any(cell.blanks for cell in found)
    odd = odd_sql("raw", list(given.values()), beyond=beyond, blanks=blanks)
    canonical, as_they_are = json_sql(cells, nested.lists), json_sql(raw, nested.lists)
    if any(cell.controls for cell in found) or (odd and all(cell.small for cell in found)):
        return f"(SELECT *, {canonical} AS record FROM {nested.relation})"
    if not odd:
        return f"(SELECT *, {as_they_are} AS record FROM {nested.relation})"
    record = f"CASE WHEN {odd} THEN {canonical} ELSE raw END"
    return f"(SELECT *, {record} AS record FROM (SELECT *, {as_they_are} AS raw FROM {nested.relation}))"


def _write_stream(
    stream: Stream, rule: IdRule, parquet: Path, rejects: Path, scratch: Scratch, memory: MemoryDatabase
) -> Written:
    lines = write_lines(stream.entries, scratch)
    names = sorted(lines.fields)
    cells = {name: pointer_sql("record", name) for name in names}
    placing = [] if lines.geometries else placing_names(names)
    geometry = geojson_sql("geojson") if lines.geometries else geometry_sql(_listed(placing))
    relation = (
        f"(SELECT *, {pointers_sql('record', placing)} AS listed FROM {lines.relation})" if placing else lines.relation
    )
    preferred: tuple[str, ...] = ()
    if lines.entry_ids:
        cells, preferred = {ENTRY_ID: "entry_id", **cells}, (ENTRY_ID, *USUAL_IDS)
    passed_over = (_BOUND.format(", ".join(rule.fields)),) if rule.fields and lines.bound else ()
    if lines.bound:
        rule, preferred = replace(rule, fields=()), (ENTRY_ID,)

    def select(item_id: str) -> str:
        # The geometry is part of what the record says, and so of its hash, though it is kept once, as WKB.
        return f"""
            SELECT item_id, record_hash, {placed_record_sql("geometry")} AS record, geometry, xmin, ymin, xmax, ymax,
                coalesce(member, {literal(stream.member)}) AS member, deleted IS NOT NULL AS deleted
            FROM (
                SELECT *, {item_id} AS item_id, {hash_sql("record || coalesce(geojson, '')")} AS record_hash,
                    {placed_sql("g" if geometry else None)}
                FROM (SELECT *, {geometry or "NULL"} AS g FROM {relation}))"""

    with memory.connection(spatial=geometry is not None) as connection, _planned(connection, len(cells)):
        ids, counts = _copy(connection, select, _Fields(lines.relation, cells, preferred), rule, parquet)
        write_rejects(connection, lines.rejects, rejects)
        lost = lines.geometries - counts.geometries if lines.geometries else 0
        columns = sorted({*names, GEOMETRY}) if lost else names
        written = _written(connection, parquet, tuple(columns), ids, counts, lines.rejects)
        notes = (*lines.notes, *passed_over, *written.notes, *((_LOST.format(lost),) if lost else ()))
        return replace(written, notes=notes, about=lines.about)


def _listed(names: Sequence[str]) -> dict[str, str]:
    """SQL for what stands in the list `listed`, by name."""
    return {name: f"listed[{number}]" for number, name in enumerate(names, 1)}


def _ids(rule: IdRule, cells: Mapping[str, str], usual: str | None) -> _Ids:
    """The rule's fields, else the usual field, else the hash."""
    if not rule.fields:
        if usual is None:
            return _Ids(f"replace({hash_sql('record')}::VARCHAR, '-', '')", (), (_NO_ID,))
        return _Ids(rule.cased_sql(cells[usual]), (usual,))
    found = {wanted: find_field(wanted, cells) for wanted in rule.fields}
    missing = [wanted for wanted, name in found.items() if name is None]
    if missing:
        there = ", ".join(cells) or "none"
        return _Ids("NULL::VARCHAR", rule.fields, (f"no field {', '.join(missing)} for the id; fields: {there}",))
    parts = [cells[name] for name in found.values() if name is not None]
    joined = f" || {literal(rule.separator)} || ".join(parts)
    return _Ids(rule.cased_sql(joined), tuple(name for name in found.values() if name))


def _copy(
    connection: duckdb.DuckDBPyConnection, select: Callable[[str], str], fields: _Fields, rule: IdRule, parquet: Path
) -> tuple[_Ids, _Counts]:
    """Writes the records with the best field as the id; once more where that is blank in most, and another is not.

    So nearly every file is read once.
    """
    usual = () if rule.fields else usual_ids(fields.cells, fields.preferred)
    ids = _ids(rule, fields.cells, usual[0] if usual else None)
    counts = _copy_once(connection, select(ids.sql), parquet)
    if len(usual) < 2 or counts.with_id >= ENOUGH * counts.records:
        return ids, counts
    filled = ", ".join(f"count({fields.cells[name]})" for name in usual)
    found = connection.execute(f"SELECT {filled} FROM {fields.relation}").fetchone()
    better = enough_filled(usual, found or (0,) * len(usual))
    if better == usual[0]:
        return ids, counts
    ids = _ids(rule, fields.cells, better)
    return ids, _copy_once(connection, select(ids.sql), parquet)


def _copy_once(connection: duckdb.DuckDBPyConnection, select: str, parquet: Path) -> _Counts:
    connection.execute(f"COPY ({select}) TO {literal(parquet)} ({PARQUET})")
    return _Counts(*_one(connection, _COUNTS, parquet))


def _written(
    connection: duckdb.DuckDBPyConnection,
    parquet: Path,
    columns: tuple[str, ...],
    ids: _Ids,
    counts: _Counts,
    rejected: Rejects,
) -> Written:
    duplicates = counts.with_id - counts.different_ids
    conflicts = _one(connection, _CONFLICTS, parquet)[0] if duplicates else 0
    none = not counts.with_id and counts.records > 0
    blank = (_BLANK_ID.format(" and ".join(ids.fields)),) if none and not ids.notes else ()
    without_id = counts.records - counts.with_id
    notes = (*ids.notes, *blank)
    return Written(columns, ids.fields, counts.records, without_id, rejected.count, duplicates, conflicts, notes)


_COUNTS = """
SELECT count(*), count(item_id), count(DISTINCT item_id), count(geometry) FROM read_parquet($path)
"""

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
    return found or (0, 0, 0, 0)
