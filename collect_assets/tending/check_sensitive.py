"""What is wrong with the rows of `sensitive.csv`: those that hide nothing, or more than somebody meant."""

from __future__ import annotations

from collect_assets.errors import RegisterError
from collect_assets.items.sensitive import COLUMNS, SENSITIVE, read_sensitive
from collect_assets.tending.estate import Registers


def check_sensitive(registers: Registers) -> None:
    """Looks at whose places one collection tells only roughly."""
    text = registers.texts.get(SENSITIVE)
    if text is None:
        return
    try:
        problems = read_sensitive(registers.folder).problems
    except RegisterError as error:
        registers.find(SENSITIVE, 0, "unreadable", str(error))
        return
    for problem in problems:
        registers.find(SENSITIVE, problem.row, "bad-sensitive", problem.reason)
    unknown = sorted({name for row in text.rows for name in row.cells if name.strip() and name not in COLUMNS})
    if unknown:
        reason = f"nothing reads the column {', '.join(unknown)}; there are {', '.join(COLUMNS)}"
        registers.find(SENSITIVE, 1, "unknown-column", reason)
    _check_twice(registers)


def _check_twice(registers: Registers) -> None:
    """The same field and value twice: the rule that tells less holds, which the row does not show."""
    seen: dict[tuple[str, str], tuple[int, str]] = {}
    for row in registers.rows(SENSITIVE):
        name, value, decimals = (row.cells.get(column, "").strip() for column in ("field", "value", "decimals"))
        if not name or not value:
            continue
        first, told = seen.setdefault((name, value.lower()), (row.number, decimals))
        if told != decimals:
            reason = f"row {first} names {name} {value!r} with other decimals; the one that tells less holds"
            registers.find(SENSITIVE, row.number, "duplicate", reason)
