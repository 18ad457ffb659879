"""Delimited text: which delimiter and quote it has, its header, and the `read_csv` that reads it strictly.

Shared by the formats that are tables; nothing here knows archives or records.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from collect_assets.errors import UnreadableError
from collect_assets.readers.source import START, TableFile
from collect_assets.store.database import literal
from collect_assets.store.local import storage_errors

DELIMITERS = (",", "\t", ";", "|")
MAX_LINE = 16 << 20  # bytes of one row; longer ones are rejected (fault F57)
BUFFER = 32 << 20  # said, since DuckDB would take 16 of the longest rows, and files below that on one core
MAX_COLUMNS = 5000
SAMPLED_ROWS = 200
_WORD = re.compile(r"\S{1,64}$")
_CONTROLS = re.compile("[\x01-\x08\x0e-\x1b]")


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written; a blank quote means that nothing is quoted."""

    delimiter: str = ","
    quote: str = '"'
    header_rows: int = 1


def sample_text(path: Path) -> str:
    """The first text of a UTF-8 file, without byte order mark and without a character cut in two."""
    with storage_errors(path), path.open("rb") as file:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(file.read(START))
    return text.removeprefix("\ufeff")


def sniff(sample: str, delimiter: str = "") -> tuple[Dialect, list[str]]:
    """The dialect of a table by the start of its text, and its header.

    The delimiter that gives the header the most cells wins among those under which most sampled rows are as wide as it.

    Raises:
        UnreadableError: the text is not a table.
    """
    if _CONTROLS.search(sample):
        raise UnreadableError("not a table: it holds control characters, as binary files do")
    looks = [look for candidate in ([delimiter] if delimiter else DELIMITERS) if (look := _look(sample, candidate))]
    dialect, rows, fit = max(looks, key=lambda look: (look[2] >= 0.5, len(look[1][0]), look[2]), default=(None, [], 0))
    if dialect is None or not any(cell.strip() for cell in rows[0]):
        raise UnreadableError("not a table: its first row, where the names of the columns should stand, is blank")
    if len(rows[0]) == 1 and not _one_column(rows):
        raise UnreadableError(
            "not a table: no comma, tab, semicolon or bar splits its rows into columns; "
            "the first row must name the columns"
        )
    if len(rows[0]) > MAX_COLUMNS:
        raise UnreadableError(f"not a table: its first row has {len(rows[0])} cells, at most {MAX_COLUMNS} are read")
    if fit < 0.1 and len(rows) > 3:
        raise UnreadableError(
            f"not a table: its first row has {len(rows[0])} cells, the rows below have others; "
            "the first row must name the columns"
        )
    return dialect, rows[0]


def _look(sample: str, delimiter: str) -> tuple[Dialect, list[list[str]], float] | None:
    """How the sample looks with a delimiter: its rows, and the share of them that is as wide as the header."""
    for quote in ("'", '"') if sample.startswith("'") else ('"', ""):
        rows = _rows(sample, delimiter, quote)
        if rows:
            below = rows[1:]
            fit = sum(len(row) == len(rows[0]) for row in below) / len(below) if below else 1.0
            return Dialect(delimiter, quote), rows, fit
    return None


def _rows(sample: str, delimiter: str, quote: str) -> list[list[str]]:
    """The sampled rows; none when quotes do not close or stand where they must not."""
    whole = len(sample.encode()) < START - 4
    lines = io.StringIO(sample, newline="")
    rows: list[list[str]] = []
    try:
        reader = csv.reader(
            lines,
            delimiter=delimiter,
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            strict=delimiter == "\t",
        )
        for row in reader:
            if row:
                rows.append(row)
            if len(rows) > SAMPLED_ROWS:
                return rows
    except csv.Error:
        return rows if len(rows) > 1 and delimiter != "\t" else []
    return rows if whole or len(rows) < 2 else rows[:-1]


def _one_column(rows: list[list[str]]) -> bool:
    """A single column is believed when its header is one word and most cells hold no blanks: prose does not."""
    cells = [row[0].strip() for row in rows[1:] if row]
    words = sum(bool(_WORD.match(cell)) for cell in cells)
    return bool(_WORD.match(rows[0][0].strip())) and not rows[0][0].startswith("%") and words * 2 >= len(cells)


def column_names(header: list[str]) -> tuple[str, ...]:
    """Names as keys of a record: trimmed, in NFC; a blank one is `column_<n>`, a second one gets `_2`."""
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        name = wanted = unicodedata.normalize("NFC", cell).strip(" \t\r\n\u00a0\ufeff") or f"column_{number}"
        count = 1
        while name in names:
            count += 1
            name = f"{wanted}_{count}"
        names.append(name)
    return tuple(names)


def table_file(path: Path, dialect: Dialect, width: int, member: str = "") -> TableFile:
    """A file as DuckDB reads it: every cell text, strictly, what does not fit kept in `reject_errors`."""
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(width))
    top = "header = true" if dialect.header_rows == 1 else f"header = false, skip = {dialect.header_rows}"
    relation = (
        f"(SELECT *, {literal(member)} AS member FROM read_csv([{literal(path)}], auto_detect = false, "
        f"columns = {{{columns}}}, {top}, delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)}, "
        f"escape = {literal(dialect.quote)}, nullstr = '', compression = 'none', hive_partitioning = false, "
        f"max_line_size = {MAX_LINE}, buffer_size = {BUFFER}, store_rejects = true, rejects_limit = 0))"
    )
    return TableFile(path, relation, member, dialect.header_rows)
