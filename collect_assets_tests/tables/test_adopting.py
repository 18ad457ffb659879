"""Adopting the tables of others is killed at any moment, and goes on; real historic files are adopted as they are."""

from __future__ import annotations

import csv
import datetime as dt
import json
import random
import select
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from collect_assets.collecting.log import read_logs
from collect_assets.collection import Collection
from collect_assets.registers import endpoint_id
from collect_assets.tables.keeping import keep_tables
from collect_assets.tables.oldest import oldest_to_adopt

DAYS, ENDPOINTS, RESOURCES = 12, 30, 15
HEADER = "bytes,content-type,elapsed,endpoint,resource,status,entry-date,start-date,end-date,exception"
MOMENTS = 6
KEEP = """
import sys
from pathlib import Path
from collect_assets.collection import Collection
from collect_assets.tables.keeping import keep_tables
collection = Collection.at(Path(sys.argv[1]))
print("ready", flush=True)
keep_tables(collection)
print("done", flush=True)
"""


def lay(folder: Path) -> Collection:
    """A collection of others: tables of many days, and a few logs of their own among them."""
    folder.mkdir()
    lines, resources = [HEADER], ["resource,bytes,organisations,endpoints,start-date,end-date"]
    for number in range(DAYS):
        day = dt.date(2020, 2, 1) + dt.timedelta(days=number)
        for each in range(ENDPOINTS):
            url = f"https://example.org/{each}.csv"
            resource = f"{each * 100 + number // 5:064x}"
            lines.append(f"9,text/csv,0.1,{endpoint_id(url)},{resource},200,{day}T01:02:03.000004,,,")
            if each == number % ENDPOINTS:
                log = folder / "log" / str(day) / f"{endpoint_id(url)}.json"
                log.parent.mkdir(parents=True)
                log.write_text(f'{{"url": "{url}", "datetime": "{day}T01:02:03.000004", "status": "404"}}')
    for number in range(RESOURCES):
        first = dt.date(2019, 1, 1) + dt.timedelta(days=number)
        end = "" if number % 10 == 0 else first + dt.timedelta(days=20)
        resources.append(f"{9_000_000 + number:064x},7,org:1,{endpoint_id('https://example.org/1.csv')},{first},{end}")
    (folder / "log.csv").write_text("\r\n".join([*lines, ""]), newline="")
    (folder / "resource.csv").write_text("\n".join([*resources, ""]))
    return Collection.at(folder)


def state(collection: Collection) -> dict[str, bytes]:
    """What is kept for ever, and both tables."""
    adopted = sorted((collection.folder / "adopted").iterdir())
    return {path.name: path.read_bytes() for path in [collection.log_csv, collection.resource_csv]} | {
        f"adopted/{path.name}": path.read_bytes() for path in adopted
    }


