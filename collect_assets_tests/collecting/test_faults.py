"""Faults of store and process while a day is collected, by their numbers: each is provoked for real."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collect_assets.collecting.plan import Mode
from collect_assets.collecting.verify import verify
from collect_assets.collection import Collection
from collect_assets.errors import StorageError
from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, Folder, csv_of, sha256
from collect_assets_tests.servers import Asked, Hold, Page, RawServer, WebServer, http

CONTENTS = csv_of(1)


def start(folder: Folder, *more: str, before: str = "") -> subprocess.Popen[str]:
    """The command as a process of its own; `before` is run in it first."""
    command = folder.collect_command(*more)
    command[2] = f"{before}\n{command[2]}"
    return subprocess.Popen(command, env=folder.shell, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def until(true: object, *, within: float = 20.0) -> None:
    """Waits for a condition, given as a function."""
    assert callable(true)
    last = time.monotonic() + within
    while not true():
        assert time.monotonic() < last, "it did not happen"
        time.sleep(0.01)


def test_f61_killed_while_a_body_is_written_leaves_nothing_under_a_final_name(folder: Folder) -> None:
    body = CONTENTS * 40_000
    half = http(body)[: len(body) // 2]
    with RawServer([half, Hold()], [http(body)]) as server:
        folder.register(server.url())
        process = start(folder)
        try:
            until(lambda: any(size > 65536 for size in folder.sizes_in_work()))
        finally:
            process.kill()
            code, _, _ = end(process)
        assert code == -signal.SIGKILL
        assert folder.resources() == {}
        assert not list((folder.path / "log").rglob("*.json"))
        assert len(folder.left_in_work()) == 1
        assert end(start(folder))[0] == 0
    assert folder.resources() == {sha256(body): body}
    assert folder.left_in_work() == []


KILL_AT = """
import os, signal
import collect_assets.collecting.{module} as module
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
module.{function} = killed
"""


def test_f62_killed_between_resource_and_log_the_next_run_uses_the_same_bytes(folder: Folder) -> None:
    with WebServer({"/a": Page(CONTENTS)}) as server:
        folder.register(server.url("/a"))
        assert end(start(folder, before=KILL_AT.format(module="record", function="new_files")))[0] == -signal.SIGKILL
        assert folder.resources() == {sha256(CONTENTS): CONTENTS}
        assert verify(folder.collection).unnamed == 1
        orphan = folder.collection.resources.path(sha256(CONTENTS)).stat()
        code, out, _ = end(start(folder))
        assert code == 0
        assert "1  first" in out
    assert folder.collection.resources.path(sha256(CONTENTS)).stat().st_ino == orphan.st_ino
    assert verify(folder.collection).unnamed == 0
    assert verify(folder.collection).problems == ()


def test_f63_killed_between_the_last_log_and_the_end_of_the_run_nothing_is_counted_twice(folder: Folder) -> None:
    with WebServer({f"/{n}": Page(csv_of(n)) for n in range(4)}) as server:
        folder.register(*[server.url(f"/{n}") for n in range(4)])
        assert end(start(folder, before=KILL_AT.format(module="day", function="end_run")))[0] == -signal.SIGKILL
        code, out, _ = end(start(folder))
        assert len(server.asked) == 4
    assert code == 0
    assert "0 asked now, 4 had their log already; 4 logs, 4 with a resource, 4 distinct" in out
    (day,) = folder.collection.entry_dates()
    interrupted, ended = folder.runs(day)
    assert ("ended" in interrupted, "ended" in ended) == (False, True)


@pytest.mark.parametrize("seconds", [0.5, 0.9, 1.3])
def test_f63_killed_while_items_are_committed_the_next_run_completes_them(folder: Folder, seconds: float) -> None:
    header = b"reference,name\n"
    with WebServer({f"/{n}": Page(header + csv_of(n, 500)) for n in range(4)}) as server:
        folder.register(*[server.url(f"/{n}") for n in range(4)])
        assert end(start(folder))[0] == 0
    untouched = Folder(folder.path.with_name("untouched"), environment=folder.environment)
    shutil.copytree(folder.path, untouched.path)
    process = subprocess.Popen(
        folder.command("index", "-c", str(folder.path)), env=folder.shell, stdout=subprocess.PIPE
    )
    time.sleep(seconds)
    process.kill()
    process.communicate()
    for each in (folder, folder, untouched):
        done = each.run("index", "-c", str(each.path))
        assert done.returncode == 0, done.stderr
    digests = [each.run("digest", "-c", str(each.path)) for each in (folder, untouched)]
    assert digests[0].returncode == 0, digests[0].stderr
    assert digests[0].stdout == digests[1].stdout
    assert len(digests[0].stdout.splitlines()) > 1


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 256 KB, where we may mount one."""
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"mounting is not permitted: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_f64_a_body_that_fills_the_disk_is_a_failure_of_its_endpoint_alone(folder: Folder) -> None:
    if shutil.which("mount") is None:
        pytest.skip("there is no mount command")
    large = os.urandom(600_000)
    pages = {"/small": Page(CONTENTS), "/large": Page(large), "/other": Page(csv_of(2))}
    with small_disk(folder.path.with_name("disk")) as disk, WebServer(pages) as server:
        here = Folder(disk, environment=folder.environment).settings("[politeness]\npause-share = 0.0\n")
        here.register(*[server.url(path) for path in pages])
        report = here.collect()
        log = here.log(server.url("/large"))
        assert report.outcomes == {"failed:storage": 1, "first": 2}
        assert "No space left on device" in log.message
        assert "free space" in log.message
        assert log.transient
        assert here.left_in_work() == []
        assert set(here.resources()) == {sha256(CONTENTS), sha256(csv_of(2))}
        assert list(here.wrong_files()) == []


