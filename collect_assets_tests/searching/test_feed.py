"""The change feed: in order, each change once, and honest where the past turned out otherwise."""

import datetime as dt

import pytest

from collect_assets.errors import QueryError
from collect_assets.folding.fold import fold
from collect_assets.registers import endpoint_id
from collect_assets.searching.feed import changes
from collect_assets.searching.query import Condition, Query
from collect_assets.searching.search import open_index
from collect_assets_tests.index.kept import collection_at, day, keep, table

OAKS = Query(where=(Condition("name", "=", "oak"),))


@pytest.fixture
def made(tmp_path):
    collection = collection_at(tmp_path / "c", "[items]\nabsences-before-deletion = 1\n")
    keep(collection, day(0), "one", table(("a", "oak", ""), ("b", "elm", ""), ("c", "oak", "")))
    keep(collection, day(1), "one", table(("a", "oak", "tall"), ("b", "oak", ""), ("c", "ash", ""), ("d", "oak", "")))
    keep(collection, day(2), "one", table(("a", "oak", "tall"), ("c", "ash", "")))
    keep(collection, day(3), "one", table(("a", "oak", "tall"), ("b", "oak", ""), ("c", "oak", "")))
    return collection


EVERYTHING = Query()


def told(collection, query=EVERYTHING, **asked):
    with open_index(collection) as index:
        return changes(index, query, **asked)


def words(found):
    return [f"{(each.day - day(0)).days}{each.item} {each.change}" for each in found.changes]


def test_all_changes_come_in_order_of_days(made):
    fold(made, day(3))
    assert words(told(made)) == [
        "0a created", "0b created", "0c created",
        "1a updated", "1b updated", "1c updated", "1d created",
        "2b deleted", "2d deleted",
        "3b restored", "3c updated",
    ]  # fmt: skip


def test_of_a_subset_it_tells_what_enters_and_what_leaves(made):
    fold(made, day(3))
    found = told(made, OAKS)
    assert words(found) == [
        "0a created", "0c created",
        "1a updated", "1b entered", "1c left", "1d created",
        "2b deleted", "2d deleted",
        "3b restored", "3c entered",
    ]  # fmt: skip
    assert found.changes[2].record["notes"] == "tall"
    assert found.changes[4].record["name"] == "ash"  # what made it leave


def test_pages_of_any_size_tell_each_change_once(made):
    fold(made, day(3))
    whole = words(told(made, OAKS))
    for size in (1, 2, 3, 7):
        seen, cursor, more = [], "", True
        while more:
            page = told(made, OAKS, cursor=cursor, limit=size)
            seen, cursor, more = seen + words(page), page.cursor, page.more
        assert seen == whole


def test_a_follower_gets_what_came_since(made):
    fold(made, day(1))
    first = told(made)
    fold(made, day(3))
    later = told(made, cursor=first.cursor)
    assert words(later) == ["2b deleted", "2d deleted", "3b restored", "3c updated"]
    assert words(told(made, cursor=later.cursor)) == []


def test_a_day_that_changed_nothing_moves_no_cursor(made):
    fold(made, day(3))
    found = told(made)
    keep(made, day(4), "one", table(("a", "oak", "tall"), ("b", "oak", ""), ("c", "oak", "")))
    fold(made, day(4))
    after = told(made, cursor=found.cursor)
    assert (words(after), after.again_from) == ([], None)


def test_a_late_log_of_the_last_day_is_told_by_asking_for_that_day_again(made):
    fold(made, day(3))
    found = told(made)
    keep(made, day(3), "another", table(("z", "oak", "")))
    fold(made, day(3))
    after = told(made, cursor=found.cursor)
    assert (words(after), after.again_from) == ([], day(3))
    assert "3z created" in words(told(made, since=after.again_from))


def test_a_past_that_turned_out_otherwise_is_said(made):
    fold(made, day(3))
    found = told(made)
    keep(made, day(1), "one", table(("a", "yew", ""), ("b", "elm", ""), ("c", "oak", "")))
    fold(made, day(3))
    assert told(made, cursor=found.cursor).again_from == dt.date.min


def test_an_index_that_is_built_again_from_the_same_files_holds_the_cursor(made):
    fold(made, day(1))
    cursor = told(made).cursor
    for path in made.derived.glob("index*"):
        path.unlink()
    fold(made, day(3))
    assert words(told(made, cursor=cursor)) == ["2b deleted", "2d deleted", "3b restored", "3c updated"]


def test_a_cursor_of_another_subset_or_of_nothing_is_an_error(made):
    fold(made, day(3))
    with pytest.raises(QueryError, match="another subset"):
        told(made, OAKS, cursor=told(made).cursor)
    with pytest.raises(QueryError, match="no cursor"):
        told(made, cursor="abc")


def test_whoever_followed_begins_again_when_a_register_makes_a_place_sensitive(made):
    fold(made, day(3))
    cursor = told(made).cursor
    (made.registers / "sensitive.csv").write_text("field,value\nname,oak\n")
    fold(made, day(3))
    again = told(made, cursor=cursor)
    assert (again.again_from, again.changes) == (dt.date.min, ())
    assert told(made, cursor=told(made).cursor).again_from is None


def test_whoever_followed_begins_again_when_endpoints_of_what_is_asked_for_are_others(made):
    keep(made, day(1), "two", table(("z", "oak", "")))
    fold(made, day(3))
    one, two, three = (endpoint_id(f"https://example.org/{name}") for name in ("one", "two", "three"))
    register, asked = made.registers / "source.csv", Query(organisations=("org:1",))
    register.write_text(f"endpoint,organisation\n{one},org:1\n{two},org:2\n{three},org:1\n")
    cursor = told(made, asked).cursor
    assert told(made, asked, cursor=cursor).again_from is None

    register.write_text(f"endpoint,organisation\n{one},org:1\n{two},org:1\n{three},org:1\n")
    assert told(made, asked, cursor=cursor).again_from == dt.date.min
    assert told(made, cursor=told(made).cursor).again_from is None

    cursor = told(made, asked).cursor
    keep(made, day(4), "three", table(("y", "oak", "")))
    fold(made, day(4))
    assert words(told(made, asked, cursor=cursor)) == ["4y created"]  # new, and not another past
