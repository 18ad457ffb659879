"""A large Darwin Core Archive from the zip to its records, beside DuckDB by itself and python-dwca-reader in a loop."""

from __future__ import annotations

import shutil

from benchmarks.figures import MB, Figure, Place
from benchmarks.index import FIRST_DAY, URL, lay_archive, size_of
from benchmarks.laid import lay_register
from benchmarks.processes import python


def measure(place: Place) -> list[Figure]:
    """Reading without folding, in the same run with DuckDB by itself before and after, and the loop on a tenth."""
    rows = size_of(place)
    folder, small = place.folder / "archive", place.folder / "archive-tenth"
    lay_register(folder, [URL])
    table = lay_archive(folder, FIRST_DAY, rows, 1)
    small.mkdir()
    python("benchmarks.darwin_core", small / "a.zip", small / "a.csv", rows // 10, 1)
    plain = [python("benchmarks.plain_copy", table, table.with_suffix(".parquet")).answer()]
    reading = python("benchmarks.read_once", folder, FIRST_DAY).answer()
    plain.append(python("benchmarks.plain_copy", table, table.with_suffix(".parquet")).answer())
    loop = python("benchmarks.reader_loop", small / "a.zip", small / "items.sqlite").answer()
    size = table.stat().st_size
    for place_of in (folder, small):
        shutil.rmtree(place_of)
    return [_figure(rows, size, reading, {key: sum(each[key] for each in plain) / 2 for key in plain[0]}, loop)]


def _figure(rows: int, size: int, reading: dict[str, float], plain: dict[str, float], loop: dict[str, float]) -> Figure:
    share, by_cpu = plain["seconds"] / reading["seconds"], plain["cpu"] / reading["cpu"]
    rate, of_loop = rows / reading["seconds"], loop["rows"] / loop["seconds"]
    says = (
        f"{rows:,} rows of 20 columns ({size // MB} MB) out of a Darwin Core Archive into records in "
        f"{reading['seconds']:.1f} s, {rate:,.0f} rows/s: {share:.0%} of the rate of DuckDB alone from the unpacked "
        f"CSV to Parquet ({by_cpu:.0%} by processor time), {rate / of_loop:.1f} times that of python-dwca-reader "
        f"with a hash and an upsert into SQLite for each row ({of_loop:,.0f} rows/s); "
        f"at most {reading['peak-bytes'] / MB:.0f} MB of memory"
    )
    values = {"share-of-plain": share, "share-of-plain-by-cpu": by_cpu, "times-the-loop": rate / of_loop}
    named = {f"plain-{key}": value for key, value in plain.items()} | {f"loop-{key}": v for key, v in loop.items()}
    return Figure("archive", says, {"rows": rows, "rows-per-second": rate, **values, **reading, **named})
