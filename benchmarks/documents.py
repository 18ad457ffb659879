"""XML into records: DiGIR and ABCD, 110 MB each, on one core; beside it lxml alone, walking over the same."""

from __future__ import annotations

import shutil

from benchmarks.figures import MB, Figure, Place
from benchmarks.processes import BenchmarkError, python

TAGS = {
    "digir": "{http://digir.net/schema/protocol/2003/1.0}record",
    "abcd": "{http://www.tdwg.org/schemas/abcd/2.06}Unit",
}


def measure(place: Place) -> list[Figure]:
    """A line for each format."""
    folder = place.folder / "documents"
    folder.mkdir()
    python("benchmarks.made_documents", folder, 3 if place.quick else 110)
    figures = [_measured(place, name) for name in TAGS]
    shutil.rmtree(folder)
    return figures


def _measured(place: Place, name: str) -> Figure:
    document = place.folder / "documents" / f"{name}.xml"
    size = document.stat().st_size
    seconds = python("benchmarks.documents_once", document, TAGS[name]).answer()
    if seconds["rejected"] or not seconds["records"]:
        raise BenchmarkError(f"{name}: {seconds['records']} records, {seconds['rejected']} rejected")
    rates = {step: size / seconds[step] / MB for step in ("bare", "reader", "lines", "all")}
    says = (
        f"{size / MB:.0f} MB, {seconds['records']:,} records, by processor time: reader {rates['reader']:.0f} MB/s, "
        f"with the canonical form {rates['lines']:.0f} MB/s, to the record file {rates['all']:.0f} MB/s; lxml alone "
        f"{rates['bare']:.0f} MB/s; memory of reading {seconds['peak'] / MB:.0f} MB"
    )
    return Figure(f"documents {name}", says, {**seconds, **{f"{step}-rate": rate for step, rate in rates.items()}})
