"""Asking an index of many items, from a connection that is open: each question many times, and its 95th percentile.

The text part of a day that changes 1 % is what representing that day's items takes, words and columns together.
"""

from __future__ import annotations

import shutil

from benchmarks.figures import MB, Figure, Place
from benchmarks.index import FIRST_DAY, URL, lay_archive, size_of
from benchmarks.laid import lay_register
from benchmarks.processes import python

CHANGED_DAY = "2026-01-02"


def measure(place: Place) -> list[Figure]:
    """Folds a day and one that changes 1 %, and asks as of both."""
    rows = size_of(place)
    folder = place.folder / "search"
    lay_register(folder, [URL])
    folded = []
    for edition, day in enumerate((FIRST_DAY, CHANGED_DAY), 1):
        lay_archive(folder, day, rows, edition)
        folded.append(python("benchmarks.index_once", folder, day).answer())
    size = (folder / "derived" / "index.duckdb").stat().st_size
    asked = python("benchmarks.search_once", folder, rows, CHANGED_DAY, FIRST_DAY).answer()
    shutil.rmtree(folder)
    each = "; ".join(f"{name} {now:.3f} s, as of the day before {then:.3f} s" for name, (now, then) in asked.items())
    first, changed = folded
    says = (
        f"{rows:,} items in {size / MB:.0f} MB, 95th percentiles: {each}; the text part of a day that changes 1 % "
        f"{changed['representing']:.2f} s of {changed['folding']:.2f} s, where the first day took "
        f"{first['folding']:.1f} s"
    )
    now = {name: seconds for name, (seconds, _) in asked.items()}
    days = {f"{name}, the day before": seconds for name, (_, seconds) in asked.items()}
    values = {"rows": rows, "file-bytes": size, "day-representing": changed["representing"]}
    return [Figure("search", says, {**values, **now, **days})]
