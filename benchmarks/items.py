"""Following items over many days: the first fold, days that change 1 %, days that change nothing, all of it again."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

from benchmarks.figures import MB, Figure, Place
from benchmarks.index import FIRST_DAY, URL, lay_archive, size_of
from benchmarks.laid import lay_log, lay_register
from benchmarks.processes import python

EDITIONS, DAYS = 3, 30


def measure(place: Place) -> list[Figure]:
    """A line for all of it."""
    rows = size_of(place)
    folder = place.folder / "items"
    resources = _lay_editions(folder, rows)
    first = python("benchmarks.index_once", folder, FIRST_DAY).answer()
    changed = []
    for number in range(1, EDITIONS + 2):
        _lay_day(folder, number, resources[number % EDITIONS])
        changed.append(python("benchmarks.index_once", folder, _day(number)).answer())
    _lay_day(folder, EDITIONS + 2, resources[(EDITIONS + 1) % EDITIONS])
    same = python("benchmarks.index_once", folder, _day(EDITIONS + 2)).answer()
    size = (folder / "derived" / "index.duckdb").stat().st_size
    again, days_size = _all_again(folder, resources)
    shutil.rmtree(folder)
    day = changed[-1]  # of an edition that was read before: what is left is comparing, applying and publishing
    new = changed[0]  # of one that was not
    says = (
        f"{rows:,} items: first folded in {first['folding']:.1f} s ({first['reading']:.1f} s reading); a day that "
        f"changes 1 %, from its records to the published index, {day['folding']:.2f} s, "
        f"{day['folding'] / first['folding']:.0%} of that; a day that changes nothing {same['folding']:.2f} s; "
        f"{DAYS} days in one run {again['folding']:.1f} s; at most "
        f"{max(each['peak-bytes'] for each in (first, day, again)) / MB:.0f} MB of memory; the file has "
        f"{size / MB:.0f} MB after {EDITIONS + 2} days, {days_size / MB:.0f} MB after {DAYS}"
    )
    values = {
        "rows": rows,
        "first-folding": first["folding"],
        "first-peak": first["peak-bytes"],
        "changed-folding": [each["folding"] for each in changed],
        "changed-reading": new["reading"],
        "same-folding": same["folding"],
        "days-folding": again["folding"],
        "days-peak": again["peak-bytes"],
        "file-bytes": size,
        "file-bytes-after-days": days_size,
    }
    return [Figure("items", says, values)]


def _lay_editions(folder: Path, rows: int) -> list[tuple[str, str]]:
    """The first day, and resources that differ from it, and from each other, in one row of a hundred."""
    lay_register(folder, [URL])
    found = []
    for edition in reversed(range(EDITIONS)):
        lay_archive(folder, FIRST_DAY, rows, edition + 1)
        log = json.loads(next((folder / "log" / FIRST_DAY).iterdir()).read_text())
        found.append((log["resource"], log["canonical-hash"]))
    return found[::-1]


def _all_again(folder: Path, resources: list[tuple[str, str]]) -> tuple[dict[str, float], int]:
    """A month of days that change 1 % each, folded in one run from nothing; the records are read already."""
    for number in range(DAYS):
        _lay_day(folder, number, resources[number % EDITIONS])
    for path in (folder / "derived").glob("index*"):
        path.unlink()
    answer = python("benchmarks.index_once", folder, _day(DAYS - 1)).answer()
    return answer, (folder / "derived" / "index.duckdb").stat().st_size


def _lay_day(folder: Path, number: int, resource: tuple[str, str]) -> None:
    lay_log(folder, URL, _day(number), *resource)


def _day(number: int) -> str:
    return (dt.date.fromisoformat(FIRST_DAY) + dt.timedelta(days=number)).isoformat()
