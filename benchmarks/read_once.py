"""Reads one day of a collection in this process, and says how long it took and how much memory.

Started by the benchmarks in a process of its own.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from pathlib import Path

from collect_assets.collection import Collection
from collect_assets.items.day import derive_day_records


def main() -> None:
    """`<collection> <entry-date>`."""
    collection, day = Collection.at(Path(sys.argv[1])), dt.date.fromisoformat(sys.argv[2])
    begun, cpu = time.monotonic(), time.process_time()
    records = derive_day_records(collection, day)
    took = {"seconds": time.monotonic() - begun, "cpu": time.process_time() - cpu}
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    counts = {"records": records.records, "unreadable": len(records.unreadable)}
    print(json.dumps({**took, **counts, "peak-bytes": int(peak.split()[1]) * 1024}))


if __name__ == "__main__":
    main()
