"""Formats that DuckDB reads in its own way: their rows become text cells in a temporary file, and that a table.

Converted first, so that what is damaged in the middle is the resource's fault and known as such. Nothing here knows
archives or records.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from collect_assets.errors import StorageError, UnreadableError
from collect_assets.readers.delimited import MAX_COLUMNS, SMALL, column_names
from collect_assets.readers.json_stream import VOLATILE_ID
from collect_assets.readers.source import Cells, Column, Scratch, Table, TableFile
from collect_assets.store.database import database, literal, quoted

GLOBE = "OGC:CRS84"
ROOM = 64 << 20
_NESTED = ("STRUCT", "MAP", "UNION", "JSON")


@dataclass(frozen=True)
class Rows:
    """What DuckDB shall read.

    Attributes:
        relation: what stands after FROM.
        leave_out: columns that are no part of a record, such as numbers that software gives anew each time.
        spatial: whether reading it takes the spatial extension.
        member: the name of the file inside an archive.
    """

    relation: str
    leave_out: tuple[str, ...] = ()
    spatial: bool = False
    member: str = ""


def converted(form: str, rows: list[Rows], scratch: Scratch, member: str = "", notes: tuple[str, ...] = ()) -> Table:
    """A table of the rows, those of several relations below each other.

    Raises:
        UnreadableError: DuckDB cannot read them.
        StorageError: the disk is full.
    """
    spatial = any(each.spatial for each in rows)
    try:
        with database(spill=scratch.folder(), spatial=spatial) as connection:
            described = [_described(connection, each) for each in rows]
            names = list(dict.fromkeys(name for columns in described for name, _ in columns))
            if len(names) > MAX_COLUMNS:
                raise UnreadableError(f"more than {MAX_COLUMNS:,} columns")
            files = tuple(
                _file(connection, each, dict(columns), names, scratch)
                for each, columns in zip(rows, described, strict=True)
            )
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        if shutil.disk_usage(scratch.work).free < ROOM:
            raise StorageError(f"{scratch.work}: DuckDB could not write: {error}; free disk") from error
        raise UnreadableError(f"{form}: {str(error).splitlines()[0]}".replace(f"{scratch.work}/", "")) from error
    columns = tuple(Column(name, f"c{number}") for number, name in enumerate(column_names(names)))
    return Table(form, "utf-8", files, columns, member, notes=notes)


def _described(connection: duckdb.DuckDBPyConnection, rows: Rows) -> list[tuple[str, str]]:
    """The columns that count, and SQL for the text of their cells."""
    found = connection.execute(f"DESCRIBE FROM {rows.relation}").fetchall()
    left_out = {name.casefold() for name in rows.leave_out}
    columns = [(str(name), str(kind)) for name, kind, *_ in found if name.casefold() not in left_out]
    return [("geometry" if kind.startswith("GEOMETRY") else name, _text(name, kind)) for name, kind in columns]


def _text(name: str, kind: str) -> str:
    """SQL for the text of a cell: geometry as WKT in degrees, longitude first, and what is nested as JSON."""
    cell = quoted(name)
    if kind.startswith("GEOMETRY"):
        system = kind.removeprefix("GEOMETRY").strip("()").strip("'")
        if system and system.upper() not in {GLOBE, "EPSG:4326"}:
            cell = f"TRY(ST_Transform({cell}, {literal(system)}, '{GLOBE}', always_xy := true))"
        return f"ST_AsText({cell})"
    if kind.endswith("]") or kind.startswith(_NESTED):
        return f"to_json({cell})::VARCHAR"
    if name.casefold() == "gml_id":  # GeoServer gives layers without a key new ids at each request
        return f"CASE WHEN NOT regexp_matches({cell}, {literal(VOLATILE_ID)}) THEN {cell} END"
    return f"base64({cell})" if kind == "BLOB" else f"{cell}::VARCHAR"


def _file(
    connection: duckdb.DuckDBPyConnection, rows: Rows, texts: dict[str, str], names: list[str], scratch: Scratch
) -> TableFile:
    path = scratch.file()
    cells = ", ".join(f"{texts.get(name, 'NULL::VARCHAR')} AS c{number}" for number, name in enumerate(names))
    connection.execute(
        f"COPY (SELECT {cells} FROM {rows.relation}) TO {literal(path)} (FORMAT parquet, COMPRESSION lz4_raw)"
    )
    small = path.stat().st_size <= SMALL
    relation = f"(SELECT *, {literal(rows.member)} AS member FROM read_parquet([{literal(path)}]))"
    return TableFile(path, relation, rows.member, 0, Cells(small=small), strict=False)


def own_folder(path: Path, scratch: Scratch, name: str) -> Path:
    """The file under a name of ours in a folder of its own: GDAL looks for files beside it, and writes some."""
    place = scratch.folder() / name
    place.hardlink_to(path)
    return place
