"""A collection of digital-land-python is adopted as it is: its days are partitions at once, for a backfill to build."""

import datetime as dt
import hashlib
import json
import time

import dagster as dg
import pytest

from collect_assets.collection import Collection
from collect_assets.index.digest import digest
from collect_assets.registers import endpoint_id
from collect_assets_tests.orchestration.runs import (
    PONDS,
    TREES,
    checked,
    definitions,
    events,
    failure,
    run,
    shown,
    write_files,
)

URL, OTHER = "https://example.org/trees.csv", "https://example.org/ponds.csv"
DAYS = [dt.date(2026, 10, number) for number in (1, 3, 4, 6)]
RESOURCE_CSV_ONLY, LOG_CSV_ONLY, OF_OLD_KEYS, NEWEST = DAYS
MORE_TREES = TREES + b"3,elm\n"
NOW = "2026-10-20T12:00:00+00:00"
LATER_ASSETS = ("log", "resource", "record", "item_index")


def hash_of(content):
    return hashlib.sha256(content).hexdigest()


def legacy_log(day, url, content, **more):
    log = {"url": url, "datetime": f"{day}T00:12:13.123456", "status": "200", "elapsed": "0.5"}
    return json.dumps(log | {"resource": hash_of(content)} | more)  # not sorted, as in 2020


@pytest.fixture
def adopted(tmp_path):
    """Four days: one that only resource.csv knows, one that only log.csv knows, and two of logs."""
    folder = write_files(tmp_path / "root", "trees", [URL, OTHER], "")
    (folder / "resource").mkdir()
    for content in (TREES, MORE_TREES, PONDS):
        (folder / "resource" / hash_of(content)).write_bytes(content)
    header = "bytes,content-type,elapsed,endpoint,resource,status,entry-date,start-date,end-date,exception"
    rows = [
        f"30,text/csv,0.5,{endpoint_id(URL)},{hash_of(TREES)},200,{LOG_CSV_ONLY}T00:12:13.123456,,,",
        f",,120.0,{endpoint_id(OTHER)},,,{LOG_CSV_ONLY}T00:12:13.123456,,,ConnectTimeout",
    ]
    (folder / "log.csv").write_text("\r\n".join([header, *rows, ""]), newline="")
    old = f"{hash_of(PONDS)},30,org:1,{endpoint_id(OTHER)},{RESOURCE_CSV_ONLY},{RESOURCE_CSV_ONLY}"
    (folder / "resource.csv").write_text(f"resource,bytes,organisations,endpoints,start-date,end-date\n{old}\n")
    for day, content in ((OF_OLD_KEYS, TREES), (NEWEST, MORE_TREES)):
        (folder / "log" / str(day)).mkdir(parents=True)
        (folder / "log" / str(day) / f"{endpoint_id(URL)}.json").write_text(legacy_log(day, URL, content))
    return folder


def first_partition(root):
    repository = definitions(root, NOW).get_repository_def()
    return repository.asset_graph.get(dg.AssetKey(["trees", "log"])).partitions_def.get_first_partition_key()


def test_partitions_begin_at_the_oldest_day_before_anything_was_adopted(adopted):
    assert first_partition(adopted.parent) == str(RESOURCE_CSV_ONLY)
    (adopted / "resource.csv").unlink()
    assert first_partition(adopted.parent) == str(LOG_CSV_ONLY)
    (adopted / "log.csv").unlink()
    assert first_partition(adopted.parent) == str(OF_OLD_KEYS)


NO_DAY = b"entry-date,start-date\nnever,never\n0202-01-01,0202-01-01\n"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b'"', NO_DAY])
def test_a_table_that_says_no_day_moves_no_partition(adopted, content):
    for table in ("log.csv", "resource.csv"):
        (adopted / table).write_bytes(content)
    assert first_partition(adopted.parent) == str(OF_OLD_KEYS)


def test_a_backfill_of_the_adopted_days_builds_everything_derived(adopted, instance):
    root = adopted.parent
    result = run(definitions(root, NOW), instance, "trees_collect", (DAYS[0], DAYS[-1]))
    assert result.success, failure(result)

    collection = Collection.at(adopted)
    assert collection.entry_dates() == DAYS
    for asset in LATER_ASSETS:
        days = instance.get_materialized_partitions(dg.AssetKey(["trees", asset]))
        assert sorted(days) == [str(day) for day in DAYS]
    counts = {day: shown(instance, ["trees", "item_index"], day) for day in DAYS}
    assert [counts[day]["items"] for day in DAYS] == [1, 3, 3, 4]
    assert [counts[day]["created"] for day in DAYS] == [1, 2, 0, 1]
    assert [shown(instance, ["trees", "record"], day)["records"] for day in DAYS] == [1, 2, 2, 3]
    assert {checked(instance, ["trees", "item_index"], "agrees")[str(day)] for day in DAYS} == {"SUCCEEDED"}
    assert first_partition(root) == str(RESOURCE_CSV_ONLY)
    log_csv = collection.log_csv.read_text()
    assert [log_csv.count(f"{day}T") for day in DAYS] == [1, 2, 1, 1]


def test_adopted_days_can_be_backfilled_one_by_one_newest_first(adopted, instance):
    for day in reversed(DAYS):
        assert run(definitions(adopted.parent, NOW), instance, "trees_index", day).success
    collection = Collection.at(adopted)
    one_by_one = digest(collection)
    for path in sorted(collection.derived.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert run(definitions(adopted.parent, NOW), instance, "trees_index", (DAYS[0], DAYS[-1])).success
    assert digest(collection) == one_by_one
    assert all(events(instance, ["trees", "record"], day) for day in DAYS)


def test_a_table_that_cannot_be_adopted_stops_no_day(adopted, instance):
    (adopted / "log.csv").write_text("what,ever\n1,2\n")
    assert run(definitions(adopted.parent, NOW), instance, "trees_collect", NEWEST).success
    assert shown(instance, ["trees", "item_index"], NEWEST)["items"] == 3
    assert (adopted / "log.csv").read_text() == "what,ever\n1,2\n"


def test_an_estate_with_ten_years_in_its_tables_loads_in_little_time(adopted):
    rows = (f"{number:064x},30,org:1,{endpoint_id(OTHER)},2016-01-01,2026-01-01\n" for number in range(20_000))
    with (adopted / "resource.csv").open("a") as table:
        table.writelines(rows)
    with (adopted / "log.csv").open("a") as table:
        table.writelines(f",,1,{endpoint_id(OTHER)},,,2026-10-03T00:00:00,,,\r\n" for _ in range(200_000))
    began = time.perf_counter()
    assert first_partition(adopted.parent) == "2016-01-01"
    assert time.perf_counter() - began < 10.0  # measured at 0.2
