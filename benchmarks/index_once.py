"""Reads and folds one day of a collection in this process, and says what took how long and how much memory.

Started by the benchmarks in a process of its own.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from pathlib import Path

import collect_assets.folding.fold as fold_module
import duckdb
from collect_assets.collection import Collection
from collect_assets.folding.fold import fold
from collect_assets.index.representation import Representation
from collect_assets.items.day import derive_day_records


def main() -> None:
    """`<collection> <entry-date>`."""
    collection, day = Collection.at(Path(sys.argv[1])), dt.date.fromisoformat(sys.argv[2])
    represented = _timed_represent()
    begun, cpu = time.monotonic(), time.process_time()
    records = derive_day_records(collection, day)
    read, cpu = time.monotonic(), time.process_time() - cpu
    report = fold(collection, day)
    folded = time.monotonic()
    change = report.changes.get(day)
    counts = {"created": change.created, "updated": change.updated, "deleted": change.deleted} if change else {}
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    shown = {
        "reading": read - begun,
        "folding": folded - read,
        "reading-cpu": cpu,
        "representing": sum(represented),
        "records": records.records,
        **counts,
    }
    print(json.dumps({**shown, "unreadable": len(records.unreadable), "peak-bytes": int(peak.split()[1]) * 1024}))


def _timed_represent() -> list[float]:
    """Where the seconds go that the words and columns of the search take."""
    taken: list[float] = []
    plain = fold_module.represent

    def timed(connection: duckdb.DuckDBPyConnection, representation: Representation) -> int:
        begun = time.monotonic()
        versions = plain(connection, representation)
        taken.append(time.monotonic() - begun)
        return versions

    fold_module.represent = timed
    return taken


if __name__ == "__main__":
    main()
