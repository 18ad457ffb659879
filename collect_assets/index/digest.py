"""The digest of what is derived: content only, per entry-date and table (architecture, promise 5).

For each table and entry-date the number of rows and the sum modulo 2^128 of the md5 of named columns, so that no
order of rows, build time, software or file layout enters. Two indexes with equal digests answer every question alike.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

import duckdb

from collect_assets.collection import Collection
from collect_assets.index.publish import reading

TABLES = {
    "observation": """
        SELECT o.entry_date, concat_ws('|', e.endpoint, o.resource, o.canonical_hash, o.reading, o.complete, o.coverage,
                                       o.records, o.proves_absence, o.problem) AS content
        FROM observation o JOIN endpoint e USING (endpoint_no)""",
    "item_version": """
        SELECT v.first_date AS entry_date, concat_ws('|', s.scope, e.endpoint, v.item_id, v.change, v.record_hash,
                                                     v.observed, v.member, v.record_number) AS content
        FROM item_version v JOIN endpoint e USING (endpoint_no) JOIN scope s ON s.scope_no = v.scope_no""",
    "item_version_end": """
        SELECT v.last_date + 1 AS entry_date, concat_ws('|', e.endpoint, v.item_id, v.ended, v.why, v.record_hash)
                                                     AS content
        FROM item_version v JOIN endpoint e USING (endpoint_no) WHERE v.last_date IS NOT NULL""",
    "unseen": """
        SELECT u.last_seen AS entry_date, concat_ws('|', s.scope, u.item_id, u.absences) AS content
        FROM unseen u JOIN scope s USING (scope_no)""",
    "withheld": """
        SELECT w.first_date AS entry_date, concat_ws('|', s.scope, w.item_id, w.last_date, w.change, w.reason, w.held,
                                                     w.record_hash, w.observed, w.member, w.record_number) AS content
        FROM withheld w JOIN scope s USING (scope_no)""",
    "hold": """
        SELECT h.entry_date, concat_ws('|', s.scope, h.held, h.reasons, h.items, h.deletions, h.creations) AS content
        FROM hold h JOIN scope s USING (scope_no)""",
    "decision": """
        SELECT d.entry_date, concat_ws('|', s.scope, d.decision, d.verdict, d.held, d.applied, d.problem) AS content
        FROM decision d JOIN scope s USING (scope_no)""",
    "renamed": """
        SELECT r.entry_date, concat_ws('|', s.scope, r.old_id, r.new_id, r.decision) AS content
        FROM renamed r JOIN scope s USING (scope_no)""",
    "event": """
        SELECT v.entry_date, concat_ws('|', s.scope, v.stage, v.content) AS content
        FROM event v JOIN scope s USING (scope_no)""",
    "day": """
        SELECT entry_date, concat_ws('|', logs, resources, skips, resources_digest) AS content FROM day""",
}


@dataclass(frozen=True)
class TableDigest:
    """One table on one entry-date."""

    entry_date: dt.date
    table: str
    rows: int
    md5_sum: int

    def __str__(self) -> str:
        return f"{self.entry_date} {self.table} {self.rows} {self.md5_sum:032x}"


def digest(collection: Collection) -> list[TableDigest]:
    """The digests of the published index, in order of entry-date and table.

    Raises:
        IndexUnavailableError: there is none, or it cannot be read.
    """
    with reading(collection) as connection:
        return digest_of(connection)


def digest_of(connection: duckdb.DuckDBPyConnection) -> list[TableDigest]:
    """The digests of an index that is open, in order of entry-date and table."""
    return sorted(
        (found for table, content in TABLES.items() for found in _of_table(connection, table, content)),
        key=lambda found: (found.entry_date, found.table),
    )


def digest_of_all(digests: list[TableDigest]) -> str:
    """One sha256 for a whole digest."""
    return hashlib.sha256("\n".join(map(str, digests)).encode()).hexdigest()


def _of_table(connection: duckdb.DuckDBPyConnection, table: str, content: str) -> list[TableDigest]:
    rows = connection.execute(
        "SELECT entry_date, count(*), sum(md5_number_lower(content)::HUGEINT), sum(md5_number_upper(content)::HUGEINT) "
        f"FROM ({content}) GROUP BY entry_date"
    ).fetchall()
    return [TableDigest(day, table, count, (low + (high << 64)) % (1 << 128)) for day, count, low, high in rows]
