"""What is in the bytes that came: read as the collection's days read them, into the scratch, and looked at there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from collect_assets.checking.report import GeometryCheck, IdCheck, RejectedRow
from collect_assets.checking.starts import whole_start
from collect_assets.collection import Collection
from collect_assets.errors import UnreadableError
from collect_assets.items.records import (
    Reading,
    RecordReport,
    reading_database,
    record_file,
    rejects_file,
    try_derive,
)
from collect_assets.store.database import MemoryDatabase
from collect_assets.store.local import storage_errors, temporary

MOST_REJECTED = 5

_FIRST = "SELECT record FROM read_parquet($path, file_row_number = true) ORDER BY file_row_number LIMIT $first"

_KINDS = """
SELECT ST_GeometryType(ST_GeomFromWKB(geometry))::VARCHAR AS kind, count(*)
FROM read_parquet($path) WHERE geometry IS NOT NULL GROUP BY kind ORDER BY count(*) DESC, kind
"""

_BOX = "SELECT min(xmin), min(ymin), max(xmax), max(ymax) FROM read_parquet($path) WHERE geometry IS NOT NULL"

_REJECTED = "SELECT record_number, line, reason FROM read_parquet($path) ORDER BY record_number LIMIT $first"


@dataclass(frozen=True)
class Contents:
    """The records of what came."""

    report: RecordReport
    first: tuple[Mapping[str, Any], ...] = ()
    ids: IdCheck | None = None
    geometry: GeometryCheck | None = None
    rejected: tuple[RejectedRow, ...] = ()


def read_contents(collection: Collection, part: Path, reading: Reading, first: int) -> Contents:
    """Reads a file, which is moved into the collection, and looks at its records.

    Raises:
        StorageError: the disk is full.
    """
    with part.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    collection.resources.add(part, sha256)
    with reading_database(collection) as memory:
        report, _ = try_derive(collection, collection.resources.path(sha256), reading, sha256, memory)
        if report.problem:
            return Contents(report)
        return _look(report, record_file(collection, reading, sha256), first, memory)


def read_start_of(collection: Collection, part: Path, reading: Reading, first: int) -> Contents:
    """Reads what is whole of the start of a file.

    Raises:
        StorageError: the disk is full.
    """
    try:
        content = whole_start(part)
    except UnreadableError as error:
        return Contents(RecordReport(problem=str(error)))
    start = temporary(collection.work)
    with storage_errors(start):
        start.write_bytes(content)
    return read_contents(collection, start, reading, first)


def _look(report: RecordReport, records: Path, first: int, memory: MemoryDatabase) -> Contents:
    with memory.connection() as connection:
        shown = connection.execute(_FIRST, {"path": str(records), "first": first}).fetchall()
        rejected = tuple(_rejected(connection, report, rejects_file(records)))
        box = connection.execute(_BOX, {"path": str(records)}).fetchone()
    return Contents(
        report,
        tuple(_in_order(json.loads(record), report.columns) for (record,) in shown),
        _ids(report),
        _geometry(records, box, memory),
        rejected,
    )


def _in_order(record: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    """A record with its fields in the order of the file's columns."""
    known = [name for name in columns if name in record]
    return {name: record[name] for name in dict.fromkeys([*known, *record])}


def _rejected(connection: duckdb.DuckDBPyConnection, report: RecordReport, rejects: Path) -> Iterator[RejectedRow]:
    if report.rejected:
        rows = connection.execute(_REJECTED, {"path": str(rejects), "first": MOST_REJECTED}).fetchall()
        yield from (RejectedRow(*row) for row in rows)


def _ids(report: RecordReport) -> IdCheck | None:
    if not report.records:
        return None
    filled = 1 - report.without_id / report.records
    return IdCheck(report.id_rule, round(filled, 4), report.duplicates, report.conflicts)


def _geometry(records: Path, box: tuple[Any, ...] | None, memory: MemoryDatabase) -> GeometryCheck | None:
    if box is None or box[0] is None:
        return None
    with memory.connection(spatial=True) as connection:
        kinds = connection.execute(_KINDS, {"path": str(records)}).fetchall()
    west, south, east, north = (round(float(side), 6) for side in box)
    return GeometryCheck(dict(kinds), (west, south, east, north))
