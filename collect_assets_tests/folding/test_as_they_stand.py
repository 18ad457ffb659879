"""What is derived is a function of the files as they stand: not of what they were, of where they lie, or of us."""

import json
import shutil

import duckdb
import pytest

from collect_assets.folding.fold import fold
from collect_assets.index.digest import digest
from collect_assets.index.publish import number_of, published
from collect_assets.searching.search import search
from collect_assets_tests.index.kept import collection_at, day, keep, table

ONE, OTHER = table(("a", "one", "words")), table(("a", "one", "words"), ("b", "other", "words"))


@pytest.fixture
def collection(tmp_path):
    return collection_at(tmp_path / "c")


def rebuilt(collection, upto):
    """The digest of the same files where nothing was derived before, in another folder."""
    copy = collection.folder.parent / "elsewhere" / "copy"
    shutil.rmtree(copy.parent, ignore_errors=True)
    shutil.copytree(collection.folder, copy, ignore=shutil.ignore_patterns("derived", "work"))
    fold(collection_at(copy), upto)
    return digest(collection_at(copy))


def items(collection) -> str:
    return "".join(sorted(hit.item for hit in search(collection).hits))


def test_a_resource_that_went_missing_counts_as_missing_although_it_was_read_before(collection):
    keep(collection, day(0), "one", ONE)
    log = keep(collection, day(1), "one", OTHER)
    fold(collection, day(1))
    collection.resources.path(log.resource).unlink()

    fold(collection, day(1))

    assert items(collection) == "a"
    assert digest(collection) == rebuilt(collection, day(1))


def test_a_missing_resource_publishes_nothing_new_each_time(collection):
    log = keep(collection, day(0), "one", ONE)
    keep(collection, day(0), "two", OTHER)
    collection.resources.path(log.resource).unlink()
    numbers = {number_of(fold(collection, day(0)).index) for _ in range(3)}
    assert len(numbers) == 1


def test_a_damaged_resource_publishes_nothing_new_until_it_is_mended(collection):
    log = keep(collection, day(0), "one", ONE)
    keep(collection, day(0), "two", OTHER)
    collection.resources.path(log.resource).write_bytes(b"something else")
    numbers = [number_of(fold(collection, day(0)).index) for _ in range(2)]
    collection.resources.path(log.resource).write_bytes(ONE)
    numbers.append(number_of(fold(collection, day(0)).index))
    assert numbers == [1, 1, 2]
    assert digest(collection) == rebuilt(collection, day(0))


def test_a_resource_of_a_log_that_names_no_canonical_hash_may_come_back_later(collection, tmp_path):
    archive = tmp_path / "x.zip"
    shutil.make_archive(str(tmp_path / "x"), "zip", root_dir=_folder_with(tmp_path / "z", "t.csv", OTHER))
    log = keep(collection, day(0), "one", archive.read_bytes())
    resource = collection.resources.path(log.resource)
    content = resource.read_bytes()
    resource.unlink()
    keep(collection, day(0), "two", ONE)
    fold(collection, day(0))

    resource.write_bytes(content)
    fold(collection, day(0))

    assert items(collection) == "aab"
    assert digest(collection) == rebuilt(collection, day(0))


def _folder_with(folder, name, content):
    folder.mkdir()
    (folder / name).write_bytes(content)
    return folder


def test_problems_name_no_folder_so_that_the_digest_is_the_same_everywhere(collection):
    log = keep(collection, day(0), "one", ONE)
    keep(collection, day(0), "two", OTHER)
    collection.resources.path(log.resource).write_bytes(b"something else")
    fold(collection, day(0))
    assert digest(collection) == rebuilt(collection, day(0))


def test_another_mistake_in_the_parameters_is_another_problem(collection):
    log = keep(collection, day(0), "one", ONE)
    for wrong in (5, 6):
        row = f'{log.endpoint},{log.endpoint_url},"{{""id"": {wrong}}}"\n'
        (collection.folder / "endpoint.csv").write_text("endpoint,endpoint-url,parameters\n" + row)
        fold(collection, day(0))
    assert digest(collection) == rebuilt(collection, day(0))


def test_parameters_that_were_taken_away_are_not_taken_from_an_older_log(collection):
    keep(collection, day(0), "one", ONE, parameters={"id": "name"})
    keep(collection, day(1), "one", ONE)
    fold(collection, day(1))
    assert items(collection) == "a"


