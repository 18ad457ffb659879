"""Many small resources: what reading and indexing each of them costs beyond its rows."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from benchmarks.figures import Figure, Place
from benchmarks.laid import lay_log, lay_register, lay_resource
from benchmarks.processes import python

ENTRY_DATE = "2026-01-01"
ROWS = 500


def measure(place: Place) -> list[Figure]:
    """The time of reading them all, and of folding them; per resource."""
    count = 40 if place.quick else 500
    folder = place.folder / "small"
    size = lay(folder, count)
    done = python("benchmarks.index_once", folder, ENTRY_DATE)
    answer = done.answer()
    whole = answer["reading"] + answer["folding"]
    says = (
        f"{count} CSVs of {size // count // 1000} kB ({ROWS} rows) to the published index in {whole:.1f} s "
        f"(reading {answer['reading']:.1f}, folding {answer['folding']:.1f}): {whole / count * 1000:.0f} ms each"
    )
    shutil.rmtree(folder)
    return [Figure("small", says, {"resources": count, "ms-per-resource": whole / count * 1000, **answer})]


def lay(folder: Path, count: int) -> int:
    """A collection with a day of CSVs, each of other content; returns the bytes in all."""
    urls = [f"https://example.org/{number}.csv" for number in range(count)]
    lay_register(folder, urls)
    size = 0
    for number, url in enumerate(urls):
        path = folder / "part"
        path.write_bytes(_content(number))
        size += path.stat().st_size
        sha256 = lay_resource(folder, path)
        lay_log(folder, url, ENTRY_DATE, sha256, sha256)
    return size


def _content(number: int) -> bytes:
    lines = ["reference,name,address,hectares,GeoX,GeoY,entry-date,notes"]
    for row in range(ROWS):
        mark = hashlib.md5(f"{number} {row}".encode(), usedforsecurity=False).hexdigest()
        place = f"{-int(mark[:4], 16) / 20000:.5f},{50 + int(mark[4:8], 16) / 20000:.5f}"
        lines.append(f"BF-{row},Site {mark[:6]},{row} High Street,{row / 100},{place},2024-01-01,{mark}{mark}")
    return "\n".join(lines).encode()
