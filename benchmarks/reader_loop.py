"""What a plain program needs for the same: python-dwca-reader row by row, each hashed and upserted into SQLite.

One transaction, no sync to disk, no limits, no checks. `python -m benchmarks.reader_loop <archive> <database>`.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
import time

from dwca.read import DwCAReader

ID = "http://rs.tdwg.org/dwc/terms/occurrenceID"
UPSERT = """
INSERT INTO item VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, record = excluded.record
WHERE hash <> excluded.hash
"""


def load(archive: str, database: str) -> dict[str, float]:
    """The seconds that it took, those of processors, and the rows."""
    begun, cpu, rows = time.monotonic(), time.process_time(), 0
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("CREATE TABLE item (id TEXT PRIMARY KEY, hash TEXT, record TEXT)")
    with DwCAReader(archive) as reader, connection:
        for row in reader:
            record = json.dumps(row.data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
            digest = hashlib.md5(record.encode(), usedforsecurity=False).hexdigest()
            connection.execute(UPSERT, (row.data[ID], digest, record))
            rows += 1
    connection.close()
    return {"seconds": time.monotonic() - begun, "cpu": time.process_time() - cpu, "rows": rows}


if __name__ == "__main__":
    print(json.dumps(load(sys.argv[1], sys.argv[2])))
