"""What the next day costs: one on which nothing changed, and one on which one record in a hundred did."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from benchmarks.figures import Figure, Place
from benchmarks.index import FIRST_DAY, URL, lay_archive, size_of
from benchmarks.laid import lay_log, lay_register
from benchmarks.processes import BenchmarkError, python

SAME_DAY, CHANGED_DAY = "2026-01-02", "2026-01-03"


def measure(place: Place) -> list[Figure]:
    """Folding three days, one after the other."""
    rows = size_of(place)
    folder = place.folder / "unchanged"
    lay_register(folder, [URL])
    lay_archive(folder, FIRST_DAY, rows, 1)
    first = python("benchmarks.index_once", folder, FIRST_DAY).answer()
    _repeat(folder)
    same = python("benchmarks.index_once", folder, SAME_DAY).answer()
    lay_archive(folder, CHANGED_DAY, rows, 2)
    changed = python("benchmarks.index_once", folder, CHANGED_DAY).answer()
    if (same["updated"], changed["updated"]) != (0, rows // 100):
        raise BenchmarkError(
            f"{same['updated']} and {changed['updated']} items were updated, expected 0 and {rows // 100}"
        )
    shutil.rmtree(folder)
    whole = first["reading"] + first["folding"]
    says = (
        f"{rows:,} items, the day after: nothing changed, {same['reading'] + same['folding']:.2f} s (folding "
        f"{same['folding']:.2f}); 1 % changed, {changed['reading'] + changed['folding']:.1f} s (folding "
        f"{changed['folding']:.1f}); the first day took {whole:.1f} s"
    )
    values = {
        "rows": rows,
        "first-seconds": whole,
        "same-reading": same["reading"],
        "same-folding": same["folding"],
        "changed-reading": changed["reading"],
        "changed-folding": changed["folding"],
    }
    return [Figure("unchanged", says, values)]


def _repeat(folder: Path) -> None:
    """The next day's log, of the same resource."""
    log = json.loads(next((folder / "log" / FIRST_DAY).iterdir()).read_text())
    lay_log(folder, URL, SAME_DAY, log["resource"], log["canonical-hash"])
