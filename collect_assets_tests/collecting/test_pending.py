"""Harvests of many pages: what is finished survives `kill -9`, and is not asked again while the day lasts."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from collect_assets.collecting.pending import discard_finished, sweep_pending
from collect_assets.folding.fold import fold
from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, NOON, QUICK, Folder
from collect_assets_tests.plugins.arcgis_service import PATH, Service, point
from collect_assets_tests.servers import Asked, Page, WebServer

PAGES = 40


def registered(folder: Folder, url: str, **parameters: Any) -> Folder:
    return folder.register({"endpoint-url": url, "plugin": "arcgis", "parameters": json.dumps(parameters)})


def pending(folder: Folder, url: str, day: dt.date) -> Path:
    return folder.path / "work/pending" / day.isoformat() / endpoint_id(url)


def today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def test_killed_in_the_middle_only_the_missing_pages_are_asked_for(folder: Folder) -> None:
    service = Service([point(number) for number in range(1, PAGES * 5 + 1)], most=5)

    def slowly(asked: Asked) -> Page:
        page = service(asked)
        return Page(page.body, page.status, page.headers, delay=0.02)

    with WebServer(slowly) as server:
        url = server.url(PATH)
        registered(folder, url, id="OBJECTID")
        process = subprocess.Popen(folder.collect_command(), env=folder.shell, stdout=subprocess.DEVNULL)
        day = today()
        until = time.monotonic() + 30
        while len(list(pending(folder, url, day).glob("offset-*.json"))) < 10 and time.monotonic() < until:
            time.sleep(0.01)
        process.kill()
        process.wait()
        finished = {path.stem for path in pending(folder, url, day).glob("offset-*.json")}
        assert 10 <= len(finished) < PAGES
        shown = folder.run("tasks", url, day.isoformat(), "--collection-dir", str(folder.path), "--json")
        assert shown.returncode == 1, shown.stderr
        assert {task["key"] for task in json.loads(shown.stdout)["tasks"]} == {"layer", "count", *finished}

        service.asked.clear()
        done = subprocess.run(folder.collect_command(), env=folder.shell, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        expected = {f"offset-{number * 5:09d}" for number in range(PAGES)} - finished
        assert {f"offset-{int(start):09d}" for start in service.pages_asked()} == expected
        assert len(service.asked) == len(expected)
        log = folder.log(url, day)
        assert [task["state"] for task in log.tasks] == ["finished"] * (PAGES + 2)
        assert folder.left_in_work() == ["pending"]
        assert not pending(folder, url, day).exists()

        path = folder.path.with_name("undisturbed") / "trees"
        path.mkdir(parents=True)
        undisturbed = registered(Folder(path, environment=folder.environment).settings(QUICK), url, id="OBJECTID")
        subprocess.run(undisturbed.collect_command(), env=folder.shell, capture_output=True, check=True)
        assert undisturbed.resources() == folder.resources()


def interrupted(folder: Folder, url: str, broken: set[str], count: int = 25) -> Service:
    """A service of which a page fails."""
    return Service([point(number) for number in range(1, count + 1)], most=10,
                   interfere=lambda form: Page(b"", 400) if form.get("resultOffset") in broken else None)  # fmt: skip


def test_what_is_pending_goes_when_its_day_is_over(folder: Folder) -> None:
    service = interrupted(folder, "", {"10"})
    with WebServer(service) as server:
        registered(folder, url := server.url(PATH))
        folder.collect()
        assert pending(folder, url, DAY).is_dir()
        folder.now = NOON + dt.timedelta(hours=17)  # within the hours of grace
        assert sweep_pending(folder.collection, folder.now) == 0
        folder.now = NOON + dt.timedelta(days=1)
        service.asked.clear()
        folder.collect(NEXT_DAY)
        assert not pending(folder, url, DAY).parent.exists()
        assert service.pages_asked() == ["0", "10", "20"]
        assert folder.log(url, DAY).outcome == "failed:incomplete"


def test_tasks_that_are_older_than_the_good_log_of_the_day_are_not_used_again(tmp_path: Path) -> None:
    tasks, log = tmp_path / "day" / "e", tmp_path / "log.json"
    tasks.mkdir(parents=True)
    (tasks / "offset-000000000.json").write_text("{}")
    log.write_text("{}")
    discard_finished(tasks, log)
    assert not tasks.parent.exists()


def test_tasks_that_are_newer_than_the_log_are_a_refill_that_goes_on(tmp_path: Path) -> None:
    tasks, log = tmp_path / "day" / "e", tmp_path / "log.json"
    tasks.mkdir(parents=True)
    log.write_text("{}")
    time.sleep(0.02)
    (tasks / "offset-000000000.json").write_text("{}")
    discard_finished(tasks, log)
    assert tasks.is_dir()


def test_a_page_that_was_damaged_is_asked_again(folder: Folder) -> None:
    broken = {"20"}
    service = interrupted(folder, "", broken)
    with WebServer(service) as server:
        registered(folder, url := server.url(PATH))
        folder.collect()
        page = pending(folder, url, DAY) / "offset-000000000"
        page.write_bytes(page.read_bytes()[:-5])
        broken.clear()
        service.asked.clear()
        folder.collect()
        assert service.pages_asked() == ["0", "20"]
        assert folder.log(url).outcome == "first"


def test_other_parameters_make_other_pages(folder: Folder) -> None:
    service = interrupted(folder, "", broken := {"20"})
    with WebServer(service) as server:
        registered(folder, server.url(PATH))
        folder.collect()
        broken.clear()
        registered(folder, server.url(PATH), max_page_size=5)
        service.asked.clear()
        folder.collect()
        assert service.pages_asked() == ["0", "5", "10", "15", "20"]


def test_records_of_an_incomplete_harvest_are_items_and_prove_no_absence(folder: Folder) -> None:
    broken: set[str] = set()
    service = interrupted(folder, "", broken)
    folder.settings(QUICK + "[items]\nabsences-before-deletion = 1\n")
    with WebServer(service) as server:
        registered(folder, url := server.url(PATH), id="OBJECTID")
        folder.collect()
        broken.add("10")
        service.features[0]["attributes"]["name"] = "renamed"
        folder.tomorrow()
    assert folder.log(url, NEXT_DAY).partial_resource
    fold(folder.collection, NEXT_DAY)
    with duckdb.connect(str(folder.collection.index), read_only=True) as index:
        changes = index.execute(
            "SELECT first_date, change, count(*) FROM item_version GROUP BY ALL ORDER BY 1"
        ).fetchall()
        items = index.execute("SELECT count(*) FROM item").fetchall()
    assert changes == [(DAY, "created", 25), (NEXT_DAY, "updated", 1)]
    assert items == [(25,)]


@pytest.mark.parametrize(("name", "code", "said"), [
    ("0000", 2, "no log and no pending harvest"),
    ("", 2, "no log and no pending harvest"),
])  # fmt: skip
def test_tasks_of_what_is_not_there_are_bad_usage(folder: Folder, name: str, code: int, said: str) -> None:
    folder.register()
    done = folder.run("tasks", name, "2026-03-01", "--collection-dir", str(folder.path))
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_tasks_are_shown_with_their_state(folder: Folder) -> None:
    with WebServer(interrupted(folder, "", {"10"})) as server:
        registered(folder, url := server.url(PATH))
        folder.collect()
    done = folder.run("tasks", endpoint_id(url)[:8], "2026-03-01", "--collection-dir", str(folder.path))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["key", "state", "attempts", "records", "elapsed", "bytes", "request"]
    assert [line.split()[1] for line in lines[1:] if line.startswith("offset")] == ["finished", "failed", "finished"]
    assert "answered with status 400" in done.stdout
    assert lines[-2].startswith("5 tasks, 1 failed; failed:incomplete; ")
    assert lines[-1].endswith("what came is kept as partial-resource")


def test_a_plain_get_is_shown_as_one_task(folder: Folder) -> None:
    with WebServer({"/a": Page(b"a,b\n1,2\n")}) as server:
        folder.register(url := server.url("/a"))
        folder.collect()
    done = folder.run("tasks", url, "2026-03-01", "--collection-dir", str(folder.path), "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["outcome"], len(found["tasks"])) == (0, "first", 1)
    assert (found["tasks"][0]["request"], found["tasks"][0]["bytes"]) == (f"GET {url}", 8)
