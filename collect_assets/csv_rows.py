"""The rows of a CSV that a person wrote, so that one bad row costs no other.

What the cells mean is the business of `registers.py`. A quote that is opened and not closed makes a CSV reader take the
rows behind it for one cell; here such a row is a bad row, and reading goes on with the line behind its first.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from collect_assets.errors import RegisterError

LONGEST = 1 << 20  # characters of a cell
SHOWN = 200  # characters of a cell in a message
_KEY = re.compile(r"\s*\"?(?:[a-z][a-z0-9+.-]*://|[0-9a-f]{64}\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One row: the line where it begins, its cells by column, and what is wrong with it as a whole, if anything.

    Attributes:
        skip: the word for the log where something is wrong; blank where nothing is.
        lines: how many lines it takes: a quoted cell may hold line ends.
        width: how many cells it has, which may be fewer or more than there are columns.
    """

    number: int
    cells: dict[str, str]
    skip: str = ""
    reason: str = ""
    lines: int = 1
    width: int = 0

    @property
    def blank(self) -> bool:
        """Whether nothing stands in it; a bad row is not blank."""
        return not self.skip and not any(cell.strip() for cell in self.cells.values())


def read_rows(path: Path, content: bytes, *, needed: Sequence[str]) -> Iterator[Row]:
    """The rows with at least one filled cell; short rows have blanks at their end.

    Args:
        path: for messages.
        content: the file, in UTF-8, with or without BOM, with any line ends.
        needed: columns that must be there; one of them identifies a row by a URL or a hash.

    Raises:
        RegisterError: it is not a CSV, or lacks a needed column.
    """
    return (row for row in all_rows(path, content, needed=needed) if not row.blank)


def all_rows(path: Path, content: bytes, *, needed: Sequence[str]) -> Iterator[Row]:
    """As `read_rows`, with the blank ones."""
    lines = lines_of(path, content)
    first, at = _record(lines, 0)
    header = _header(path, first, needed)
    places = [header.index(name) for name in needed]
    while at < len(lines):
        cells, end = _record(lines, at)
        row = _row(at + 1, header, cells)
        if end - at > 1 and _swallows(lines, at, end, places):
            row, end = _open_quote(at + 1, end, header, lines[at]), at + 1
        yield replace(row, lines=end - at, width=len(cells))
        at = end


def lines_of(path: Path, content: bytes) -> list[str]:
    """The lines of a CSV with their ends, without BOM.

    Raises:
        RegisterError: it is not a CSV.
    """
    return list(io.StringIO(_text(path, content), newline=""))


def header_of(path: Path, content: bytes, *, needed: Sequence[str] = ()) -> list[str]:
    """The names of the columns.

    Raises:
        RegisterError: it is not a CSV, or lacks a needed column.
    """
    return _header(path, _record(lines_of(path, content), 0)[0], needed)


def _text(path: Path, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RegisterError(
            f"{path}: not a CSV in UTF-8: byte {error.start} is {content[error.start]:#04x}; save it as CSV UTF-8"
        ) from error
    if "\0" in text:
        raise RegisterError(f"{path}: not a CSV: it holds NUL bytes")
    return text


def _record(lines: Sequence[str], at: int) -> tuple[list[str], int]:
    """The cells of the record that begins at a line, and the line behind it."""
    csv.field_size_limit(sys.maxsize)  # the csv module would refuse the file; we refuse the row
    reader = csv.reader(map(lines.__getitem__, range(at, len(lines))))  # `islice` would count up to each row
    return next(reader, []), at + reader.line_num


def _header(path: Path, cells: Sequence[str], needed: Sequence[str]) -> list[str]:
    header = [name.strip() for name in cells]
    if missing := [name for name in needed if name not in header]:
        found = short(", ".join(header))
        raise RegisterError(f"{path}: lacks the column {' and '.join(missing)}; its header is: {found}")
    if long := next((name for name in header if len(name) > LONGEST), None):
        raise RegisterError(f"{path}: not a CSV: a name in its header has {len(long)} characters")
    return header


def _row(number: int, header: Sequence[str], cells: Sequence[str]) -> Row:
    named = dict.fromkeys(header, "") | dict(zip(header, cells, strict=False))
    long = next((name for name, cell in named.items() if len(cell) > LONGEST), None)
    if long is None:
        return Row(number, named)
    reason = f"{long} has {len(named[long])} characters; a cell may have {LONGEST}"
    return Row(number, {name: cell[:SHOWN] for name, cell in named.items()}, "too-long", reason)


def _swallows(lines: Sequence[str], at: int, end: int, places: Sequence[int]) -> bool:
    """Whether a record of several lines holds lines that are rows of their own, or never ends."""
    for line in lines[at + 1 : end]:
        cells = next(csv.reader([line]), [])
        if any(_KEY.match(cells[place]) for place in places if place < len(cells)):
            return True
    return end == len(lines) and _is_open(lines[at:end])


def _is_open(lines: Sequence[str]) -> bool:
    try:
        next(csv.reader(lines, strict=True), None)
    except csv.Error:
        return True
    return False


def _open_quote(number: int, last: int, header: Sequence[str], line: str) -> Row:
    reason = (
        f"a quote is opened in this row and not closed in it, so that the row would go on to row {last} and take the "
        'rows between for one cell; close it, or write "" for a quote that is meant'
    )
    cells = next(csv.reader([line]), [])
    return Row(number, {name: cell[:SHOWN] for name, cell in _row(number, header, cells).cells.items()},
               "open-quote", reason)  # fmt: skip


def short(text: str) -> str:
    """As it stands in a message; a cell may hold a megabyte."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
