"""Exports all items of a collection in this process; prints seconds, those of the processors, and the file's size.

Started by the benchmarks in a process of its own.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from collect_assets.collection import Collection
from collect_assets.exporting.export import FORMATS, export
from collect_assets.index.publish import reading
from collect_assets.searching.query import Query
from collect_assets.store.database import literal


def main() -> None:
    """`<collection> <format, or plain> <file>`."""
    collection, asked, path = Collection.at(Path(sys.argv[1])), sys.argv[2], Path(sys.argv[3])
    form = next((known for known in FORMATS if known == asked), None)
    begun, cpu = time.monotonic(), time.process_time()
    if form:
        export(collection, Query(), path, format=form)
    else:
        _copy_plainly(collection, path)
    taken = {"seconds": time.monotonic() - begun, "cpu": time.process_time() - cpu, "bytes": path.stat().st_size}
    path.unlink()
    print(json.dumps(taken))


def _copy_plainly(collection: Collection, path: Path) -> None:
    with reading(collection) as connection:
        connection.execute(
            f"COPY (SELECT item_id, record FROM item) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)"
        )


if __name__ == "__main__":
    main()
