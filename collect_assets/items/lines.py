"""Streamed entries on their way into DuckDB: a temporary text file with one entry a line.

The parts of an entry stand as JSON between unit separators, which JSON never holds unescaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from collect_assets.items.canonical import canonical_json, canonical_text
from collect_assets.readers.source import Entry, Reject, Scratch
from collect_assets.store.database import literal
from collect_assets.store.local import storage_errors

FIELD = "\x1f"
MAX_ENTRY = 32 << 20  # bytes of one line; DuckDB holds some lines of the longest allowed size at once
MAX_RAW = 10_000
_LINE_ROOM = 4096


@dataclass(frozen=True)
class Lines:
    """A written file of lines.

    Attributes:
        relation: what stands after FROM; gives `record`, `geojson` and `entry_id`.
        fields: every field that any record has.
        rejects: entries that cannot be records.
        geometries: how many entries have a geometry.
        entry_ids: how many have an id of the format's own.
    """

    relation: str
    fields: frozenset[str]
    rejects: tuple[Reject, ...]
    geometries: int
    entry_ids: int


def write_lines(entries: Iterable[Entry | Reject], scratch: Scratch) -> Lines:
    """Writes entries in canonical form.

    Raises:
        UnreadableError: the stream broke off, or an entry is nested too deep.
    """
    path, fields, rejects, geometries, entry_ids = scratch.file(), set[str](), list[Reject](), 0, 0
    with storage_errors(path), path.open("wb") as file:
        for number, entry in enumerate(entries, 1):
            if isinstance(entry, Reject):
                rejects.append(entry)
                continue
            line = _line(entry)
            if len(line) > MAX_ENTRY - _LINE_ROOM:
                reason = f"a record of {len(line):,} bytes; at most {MAX_ENTRY:,} are taken"
                rejects.append(Reject(number, None, reason, line[:MAX_RAW].decode("utf-8", "replace")))
                continue
            file.write(line)
            fields.update(entry.fields)
            geometries += entry.geometry is not None
            entry_ids += bool(entry.entry_id)
    names = frozenset(canonical_text(name) for name in fields)
    return Lines(_relation(path, ("record", "geojson", "entry_id")), names, tuple(rejects), geometries, entry_ids)


def _line(entry: Entry) -> bytes:
    geometry = "" if entry.geometry is None else canonical_json(entry.geometry)
    entry_id = canonical_text(entry.entry_id)
    # An id with a control character in it would end the line; it keeps its visible part.
    visible = "".join(character for character in entry_id if character >= " ")
    return f"{canonical_json(entry.fields)}{FIELD}{geometry}{FIELD}{visible}\n".encode()


def _relation(path: Path, columns: tuple[str, ...]) -> str:
    types = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
    return (
        f"read_csv([{literal(path)}], auto_detect = false, columns = {{{types}}}, header = false, delim = '{FIELD}', "
        f"quote = '', escape = '', nullstr = '', new_line = '\\n', compression = 'none', max_line_size = {MAX_ENTRY})"
    )


def pointer_sql(record: str, name: str) -> str:
    """SQL for the text of a top-level field of a JSON record."""
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    return f"json_extract_string({record}, {literal(pointer)})"


def write_rejects(
    connection: duckdb.DuckDBPyConnection, rejects: Iterable[Reject], parquet: Path, scratch: Scratch
) -> int:
    """Writes what was rejected to a Parquet file, if there is any; returns how many."""
    path, count = scratch.file(), 0
    with storage_errors(path), path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        for count, line in enumerate(_reject_lines(rejects), 1):  # noqa: B007 - the last number is the count
            file.write(line)
    if count:
        columns = ("record_number", "line", "reason", "raw")
        connection.execute(f"""
            COPY (SELECT record_number::BIGINT AS record_number, line::BIGINT AS line, reason::JSON->>'$' AS reason,
                raw::JSON->>'$' AS raw FROM {_relation(path, columns)})
            TO {literal(parquet)} (FORMAT parquet, COMPRESSION zstd)""")
    return count


def _reject_lines(rejects: Iterable[Reject]) -> Iterator[str]:
    for reject in rejects:
        texts = [json.dumps(text[:MAX_RAW], ensure_ascii=True) for text in (reject.reason, reject.raw)]
        yield FIELD.join([str(reject.record_number), str(reject.line or ""), *texts]) + "\n"
