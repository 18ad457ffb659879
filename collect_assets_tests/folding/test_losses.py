"""Losses are held, growth passes, and what somebody decides holds from its own day on."""

import datetime as dt
import json

import pytest

from collect_assets.collection import Collection
from collect_assets.errors import DecisionError
from collect_assets.folding.fold import fold
from collect_assets.folding.holds import Choice, decide, holds, same_content, sample
from collect_assets.folding.preview import preview
from collect_assets.index.digest import digest
from collect_assets.index.publish import published, reading
from collect_assets.searching.history import history
from collect_assets.searching.query import Query
from collect_assets.searching.search import open_index
from collect_assets_tests.index.kept import collection_at, day, keep, table

ONCE = "[items]\nabsences-before-deletion = 1\n"


def rows(first: int, last: int, prefix: str = "") -> bytes:
    return table(*((f"{prefix}{number}", f"name {number}", "words") for number in range(first, last)))


def served(collection: Collection, number: int, content: bytes) -> None:
    keep(collection, day(number), "one", content)
    assert not fold(collection, day(number)).rebuilt


def live(collection: Collection, when: dt.date) -> int:
    with open_index(collection) as index:
        return index.count(Query(), as_of=when)


def choose(collection: Collection, verdict: str, **more: object) -> None:
    decide(collection, verdict, Choice(all_=True), who="Ana", why="asked them", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("gone", "held"), [(30, 0), (31, 31)])
def test_f78_a_loss_passes_up_to_its_limit_and_is_held_above_it(tmp_path, gone, held):
    collection = collection_at(tmp_path / "c", ONCE)
    served(collection, 0, rows(0, 100))
    served(collection, 1, rows(gone, 110))

    assert [each.deletions for each in holds(collection)] == ([held] if held else [])
    assert live(collection, day(1)) == 110 - (0 if held else gone)


