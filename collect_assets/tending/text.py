"""A register as text: cells are set, rows are taken out and put in, and every other byte stays as it was.

A CSV writer would write the whole file anew, with its own quotes and line ends, and a configuration repository would
show a thousand changed lines where one was meant.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from collect_assets.csv_rows import Row, all_rows, header_of, lines_of
from collect_assets.errors import RegisterError

BOM = "\ufeff".encode()
_QUOTED = frozenset(',"\r\n')


class RegisterText:
    """One register, and what is to be changed in it. Rows keep their numbers until `content` is taken.

    Raises:
        RegisterError: it is not a CSV, or lacks a needed column.
    """

    def __init__(self, path: Path, content: bytes, *, needed: Sequence[str] = ()) -> None:
        self.path = path
        self.before = content
        self.header = header_of(path, content, needed=needed)
        self.rows: tuple[Row, ...] = tuple(all_rows(path, content, needed=needed))
        self.changed: dict[int, str] = {}
        self._lines = lines_of(path, content)
        self._added: list[str] = []

    @cached_property
    def line_end(self) -> str:
        """That of the header, so that a file of one kind stays of one kind."""
        return _line_end(self._lines[0]) or "\n"

    def text_of(self, row: Row) -> str:
        """A row as it stands, with its line end."""
        return self.changed.get(row.number, "".join(self._lines[row.number - 1 : row.number - 1 + row.lines]))

    def set(self, row: Row, column: str, value: str) -> None:
        """Puts a value into one cell; it is quoted where it was, or has to be.

        Raises:
            RegisterError: there is no such column, or the row is not one whose cells can be told apart.
        """
        text = self.text_of(row)
        end = _line_end(text)
        cells = split(text.removesuffix(end))
        if row.skip or cells is None:
            raise RegisterError(
                f"{self.path}, row {row.number}: cannot be changed: its quotes are odd; correct it first"
            )
        place = self._place(column)
        cells += [""] * (place + 1 - len(cells))
        cells[place] = _cell(value, quoted=cells[place].startswith('"'))
        self.changed[row.number] = ",".join(cells) + end

    def remove(self, row: Row) -> None:
        """Takes a row out, with its line end."""
        self.changed[row.number] = ""

    def append(self, cells: Mapping[str, str]) -> None:
        """Puts a row behind the last one; columns that are not named are blank.

        Raises:
            RegisterError: a value for a column that the register does not have.
        """
        for column in (column for column, value in cells.items() if value):
            self._place(column)
        self._added.append(",".join(_cell(cells.get(name, ""), quoted=False) for name in self.header) + self.line_end)

    @property
    def content(self) -> bytes:
        """The file with all changes."""
        lines = list(self._lines)
        for row in self.rows:
            if row.number in self.changed:
                at = row.number - 1
                lines[at : at + row.lines] = [self.changed[row.number], *[""] * (row.lines - 1)]
        text = "".join(lines)
        if self._added and not _line_end(text):
            text += self.line_end
        return (BOM if self.before.startswith(BOM) else b"") + "".join([text, *self._added]).encode()

    def _place(self, column: str) -> int:
        if column not in self.header:
            known = ", ".join(self.header)
            raise RegisterError(f"{self.path}: has no column {column}, which is needed here; its columns are: {known}")
        return len(self.header) - 1 - self.header[::-1].index(column)  # of two of one name readers take the last


def split(text: str) -> list[str] | None:
    """The cells of a row as they stand, quotes and all; None where a CSV reader would understand other cells."""
    cells, start, at = [], 0, 0
    while at <= len(text):
        if at == start and text[at : at + 1] == '"':
            at = _behind_quote(text, at + 1)
        elif at == len(text) or text[at] == ",":
            cells.append(text[start:at])
            start = at = at + 1
        else:
            at += 1
    read = next(csv.reader(io.StringIO(text, newline="")), [])
    return cells if [_value(cell) for cell in cells] == (read or [""]) else None


def _behind_quote(text: str, at: int) -> int:
    """The place behind the quote that closes a cell."""
    while at < len(text):
        if text[at] == '"':
            if text[at + 1 : at + 2] != '"':
                return at + 1
            at += 1
        at += 1
    return len(text)


def _value(cell: str) -> str:
    if not cell.startswith('"'):
        return cell
    closing = _behind_quote(cell, 1)
    return cell[1 : closing - 1].replace('""', '"') + cell[closing:] if cell[closing - 1] == '"' else cell


def _cell(value: str, *, quoted: bool) -> str:
    if quoted or not _QUOTED.isdisjoint(value):
        return '"' + value.replace('"', '""') + '"'
    return value


def _line_end(text: str) -> str:
    return next((end for end in ("\r\n", "\n", "\r") if text.endswith(end)), "")
