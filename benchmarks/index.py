"""A large Darwin Core Archive from the resource to the published index, beside DuckDB's own way from CSV to Parquet."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.figures import MB, Figure, Place
from benchmarks.laid import lay_log, lay_register, lay_resource
from benchmarks.processes import python

URL = "https://example.org/archive.zip"
FIRST_DAY = "2026-01-01"


def measure(place: Place) -> list[Figure]:
    """Reading, folding, DuckDB by itself, and memory."""
    rows = size_of(place)
    folder = place.folder / "index"
    lay_register(folder, [URL])
    table = lay_archive(folder, FIRST_DAY, rows, 1)
    size = table.stat().st_size
    before = python("benchmarks.plain_copy", table, table.with_suffix(".parquet")).answer()
    answer = python("benchmarks.index_once", folder, FIRST_DAY).answer()
    after = python("benchmarks.plain_copy", table, table.with_suffix(".parquet")).answer()
    shutil.rmtree(folder)
    return [_figure(rows, size, answer, {name: (before[name] + after[name]) / 2 for name in before})]


def _figure(rows: int, size: int, answer: dict[str, float], plain: dict[str, float]) -> Figure:
    """Shares of DuckDB's rate by the clock, and by the processors' time, which other work disturbs less."""
    whole = answer["reading"] + answer["folding"]
    share, cpu_share = plain["seconds"] / answer["reading"], plain["cpu"] / answer["reading-cpu"]
    says = (
        f"{rows:,} rows of 20 columns ({size // MB} MB, in a Darwin Core Archive) to the published index in "
        f"{whole:.1f} s, {rows / whole:,.0f} rows/s: reading {answer['reading']:.1f}, folding {answer['folding']:.1f}; "
        f"DuckDB alone from the unpacked CSV to Parquet {plain['seconds']:.1f} s: reading goes at {share:.0%} of its "
        f"rate ({cpu_share:.0%} by processor time); at most {answer['peak-bytes'] / MB:.0f} MB of memory"
    )
    values = {"rows": rows, "bytes": size, "rows-per-second": rows / whole, "plain-seconds": plain["seconds"]}
    shares = {"reading-share-of-plain": share, "reading-share-of-plain-by-cpu": cpu_share}
    return Figure("index", says, {**values, "plain-cpu": plain["cpu"], **answer, **shares})


def size_of(place: Place) -> int:
    """How many rows."""
    return place.items or (20_000 if place.quick else 2_000_000)


def lay_archive(folder: Path, entry_date: str, rows: int, edition: int) -> Path:
    """Lays an archive as what was served on a day, with its log; returns the CSV that is in it.

    The canonical hash, which collecting puts in the log, only has to be another one for other contents here.
    """
    archive, table = folder / "part.zip", folder / "occurrence.csv"
    python("benchmarks.darwin_core", archive, table, rows, edition)
    sha256 = lay_resource(folder, archive)
    lay_log(folder, URL, entry_date, sha256, sha256)
    return table