def test_twenty_items_are_never_held_however_large_a_share_they_are(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    served(collection, 0, rows(0, 22))
    served(collection, 1, rows(20, 22))

    assert holds(collection) == []
    assert live(collection, day(1)) == 2


def test_f79_growth_passes(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    served(collection, 0, rows(0, 30))
    served(collection, 1, rows(0, 300))

    assert holds(collection) == []
    assert live(collection, day(1)) == 300


def test_f76_an_empty_answer_is_held_whole_and_nothing_is_left_to_decide_when_the_items_are_back(tmp_path):
    collection = collection_at(tmp_path / "c")
    served(collection, 0, rows(0, 3))
    served(collection, 1, rows(0, 0))
    (held,) = holds(collection)
    assert (held.reasons, held.deletions, live(collection, day(1))) == ("nothing", 3, 3)

    served(collection, 2, rows(0, 3))

    assert holds(collection) == []
    assert [each.deletions for each in holds(collection, all_=True)] == [3]


def test_f78_approving_applies_exactly_what_is_held_from_the_day_of_the_decision_on(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    served(collection, 0, rows(0, 100))
    served(collection, 1, rows(50, 100))
    served(collection, 2, rows(45, 100))

    choose(collection, "approve")
    fold(collection, day(2))

    assert [live(collection, day(number)) for number in range(3)] == [100, 100, 55]
    assert holds(collection) == []


def test_what_is_rejected_stays_until_it_is_served_again_and_lives_on_as_others_do(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    served(collection, 0, rows(0, 100))
    served(collection, 1, rows(50, 100))
    choose(collection, "reject")
    served(collection, 2, rows(50, 101))
    assert (live(collection, day(2)), holds(collection)) == (101, [])

    served(collection, 3, rows(0, 101))
    served(collection, 4, rows(10, 101))

    assert live(collection, day(4)) == 91


def test_a_decision_on_another_set_than_is_held_does_nothing_and_says_so(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    served(collection, 0, rows(0, 100))
    served(collection, 1, rows(50, 100))
    choose(collection, "approve")
    keep(collection, day(1), "one", rows(60, 100))
    fold(collection, day(1))

    assert live(collection, day(1)) == 100
    with reading(collection) as index:
        ((problem,),) = index.execute("SELECT problem FROM decision").fetchall()
    assert "nothing is held" in problem


def test_the_same_is_not_decided_twice(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    served(collection, 0, rows(0, 100))
    served(collection, 1, rows(50, 100))
    choose(collection, "approve")

    with pytest.raises(DecisionError, match="has decided that"):
        choose(collection, "reject")


def test_many_are_decided_at_once_and_a_wrong_choice_decides_nothing(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    for number, (first, last) in enumerate([(0, 100), (50, 100)]):
        for name in ("one", "two", "three"):
            keep(collection, day(number), name, rows(first, last))
    fold(collection, day(1))
    assert len(holds(collection)) == 3

    with pytest.raises(DecisionError, match="nothing of that waits"):
        decide(collection, "approve", Choice(held="zz"), who="Ana", why="so")
    choose(collection, "approve")
    fold(collection, day(1))

    assert (holds(collection), live(collection, day(1))) == ([], 150)


def test_f80_other_ids_for_the_same_are_held_and_may_be_mapped_by_what_they_say(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    served(collection, 0, rows(0, 40))
    served(collection, 1, rows(0, 40, "new-"))
    (held,) = holds(collection)
    assert (held.reasons, held.deletions, held.creations, live(collection, day(1))) == ("ids", 40, 40, 40)
    with reading(collection) as index:
        pairs = same_content(index, collection, held)
        assert sample(index, held, 1).creations[0][0] == "new-0"
    assert pairs == {str(number): f"new-{number}" for number in range(40)}

    choose(collection, "map")
    fold(collection, day(1))

    assert live(collection, day(1)) == 40
    before, after = history(collection, "new-7").versions
    assert (before.item, before.ended, after.item, after.change) == ("7", "renamed", "new-7", "renamed")
    assert history(collection, "7") == history(collection, "new-7")


def test_an_endpoint_that_lost_much_before_may_lose_more_and_one_that_never_did_less(tmp_path):
    settled = collection_at(tmp_path / "settled", f"{ONCE}[items.guard]\npast-answers = 2\n")
    for number in range(3):
        served(settled, number, rows(0, 200 + number))
    served(settled, 3, rows(24, 202))
    assert [each.deletions for each in holds(settled)] == [24]  # 12 %, where 10 % pass

    moving = collection_at(tmp_path / "moving", f"{ONCE}[items.guard]\npast-answers = 2\n")
    for number in range(3):
        served(moving, number, rows(number * 34, 200))
    served(moving, 3, rows(68 + 50, 200))
    assert holds(moving) == []  # 38 %, where three times 17 % pass


def test_f81_of_records_with_one_id_the_first_counts_and_the_others_are_counted(tmp_path):
    collection = collection_at(tmp_path / "c")
    served(collection, 0, table(("a", "first", ""), ("a", "first", ""), ("a", "second", "")))

    with reading(collection) as index:
        assert index.execute("SELECT record ->> 'name' FROM item").fetchall() == [("first",)]
        assert index.execute("SELECT records, duplicates, conflicts FROM observation").fetchall() == [(3, 2, 1)]


def test_f85_what_is_under_manual_control_is_neither_updated_nor_deleted_and_the_difference_is_shown(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    log = keep(collection, day(0), "one", table(("a", "old", ""), ("b", "old", "")))
    manual = f"item,endpoint,from,to,who,why\na,{log.endpoint},,{day(2)},Ana,so\nb,{log.endpoint},,,Ana,so\n"
    (tmp_path / "c" / "manual-item.csv").write_text(manual)
    served(collection, 1, table(("a", "new", "")))

    with open_index(collection) as index:
        hits = index.search(Query(withheld=True)).hits
    assert [(hit.item, hit.record["name"], hit.withheld) for hit in hits] == [
        ("a", "old", "manual"),
        ("b", "old", "manual"),
    ]

    fold(collection, day(3))

    versions = history(collection, "a").versions
    assert [(v.record["name"], v.first_date, v.observed) for v in versions] == [
        ("old", day(0), day(0)),
        ("new", day(3), day(1)),
    ]
    assert live(collection, day(1)) == 2


def test_a_manual_item_whose_days_cannot_be_understood_is_left_alone_and_reported(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    log = keep(collection, day(0), "one", table(("a", "old", ""), ("b", "old", "")))
    (tmp_path / "c" / "manual-item.csv").write_text(f"item,endpoint,from,to\na,{log.endpoint},soon,\n")
    keep(collection, day(1), "one", table(("b", "new", "")))

    report = fold(collection, day(1))

    assert "left alone on every day" in str(report.problems)
    assert live(collection, day(1)) == 2


def test_a_preview_says_what_a_fold_then_does_and_changes_nothing(tmp_path):
    collection = collection_at(tmp_path / "c", ONCE)
    served(collection, 0, rows(0, 100))
    keep(collection, day(1), "one", rows(50, 120))
    before, files = published(collection), {path for path in (tmp_path / "c").rglob("*") if "record" not in path.parts}
    told = digest(collection)

    found = preview(collection, day(1), limit=3)

    assert (published(collection), digest(collection)) == (before, told)
    assert {path for path in (tmp_path / "c").rglob("*") if "record" not in path.parts} - files <= {
        collection.day_file(day(1))
    }
    assert (found.changes[day(1)].created, [each.deletions for each in found.held]) == (20, [50])
    assert [change for *_, change in found.first] == ["created"] * 3
    assert fold(collection, day(1)).changes == found.changes
    assert preview(collection, day(1)).changes == {}
    json.dumps(found.as_dict(), default=str)
