"""A sheet of a spreadsheet as CSV, in a process of its own: `python -m … <spreadsheet> <csv>`; it answers in JSON.

calamine holds a sheet in memory, and what is broken makes it panic or ask for more memory than there is. None of that
may end the process that reads a whole day.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import resource
import sys
from collections.abc import Iterator, Sequence

MAX_MEMORY = 3 << 30


def main() -> None:
    """Writes the first visible sheet that has rows; says its name, and those of others that have some."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

    try:
        with CalamineWorkbook.from_path(sys.argv[1]) as book:
            visible = [each.name for each in book.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
            filled = [name for name in visible if book.get_sheet_by_name(name).height]
            if filled:
                rows = book.get_sheet_by_name(filled[0]).iter_rows()
                with open(sys.argv[2], "w", newline="", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                    csv.writer(file, lineterminator="\n").writerows(_texts(row) for row in rows)
            sys.stdout.write(json.dumps({"filled": filled}))
    except (CalamineError, ValueError) as error:
        sys.stdout.write(json.dumps({"error": str(error)}))


def _texts(row: Sequence[object]) -> Iterator[str]:
    for cell in row:
        yield _text(cell)


def _text(cell: object) -> str:
    """A cell as text: whole numbers without a fraction, dates as ISO 8601, without a time where it is midnight."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1 << 53 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat()
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    return str(cell).replace("\0", "")


if __name__ == "__main__":
    main()
