"""Spreadsheets (xlsx, xlsm, xls, ods) through calamine: the first sheet with rows, its first row the names of columns.

A sheet is held in memory while it is read, so that large files are not taken; they are better published as CSV.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from collect_assets.errors import UnreadableError
from collect_assets.readers.archive import open_archive
from collect_assets.readers.csv_table import open_source as open_table
from collect_assets.readers.source import Source, Table, read_start

FORMAT = "spreadsheet"
VERSION = 1
PRIORITY = 11
MAX_BYTES = 64 << 20
MAX_UNPACKED = 512 << 20
LONGEST = 600
_XLS = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"


def matches(source: Source) -> bool:
    """The compound file of xls, or a zip with the parts of xlsx or ods."""
    if source.start.startswith(_XLS):
        return True
    if not source.start.startswith(b"PK\x03\x04"):
        return False
    return source.start[30:100].startswith(b"mimetype" + _ODS) or _is_workbook(source)


def _is_workbook(source: Source) -> bool:
    try:
        with open_archive(_outermost(source)) as archive:
            return "xl/workbook.xml" in archive.names or "xl/workbook.bin" in archive.names
    except UnreadableError:
        return False


def _outermost(source: Source) -> Source:
    """A spreadsheet is a zip itself: inside of a zip it is no archive inside an archive."""
    return Source(source.path, source.start, source.scratch, source.member)


def open_source(source: Source) -> Table:
    """The sheet as a table.

    Raises:
        UnreadableError: it is damaged, encrypted or too large, or no sheet has rows.
    """
    _check(source)
    path = source.scratch.file()
    sheet, others = _write_csv(source, path)
    opened = open_table(Source(path, read_start(path), source.scratch, source.member or sheet, "utf-8", ","))
    notes = (*opened.notes, *((f"the sheet {sheet} is read; others are not: {', '.join(others)}",) if others else ()))
    return Table(FORMAT, "utf-8", opened.files, opened.columns, opened.member, notes=notes)


def _check(source: Source) -> None:
    if source.path.stat().st_size > MAX_BYTES:
        raise UnreadableError(f"a spreadsheet of more than {MAX_BYTES:,} bytes; publish it as CSV")
    if source.start.startswith(b"PK"):
        with open_archive(_outermost(source)) as archive:
            if archive.unpacked > MAX_UNPACKED:
                raise UnreadableError(f"a spreadsheet of more than {MAX_UNPACKED:,} bytes unpacked; publish it as CSV")
            archive.check()


def _write_csv(source: Source, path: Path) -> tuple[str, list[str]]:
    """Writes the first visible sheet that has rows; returns its name, and those of others that have some."""
    command = [sys.executable, "-m", "collect_assets.readers.spreadsheet_cells", str(source.path), str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"a spreadsheet that takes more than {LONGEST} seconds to read") from None
    said = json.loads(done.stdout) if done.returncode == 0 else {"error": "reading it came to a sudden end"}
    if "error" in said:
        raise UnreadableError(f"a spreadsheet that cannot be read: {said['error']}")
    filled = list(map(str, said["filled"]))
    if not filled:
        raise UnreadableError("a spreadsheet without rows")
    return filled[0], filled[1:]
