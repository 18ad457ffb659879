"""Days in any order, deleted and folded again; `test_item_model.py` has all of it at once, by chance."""

import datetime as dt
import shutil

import pytest

import collect_assets.folding.fold as fold_module
from collect_assets.collection import Collection
from collect_assets.folding import base
from collect_assets.folding.fold import fold
from collect_assets.index.digest import digest, digest_of_all
from collect_assets.index.publish import published, reading
from collect_assets.items import records
from collect_assets_tests.index.kept import collection_at, day, keep, table

A = table(("a", "name x", "some words"), ("b", "name x", "some words"))
B = table(("b", "name x", "some words"))


def items_as_of(collection: Collection, when: dt.date) -> dict[tuple[str, str], tuple[str, int, str]]:
    with reading(collection) as connection:
        rows = connection.execute(
            "SELECT endpoint, item_id, record ->> 'name', first_date, change FROM item_version JOIN endpoint "
            "USING (endpoint_no) WHERE first_date <= $1 AND (last_date IS NULL OR last_date >= $1)",
            [when],
        ).fetchall()
    return {(endpoint, item): (name, (first - day(0)).days, change) for endpoint, item, name, first, change in rows}


def test_deleting_what_is_derived_and_folding_again_ends_in_the_same_digest(tmp_path):
    collection = collection_at(tmp_path / "c")
    for number, names in enumerate([("a", "b"), ("a",), ("a", "c"), ("b", "c")]):
        keep(collection, day(number), "one", table(*((name, f"name {name}", "words") for name in names)))
        fold(collection, day(number))
    before = digest_of_all(digest(collection))

    shutil.rmtree(collection.derived)
    fold(collection, day(3))

    assert digest_of_all(digest(collection)) == before


def test_f89_a_day_that_arrives_late_corrects_history_and_leaves_the_present_as_it_is(tmp_path):
    collection = collection_at(tmp_path / "c")
    keep(collection, day(0), "one", table(("a", "old", "words")))
    keep(collection, day(2), "one", table(("a", "new", "words")))
    fold(collection, day(2))
    now = {key: value[0] for key, value in items_as_of(collection, day(2)).items()}

    keep(collection, day(1), "one", table(("a", "between", "words")))
    fold(collection, day(1))

    assert [value[0] for value in items_as_of(collection, day(1)).values()] == ["between"]
    assert {key: value[0] for key, value in items_as_of(collection, day(2)).items()} == now


def test_folding_again_publishes_nothing_new(tmp_path):
    collection = collection_at(tmp_path / "c")
    keep(collection, day(0), "one", table(("a", "old", "words")))
    first = fold(collection, day(0))

    second = fold(collection, day(0))

    assert first.index == second.index
    assert not second.changes


@pytest.mark.parametrize("what", ["record", "index"])
def test_f90_another_version_of_the_software_derives_all_again_from_what_is_stored(tmp_path, monkeypatch, what):
    collection = collection_at(tmp_path / "c")
    for number, name in enumerate(["x", "y"]):
        keep(collection, day(number), "one", table(("a", name, "words")))
    fold(collection, day(1))
    before, told = items_as_of(collection, day(1)), published(collection)

    if what == "record":
        monkeypatch.setattr(records, "RULES_VERSION", 99)
    else:
        monkeypatch.setattr(fold_module, "INDEX_VERSION", 99)
        monkeypatch.setattr(base, "INDEX_VERSION", 99)
    report = fold(collection, day(1))

    assert report.index != told
    assert items_as_of(collection, day(1)) == before


@pytest.mark.parametrize("toml", ["", "[items]\nabsences-before-deletion = 1\n"])
def test_a_rule_of_the_life_cycle_that_changes_derives_the_index_again(tmp_path, toml):
    collection = collection_at(tmp_path / "c")
    keep(collection, day(0), "one", table(("a", "x", "words"), ("b", "x", "words")))
    keep(collection, day(1), "one", table(("a", "x", "words")))
    fold(collection, day(1))

    again = fold(collection_at(tmp_path / "c", toml), day(1))

    assert bool(again.rebuilt) == bool(toml)
    assert {item for _, item in items_as_of(collection, day(1))} == ({"a"} if toml else {"a", "b"})


def test_a_register_that_changes_the_id_rule_of_an_endpoint_folds_its_days_again(tmp_path):
    collection = collection_at(tmp_path / "c")
    log = keep(collection, day(0), "one", table(("a", "x", "words"), ("b", "y", "words")))
    fold(collection, day(0))
    register = "endpoint,endpoint-url,parameters\n" + f'{log.endpoint},{log.endpoint_url},"{{""id"": ""name""}}"\n'
    (tmp_path / "c" / "endpoint.csv").write_text(register)

    fold(collection, day(0))

    assert {item for _, item in items_as_of(collection, day(0))} == {"x", "y"}


def test_an_item_is_deleted_at_its_second_absence_and_restored_when_it_is_back(tmp_path):
    collection = collection_at(tmp_path / "c")
    for number, served in enumerate([A, B, B, A]):
        keep(collection, day(number), "one", served)
    report = fold(collection, day(3))

    changes = [(c.created, c.updated, c.restored, c.deleted) for c in report.changes.values()]
    assert changes == [(2, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0)]
    states = ["".join(sorted(item for _, item in items_as_of(collection, day(number)))) for number in range(4)]
    assert states == ["ab", "ab", "b", "ab"]
