"""How two resources differ: which records only one of them has, and of those in both the fields that differ.

Both are read as the endpoint's parameters say now. Any two resources can be compared, of whatever days and endpoints.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import duckdb

from collect_assets.collection import Collection
from collect_assets.errors import QueryError, UnreadableError
from collect_assets.items.records import Reading, derive_records, reading_database, record_file
from collect_assets.searching.history import FieldChange, differences
from collect_assets.store.canonical import canonical_hash
from collect_assets.store.database import database

COMPARED = """
CREATE TEMP TABLE compared AS
SELECT coalesce(a.item_id, b.item_id) AS item_id, a.record AS before, b.record AS after
FROM (
    SELECT item_id, record, record_hash, deleted FROM read_parquet($before, file_row_number = true)
    WHERE item_id IS NOT NULL QUALIFY row_number() OVER (PARTITION BY item_id ORDER BY file_row_number) = 1
) a
FULL JOIN (
    SELECT item_id, record, record_hash, deleted FROM read_parquet($after, file_row_number = true)
    WHERE item_id IS NOT NULL QUALIFY row_number() OVER (PARTITION BY item_id ORDER BY file_row_number) = 1
) b USING (item_id)
WHERE a.record_hash IS DISTINCT FROM b.record_hash
"""


@dataclass(frozen=True)
class RecordChange:
    """A record that differs: `added`, `removed` or `changed`, with its fields."""

    item: str
    change: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True)
class ResourceDiff:
    """How many records were added, removed and changed, and the first of them by id."""

    added: int
    removed: int
    changed: int
    first: tuple[RecordChange, ...]


def diff_resources(
    collection: Collection, before: str, after: str, reading: Reading | None = None, *, limit: int = 20
) -> ResourceDiff:
    """Compares two resources record by record.

    Args:
        collection: that holds both.
        before: the hash of one, or as much of its beginning as makes it one.
        after: that of the other.
        reading: how they are read; by finding out when left out.
        limit: how many records to show.

    Raises:
        QueryError: there is no such resource, or several.
        UnreadableError: one of them has no records.
        DamagedFileError: one of them is damaged.
        StorageError: the records cannot be written.
    """
    names = sorted(collection.resources.names())
    files = _files(collection, [_one(names, before), _one(names, after)], reading or Reading())
    with database() as connection:
        connection.execute(COMPARED, {"before": files[0], "after": files[1]})
        return _diff(connection, limit)


def _files(collection: Collection, resources: list[str], reading: Reading) -> list[str]:
    files = []
    with reading_database(collection) as memory:
        for resource in resources:
            path = collection.resources.path(resource)
            canonical = canonical_hash(path, resource)
            report = derive_records(collection, path, reading, canonical, memory)
            if report.problem:
                raise UnreadableError(f"{resource}: {report.problem}")
            files.append(str(record_file(collection, reading, canonical)))
    return files


def _one(names: list[str], beginning: str) -> str:
    found = [name for name in names if name.startswith(beginning)]
    if len(found) != 1:
        raise QueryError(f"{beginning!r} is the beginning of {len(found)} resources; give more of the hash")
    return found[0]


def _diff(connection: duckdb.DuckDBPyConnection, limit: int) -> ResourceDiff:
    counts = connection.execute(
        "SELECT count(*) FILTER (before IS NULL), count(*) FILTER (after IS NULL), "
        "count(*) FILTER (before IS NOT NULL AND after IS NOT NULL) FROM compared"
    ).fetchone() or (0, 0, 0)
    rows = connection.execute(f"SELECT * FROM compared ORDER BY item_id LIMIT {int(limit)}").fetchall()
    added, removed, changed = counts
    return ResourceDiff(added, removed, changed, tuple(_change(*row) for row in rows))


def _change(item: str, before: str | None, after: str | None) -> RecordChange:
    what = "added" if before is None else "removed" if after is None else "changed"
    fields = differences(json.loads(before) if before else {}, json.loads(after) if after else {})
    return RecordChange(item, what, tuple(fields))
