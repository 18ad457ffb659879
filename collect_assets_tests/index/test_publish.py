"""The index is replaced whole: readers see one day or the next, never neither, never half."""

import datetime as dt
import multiprocessing
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from collect_assets.errors import IndexUnavailableError, NoLogsError, StorageError
from collect_assets.folding.fold import fold
from collect_assets.index import publish
from collect_assets.index.digest import digest, digest_of_all
from collect_assets.index.publish import building, number_of, published, reading
from collect_assets.searching.search import search
from collect_assets_tests.index.kept import collection_at, day, keep, table


@pytest.fixture
def collection(tmp_path):
    made = collection_at(tmp_path / "c")
    keep(made, day(0), "one", table(("a", "first", "words"), ("b", "first", "words")))
    return made


def digest_in_a_fresh_folder(collection, upto: dt.date) -> str:
    """What the same files fold to where nothing was ever derived."""
    copy = collection.folder.with_name("copy")
    shutil.copytree(collection.folder, copy, ignore=shutil.ignore_patterns("derived", "work"))
    fold(collection_at(copy), upto)
    return digest_of_all(digest(collection_at(copy)))


def test_without_an_index_the_message_says_what_to_do(collection):
    with pytest.raises(IndexUnavailableError, match="collect-assets index"), reading(collection):
        pass


def test_without_any_log_there_is_nothing_to_fold(tmp_path):
    with pytest.raises(NoLogsError, match="collect first"):
        fold(collection_at(tmp_path / "empty"), day(0))


def test_publishing_gives_the_next_number_and_keeps_the_file_before_for_its_readers(collection):
    numbers = []
    for number in range(1, 4):
        keep(collection, day(number), "one", table(("a", f"name {number}", "words")))
        numbers.append(number_of(fold(collection, day(number)).index))

    assert numbers == sorted(set(numbers))
    assert sorted(number_of(path) for path in collection.derived.glob("index-*.duckdb")) == numbers[-2:]
    assert collection.index.resolve() == published(collection)
    assert list(collection.work.iterdir()) == [], "what was spilled stays behind"


def test_a_reader_in_the_same_process_keeps_its_day_while_the_next_is_published(collection):
    fold(collection, day(0))
    keep(collection, day(1), "one", table(("a", "second", "words")))

    with reading(collection) as before:
        fold(collection, day(1))
        with reading(collection) as after:
            days = [c.execute("SELECT max(entry_date) FROM day").fetchone() for c in (before, after)]

    assert days == [(day(0),), (day(1),)]


def test_searching_in_a_loop_while_days_are_published_never_fails_and_never_sees_half_a_day(collection):
    fold(collection, day(0))
    seen, stop = [], threading.Event()

    def look() -> None:
        while not stop.is_set():
            try:
                seen.append({hit.record["name"] for hit in search(collection).hits})
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                seen.append(error)

    looking = threading.Thread(target=look)
    looking.start()
    for number in range(1, 6):
        keep(collection, day(number), "one", table(("a", f"name {number}", "words"), ("b", f"name {number}", "words")))
        fold(collection, day(number))
    stop.set()
    looking.join()

    assert [names for names in seen if not isinstance(names, set) or len(names) != 1] == []
    assert len({frozenset(names) for names in seen}) > 1


def fold_in_a_process(folder: str, upto: str) -> None:
    fold(collection_at(Path(folder)), dt.date.fromisoformat(upto))


def test_two_processes_that_fold_at_once_take_turns_and_end_in_the_same_digest(collection):
    for number in range(1, 4):
        keep(collection, day(number), "one", table(("a", f"name {number}", "words")))
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=fold_in_a_process, args=(str(collection.folder), day(number).isoformat()))
        for number in (3, 1)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert [writer.exitcode for writer in writers] == [0, 0]
    assert digest_of_all(digest(collection)) == digest_in_a_fresh_folder(collection, day(3))


def test_a_stale_wal_of_an_interrupted_writer_is_never_replayed_into_the_index(collection):
    fold(collection, day(0))
    before = digest_of_all(digest(collection))
    # The log of changes that a killed writer leaves beside the name that the next index would take.
    crashed = collection.derived / "index-2.building"
    shutil.copyfile(published(collection), crashed)
    writer = duckdb.connect(str(crashed))
    writer.execute("SET checkpoint_threshold = '1TB'; DELETE FROM item_version")
    shutil.copyfile(f"{crashed}.wal", collection.derived / "kept.wal")
    writer.close()
    shutil.copyfile(collection.derived / "kept.wal", collection.derived / "index-2.duckdb.wal")
    shutil.copyfile(collection.derived / "kept.wal", collection.derived / "index-3.building.wal")
    keep(collection, day(1), "one", table(("a", "first", "words"), ("b", "first", "words")))

    fold(collection, day(1))

    assert search(collection).total == 2
    assert digest_of_all(digest(collection)) != before
    assert digest_of_all(digest(collection)) == digest_in_a_fresh_folder(collection, day(1))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "not a database", "deleted"])
def test_f73_a_damaged_index_is_told_and_built_again_to_the_same_digest(collection, damage):
    fold(collection, day(0))
    before = digest_of_all(digest(collection))
    path = published(collection)
    content = path.read_bytes()
    match damage:
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "flipped":
            path.write_bytes(bytes([255 - byte for byte in content[:8192]]) + content[8192:])
        case "not a database":
            path.write_bytes(b"something else")
        case "deleted":
            path.unlink()

    with pytest.raises(IndexUnavailableError, match=r"build it again|there is no item index"), reading(collection):
        pass
    report = fold(collection, day(0))

    assert digest_of_all(digest(collection)) == before
    assert bool(report.rebuilt) == (damage != "deleted")


