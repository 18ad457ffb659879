"""Pages through all items of a collection, and asks single pages by their cursors; says how many came, and the times.

Started by the benchmarks in a process of its own.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path

from collect_assets.collection import Collection
from collect_assets.searching.query import Query
from collect_assets.searching.search import ItemIndex, open_index

TIMES = 5


def main() -> None:
    """`<collection> <items per page>`."""
    size = int(sys.argv[2])
    seen: set[int] = set()  # hashes of ids, which for two million are 130 MB
    cursors, items, begun = [""], 0, time.perf_counter()
    with open_index(Collection.at(Path(sys.argv[1]))) as index:
        for page in index.pages(Query(), size=size):
            items += len(page.hits)
            seen.update(hash((hit.endpoint, hit.item)) for hit in page.hits)
            cursors.append(page.after)
        seconds = time.perf_counter() - begun
        pages = [cursor for cursor in cursors if cursor] or [""]
        places = {"first": pages[0], "middle": pages[len(pages) // 2], "last": pages[-2:][0]}
        times = {name: _median(index, cursor, size) for name, cursor in places.items()}
    print(json.dumps({"pages": len(cursors) - 1, "items": items, "different": len(seen), "seconds": seconds, **times}))


def _median(index: ItemIndex, cursor: str, size: int) -> float:
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        index.search(Query(), limit=size, after=cursor)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
