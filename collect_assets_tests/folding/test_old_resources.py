"""`old-resource.csv`: what people withdrew gives no items, what moved gives those of another; no table changes."""

import csv
import hashlib
import shutil

import pytest

from collect_assets.collection import Collection
from collect_assets.errors import RegisterError
from collect_assets.folding.fold import fold
from collect_assets.index.digest import digest
from collect_assets.index.publish import number_of, published, reading
from collect_assets.items.day import derive_day_records
from collect_assets.items.old_resources import old_resources
from collect_assets.registers import endpoint_id
from collect_assets.searching.search import search
from collect_assets.tables.keeping import keep_tables
from collect_assets_tests.index.kept import collection_at, day, keep, table

ONE, OTHER = table(("a", "one", "words")), table(("b", "other", "words"), ("c", "third", "words"))
MENDED = table(("a", "one mended", "words"))
HASHES = {name: character * 64 for name, character in zip("ABCD", "abcd", strict=True)}


def hash_of(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def collection(tmp_path):
    """Three days: one resource, another one, and the first again."""
    collection = collection_at(tmp_path / "c")
    for number, content in enumerate([ONE, OTHER, ONE]):
        keep(collection, day(number), "one", content)
    return collection


def withdraw(collection, *rows):
    lines = ["old-resource,status,resource,notes", *(",".join([*row, ""]) for row in rows)]
    (collection.folder / "old-resource.csv").write_text("\r\n".join([*lines, ""]))


def items(collection):
    fold(collection, day(2))
    return "".join(sorted(hit.item for hit in search(collection).hits))


def rebuilt(collection):
    copy = collection.folder.parent / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(collection.folder, copy, ignore=shutil.ignore_patterns("derived", "work"))
    fold(collection_at(copy), day(2))
    return digest(collection_at(copy))


def observed(collection):
    with reading(collection) as index:
        return index.execute("SELECT resource, problem IS NOT NULL FROM observation ORDER BY entry_date").fetchall()


def test_a_withdrawn_resource_gives_no_items_and_proves_nothing(collection):
    withdraw(collection, (hash_of(OTHER), "410", ""))

    assert items(collection) == "a"

    assert observed(collection) == [(hash_of(ONE), False), (hash_of(OTHER), True), (hash_of(ONE), False)]
    with reading(collection) as index:
        (problem,) = index.execute("SELECT problem FROM observation WHERE problem IS NOT NULL").fetchone()
        assert "old-resource.csv" in problem
        assert index.execute("SELECT count(*), count(last_date) FROM item_version").fetchone() == (1, 0)


def test_what_is_withdrawn_later_leaves_the_index_and_comes_back_when_it_is_not_any_more(collection):
    assert items(collection) == "abc"
    before = digest(collection)

    withdraw(collection, (hash_of(OTHER), "410", ""))
    assert items(collection) == "a"
    assert digest(collection) == rebuilt(collection)

    withdraw(collection, (hash_of(ONE), "410", ""))
    assert items(collection) == "bc"
    assert digest(collection) == rebuilt(collection)

    (collection.folder / "old-resource.csv").unlink()
    assert items(collection) == "abc"
    assert digest(collection) == before


def test_in_the_place_of_a_resource_that_moved_the_other_is_read(collection):
    collection.resources.path(hash_of(MENDED)).write_bytes(MENDED)  # made by hand: no log names it
    withdraw(collection, (hash_of(ONE), "301", hash_of(MENDED)))

    assert items(collection) == "abc"

    assert [hit.record["name"] for hit in search(collection, "mended").hits] == ["one mended"]
    assert [resource for resource, _ in observed(collection)] == [hash_of(MENDED), hash_of(OTHER), hash_of(MENDED)]
    assert digest(collection) == rebuilt(collection)


def test_what_moved_to_a_resource_that_is_not_there_is_missing(collection):
    withdraw(collection, (hash_of(ONE), "301", hash_of(MENDED)))
    assert items(collection) == "bc"
    collection.resources.path(hash_of(MENDED)).write_bytes(MENDED)
    assert items(collection) == "abc"


def test_the_records_of_a_day_leave_out_what_was_withdrawn_and_read_what_has_its_place(collection):
    withdraw(collection, (hash_of(OTHER), "410", ""), (hash_of(ONE), "301", hash_of(MENDED)))
    collection.resources.path(hash_of(MENDED)).write_bytes(MENDED)

    moved, withdrawn = derive_day_records(collection, day(0)), derive_day_records(collection, day(1))

    endpoint = endpoint_id("https://example.org/one")
    assert (moved.records, moved.unreadable) == (1, {})
    assert withdrawn.reports == {}
    assert hash_of(OTHER) in withdrawn.unreadable[endpoint]
    assert "old-resource.csv" in withdrawn.unreadable[endpoint]
    made = {path.stem for path in (collection.derived / "record").rglob("*.parquet")}
    assert made == {hash_of(MENDED)}


def test_no_table_changes_by_it(collection):
    keep_tables(collection)
    tables = collection.log_csv.read_bytes(), collection.resource_csv.read_bytes()
    withdraw(collection, (hash_of(OTHER), "410", ""), (hash_of(ONE), "301", hash_of(MENDED)))

    keep_tables(collection, rebuild=True)

    assert (collection.log_csv.read_bytes(), collection.resource_csv.read_bytes()) == tables


def test_a_register_that_cannot_be_read_lets_nothing_come_back(collection):
    withdraw(collection, (hash_of(OTHER), "410", ""))
    fold(collection, day(1))
    number = number_of(published(collection))
    (collection.folder / "old-resource.csv").write_text("what,ever\n")

    with pytest.raises(RegisterError, match=r"old-resource\.csv: lacks the column old-resource"):
        fold(collection, day(2))

    assert number_of(published(collection)) == number


A, B, C, D = HASHES.values()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(A, "410", "")], {A: ""}),
        ([(A, "301", B)], {A: B}),
        ([(A, "", "")], {A: ""}),
        ([(A, "410", B)], {A: ""}),
        ([(A, "301", "../../etc/passwd")], {A: ""}),
        ([(A, "410", ""), (A, "301", B)], {A: B}),
        ([(A, "301", B), (B, "301", C)], {A: C, B: C}),
        ([(A, "301", B), (B, "410", "")], {A: "", B: ""}),
        ([(A, "301", B), (B, "301", C), (C, "301", B)], {A: "", B: "", C: ""}),
        ([(A, "301", A)], {A: ""}),
        ([(f" {A} ", "410", ""), ("", "410", ""), (D, "410", "", '"a quote')], {A: "", D: ""}),
    ],
    ids=["gone", "moved", "neither", "gone and moved", "to no resource", "the last row counts", "twice",
         "to what is gone", "in a circle", "to itself", "rows that are not well"],
)  # fmt: skip
def test_what_has_the_place_of_an_old_resource(tmp_path, rows, expected):
    collection = collection_at(tmp_path)
    withdraw(collection, *rows)
    assert old_resources(collection) == expected


def test_the_old_resources_of_the_real_collections_are_all_known(corpus):
    moved = 0
    for register in (corpus / "config-collection").glob("*/old-resource.csv"):
        with register.open(newline="", encoding="utf-8") as file:
            rows = {row["old-resource"].strip(): row["resource"] for row in csv.DictReader(file)}
        assert old_resources(Collection.at(register.parent)) == rows  # none of them moved twice
        moved += sum(bool(place) for place in rows.values())
    assert moved > 20