OPEN_FOR_WRITING = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
connection.close()
"""


@contextmanager
def open_for_writing(path):
    """Another program has the index open as a client does that does not ask for read-only."""
    command = [sys.executable, "-c", OPEN_FOR_WRITING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout.readline() == "open\n"
        yield client
        client.communicate("\n")


def test_f72_an_index_that_another_program_holds_open_is_waited_for_and_then_told(collection, monkeypatch):
    fold(collection, day(0))
    with open_for_writing(published(collection)) as client:
        threading.Timer(0.3, client.stdin.write, ["\n"]).start()
        threading.Timer(0.4, client.stdin.flush).start()
        assert search(collection).total == 2

    monkeypatch.setattr(publish, "LOCK_WAIT", 0.2)
    with open_for_writing(published(collection)), pytest.raises(IndexUnavailableError, match="open for writing"):
        search(collection)


def test_f72_days_are_folded_while_another_program_holds_the_index_open(collection, monkeypatch):
    fold(collection, day(0))
    keep(collection, day(1), "one", table(("a", "second", "words")))
    monkeypatch.setattr(publish, "LOCK_WAIT", 0.2)
    with open_for_writing(published(collection)):
        fold(collection, day(1))

    assert digest_of_all(digest(collection)) == digest_in_a_fresh_folder(collection, day(1))


def test_a_failure_in_the_middle_leaves_the_published_index_as_it_was(collection):
    fold(collection, day(0))
    before = published(collection).read_bytes()

    with pytest.raises(RuntimeError), building(collection, published(collection)) as connection:
        connection.execute("DELETE FROM item_version")
        raise RuntimeError("the power went")

    assert published(collection).read_bytes() == before
    assert not list(collection.derived.glob("*.building*"))


def test_an_index_that_cannot_be_written_says_where_and_why(collection):
    (collection.folder / "derived").write_text("in the way")

    with pytest.raises(StorageError, match="derived"):
        fold(collection, day(0))


def test_a_resource_that_is_missing_is_told_and_taken_in_when_it_is_back(collection):
    log = keep(collection, day(1), "two", table(("c", "third", "words")))
    resource = collection.resources.path(log.resource)
    content = resource.read_bytes()
    resource.unlink()

    first = fold(collection, day(1))
    resource.write_bytes(content)
    fold(collection, day(1))

    assert "is missing" in first.changes[day(1)].problems[log.endpoint]
    assert {hit.item for hit in search(collection).hits} == {"a", "b", "c"}


def test_a_resource_with_a_flipped_bit_is_not_read(collection):
    log = keep(collection, day(1), "two", table(("c", "third", "words")))
    resource = collection.resources.path(log.resource)
    resource.write_bytes(resource.read_bytes().replace(b"third", b"thirx"))

    report = fold(collection, day(1))

    assert "other bytes" in report.changes[day(1)].problems[log.endpoint]
    assert {hit.item for hit in search(collection).hits} == {"a", "b"}


def test_a_resource_that_no_reader_can_read_says_so_and_the_day_goes_on(collection):
    log = keep(collection, day(1), "two", b"%PDF-1.7 a brochure")
    keep(collection, day(1), "one", table(("a", "second", "words")))

    report = fold(collection, day(1))

    assert "PDF" in report.changes[day(1)].problems[log.endpoint]
    assert report.changes[day(1)].updated == 1


def test_parameters_that_cannot_be_used_are_told_per_endpoint_and_mended_by_the_register(collection):
    log = keep(collection, day(1), "two", table(("c", "third", "words")), parameters={"id": 7})

    first = fold(collection, day(1))
    (collection.folder / "endpoint.csv").write_text(f"endpoint,endpoint-url\n{log.endpoint},{log.endpoint_url}\n")
    fold(collection, day(1))

    assert "id is 7" in first.changes[day(1)].problems[log.endpoint]
    assert {hit.item for hit in search(collection).hits} == {"a", "b", "c"}


def test_a_file_of_which_much_is_free_is_written_anew_without_it_and_says_the_same(collection, monkeypatch):
    keep(collection, day(1), "one", table(("a", "second", "words"), ("c", "second", "words")))
    fold(collection, day(1))
    monkeypatch.setattr("collect_assets.index.publish.FEW_BLOCKS", 0)
    monkeypatch.setattr("collect_assets.index.publish.FREE_SHARE", -1.0)
    keep(collection, day(2), "one", table(("a", "third", "words"), ("d", "third", "words")))
    assert not fold(collection, day(2)).rebuilt
    keep(collection, day(3), "one", table(("e", "fourth", "words")))
    assert not fold(collection, day(3)).rebuilt

    with reading(collection) as index:
        assert index.execute("SELECT free_blocks FROM pragma_database_size()").fetchone() == (0,)
        numbers = [number for (number,) in index.execute("SELECT version_no FROM item_version").fetchall()]
    assert len(numbers) == len(set(numbers)) == 7
    assert digest_of_all(digest(collection)) == digest_in_a_fresh_folder(collection, day(3))
    assert search(collection, "fourth").total == 1
