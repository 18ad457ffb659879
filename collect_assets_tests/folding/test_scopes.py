"""Endpoints that share their items, follow one another, retire, or are never complete."""

import pytest

from collect_assets.errors import RegisterError
from collect_assets.folding.fold import fold
from collect_assets.index.publish import reading
from collect_assets.registers import endpoint_id
from collect_assets.searching.feed import changes
from collect_assets.searching.history import history
from collect_assets.searching.query import Query
from collect_assets.searching.search import open_index
from collect_assets_tests.index.kept import collection_at, day, keep, table

SHARED = '[items]\nscope = "organisation-dataset"\nabsences-before-deletion = 1\n'
ONE, TWO = (endpoint_id(f"https://example.org/{name}") for name in ("one", "two"))
REGISTER = (
    "endpoint-url,start-date,end-date\nhttps://example.org/one,2020-01-01,{end}\nhttps://example.org/two,2021-01-01,\n"
)


def items(collection, number):
    with open_index(collection) as index:
        hits = index.search(Query(), as_of=day(number)).hits
    return {hit.item: (hit.record["name"], "one" if hit.endpoint == ONE else "two", hit.change) for hit in hits}


def shared(tmp_path, end="", sources=f"{ONE},council,trees\n{TWO},council,trees\n"):
    collection = collection_at(tmp_path / "c", SHARED)
    (tmp_path / "c" / "source.csv").write_text(f"endpoint,organisation,datasets\n{sources}")
    (tmp_path / "c" / "endpoint.csv").write_text(REGISTER.format(end=end))
    return collection


def test_endpoints_of_one_organisation_and_dataset_share_their_items_and_the_later_one_counts(tmp_path):
    collection = shared(tmp_path)
    keep(collection, day(0), "one", table(("a", "old", ""), ("b", "old", "")))
    keep(collection, day(1), "two", table(("b", "new", ""), ("c", "new", "")))
    keep(collection, day(2), "two", table(("c", "new", "")))
    fold(collection, day(2))

    assert items(collection, 0) == {"a": ("old", "one", "created"), "b": ("old", "one", "created")}
    assert items(collection, 1) == {
        "a": ("old", "one", "created"),
        "b": ("new", "two", "updated"),
        "c": ("new", "two", "created"),
    }
    # What only the other one still has is its again: its last answer counts until it gives another.
    assert items(collection, 2)["b"] == ("old", "one", "updated")
    assert [version.observed for version in history(collection, "b").versions] == [day(0), day(1), day(0)]


def test_the_last_answer_of_an_endpoint_that_ended_counts_until_another_answers(tmp_path):
    collection = shared(tmp_path, end=day(1))
    keep(collection, day(0), "one", table(("a", "same", ""), ("b", "same", "")))
    keep(collection, day(1), "other", table(("z", "x", "")))
    keep(collection, day(2), "two", table(("a", "same", ""), ("c", "new", "")))
    fold(collection, day(2))

    assert {"a", "b"} <= set(items(collection, 1))
    assert {item: change for item, (_, _, change) in items(collection, 2).items() if item != "z"} == {
        "a": "moved",
        "c": "created",
    }


def test_an_endpoint_of_several_datasets_stays_by_itself(tmp_path):
    collection = shared(tmp_path, sources=f"{ONE},council,trees;parks\n{TWO},council,trees\n")
    for name in ("one", "two"):
        keep(collection, day(0), name, table(("a", name, "")))
    fold(collection, day(0))

    with open_index(collection) as index:
        assert index.count(Query()) == 2


def test_scopes_by_source_need_the_register_of_sources(tmp_path):
    collection = collection_at(tmp_path / "c", SHARED)
    keep(collection, day(0), "one", table(("a", "x", "")))

    with pytest.raises(RegisterError, match=r"source\.csv"):
        fold(collection, day(0))


def test_items_live_on_under_a_successor_and_are_found_there(tmp_path):
    collection = collection_at(tmp_path / "c")
    keep(collection, day(0), "one", table(("a", "same", ""), ("b", "old", "")))
    keep(collection, day(1), "one", table(("a", "late", "")))
    keep(collection, day(2), "two", table(("a", "same", ""), ("b", "new", "")))
    (tmp_path / "c" / "successor.csv").write_text(f"old-endpoint,new-endpoint,from\n{ONE},{TWO},{day(1)}\n")
    fold(collection, day(2))

    assert items(collection, 1) == {"a": ("same", "one", "created"), "b": ("old", "one", "created")}
    assert items(collection, 2) == {"a": ("same", "two", "moved"), "b": ("new", "two", "updated")}
    with open_index(collection) as index:
        told = changes(index, Query(endpoints=(TWO[:12],)), since=day(1)).changes
    assert [(each.item, each.change) for each in told] == [("a", "entered"), ("b", "entered")]


def test_rows_of_successors_that_lead_in_a_circle_are_reported_and_stop_nothing(tmp_path):
    collection = collection_at(tmp_path / "c")
    keep(collection, day(0), "one", table(("a", "x", "")))
    rows = f"{ONE},{TWO},{day(1)}\n{TWO},{ONE},{day(2)}\n{TWO},x,soon\n"
    (tmp_path / "c" / "successor.csv").write_text(f"old-endpoint,new-endpoint,from\n{rows}")

    report = fold(collection, day(0))

    assert [problem.row for problem in report.problems] == [3, 4]
    assert set(items(collection, 0)) == {"a"}


@pytest.mark.parametrize(("retired", "left"), [("keep", 2), ("drop", 0)])
def test_a_retired_endpoint_keeps_or_drops_its_items_as_the_collection_says(tmp_path, retired, left):
    collection = collection_at(tmp_path / "c", f'[items]\nretired = "{retired}"\n')
    (tmp_path / "c" / "endpoint.csv").write_text(REGISTER.format(end=day(1)))
    keep(collection, day(0), "one", table(("a", "x", ""), ("b", "x", "")))
    keep(collection, day(2), "two", table(("z", "x", "")))
    fold(collection, day(2))

    assert len(items(collection, 0)) == 2
    assert len(items(collection, 2)) == left + 1
    whys = {version.why for version in history(collection, "a").versions}
    assert whys == ({None} if left else {"the endpoint retired"})


def test_an_item_too_old_is_deleted_on_a_day_on_which_nothing_was_collected(tmp_path):
    collection = collection_at(tmp_path / "c")
    register = 'endpoint-url,parameters\nhttps://example.org/one,"{""max-untouched-age"": 2}"\n'
    (tmp_path / "c" / "endpoint.csv").write_text(register)
    keep(collection, day(0), "one", table(("a", "x", ""), ("b", "x", "")))
    keep(collection, day(1), "one", table(("a", "x", "")), partial=True)
    keep(collection, day(9), "two", table(("z", "x", "")))
    report = fold(collection, day(9))

    assert [(n, report.changes[day(n)].deleted) for n in (3, 4)] == [(3, 1), (4, 1)]
    assert [v.why for item in "ab" for v in history(collection, item).versions] == ["untouched", "untouched"]
    with reading(collection) as index:
        assert index.execute("SELECT item_id, last_harvested FROM item").fetchall() == [("z", day(9))]
