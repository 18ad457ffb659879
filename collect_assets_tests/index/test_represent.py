"""What searches look at follows the versions of items, in runs that are merged, and without what went."""

from collect_assets.collection import Collection
from collect_assets.folding.fold import fold
from collect_assets.index import represent
from collect_assets.index.publish import reading
from collect_assets.searching.query import Query
from collect_assets.searching.search import open_index
from collect_assets_tests.index.kept import collection_at, day, keep, table


def found(collection: Collection, text: str) -> list[str]:
    with open_index(collection) as index:
        return sorted(hit.item for hit in index.search(Query(text)).hits)


def runs(collection: Collection) -> list[int]:
    with reading(collection) as index:
        return [first for (first,) in index.execute("SELECT DISTINCT first_version FROM word ORDER BY ALL").fetchall()]


def counts(collection: Collection) -> list[int]:
    with reading(collection) as index:
        return [n for (n,) in index.execute("SELECT words FROM search_item ORDER BY version_no").fetchall()]


def test_items_are_represented_in_runs_and_those_of_days_are_merged(tmp_path, monkeypatch):
    monkeypatch.setattr(represent, "RUN", 4)
    collection = collection_at(tmp_path / "c")
    for number, served in enumerate(["aaaaaa", "baaaaa", "bbaaaa", "bbbaaa"]):
        rows = [(str(place), f"{value} {value}", "both") for place, value in enumerate(served)]
        keep(collection, day(number), "one", table(*rows))
        fold(collection, day(number))

        assert found(collection, "b") == [str(place) for place, value in enumerate(served) if value == "b"]
        assert found(collection, "both a") == [str(place) for place, value in enumerate(served) if value == "a"]
        assert runs(collection) == [[1, 5], [1, 5, 7], [1, 5], [1, 5, 9]][number]  # the third makes it four in a run
    assert set(counts(collection)) == {4}  # the reference, the name twice, the notes


def test_what_is_folded_again_is_found_as_it_is_now_and_not_as_it_was(tmp_path):
    days = 3
    collection = collection_at(tmp_path / "c")
    for number in range(days):
        keep(collection, day(number), "one", table(("a", f"old{number}", "w"), ("b", "same", "w")))
        fold(collection, day(number))
    for number in range(days):
        keep(collection, day(0), "one", table(("a", f"late{number}", "w"), ("b", "same", "w")))
        fold(collection, day(days - 1))

        assert found(collection, "same") == ["b"]
        with open_index(collection) as index:
            assert index.count(Query("w"), as_of=day(0)) == 2
            assert index.count(Query(f"late{number}"), as_of=day(0)) == 1
            assert index.count(Query("old0"), as_of=day(0)) == 0
    with reading(collection) as index:
        ((gone,),) = index.execute("SELECT value::INTEGER FROM search_meta WHERE key = 'gone'").fetchall()
        assert gone <= len(counts(collection))
