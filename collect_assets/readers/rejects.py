"""The rows of tables that DuckDB rejected: which record, on which line, and why, in words for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from collect_assets.readers.source import Reject, TableFile
from collect_assets.store.local import CHUNK, storage_errors

_REJECTED = """
SELECT line, min(line_byte_position), arg_min(error_type::VARCHAR, error_message), min(error_message),
    left(min(csv_line), 10000)
FROM reject_errors JOIN reject_scans USING (scan_id, file_id)
WHERE file_path = $path GROUP BY line ORDER BY line
"""

_REASONS = {
    "UNQUOTED VALUE": "a quote is not closed, or text follows a closing quote",
    "LINE SIZE OVER MAXIMUM": "the row is too long",
    "INVALID ENCODING": "bytes that are no UTF-8",
}


def rejected_rows(connection: duckdb.DuckDBPyConnection, files: Sequence[TableFile]) -> Iterator[Reject]:
    """What was rejected of the files of a table, in their order; record numbers count through all of them."""
    for file in filter(lambda file: file.strict, files):
        connection.execute(_REJECTED, {"path": str(file.path)})
        place = _Lines(file.path)
        while batch := connection.fetchmany(1000):
            for row, start, kind, message, raw in batch:
                reason = _REASONS.get(kind) or f"{kind.lower()}: {message}"
                where = f" ({file.member})" if file.member and len(files) > 1 else ""
                yield Reject(row - file.header_rows, place.line_at((start or 1) - 1), reason + where, raw or "")
        place.close()


class _Lines:
    """The line of a byte, for bytes in ascending order: DuckDB counts rows, people count lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._line = 1
        with storage_errors(path):
            self._file = path.open("rb")

    def line_at(self, position: int) -> int:
        """The number of the line, as an editor shows it; blank lines count to the row below them in DuckDB."""
        with storage_errors(self._path):
            while self._position < position and (chunk := self._file.read(min(CHUNK, position - self._position))):
                self._pass(chunk)
            self._file.seek(self._position)
            blank = bytearray()
            while (byte := self._file.read(1)) in {b"\r", b"\n"}:
                blank += byte
            self._file.seek(self._position + len(blank))
            self._pass(bytes(blank))
        return self._line

    def _pass(self, passed: bytes) -> None:
        self._position += len(passed)
        self._line += passed.count(b"\n") or passed.count(b"\r")

    def close(self) -> None:
        """Lets the file go."""
        self._file.close()
