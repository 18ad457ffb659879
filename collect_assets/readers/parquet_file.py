"""Parquet: columns of any type as text, nested ones as JSON, geometries of GeoParquet as WKT."""

from __future__ import annotations

from collect_assets.readers.converted import Rows, converted
from collect_assets.readers.source import Source, Table
from collect_assets.store.database import literal

FORMAT = "parquet"
VERSION = 1
PRIORITY = 15


def matches(source: Source) -> bool:
    """The four bytes at its start."""
    return source.start.startswith(b"PAR1")


def open_source(source: Source) -> Table:
    """The rows as a table.

    Raises:
        UnreadableError: it is damaged.
    """
    rows = Rows(
        f"read_parquet([{literal(source.path)}], hive_partitioning = false)", (), spatial=True, member=source.member
    )
    return converted(FORMAT, [rows], source.scratch, source.member)
