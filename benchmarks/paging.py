"""Paging through all items of an index by cursor: each comes once, and the last page takes as long as the first."""

from __future__ import annotations

import shutil

from benchmarks.figures import Figure, Place
from benchmarks.index import FIRST_DAY, URL, lay_archive, size_of
from benchmarks.laid import lay_register
from benchmarks.processes import BenchmarkError, python

PAGE = 1000


def measure(place: Place) -> list[Figure]:
    """Folds a day and pages to its end.

    Raises:
        BenchmarkError: an item is missing, or came twice.
    """
    rows = size_of(place)
    folder = place.folder / "paging"
    lay_register(folder, [URL])
    lay_archive(folder, FIRST_DAY, rows, 1)
    python("benchmarks.index_once", folder, FIRST_DAY)
    answer = python("benchmarks.paging_once", folder, PAGE).answer()
    shutil.rmtree(folder)
    if not answer["items"] == answer["different"] == rows:
        raise BenchmarkError(f"of {rows} items {answer['items']} came, {answer['different']} of them different")
    places = ("first", "middle", "last")
    times = ", ".join(f"{answer[place]:.2f} s ({place})" for place in places)
    says = (
        f"{rows:,} items in {answer['pages']:,} pages of {PAGE:,}, each item once, in {answer['seconds']:.0f} s; "
        f"a page asked by its cursor: {times}"
    )
    return [Figure("paging", says, {"rows": rows, **answer})]
