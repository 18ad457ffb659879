"""What is wrong with rows of any register as rows of a CSV, whatever their cells mean."""

from __future__ import annotations

import datetime as dt
import re

from collect_assets.csv_rows import Row
from collect_assets.registers import EXPOSED, parse_date, secret_in
from collect_assets.tending.estate import Registers, date_in, has_ended
from collect_assets.tending.findings import Fix
from collect_assets.tending.text import BOM, RegisterText

IDENTIFYING = frozenset({"endpoint-url", "collection", "organisation"})  # a hash is taken of them, spaces and all
DATES = ("entry-date", "start-date", "end-date")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}$")


def check_rows(registers: Registers, file: str, today: dt.date) -> None:
    """Looks at a register of any kind."""
    text = registers.texts[file]
    if text.before.startswith(BOM):
        registers.find(file, 1, "bom", "the file begins with a byte order mark; save it as UTF-8 without one")
    _line_ends(registers, file, text)
    seen: dict[tuple[str, ...], int] = {}
    for row in text.rows:
        if row.blank:
            registers.find(file, row.number, "blank-row", "nothing stands in this row", fix=Fix(remove=True))
        elif row.skip:
            registers.find(file, row.number, row.skip, row.reason)
        else:
            _cells(registers, file, text, row, today)
            _again(registers, file, row, seen, ended=has_ended(row, today))


def _line_ends(registers: Registers, file: str, text: RegisterText) -> None:
    for row in text.rows:
        raw = text.text_of(row)
        if raw.endswith(("\r", "\n")) and not (
            raw.endswith(text.line_end) and raw[-2:] != "\r\n" * (text.line_end == "\n")
        ):
            registers.find(file, row.number, "mixed-line-ends", "this line ends in another way than the header does")
            return


def _again(registers: Registers, file: str, row: Row, seen: dict[tuple[str, ...], int], *, ended: bool) -> None:
    key = tuple(cell if name in IDENTIFYING else cell.strip() for name, cell in row.cells.items())
    first = seen.setdefault(key, row.number)
    if first != row.number:
        reason = f"the very same row as row {first}"
        registers.find(file, row.number, "duplicate-row", reason, ended=ended, fix=Fix(remove=True))


def _cells(registers: Registers, file: str, text: RegisterText, row: Row, today: dt.date) -> None:
    ended = has_ended(row, today)
    if row.width != len(text.header):
        reason = f"{row.width} cells, and the header has {len(text.header)}"
        registers.find(file, row.number, "ragged", reason, ended=ended)
    spaced = [name for name, cell in row.cells.items() if cell != cell.strip() and name != "endpoint-url"]
    if spaced:
        certain = {name: row.cells[name].strip() for name in spaced if name not in IDENTIFYING}
        fix = Fix(cells=certain) if certain else None
        reason = f"spaces around the value of {', '.join(spaced)}"
        registers.find(file, row.number, "spaces", reason, ended=ended, fix=fix)
    if secret := secret_in(row.cells.get("documentation-url", "")):
        reason = f"documentation-url has {secret}, {EXPOSED}"
        registers.find(file, row.number, "secret", reason, ended=ended)
    _dates(registers, file, row, today)


def _dates(registers: Registers, file: str, row: Row, today: dt.date) -> None:
    for column in DATES:
        try:
            parse_date(row.cells.get(column, ""))
        except ValueError as error:
            registers.find(file, row.number, "bad-date", f"{column}: {error}")
    start, end = date_in(row, "start-date"), date_in(row, "end-date")
    text = row.cells.get("end-date", "").strip()
    if file == "endpoint.csv" and end and not _DAY.match(text):
        registers.find(file, row.number, "date-form", f"end-date {text!r} is read as {end}; write YYYY-MM-DD")
    if start and end and start > end:
        reason = f"start-date {start} is after end-date {end}"
        registers.find(file, row.number, "date-order", reason, ended=end <= today)
    if start and start > today:
        registers.find(file, row.number, "future-start", f"start-date {start} is to come; it is collected already")