def test_building_anew_for_an_early_day_keeps_the_later_days(tmp_path):
    collection = collection_at(tmp_path / "c")
    for number in range(3):
        keep(collection, day(number), "one", table((str(number), "name", "words")))
    fold(collection, day(2))
    with_another_rule = collection_at(tmp_path / "c", "[items]\nabsences-before-deletion = 3\n")

    report = fold(with_another_rule, day(0))

    assert report.horizon == day(2)
    assert "2" in items(with_another_rule)


@pytest.mark.parametrize("pattern", ["record/*/*.parquet", "day/*.parquet"])
@pytest.mark.parametrize("damage", ["cut", "body"])
def test_f73_a_damaged_derived_file_is_derived_again(collection, pattern, damage):
    keep(collection, day(0), "one", table(*((str(n), f"name {n}", "words") for n in range(500))))
    fold(collection, day(0))
    before = digest(collection)
    (path,) = collection.derived.glob(pattern)
    content = path.read_bytes()
    path.write_bytes(
        content[:60] if damage == "cut" else content[:8] + bytes(len(content) // 2) + content[8 + len(content) // 2 :]
    )
    for index in collection.derived.glob("index*"):
        index.unlink()

    fold(collection, day(0))

    assert digest(collection) == before


def test_a_spill_folder_that_a_killed_reader_left_is_no_obstacle(collection):
    keep(collection, day(0), "one", ONE)
    (fold(collection, day(0)).index.with_name("index-1.duckdb.tmp")).mkdir()
    for number in range(1, 4):
        keep(collection, day(number), "one", table((str(number), "name", "words")))
        fold(collection, day(number))
    assert number_of(published(collection)) == 4


def test_a_copy_of_a_log_under_another_name_counts_once_and_is_told(collection):
    log = keep(collection, day(0), "one", ONE)
    path = collection.log_path(day(0), log.endpoint)
    shutil.copy(path, path.with_name("copy.json"))
    fold(collection, day(0))
    assert search(collection).total == 1


def test_a_strangers_log_with_odd_values_stops_nothing(collection):
    keep(collection, day(0), "one", ONE)
    log = keep(collection, day(0), "two", OTHER)
    path = collection.log_path(day(0), log.endpoint)
    values = json.loads(path.read_bytes())
    path.write_text(json.dumps({**values, "message": "half \ud800", "bytes": 1 << 70, "elapsed": "1²"}))
    fold(collection, day(0))
    assert items(collection) == "aab"


def test_a_log_that_is_written_in_place_is_noticed(collection):
    log = keep(collection, day(0), "one", ONE)
    other = keep(collection, day(0), "two", OTHER)
    fold(collection, day(0))
    path = collection.log_path(day(0), log.endpoint)
    with path.open("r+b") as file:
        content = json.loads(file.read())
        file.seek(0)
        file.write(json.dumps({**content, "resource": other.resource, "canonical-hash": ""}).encode())
        file.truncate()
    fold(collection, day(0))
    assert digest(collection) == rebuilt(collection, day(0))
    assert items(collection) == "aabb"


def test_an_empty_answer_proves_nothing_gone(collection):
    keep(collection, day(0), "one", OTHER)
    for number in range(1, 5):
        keep(collection, day(number), "one", table())
    fold(collection, day(4))
    assert items(collection) == "ab"


def test_a_folder_that_looks_like_a_partition_of_a_table_is_a_folder_like_others(tmp_path):
    collection = collection_at(tmp_path / "region=uk" / "c")
    keep(collection, day(0), "one", ONE)
    fold(collection, day(0))
    assert items(collection) == "a"


def test_an_error_of_ours_in_one_resource_stops_no_other(collection, monkeypatch):
    log = keep(collection, day(0), "one", ONE)
    keep(collection, day(0), "two", OTHER)

    def breaks(of, resource, *rest):
        if resource.name == log.resource:
            raise RuntimeError("a bug")
        return derive(of, resource, *rest)

    from collect_assets.items import records

    derive = records.derive_records
    monkeypatch.setattr(records, "derive_records", breaks)
    report = fold(collection, day(0))
    monkeypatch.undo()

    assert "RuntimeError: a bug" in report.changes[day(0)].problems[log.endpoint]
    assert items(collection) == "ab"
    fold(collection, day(0))
    assert items(collection) == "aab"


def test_the_index_opens_in_any_client_of_its_version(collection):
    keep(collection, day(0), "one", ONE)
    with duckdb.connect(str(fold(collection, day(0)).index), read_only=True) as client:
        assert client.execute("SELECT item_id, last_harvested FROM item").fetchall() == [("a", day(0))]
