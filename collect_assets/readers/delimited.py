"""Delimited text: which delimiter and quote it has, its header, and the `read_csv` that reads it strictly.

Shared by the formats that are tables; nothing here knows archives or records.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from collect_assets.errors import UnreadableError
from collect_assets.readers.encodings import Text
from collect_assets.readers.facts import QUOTE, Facts, look_at
from collect_assets.readers.source import START, Cells, TableFile
from collect_assets.store.database import literal
from collect_assets.store.local import storage_errors

DELIMITERS = (",", "\t", ";", "|")
MAX_LINE = 16 << 20  # bytes of one row; longer ones are rejected (fault F57)
BUFFER = 32 << 20  # said, since DuckDB would take 16 of the longest rows, and files below that on one core
ONE_BUFFER = 30 << 20
SMALL = 1 << 20  # in a small file what DuckDB has to plan takes longer than what it has to read
MAX_COLUMNS = 5000
SAMPLED_ROWS = 200
_WORD = re.compile(r"\S{1,64}$")
_SAID = re.compile(r'"?sep=(.)"?(\r\n?|\n)')  # spreadsheets write and read it above the header
_CONTROLS = re.compile("[\x01-\x08\x0e-\x1b]")


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written.

    Attributes:
        quote: blank where nothing is quoted.
        header_rows: rows above the first record, blank ones among them, as DuckDB counts what it skips.
    """

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
    One that splits nothing loses against any that splits the header: it fits every file.

    Raises:
        UnreadableError: the text is not a table.
    """
    if _CONTROLS.search(sample):
        raise UnreadableError("not a table: it holds control characters, as binary files do")
    said = _SAID.match(sample)
    delimiter = delimiter or (said[1] if said else "")
    looks = [
        look
        for candidate in ([delimiter] if delimiter else DELIMITERS)
        if (look := _look(sample[said.end() if said else 0 :], candidate))
    ]
    if not looks:
        raise UnreadableError("not a table: there is no row that names the columns")
    dialect, rows, fit = max(looks, key=_likeness)
    dialect = replace(dialect, header_rows=dialect.header_rows + bool(said))
    if len(rows[0]) == 1 and not _one_column(rows):
        raise UnreadableError(
            "not a table: no comma, tab, semicolon or bar splits its rows into columns; "
            "the first row must name the columns"
        )
    if len(rows[0]) > MAX_COLUMNS:
        raise UnreadableError(f"not a table: its first row has {len(rows[0])} cells, at most {MAX_COLUMNS} are read")
    if not fit or (fit < 0.1 and len(rows) > 3):
        raise UnreadableError(
            f"not a table: its first row has {len(rows[0])} cells, the rows below have others; "
            "the first row must name the columns"
        )
    return dialect, rows[0]


def _likeness(look: tuple[Dialect, list[list[str]], float]) -> tuple[bool, bool, int, float]:
    _, rows, fit = look
    return len(rows[0]) > 1, fit >= 0.5, len(rows[0]), fit


def _look(sample: str, delimiter: str) -> tuple[Dialect, list[list[str]], float] | None:
    """How the sample looks with a delimiter: its rows, and the share of them that is as wide as the header."""
    for quote in ("'", '"') if sample.startswith("'") else ('"', ""):
        found = _rows(sample, delimiter, quote)
        blank = next((number for number, row in enumerate(found) if any(cell.strip() for cell in row)), len(found))
        below = [row for row in found[blank + 1 :] if row]
        if blank < len(found):
            header = _with_blank_ends(found[blank], below)
            fit = sum(len(row) == len(header) for row in below) / len(below) if below else 1.0
            return Dialect(delimiter, quote, blank + 1), [header, *below], fit
    return None


def _with_blank_ends(header: list[str], below: list[list[str]]) -> list[str]:
    """The header as wide as the rows, where those end with delimiters that it lacks and nothing stands behind them."""
    width = Counter(map(len, below)).most_common(1)[0][0] if below else 0
    if len(header) < 2 or any(cell.strip() for row in below for cell in row[len(header) :]):
        return header
    return header + [""] * (width - len(header))


def _rows(sample: str, delimiter: str, quote: str) -> list[list[str]]:
    """The sampled rows, blank ones too; none when quotes do not close or stand where they must not."""
    whole = len(sample.encode()) < START - 4
    lines = io.StringIO(sample, newline="")
    rows: list[list[str]] = []
    try:
        for row in csv_rows(lines, Dialect(delimiter, quote), strict=delimiter == "\t"):
            rows.append(row)
            if len(rows) > SAMPLED_ROWS:
                return rows
    except csv.Error:
        return rows if len(rows) > 1 and delimiter != "\t" else []
    return rows if whole or len(rows) < 2 else rows[:-1]


def csv_rows(lines: Iterable[str], dialect: Dialect, *, strict: bool = False) -> Iterator[list[str]]:
    """The rows of some text as Python reads them, blank ones as empty lists.

    Raises:
        csv.Error: quotes do not close or stand where they must not, and it is strict.
    """
    # Python's csv takes one character; descriptors may give more, which is then looked for as it is.
    if len(dialect.delimiter) > 1:
        return (line.split(dialect.delimiter) if line else [] for line in map(_without_end, lines))
    return csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote or None,
        quoting=csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE,
        strict=strict,
    )


def _without_end(line: str) -> str:
    return line.rstrip("\r\n")


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


def table_file(text: Text, dialect: Dialect, width: int, member: str = "") -> TableFile:
    """A file as DuckDB reads it: every cell text, strictly, what does not fit kept in `reject_errors`.

    Read in parallel, DuckDB guesses where a row begins in each buffer, and makes up rows where the guess falls into a
    quoted cell of several lines; so such files are read on one core.
    """
    path, facts = text.path, _facts_of(text, dialect.quote)
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(width))
    parallel = path.stat().st_size <= ONE_BUFFER or not (dialect.quote and facts.breaks)
    relation = (
        f"(SELECT *, {literal(member)} AS member FROM read_csv([{literal(path)}], auto_detect = false, "
        f"columns = {{{columns}}}, header = false, skip = {dialect.header_rows}, parallel = {str(parallel).lower()}, "
        f"delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)}, escape = {literal(dialect.quote)}, "
        f"nullstr = '', compression = 'none', hive_partitioning = false, max_line_size = {MAX_LINE}, "
        f"buffer_size = {BUFFER}, store_rejects = true, rejects_limit = 0))"
    )
    return TableFile(path, relation, member, dialect.header_rows, _cells(path, facts, dialect))


def _facts_of(text: Text, quote: str) -> Facts:
    return text.facts if quote.encode() in {b"", QUOTE} else look_at(text.path, quote.encode())


def _cells(path: Path, facts: Facts, dialect: Dialect) -> Cells:
    """What cells may hold besides plain text. Small files are looked through for blanks; in others DuckDB does that."""
    may_quote = bool(dialect.quote) and facts.quotes
    tabs = facts.tabs and (dialect.delimiter != "\t" or may_quote)
    controls = facts.controls or tabs or (may_quote and facts.breaks)
    small = path.stat().st_size <= SMALL
    blanks = not small or _blank_edge(dialect).search(path.read_bytes()) is not None
    return Cells(controls, facts.beyond, blanks, small)


def _blank_edge(dialect: Dialect) -> re.Pattern[bytes]:
    """Where a cell begins or ends with a blank, or is quoted and empty."""
    end, quote = f"[\\r\\n]|{re.escape(dialect.delimiter)}", re.escape(dialect.quote)
    edge = f"{end}|{quote}" if quote else end
    empty = f"|(?:^|{end}){quote * 2}(?:$|{end})" if quote else ""
    return re.compile(f"(?:^|{edge}) | (?:$|{edge}){empty}".encode())


def rows_skipped(lines: Iterable[str], dialect: Dialect) -> int:
    """How many rows DuckDB must skip to leave out the header rows: blank ones stand between them in some files."""
    left = dialect.header_rows
    for skipped, row in enumerate(csv_rows(lines, dialect) if left else (), 1):
        left -= any(cell.strip() for cell in row)
        if not left:
            return skipped
    return dialect.header_rows
