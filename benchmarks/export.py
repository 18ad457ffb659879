"""Exporting all items of an index in each format: wall and processor time, and memory, each in a process of its own.

Beside it what DuckDB takes to write the same records as one column of Parquet, with nothing taken apart or sorted.
"""

from __future__ import annotations

import shutil

from benchmarks.figures import MB, Figure, Place
from benchmarks.index import FIRST_DAY, URL, lay_archive, size_of
from benchmarks.laid import lay_register
from benchmarks.processes import Finished, python

FORMATS = ("csv", "ndjson", "parquet", "geojson", "dwca")


def measure(place: Place) -> list[Figure]:
    """Folds a day and exports it."""
    rows = size_of(place)
    folder = place.folder / "export"
    lay_register(folder, [URL])
    lay_archive(folder, FIRST_DAY, rows, 1)
    python("benchmarks.index_once", folder, FIRST_DAY)
    plain = python("benchmarks.export_once", folder, "plain", place.folder / "plain.parquet").answer()
    taken = {form: python("benchmarks.export_once", folder, form, place.folder / f"x.{form}") for form in FORMATS}
    shutil.rmtree(folder)
    said = "; ".join(f"{form} {_says(done, plain)}" for form, done in taken.items())
    peak = max(done.peak_bytes for done in taken.values())
    says = (
        f"{rows:,} items, sorted, with their citation: {said}; DuckDB alone copies their records in "
        f"{plain['seconds']:.1f} s; at most {peak / MB:.0f} MB of memory"
    )
    values = {f"{form}-{name}": value for form, done in taken.items() for name, value in done.answer().items()}
    return [Figure("export", says, {"rows": rows, "peak-bytes": peak, "plain-cpu": plain["cpu"], **values})]


def _says(done: Finished, plain: dict[str, float]) -> str:
    answer = done.answer()
    share = answer["cpu"] / plain["cpu"]
    return f"{answer['seconds']:.1f} s for {answer['bytes'] / MB:.0f} MB ({share:.1f} times the processor time of that)"
