"""Files: whole or not at all under their final name, named by what is in them, and checked when they are used again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect_assets.errors import DamagedFileError, StorageError
from collect_assets.store.local import (
    ContentStore,
    copy_file,
    file_lock,
    new_files,
    publish,
    publish_all,
    sha256_of,
    sweep,
    temporary,
    write_atomically,
)
from collect_assets.store.syncing import MANY
from collect_assets_tests.collecting.kit import sha256

OAK = b"oak,ash,elm\n" * 100


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "resource", tmp_path / "work")


def part_of(store: ContentStore, content: bytes) -> Path:
    part = temporary(store.work)
    part.write_bytes(content)
    return part


def add(store: ContentStore, content: bytes) -> Path | None:
    return store.add(part_of(store, content), sha256(content))


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@given(st.binary(max_size=3000))
def test_what_is_added_stands_under_its_hash_with_its_bytes(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("store")
    store = ContentStore(folder / "resource", folder / "work")
    assert add(store, content) is None
    assert store.path(sha256(content)).read_bytes() == content
    assert sha256_of(store.path(sha256(content))) == sha256(content)
    store.check(sha256(content), size=len(content))
    assert files_in(store.work) == []


def test_adding_the_same_bytes_again_leaves_the_file_that_is_there(store: ContentStore) -> None:
    add(store, OAK)
    before = store.path(sha256(OAK)).stat()
    assert add(store, OAK) is None
    after = store.path(sha256(OAK)).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert files_in(store.work) == []


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "bit flip": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "short": lambda content: content[:-1],
    "long": lambda content: content + b"\0",
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_f66_a_damaged_file_is_found_put_aside_and_written_again(store: ContentStore, kind: str) -> None:
    add(store, OAK)
    path = store.path(sha256(OAK))
    damaged = DAMAGE[kind](OAK)
    path.write_bytes(damaged)
    with pytest.raises(DamagedFileError, match=path.name):
        store.check(sha256(OAK), size=len(OAK))
    assert add(store, OAK) == path.with_name(f"{path.name}.damaged")
    assert path.read_bytes() == OAK
    assert path.with_name(f"{path.name}.damaged").read_bytes() == damaged
    assert list(store.names()) == [path.name]


def test_f66_many_that_find_the_damage_at_once_keep_the_damaged_bytes_and_one_good_file(store: ContentStore) -> None:
    for _ in range(20):
        add(store, OAK)
        path = store.path(sha256(OAK))
        path.write_bytes(b"rotten")
        parts = [part_of(store, OAK) for _ in range(8)]
        barrier = threading.Barrier(len(parts))

        def bring(part: Path, barrier: threading.Barrier = barrier) -> Path | None:
            barrier.wait()
            return store.add(part, sha256(OAK))

        with ThreadPoolExecutor(len(parts)) as threads:
            found = list(threads.map(bring, parts))
        assert [place for place in found if place] == [path.with_name(f"{path.name}.damaged")]
        assert path.read_bytes() == OAK
        assert path.with_name(f"{path.name}.damaged").read_bytes() == b"rotten"
        assert not any(part.exists() for part in parts)
        path.unlink()


def test_f68_the_same_bytes_brought_by_many_at_once_are_one_file(store: ContentStore) -> None:
    parts = [part_of(store, OAK) for _ in range(16)]
    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(lambda part: store.add(part, sha256(OAK)), parts)) == [None] * 16
    assert files_in(store.folder) == [sha256(OAK)]
    assert store.path(sha256(OAK)).read_bytes() == OAK
    assert files_in(store.work) == []


@pytest.mark.parametrize(
    ("content", "size", "reason"), [(None, None, "is missing"), (b"x", 2, "has 1 bytes"), (b"x", 1, "other bytes")]
)
def test_a_check_names_the_file_and_what_is_wrong(
    store: ContentStore, content: bytes | None, size: int | None, reason: str
) -> None:
    store.folder.mkdir()
    if content is not None:
        store.path("ab" * 32).write_bytes(content)
    with pytest.raises(DamagedFileError, match=reason) as caught:
        store.check("ab" * 32, size=size)
    assert str(store.path("ab" * 32)) in str(caught.value)


def test_a_check_that_is_not_whole_looks_at_the_size_only(store: ContentStore) -> None:
    store.folder.mkdir()
    store.path("ab" * 32).write_bytes(b"x")
    store.check("ab" * 32, size=1, whole=False)


def test_a_store_that_was_never_written_has_no_names(store: ContentStore) -> None:
    assert list(store.names()) == []


def test_writing_replaces_a_file_whole_and_makes_its_folder(tmp_path: Path) -> None:
    final = tmp_path / "a" / "b" / "x.json"
    write_atomically(final, b"old and long", tmp_path / "work")
    write_atomically(final, b"new", tmp_path / "work")
    assert final.read_bytes() == b"new"
    assert files_in(tmp_path / "work") == []


def test_readers_see_the_old_or_the_new_content_and_never_half(tmp_path: Path) -> None:
    final, contents = tmp_path / "x", [bytes([65 + n]) * 300_000 for n in range(2)]
    write_atomically(final, contents[0], tmp_path / "work")
    done = threading.Event()
    seen: set[bytes] = set()

    def read() -> None:
        while not done.is_set():
            seen.add(final.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(60):
        write_atomically(final, contents[n % 2], tmp_path / "work")
    done.set()
    reader.join()
    assert seen <= set(contents)


def moves_of(folder: Path, count: int) -> list[tuple[Path, Path]]:
    parts = new_files(folder / "work", [str(number).encode() for number in range(count)])
    return [(part, folder / "log" / str(number)) for number, part in enumerate(parts)]


@pytest.mark.parametrize("count", [0, 1, MANY - 1, MANY, 5 * MANY])
def test_many_files_are_moved_to_their_names(tmp_path: Path, count: int) -> None:
    (tmp_path / "resource").mkdir()
    assert publish_all(moves_of(tmp_path, count), after=tmp_path / "resource") == {}
    found = {path.name: path.read_text() for path in tmp_path.glob("log/*")}
    assert found == {str(number): str(number) for number in range(count)}
    assert list(tmp_path.glob("work/*")) == []


@pytest.mark.parametrize("count", [2, MANY + 1])
def test_what_goes_wrong_with_one_of_many_files_is_told_and_the_others_are_moved(tmp_path: Path, count: int) -> None:
    moves = moves_of(tmp_path, count)
    (tmp_path / "file").write_text("a file where a folder has to be")
    moves[1] = (moves[1][0], tmp_path / "file" / "1")
    failed = publish_all(moves)
    assert list(failed) == [moves[1][0]]
    assert str(tmp_path / "file" / "1") in str(failed[moves[1][0]])
    assert sorted(path.name for path in tmp_path.glob("log/*")) == sorted(str(n) for n in range(count) if n != 1)
    assert list(tmp_path.glob("work/*")) == []


def test_a_file_that_cannot_be_written_to_the_disk_does_not_appear(tmp_path: Path) -> None:
    moves = moves_of(tmp_path, 3)
    moves[2][0].unlink()
    assert list(publish_all(moves)) == [moves[2][0]]
    assert sorted(path.name for path in tmp_path.glob("log/*")) == ["0", "1"]


def test_files_do_not_appear_before_the_names_that_they_speak_of_are_on_the_disk(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        publish_all(moves_of(tmp_path, 2), after=tmp_path / "resource")
    assert list(tmp_path.glob("log/*")) == list(tmp_path.glob("work/*")) == []


def test_new_files_are_all_there_or_none(tmp_path: Path) -> None:
    contents = (b"x" if number < 3 else b"".join([1]) for number in range(5))  # type: ignore[list-item]
    with pytest.raises(TypeError):
        new_files(tmp_path / "work", contents)
    assert list(tmp_path.glob("work/*")) == []


def test_f65_a_final_folder_that_cannot_be_is_a_storage_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where a folder has to be")
    with pytest.raises(StorageError, match="free space, check the folder's permissions") as caught:
        write_atomically(tmp_path / "log" / "2026-03-01" / "x.json", b"x", tmp_path / "work")
    assert str(tmp_path / "log" / "2026-03-01" / "x.json") in str(caught.value)
    assert files_in(tmp_path / "work") == []


def test_f65_a_work_folder_that_cannot_be_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file")
    with pytest.raises(StorageError, match="work"):
        write_atomically(tmp_path / "x", b"x", tmp_path / "work")
    with pytest.raises(StorageError, match="lock"), file_lock(tmp_path / "work" / "lock"):
        pass


def test_publishing_what_is_not_there_is_a_storage_error_and_the_old_file_stays(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(StorageError):
        publish(tmp_path / "nothing", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"old"


def test_what_is_in_the_making_here_is_not_swept(tmp_path: Path) -> None:
    part = temporary(tmp_path)
    part.write_bytes(b"half")
    (tmp_path / f"{os.getpid()}-spill").mkdir()
    assert sweep(tmp_path) == 0
    assert part.exists()


def test_what_a_process_that_is_gone_left_is_swept(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from collect_assets.store.local import temporary\n"
        "work = Path(sys.argv[1])\ntemporary(work).write_bytes(b'half')\n"
        "(temporary(work) / 'pages').mkdir(parents=True)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert len(files_in(tmp_path)) == 2
    assert sweep(tmp_path) == 2
    assert files_in(tmp_path) == []


def test_what_an_earlier_process_of_the_same_number_left_is_swept(tmp_path: Path) -> None:
    process, _, place, number = temporary(tmp_path).name.split("-")
    (tmp_path / f"{process}-1-{place}-{number}").write_bytes(b"half")
    assert sweep(tmp_path) == 1


@pytest.mark.parametrize("name", ["{process}-1-0123abcd-{number}", "1-1-0123abcd-{number}", "1-1-{number}"])
def test_what_others_made_elsewhere_is_swept_after_a_day_without_change(tmp_path: Path, name: str) -> None:
    process, *_, number = temporary(tmp_path).name.split("-")
    part, pages = (tmp_path / name.format(process=process, number=each) for each in (number, "0" * 32))
    part.write_bytes(b"half a download of a process in another container")
    pages.mkdir()
    (pages / "1").write_bytes(b"x")
    long_ago = time.time() - 25 * 3600
    os.utime(part, (long_ago, long_ago + 7200))
    os.utime(pages, (long_ago, long_ago))
    assert sweep(tmp_path) == 0
    os.utime(part, (long_ago, long_ago))
    os.utime(pages / "1", (long_ago, long_ago))
    assert sweep(tmp_path) == 2
    assert files_in(tmp_path) == []


def test_what_is_in_the_making_is_not_swept_by_another_container(tmp_path: Path) -> None:
    part = temporary(tmp_path)
    part.write_bytes(b"half")
    code = (
        "import sys; from pathlib import Path; from collect_assets.store.local import sweep; sweep(Path(sys.argv[1]))"
    )
    apart = ["unshare", "--pid", "--fork", "--mount-proc"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives us no process namespace of our own")
    subprocess.run([*apart, sys.executable, "-c", code, str(tmp_path)], check=True)
    assert part.exists()


def test_files_of_people_in_work_are_left_alone(tmp_path: Path) -> None:
    for name in ("collecting.lock", "notes.txt", "4x-1-ab"):
        (tmp_path / name).write_text("mine")
    assert sweep(tmp_path) == 0
    assert sweep(tmp_path / "nowhere") == 0


def test_a_lock_is_held_by_one_at_a_time_and_given_back_when_its_process_dies(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from collect_assets.store.local import file_lock\n"
        "with file_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a" / "lock")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        got = threading.Event()

        def take() -> None:
            with file_lock(tmp_path / "a" / "lock"):
                got.set()

        waiting = threading.Thread(target=take)
        waiting.start()
        assert not got.wait(0.3)
        holder.kill()
        assert got.wait(5)
        waiting.join()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the test's own."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other file system to write to")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def test_a_store_on_another_file_system_takes_files_in(tmp_path: Path, elsewhere: Path) -> None:
    store = ContentStore(elsewhere / "resource", tmp_path / "work")
    assert add(store, OAK) is None
    assert add(store, OAK) is None
    store.check(sha256(OAK), size=len(OAK))
    store.path(sha256(OAK)).write_bytes(b"rotten")
    assert add(store, OAK) == store.path(f"{sha256(OAK)}.damaged")
    store.check(sha256(OAK))
    assert list(store.names()) == [sha256(OAK)]
    assert files_in(store.work) == ["damaged.lock"]
    assert files_in(store.folder / ".work") == []


@pytest.mark.parametrize("size", [0, 1, (3 << 20) + 7])
def test_a_copy_has_the_same_bytes_here_and_on_another_file_system(tmp_path: Path, elsewhere: Path, size: int) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(size))
    for target in (tmp_path / "target", elsewhere / "target"):
        copy_file(source, target)
        assert target.read_bytes() == source.read_bytes()


def test_small_files_are_written_atomically_to_another_file_system(tmp_path: Path, elsewhere: Path) -> None:
    final = elsewhere / "log" / "2026-03-01" / "x.json"
    write_atomically(final, b"old and long", tmp_path / "work")
    write_atomically(final, b"new", tmp_path / "work")
    assert final.read_bytes() == b"new"
    assert files_in(tmp_path / "work") == []
    assert list((elsewhere / "log").rglob("*.json")) == [final]


def test_what_an_interruption_left_on_another_file_system_is_swept(tmp_path: Path, elsewhere: Path) -> None:
    store = ContentStore(elsewhere / "resource", tmp_path / "work")
    left = temporary(store.folder / ".work")
    process, _, place, number = left.name.split("-")
    left.with_name(f"{process}-1-{place}-{number}").write_bytes(b"half")
    add(store, OAK)
    assert files_in(store.folder / ".work") == []


def test_a_file_that_the_disk_does_not_give_back_is_damaged_and_says_so(store: ContentStore) -> None:
    store.folder.mkdir()
    store.path("ab" * 32).symlink_to("/proc/self/mem")  # a file whose first byte is an I/O error
    with pytest.raises(DamagedFileError, match="cannot be read: Input/output error") as caught:
        store.check("ab" * 32)
    assert str(store.path("ab" * 32)) in str(caught.value)
