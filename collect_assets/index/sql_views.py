"""Views for whoever opens the index file with SQL; their columns are explained in docs/sql.md.

What lies in files beside the index is found by the variable `derived`, the folder of what is derived, which whoever
asks sets: so a copy of the folder answers wherever it lies.
"""

from __future__ import annotations

import duckdb

from collect_assets.collection import Collection

_RESOURCE = """
CREATE OR REPLACE VIEW resource AS
SELECT o.resource, e.endpoint, o.entry_date, o.canonical_hash, o.reading, o.complete, o.coverage, o.records,
       o.without_id, o.rejected, o.duplicates, o.conflicts, o.proves_absence, o.problem
FROM observation o JOIN endpoint e USING (endpoint_no)
"""

_LOG = """
CREATE OR REPLACE VIEW log AS
SELECT TRY_CAST(parse_filename(filename, true) AS DATE) AS entry_date, * EXCLUDE (filename, entry_date)
FROM read_parquet(getvariable('derived') || '/day/*.parquet', filename = true, union_by_name = true,
                  hive_partitioning = false)
"""

# The files of what could not be read lie there too; their names end with `.rejects.parquet`.
_RECORD = """
CREATE OR REPLACE VIEW record AS
SELECT parse_filename(filename, true) AS canonical_hash, parse_filename(parse_dirpath(filename)) AS reading, item_id,
       record_hash, record, geometry, xmin, ymin, xmax, ymax, member, coalesce(deleted, false) AS deleted,
       file_row_number + 1 AS number
FROM read_parquet(getvariable('derived') || '/record/*/*[0-9a-f].parquet', filename = true, file_row_number = true,
                  union_by_name = true, hive_partitioning = false)
"""

_NO_RECORD = """
CREATE OR REPLACE VIEW record AS
SELECT NULL::VARCHAR AS canonical_hash, NULL::VARCHAR AS reading, item_id, record_hash, record, geometry, xmin, ymin,
       xmax, ymax, member, false AS deleted, 0::BIGINT AS number
FROM item_version WHERE false
"""


def create_views(connection: duckdb.DuckDBPyConnection, collection: Collection) -> None:
    """Lays the views; DuckDB looks at the files for the types of their columns."""
    connection.execute("SET VARIABLE derived = $folder", {"folder": str(collection.derived)})
    connection.execute(_RESOURCE)
    connection.execute(_LOG)
    connection.execute(_RECORD if any(collection.derived.glob("record/*/*[0-9a-f].parquet")) else _NO_RECORD)
