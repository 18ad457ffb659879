"""Readers while days are published: no failure, no half day; and pages that go through all of it."""

import json
import subprocess
import sys
import threading
import time

from collect_assets.folding.fold import fold
from collect_assets.searching.query import Condition, Query, Sort
from collect_assets.searching.search import open_index
from collect_assets_tests.index.kept import collection_at, day, keep, table

DAYS, ITEMS = 6, 400
# Each day all items carry its number: an answer with two numbers, or with fewer items, has seen half a day.
ASKER = """
import json, sys, time
from pathlib import Path
from collect_assets.collection import Collection
from collect_assets.searching.query import Condition, Query
from collect_assets.searching.search import open_index

collection, stop, seen, rounds = Collection.at(Path(sys.argv[1])), Path(sys.argv[2]), set(), 0
while not stop.exists():
    with open_index(collection) as index:
        facet = index.facet("name", Query(), limit=100)
        named = index.search(Query("wave*"), limit=3)
        assert len(facet.values) == 1 and facet.missing == 0, facet
        assert named.total == facet.values[0][1] == %d, (named.total, facet)
        number = int(facet.values[0][0].split()[1])
        assert (index.newest - index.first).days == number, (index.newest, number)
        assert {hit.record["name"] for hit in named.hits} == {f"wave {number}"}
        seen.add(number)
    rounds += 1
    print(rounds, flush=True)
print(json.dumps([rounds, sorted(seen)]))
"""


def served(number):
    return table(*((f"i{item:04}", f"wave {number}", "words of it") for item in range(ITEMS)))


def test_processes_that_search_in_a_loop_and_a_reader_in_the_publishing_one_never_see_half_a_day(tmp_path):
    made = collection_at(tmp_path / "c")
    keep(made, day(0), "one", served(0))
    fold(made, day(0))
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", ASKER % ITEMS, str(made.folder), str(stop)]
    asker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    inside: list[tuple[int, int]] = []
    failures: list[Exception] = []

    def ask() -> None:
        while not stop.exists():
            try:
                with open_index(made) as index:
                    facet = index.facet("name", Query(), limit=100)
                    inside.append((len(facet.values), facet.values[0][1]))
            except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
                failures.append(error)

    reader = threading.Thread(target=ask)
    try:
        assert asker.stdout.readline().strip() == "1"  # it runs before the first day is published under it
        reader.start()
        with open_index(made) as kept_open:
            for number in range(1, DAYS):
                keep(made, day(number), "one", served(number))
                fold(made, day(number))
                assert kept_open.count(Query(where=(Condition.parse("name=wave 0"),))) == ITEMS  # as it was opened
                time.sleep(0.3)
    finally:
        stop.touch()
        if reader.is_alive():
            reader.join()
        out, errors = asker.communicate(timeout=120)
    assert (asker.returncode, failures) == (0, []), errors
    rounds, seen = json.loads(out.splitlines()[-1])
    assert (rounds > 1, set(seen) <= set(range(DAYS)), len(seen) > 1) == (True, True, True)
    assert set(inside) == {(1, ITEMS)}


def test_pages_bring_each_item_once_in_every_order_whatever_is_published_meanwhile(tmp_path):
    made = collection_at(tmp_path / "c")
    keep(made, day(0), "one", table(*((f"i{n:04}", f"n {n % 7}", f"w{n % 3}") for n in range(500))))
    keep(made, day(0), "two", table(*((f"i{n:04}", f"n {n % 5}", "w1") for n in range(300))))
    fold(made, day(0))
    with open_index(made) as index:
        wanted = sorted((hit.endpoint, hit.item) for hit in index.search(Query(), limit=1000).hits)
    assert len(set(wanted)) == 800
    for sort in (None, Sort("name"), Sort("name", "descending"), Sort("nothing")):
        seen, after = [], ""
        for number in range(100):
            with open_index(made) as index:
                page = index.search(Query(), sort=sort, limit=37, after=after, as_of=None if after else day(0))
            seen += [(hit.endpoint, hit.item) for hit in page.hits]
            if number == 3 and sort is None:
                keep(made, day(1), "two", table(("new", "n", "w")))
                fold(made, day(1))
            if not (after := page.after):
                break
        assert len(seen) == 800
        assert sorted(seen) == wanted


def test_a_page_far_in_costs_no_more_than_the_first(tmp_path):
    """In processor time, so that a busy machine fails nothing."""
    made = collection_at(tmp_path / "c")
    keep(made, day(0), "one", table(*((f"i{n:05}", f"n {n % 7}", "w") for n in range(20_000))))
    fold(made, day(0))
    took = []
    with open_index(made) as index:
        after = ""
        while True:
            began = time.process_time()
            page = index.search(Query(), limit=1000, after=after)
            took.append(time.process_time() - began)
            if not (after := page.after):
                break
    assert len(took) in {20, 21}
    assert sorted(took[-5:])[2] < 3 * sorted(took[1:6])[2]
