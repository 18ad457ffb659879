"""Asks an index the same things many times in this process; prints the 95th percentiles of each, in seconds.

Two days are asked in turn, so that what else the machine does disturbs both.

Started by the benchmarks in a process of its own.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from collect_assets.collection import Collection
from collect_assets.searching.query import Condition, Query
from collect_assets.searching.search import ItemIndex, open_index

TIMES = 40
SUBSET = tuple(map(Condition.parse, ("country=Norway", "taxonRank=species", "individualCount>3")))


def main() -> None:
    """`<collection> <rows> <as-of> <as-of>`."""
    collection, rows = Collection.at(Path(sys.argv[1])), int(sys.argv[2])
    with open_index(collection) as index:
        now, then = (_questions(index, rows, dt.date.fromisoformat(day)) for day in sys.argv[3:])
        print(json.dumps({name: _percentiles(now[name], then[name]) for name in now}))


def _questions(index: ItemIndex, rows: int, day: dt.date) -> dict[str, Callable[[int], object]]:
    """By name, what is asked the nth time."""
    return {
        "a count by three conditions": lambda _: index.count(Query(where=SUBSET), as_of=day),
        "an item by its id": lambda n: index.search(Query(items=(_id(n * 48_611 % rows),)), as_of=day),
        "a word of a tenth of the items, ranked": lambda _: index.search(Query("meadow"), as_of=day),
        "two words, ranked": lambda n: index.search(Query(f"meadow {n}"), as_of=day),
        "a facet": lambda _: index.facet("family", Query(), as_of=day),
    }


def _id(number: int) -> str:
    return f"urn:catalog:NHM:botany:{hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()}"


def _percentiles(*asks: Callable[[int], object]) -> list[float]:
    taken: list[list[float]] = [[] for _ in asks]
    for number in range(-1, TIMES):  # the first question reads the file, and does not count
        for ask, seconds in zip(asks, taken, strict=True):
            begun = time.perf_counter()
            ask(abs(number))
            seconds.append(time.perf_counter() - begun)
    return [sorted(seconds[1:])[TIMES * 95 // 100 - 1] for seconds in taken]


if __name__ == "__main__":
    main()
