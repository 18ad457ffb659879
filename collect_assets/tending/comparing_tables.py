"""How a table of two folders differs, row by row and column by column: registers, log.csv, resource.csv.

Line ends, quotes, the order of rows and of columns do not count. DuckDB joins them, as a log.csv may have millions of
rows.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from collect_assets.store.database import database, literal, quoted

DAY_OF_LOG = 'left("entry-date", 10)'
TABLES: Mapping[str, tuple[str, ...]] = {
    "endpoint.csv": ('"endpoint"', '"endpoint-url"'),
    "source.csv": ('"source"', '"endpoint"'),
    "old-resource.csv": ('"old-resource"',),
    "log.csv": ('"endpoint"', DAY_OF_LOG),
    "resource.csv": ('"resource"',),
}
VOLATILE: Mapping[str, frozenset[str]] = {"log.csv": frozenset({"elapsed", "entry-date"})}


@dataclass(frozen=True)
class TableCompared:
    """One table: rows that only A has, only B has, that both have and agree, and that differ, by column.

    Attributes:
        missing: `A`, `B` or `A and B` where the table is not there.
        problem: why it could not be compared; blank where it could.
    """

    only_a: int = 0
    only_b: int = 0
    agree: int = 0
    differ: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)
    missing: str = ""
    problem: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both say the same, or neither has it."""
        rows = self.only_a or self.only_b or self.differ or self.problem
        return not rows and self.missing in {"", "A and B"}


def compare_tables(a: Path, b: Path, name: str, spill: Path) -> TableCompared:
    """Compares a table that lies in two places.

    Args:
        a: one file.
        b: the other.
        name: the table's name, which says what identifies its rows.
        spill: a folder for what does not fit in memory.
    """
    if missing := " and ".join(side for side, path in (("A", a), ("B", b)) if not path.is_file()):
        return TableCompared(missing=missing)
    try:
        headers = [_header(path) for path in (a, b)]
        with database(spill=spill) as connection:
            for view, path in (("a", a), ("b", b)):
                _read(connection, view, path, headers[view == "b"], name)
            return _joined(connection, sorted({*headers[0], *headers[1]} - VOLATILE.get(name, frozenset())))
    except (duckdb.Error, UnicodeDecodeError, OSError, csv.Error) as error:
        return TableCompared(problem=f"cannot be compared: {str(error).splitlines()[0]}")


def _header(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return next(csv.reader(file), [])


def _read(connection: duckdb.DuckDBPyConnection, view: str, path: Path, header: list[str], name: str) -> None:
    """A table of the rows as text; of several with one key each has a number."""
    columns = "{" + ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header) + "}"
    keys = ", ".join(f"coalesce({key}, '')" for key in TABLES[name])
    connection.execute(
        f"""
        CREATE TABLE {view} AS
        SELECT md5(concat_ws('|', {keys})) AS "the key",
               row_number() OVER (PARTITION BY {keys} ORDER BY ALL) AS "the number", * FROM read_csv(
            {literal(path)}, columns = {columns}, header = true, delim = ',', quote = '"', escape = '"',
            null_padding = true, strict_mode = false, parallel = false, nullstr = ''
        )
        """.replace("ORDER BY ALL", f"ORDER BY {', '.join(map(quoted, header))}")
    )


def _joined(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> TableCompared:
    known = {view: {row[0] for row in connection.execute(f"DESCRIBE {view}").fetchall()} for view in ("a", "b")}

    def cell(view: str, column: str) -> str:
        return f"coalesce({view}.{quoted(column)}, '')" if column in known[view] else "''"

    differs = [f"{cell('a', column)} <> {cell('b', column)}" for column in columns]
    counts = ", ".join(f"count(*) FILTER (both_have AND d{n})" for n in range(len(columns)))
    row = connection.execute(
        f"""
        SELECT count(*) FILTER (only_a), count(*) FILTER (only_b),
               count(*) FILTER (both_have AND NOT ({" OR ".join(f"d{n}" for n in range(len(columns)))})),
               count(*) FILTER (both_have), {counts}
        FROM (
            SELECT b."the key" IS NULL AS only_a, a."the key" IS NULL AS only_b,
                   a."the key" IS NOT NULL AND b."the key" IS NOT NULL AS both_have,
                   {", ".join(f"{differ} AS d{n}" for n, differ in enumerate(differs))}
            FROM a FULL JOIN b ON a."the key" = b."the key" AND a."the number" = b."the number"
        )
        """
    ).fetchone()
    only_a, only_b, agree, both, *by_column = row or (0, 0, 0, 0)
    differing = {column: count for column, count in zip(columns, by_column, strict=True) if count}
    return TableCompared(only_a, only_b, agree, both - agree, differing)
