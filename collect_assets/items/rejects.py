"""What could not be read, on its way into DuckDB: a temporary text file with one reject a line, never a list in memory.

Its parts stand between unit separators, texts as JSON, which never holds one unescaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import duckdb

from collect_assets.readers.source import Reject, Scratch
from collect_assets.store.database import database, literal
from collect_assets.store.local import storage_errors

FIELD = "\x1f"
MAX_RAW = 10_000
_MAX_LINE = 1 << 20
_SAMPLE = "SELECT record_number, line, reason, raw FROM read_parquet($path) ORDER BY record_number LIMIT $most"
_COLUMNS = ("record_number", "line", "reason", "raw")


class Rejects:
    """A file of rejects while it is written, and how many are in it."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path = path
        self.count = 0
        self._file = file

    def add(self, reject: Reject) -> None:
        """Writes one, what it says cut to a limit."""
        texts = [json.dumps(_text(text)) for text in (reject.reason, reject.raw)]
        line = FIELD.join([str(reject.record_number), str(reject.line or ""), *texts])
        self._file.write(f"{line}\n".encode())
        self.count += 1


def _text(text: str) -> str:
    """Text as DuckDB takes it: without NUL, and without halves of surrogate pairs."""
    return text[:MAX_RAW].encode("utf-8", "replace").decode().replace("\0", "")


@contextmanager
def writing_rejects(scratch: Scratch) -> Iterator[Rejects]:
    """A new file of rejects, whole at the end of the `with`."""
    path = scratch.file()
    with storage_errors(path), path.open("wb") as file:
        yield Rejects(path, file)


def write_rejects(connection: duckdb.DuckDBPyConnection, rejects: Rejects, parquet: Path) -> int:
    """Writes what was rejected to a Parquet file, if there is any; returns how many."""
    if rejects.count:
        connection.execute(f"""
            COPY (SELECT record_number::BIGINT AS record_number, line::BIGINT AS line, reason::JSON->>'$' AS reason,
                raw::JSON->>'$' AS raw FROM {lines_relation(rejects.path, _COLUMNS, _MAX_LINE)})
            TO {literal(parquet)} (FORMAT parquet, COMPRESSION zstd)""")
    return rejects.count


def sample_rejects(files: Mapping[str, Path], most: int) -> list[tuple[str, Reject]]:
    """The first that were rejected, a few of each endpoint so that many of one hide no other; `files` by endpoint."""
    each = max(1, most // max(len(files), 1))
    found: list[tuple[str, Reject]] = []
    with database() as connection:
        for endpoint, path in sorted(files.items())[:most]:
            rows = connection.execute(_SAMPLE, {"path": str(path), "most": each}).fetchall()
            found += [(endpoint, Reject(*row)) for row in rows]
    return found


def lines_relation(path: Path, columns: tuple[str, ...], longest: int) -> str:
    """What stands after FROM to read a file of lines with unit separators between the columns."""
    types = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
    return (
        f"read_csv([{literal(path)}], auto_detect = false, columns = {{{types}}}, header = false, delim = '{FIELD}', "
        f"quote = '', escape = '', nullstr = '', new_line = '\\n', compression = 'none', max_line_size = {longest})"
    )