def test_f64_on_a_full_disk_the_run_ends_with_a_clear_message_and_what_was_there_stays(folder: Folder) -> None:
    if shutil.which("mount") is None:
        pytest.skip("there is no mount command")
    with (
        small_disk(folder.path.with_name("disk")) as disk,
        WebServer({"/a": Page(CONTENTS), "/b": Page(b"2")}) as server,
    ):
        here = Folder(disk, environment=folder.environment)
        here.register(server.url("/a")).collect()
        here.register(server.url("/a"), server.url("/b"))
        before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
        with (disk / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(b"\0" * 4096):
                    pass
            except OSError:
                pass
        with pytest.raises(StorageError, match="No space left on device; free space") as caught:
            here.collect(mode=Mode.REFILL)
        assert str(disk) in str(caught.value)
        assert {path: path.read_bytes() for path in before} == before
        (disk / "filler").unlink()
        assert here.collect().outcomes == {"first": 2}
        assert list(here.wrong_files()) == []
        assert here.left_in_work() == []


LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"


def test_f64_a_file_that_may_not_grow_so_large_is_a_failure_of_its_endpoint_alone(folder: Folder) -> None:
    pages = {"/small": Page(CONTENTS), "/large": Page(csv_of(3, 20_000)), "/other": Page(csv_of(2))}
    with WebServer(pages) as server:
        folder.register(*[server.url(path) for path in pages])
        code, out, err = end(start(folder, before=LIMITED.format(size=100_000)))
        day = folder.collection.entry_dates()[0]
        log = folder.log(server.url("/large"), day)
        assert (code, err) == (0, "")
        assert "1  failed:storage" in out
        assert "2  first" in out
        assert "File too large" in log.message
        assert set(folder.resources()) == {sha256(CONTENTS), sha256(csv_of(2))}
        assert folder.left_in_work() == []
        assert end(start(folder))[0] == 0
    assert len(folder.resources()) == 3


def test_f64_a_log_that_cannot_be_written_ends_the_run_with_a_clear_message(folder: Folder) -> None:
    with WebServer({"/a": Page(CONTENTS)}) as server:
        folder.register(server.url("/a")).collect()
        before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
        code, _, err = end(start(folder, before=LIMITED.format(size=100)))
    assert code == 1
    assert err.startswith("Error: ")
    assert "File too large; free space" in err
    assert "Traceback" not in err
    assert {path: path.read_bytes() for path in before} == before


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """A folder in which even root cannot write, where that can be had."""
    place.mkdir(parents=True, exist_ok=True)
    if os.geteuid():
        place.chmod(0o555)
        undo = ["chmod", "755", str(place)]
    else:
        if (
            shutil.which("chattr") is None
            or subprocess.run(["chattr", "+i", place], capture_output=True, check=False).returncode
        ):
            pytest.skip("root writes everywhere, and the file system has no immutable folders")
        undo = ["chattr", "-i", str(place)]
    try:
        yield
    finally:
        subprocess.run(undo, check=True)


def test_f65_a_read_only_resource_folder_is_a_failure_with_the_path_and_the_remedy(folder: Folder) -> None:
    with WebServer({"/a": Page(CONTENTS), "/b": Page(status=404)}) as server:
        folder.register(server.url("/a"), server.url("/b"))
        with read_only(folder.path / "resource"):
            report = folder.collect()
        log = folder.log(server.url("/a"))
        assert report.outcomes == {"failed:status": 1, "failed:storage": 1}
        assert str(folder.path / "resource") in log.message
        assert "check the folder's permissions" in log.message
        assert log.attempts[0]["status"] == 200
        assert folder.left_in_work() == []
        assert folder.collect().outcomes == {"failed:status": 1, "first": 1}


def test_f65_a_read_only_log_folder_ends_the_run_and_says_so(folder: Folder) -> None:
    with WebServer({"/a": Page(CONTENTS)}) as server:
        folder.register(server.url("/a"))
        with (
            read_only(folder.path / "log" / DAY.isoformat()),
            pytest.raises(StorageError, match="permissions") as caught,
        ):
            folder.collect()
        assert str(folder.path / "log") in str(caught.value)
        assert folder.collect().outcomes == {"first": 1}


def test_f65_a_resource_folder_that_cannot_be_made_is_a_failure_of_each_endpoint(folder: Folder) -> None:
    (folder.path / "blocked").write_text("a file")
    with WebServer({"/a": Page(CONTENTS)}) as server:
        folder.register(server.url("/a"))
        code, out, _ = end(start(folder, "--resource-dir", str(folder.path / "blocked" / "resource")))
        assert code == 0
        assert "1  failed:storage" in out
        code, _, err = end(start(folder, "--log-dir", str(folder.path / "blocked" / "log")))
    assert code == 1
    assert "blocked" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("damage", ["bit flip", "short", "empty"])
@pytest.mark.parametrize("conditional", [False, True], ids=["served again", "answered with 304"])
def test_f66_a_damaged_resource_is_found_when_it_is_used_again(folder: Folder, damage: str, conditional: bool) -> None:
    def answer(asked: Asked) -> Page:
        if not conditional:
            return Page(CONTENTS)
        headers = {"ETag": '"1"'}
        return Page(b"", 304, headers) if "if-none-match" in asked.headers else Page(CONTENTS, headers=headers)

    damaged = {"bit flip": b"\xff" + CONTENTS[1:], "short": CONTENTS[:-3], "empty": b""}[damage]
    with WebServer(answer) as server:
        url = server.url("/a")
        folder.register(url).collect()
        path = folder.collection.resources.path(sha256(CONTENTS))
        path.write_bytes(damaged)
        report = folder.tomorrow()
        log = folder.log(url, NEXT_DAY)
    assert report.outcomes == {"same": 1}
    assert folder.resources() == {path.name: CONTENTS, f"{path.name}.damaged": damaged}
    assert f"{path.name}.damaged" in log.message
    assert list(folder.collection.resources.names()) == [path.name]
    assert verify(folder.collection).problems == ()


def test_f67_two_runs_for_one_day_at_once_ask_each_endpoint_once(folder: Folder) -> None:
    with WebServer(lambda asked: Page(asked.path.encode(), delay=0.02)) as server:
        urls = [server.url(f"/{n}") for n in range(20)]
        folder.register(*urls)
        processes = [start(folder), start(folder)]
        ended = [end(process) for process in processes]
        assert [code for code, _, _ in ended] == [0, 0]
        assert sorted(asked.path for asked in server.asked) == sorted(f"/{n}" for n in range(20))
    assert sorted("20 asked now" in out for _, out, _ in ended) == [False, True]
    assert all("20 logs, 20 with a resource" in out for _, out, _ in ended)
    assert list(folder.wrong_files()) == []


def test_f67_two_runs_for_one_day_in_one_process_ask_each_endpoint_once(folder: Folder) -> None:
    with WebServer(lambda asked: Page(asked.path.encode(), delay=0.01)) as server:
        folder.register(*[server.url(f"/{n}") for n in range(10)])
        threads = [threading.Thread(target=folder.collect) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.asked) == 10
    assert len(folder.collect().resources) == 10


def test_f68_the_same_bytes_from_two_endpoints_at_once_are_one_file_and_two_logs(folder: Folder) -> None:
    together = threading.Barrier(4)

    def answer(_: Asked) -> Page:
        together.wait(10)
        return Page(CONTENTS * 5000)

    with WebServer(answer) as a, WebServer(answer) as b, WebServer(answer) as c, WebServer(answer) as d:
        report = folder.register(*[server.url("/same") for server in (a, b, c, d)]).collect()
    assert report.outcomes == {"first": 4}
    assert set(report.resources.values()) == {sha256(CONTENTS * 5000)}
    assert folder.resources() == {sha256(CONTENTS * 5000): CONTENTS * 5000}
    assert len(list((folder.path / "log").rglob("*.json"))) == 4


def test_f69_the_command_collects_for_the_utc_day_whatever_time_zone_the_process_has(folder: Folder) -> None:
    with WebServer({"/a": Page(CONTENTS)}) as server:
        folder.register(server.url("/a"))
        days = set()
        for zone in ("Pacific/Kiritimati", "<-12>12", "UTC"):
            shutil.rmtree(folder.path / "log", ignore_errors=True)
            folder.environment["TZ"] = zone
            before = time.strftime("%Y-%m-%d", time.gmtime())
            assert end(start(folder))[0] == 0
            after = time.strftime("%Y-%m-%d", time.gmtime())
            found = folder.collection.entry_dates()
            days.add(len(found))
            assert found[0].isoformat() in {before, after}
            log = Collection.at(folder.path).log_path(found[0], endpoint_id(server.url("/a")))
            assert f'"entry-date":"{found[0]}T00:00:00.000000"'.encode() in log.read_bytes()
    assert days == {1}
