"""What is wrong with the rows of `old-resource.csv`: resources that are gone (410) or moved to another one (301)."""

from __future__ import annotations

import re

from collect_assets.csv_rows import Row, short
from collect_assets.tending.estate import Registers

FILE = "old-resource.csv"
GONE, MOVED = "410", "301"
_HASH = re.compile(r"[0-9a-f]{64}$")


def check_old_resources(registers: Registers) -> None:
    """Looks at the old resources of one collection."""
    old = {row.cells["old-resource"].strip() for row in registers.rows(FILE)}
    first: dict[str, Row] = {}
    for row in registers.rows(FILE):
        _status(registers, row, old)
        earlier = first.setdefault(row.cells["old-resource"].strip(), row)
        if earlier is not row and earlier.cells != row.cells:
            registers.find(FILE, row.number, "duplicate", _again(row, earlier))


def _status(registers: Registers, row: Row, old: set[str]) -> None:
    name, status, resource = (row.cells.get(column, "").strip() for column in ("old-resource", "status", "resource"))
    wrong = [value for value in (name, *([resource] if resource else [])) if not _HASH.match(value)]
    if wrong:
        reason = f"{' and '.join(map(short, wrong))}: not the sha256 of a resource"
        registers.find(FILE, row.number, "bad-hash", reason)
    if status not in {GONE, MOVED}:
        reason = f"status {short(status)}: 410 says that a resource is gone, 301 that another one has its place"
        registers.find(FILE, row.number, "bad-status", reason)
    elif status == MOVED and not resource:
        registers.find(FILE, row.number, "no-resource", "301, and no resource that has its place")
    elif status == GONE and resource:
        registers.find(FILE, row.number, "gone-with-resource", "410, and a resource in its place; which of the two?")
    elif resource and resource in old:
        reason = f"moved to {resource[:12]}…, which is an old resource itself"
        registers.find(FILE, row.number, "moved-twice", reason)


def _again(row: Row, earlier: Row) -> str:
    differ = [name for name in ("status", "resource") if row.cells.get(name) != earlier.cells.get(name)]
    what = f"with another {' and '.join(differ)}: which of the two?" if differ else "with other notes"
    return f"the same old-resource as row {earlier.number}, {what}"
