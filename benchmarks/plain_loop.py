"""What a plain program needs for the same: one `requests` session that gets URL after URL and keeps what came.

It writes sha256-named files and no more: no logs, no fsync, no limits, no second attempts, no checks of addresses.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path

import requests

TIMEOUTS = (10, 120)


def fetch_all(urls: list[str], folder: Path) -> dict[str, float | int]:
    """Gets every URL in order; says how long it took and how many came."""
    folder.mkdir(parents=True)
    begun, used, kept, failed = time.monotonic(), time.process_time(), 0, 0
    with requests.Session() as session:
        for url in urls:
            try:
                answer = session.get(url, timeout=TIMEOUTS)
            except requests.RequestException:
                failed += 1
                continue
            if answer.status_code == 200:
                (folder / hashlib.sha256(answer.content).hexdigest()).write_bytes(answer.content)
                kept += 1
    seconds, cpu = time.monotonic() - begun, time.process_time() - used
    return {"seconds": seconds, "cpu": cpu, "kept": kept, "failed": failed}


if __name__ == "__main__":
    print(json.dumps(fetch_all(Path(sys.argv[1]).read_text().split(), Path(sys.argv[2]))))