def keep(collection: Collection, kill_after: float | None = None) -> float | None:
    """Keeps the tables in a process of its own; the seconds that it took, or None where it was killed."""
    command = [sys.executable, "-c", KEEP, str(collection.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        if kill_after is not None:
            select.select([process.stdout], [], [], kill_after)
            process.kill()
        done = process.stdout.readline() == "done\n"
        return time.monotonic() - began if done else None


@pytest.fixture
def undisturbed(tmp_path: Path) -> tuple[dict[str, bytes], float]:
    collection = lay(tmp_path / "undisturbed")
    seconds = keep(collection)
    assert seconds is not None
    found = state(collection)
    assert len(found) == 2 + 2 + 1 + len(collection.entry_dates())  # the tables, their copies, the note, and each day
    return found, seconds


def test_killed_at_any_moment_and_run_again_an_adoption_ends_as_if_undisturbed(
    tmp_path: Path, undisturbed: tuple[dict[str, bytes], float]
) -> None:
    expected, seconds = undisturbed
    chance = random.Random(5)
    days_at_kill = set()
    for moment in range(MOMENTS):
        collection = lay(tmp_path / f"disturbed{moment}")
        if keep(collection, kill_after=seconds * (moment + chance.random()) / MOMENTS) is None:
            days_at_kill.add(len(list((collection.folder / "adopted").glob("*.jsonl"))))
        keep_tables(collection)
        assert state(collection) == expected
    shutil.rmtree(collection.derived)
    keep_tables(collection, rebuild=True)
    assert state(collection) == expected
    assert len(days_at_kill) >= 2, "the moments do not lie within the adoption"


def test_killed_again_and_again_an_adoption_comes_to_its_end(
    tmp_path: Path, undisturbed: tuple[dict[str, bytes], float]
) -> None:
    expected, seconds = undisturbed
    collection = lay(tmp_path / "disturbed")
    chance = random.Random(6)
    found = []
    for _ in range(4):
        keep(collection, kill_after=seconds * chance.uniform(0.1, 0.5))
        found.append(len(list((collection.folder / "adopted").glob("*.jsonl"))))
    keep_tables(collection)
    assert found == sorted(found)
    assert state(collection) == expected


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def put_logs(collection: Collection, logs: list[Path]) -> None:
    """Real log files, each in the folder of its entry-date and under the name of its endpoint."""
    for log in logs:
        said = json.loads(log.read_bytes())
        path = collection.log / said["entry-date"][:10] / f"{endpoint_id(said['endpoint-url'])}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(log.read_bytes())


def test_logs_of_2021_give_the_rows_that_upstream_made_of_them(corpus: Path, tmp_path: Path) -> None:
    fixture = corpus / "digital-land-python-tests-data/tests/data/listed-building/collection"
    (tmp_path / "source.csv").write_bytes((fixture / "csv/source.csv").read_bytes())
    collection = Collection.at(tmp_path)
    put_logs(collection, sorted((fixture / "log").glob("*.json")))

    tables = keep_tables(collection)

    assert (tables.problems, tables.without_source) == ((), ())
    assert Counter(collection.log_csv.read_bytes().splitlines()) == Counter(
        (fixture / "resources/log.csv").read_bytes().splitlines()
    )
    newest = {row["end-date"] or "2021-12-27" for row in rows(collection.resource_csv)}
    assert max(newest) == "2021-12-27"
    ours = [{**row, "end-date": row["end-date"] or "2021-12-27"} for row in rows(collection.resource_csv)]
    assert ours == rows(fixture / "resources/resource.csv")


def test_logs_of_2020_whose_keys_are_not_sorted_are_read(corpus: Path, tmp_path: Path) -> None:
    logs = sorted((corpus / "digital-land-python-tests-data/tests/data/collection/log").glob("*/*.json"))
    said = [json.loads(log.read_bytes()) for log in logs]
    assert any(list(each) != sorted(each) for each in said)
    collection = Collection.at(tmp_path)
    put_logs(collection, logs)

    assert keep_tables(collection).problems == ()

    found = {(row["endpoint"], row["entry-date"]): row for row in rows(collection.log_csv)}
    assert len(found) == len(said)
    for each in said:
        row = found[endpoint_id(each["endpoint-url"]), each["entry-date"]]
        assert (row["status"], row["resource"]) == (each.get("status", ""), each.get("resource", ""))
        assert row["bytes"] == each["response-headers"]["Content-Length"]


def test_a_real_collection_of_tables_and_two_days_of_logs_loses_nothing(corpus: Path, tmp_path: Path) -> None:
    """Ten days stand in its log.csv only, one of them with two runs; its resources are older than all its logs."""
    original = corpus / "digital-land-python-tests-data/tests/data/state/collection_exclude"
    for path in original.rglob("*.*"):
        (tmp_path / path.relative_to(original)).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path.relative_to(original)).write_bytes(path.read_bytes())
    collection = Collection.at(tmp_path)
    before = oldest_to_adopt(collection)

    keep_tables(collection)

    had = {(row["endpoint"], row["entry-date"][:10]): row for row in reversed(rows(original / "log.csv"))}
    have = {(row["endpoint"], row["entry-date"][:10]): row for row in rows(collection.log_csv)}
    of_logs = [key for key in had if key[1] == "2024-10-21"]  # fetched again on that day: the files say it as it was
    assert {(key[0], have[key]["elapsed"]) for key in of_logs} == {
        (path.stem, json.loads(path.read_bytes())["elapsed"]) for path in (original / "log/2024-10-21").iterdir()
    }
    assert {key: row for key, row in have.items() if key in had and key not in of_logs} == {
        key: row for key, row in had.items() if key not in of_logs
    }
    assert {day for _, day in have.keys() - had.keys()} == {"2024-10-07"}  # a day that its log.csv never knew
    kept = [
        {k: row[k] for k in ("resource", "bytes", "endpoints", "start-date")} for row in rows(collection.resource_csv)
    ]
    assert kept == [{k: row[k] for k in kept[0]} for row in rows(original / "resource.csv")]
    assert (str(before), str(collection.entry_dates()[0])) == ("2021-10-29", "2024-10-07")


@pytest.mark.parametrize("name", ["brownfield-land", "conservation-area"])
def test_what_only_a_real_resource_csv_knows_outlives_logs_of_later_years(
    corpus: Path, tmp_path: Path, name: str
) -> None:
    for register in (corpus / "config-collection" / name).glob("*.csv"):
        (tmp_path / register.name).write_bytes(register.read_bytes())
    historic = corpus / "historic-resource-csv" / f"{name}_2022-03-10_resource.csv"
    (tmp_path / "resource.csv").write_bytes(historic.read_bytes())
    collection = Collection.at(tmp_path)
    put_logs(collection, sorted((corpus / "log-json-examples" / name).glob("log/*/*.json")))
    had, before = rows(historic), oldest_to_adopt(collection)

    assert keep_tables(collection).problems == ()

    assert before == collection.entry_dates()[0]
    newest = max(max(row["start-date"], row["end-date"]) for row in had)
    have = {row["resource"]: row for row in rows(collection.resource_csv)}
    for row in had:
        now = have[row["resource"]]
        assert [now[key] for key in ("bytes", "endpoints", "start-date")] == [
            row[key] for key in ("bytes", "endpoints", "start-date")
        ]
        assert now["end-date"] in {row["end-date"] or newest, ""}
    logs, problems = read_logs(collection, collection.entry_dates()[-1])
    assert (len(logs), problems) == (8, [])
    served_again = {log.resource for log in logs if log.resource}
    assert {resource for resource, row in have.items() if not row["end-date"]} == served_again
