"""One way to the tables of a collection, or DuckDB's bare `read_json` over the same logs, in this process.

`<collection> read_json|rebuild|from-days|new-day`. Started by the benchmarks in a process of its own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb
from collect_assets.collection import Collection
from collect_assets.tables.csv_lines import log_lines, resource_lines
from collect_assets.tables.keeping import keep_tables

PLAIN = "SELECT count(*), count(DISTINCT resource) FROM read_json($logs)"


def run(collection: Collection, what: str) -> None:
    """Does it once."""
    if what == "read_json":
        days = sorted(path.name for path in collection.log.iterdir())[1:]  # the truncated file of the first stops it
        logs = [str(collection.log / day / "*.json") for day in days]
        duckdb.connect().execute(PLAIN, {"logs": logs}).fetchall()
    elif what == "from-days":
        files = [collection.day_file(day) for day in collection.entry_dates()]
        collection.log_csv.write_bytes(b"".join(text for _, text in log_lines(files)))
        resource_lines(collection, files)
    else:
        keep_tables(collection, rebuild=what == "rebuild")


if __name__ == "__main__":
    begun = time.monotonic()
    run(Collection.at(Path(sys.argv[1])), sys.argv[2])
    print(json.dumps({"seconds": time.monotonic() - begun}))
