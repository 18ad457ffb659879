"""Derived files that were damaged since: found by reading them, and removed, since they can be derived again."""

from __future__ import annotations

from pathlib import Path

import duckdb

from collect_assets.collection import Collection
from collect_assets.store.database import database


def remove_damaged(collection: Collection) -> list[str]:
    """Reads every record and day file whole, and removes those that cannot be read; returns their names.

    It takes as long as reading all of them, so it is for when something could not be read.
    """
    files = [*collection.derived.glob("record/*/*.parquet"), *collection.derived.glob("day/*.parquet")]
    damaged = [path for path in files if not _is_readable(path)]
    for path in damaged:
        path.unlink(missing_ok=True)
        path.with_suffix(".json").unlink(missing_ok=True)
    return [path.name for path in damaged]


def _is_readable(path: Path) -> bool:
    try:
        with database() as connection:
            connection.execute(
                "SELECT max(hash(COLUMNS(*))) FROM read_parquet(?, hive_partitioning = false)", [str(path)]
            )
            connection.execute("SELECT * FROM parquet_kv_metadata(?)", [str(path)])
    except duckdb.Error:
        return False
    return True
