"""log.csv and resource.csv: what stands in them, however they came to be, and what is taken over from others."""

import csv
import datetime as dt
import random
import shutil
from pathlib import Path

import pytest

from collect_assets.collecting.log import Log, read_logs
from collect_assets.collection import Collection
from collect_assets.errors import RegisterError
from collect_assets.registers import endpoint_id
from collect_assets.tables.keeping import keep_tables
from collect_assets_tests.collecting.kit import write_log

DAYS = [dt.date(2024, 3, 1) + dt.timedelta(days=n) for n in range(4)]
A, B = (endpoint_id(f"https://example.org/{name}") for name in "ab")
LOG_HEADER = "bytes,content-type,elapsed,endpoint,resource,status,entry-date,start-date,end-date,exception"
RESOURCE_HEADER = "resource,bytes,organisations,datasets,endpoints,start-date,end-date"


def put(collection: Collection, day: dt.date, name: str, resource: str = "", **more: object) -> None:
    values: dict[str, object] = {"status": "200" if resource else "404", "elapsed": "0.120", **more}
    url = f"https://example.org/{name}"
    log = Log(endpoint_id(url), url, f"{day}T00:00:00.000000", resource=resource, **values)  # type: ignore[arg-type]
    write_log(collection, day, log)


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    sources = f"source,organisation,endpoint,pipelines\n,org:2,{A},site;tree\n,org:1,{A},site\n,org:3,{B},\n"
    (tmp_path / "source.csv").write_text(sources)
    return Collection.at(tmp_path)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def both(collection: Collection) -> tuple[bytes, bytes]:
    return collection.log_csv.read_bytes(), collection.resource_csv.read_bytes()


def test_the_tables_say_what_upstreams_say(collection: Collection) -> None:
    put(collection, DAYS[0], "a", "1" * 64, bytes=12, content_type='text/csv; name="a,b"', run="r")
    put(collection, DAYS[0], "b", exception="SSLError", status="")
    put(collection, DAYS[1], "a", "2" * 64, response_headers={"Content-Length": "99", "Content-Type": "text/csv"})
    put(collection, DAYS[1], "b", "1" * 64, bytes=13, run="r")

    keep_tables(collection)

    first, second = sorted([(A, "a"), (B, "b")])
    lines = {
        (DAYS[0], "a"): f'12,"text/csv; name=""a,b""",0.120,{A},{"1" * 64},200,2024-03-01T00:00:00.000000,,,',
        (DAYS[0], "b"): f",,0.120,{B},,,2024-03-01T00:00:00.000000,,,SSLError",
        (DAYS[1], "a"): f"99,text/csv,0.120,{A},{'2' * 64},200,2024-03-02T00:00:00.000000,,,",
        (DAYS[1], "b"): f"13,,0.120,{B},{'1' * 64},200,2024-03-02T00:00:00.000000,,,",
    }
    ordered = [lines[day, name] for day in DAYS[:2] for _, name in (first, second)]
    assert collection.log_csv.read_bytes() == "".join(f"{line}\r\n" for line in (LOG_HEADER, *ordered)).encode()
    endpoints = ";".join(sorted([A, B]))
    expected = [
        RESOURCE_HEADER,
        f"{'1' * 64},12,org:1;org:2;org:3,site;tree,{endpoints},2024-03-01,",
        f"{'2' * 64},99,org:1;org:2,site;tree,{A},2024-03-02,",
    ]
    assert collection.resource_csv.read_bytes() == "".join(f"{line}\r\n" for line in expected).encode()


def test_a_resource_that_is_not_served_on_the_newest_day_has_an_end_date(collection: Collection) -> None:
    put(collection, DAYS[0], "a", "1" * 64)
    put(collection, DAYS[2], "b")

    keep_tables(collection)

    assert [(row["start-date"], row["end-date"]) for row in rows(collection.resource_csv)] == [
        ("2024-03-01", "2024-03-01")
    ]


def test_an_endpoint_without_a_source_has_blank_organisations_and_is_named(collection: Collection) -> None:
    put(collection, DAYS[0], "c", "3" * 64)

    tables = keep_tables(collection)

    assert tables.without_source == (endpoint_id("https://example.org/c"),)
    assert [(row["organisations"], row["datasets"]) for row in rows(collection.resource_csv)] == [("", "")]


def test_a_new_day_is_appended_and_the_rest_is_left_alone(collection: Collection) -> None:
    put(collection, DAYS[0], "a", "1" * 64)
    keep_tables(collection)
    place = collection.log_csv.stat().st_ino
    put(collection, DAYS[1], "a", "1" * 64)

    tables = keep_tables(collection)

    assert collection.log_csv.stat().st_ino == place
    assert [row["entry-date"][:10] for row in rows(collection.log_csv)] == ["2024-03-01", "2024-03-02"]
    assert tables.days == 2


@pytest.mark.parametrize("seed", range(12))
def test_in_whatever_order_days_come_the_tables_are_those_of_a_rebuild(collection: Collection, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(8):
        day, name = chance.choice(DAYS), chance.choice("abc")
        put(collection, day, name, chance.choice(["", *(c * 64 for c in "123")]), status=chance.choice(["200", "500"]))
        if chance.random() < 0.7:
            keep_tables(collection)
    keep_tables(collection)
    kept = both(collection)

    keep_tables(collection, rebuild=True)

    assert both(collection) == kept
    shutil.rmtree(collection.derived)
    keep_tables(collection)
    assert both(collection) == kept


def test_a_truncated_log_is_named_and_stops_nothing(collection: Collection) -> None:
    put(collection, DAYS[0], "a", "1" * 64)
    put(collection, DAYS[0], "b", "2" * 64)
    collection.log_path(DAYS[0], B).write_bytes(b'{"endpoint-url": "https://exa')

    tables = keep_tables(collection)

    assert [str(collection.log_path(DAYS[0], B)) in problem.reason for problem in tables.problems] == [True]
    assert [row["endpoint"] for row in rows(collection.log_csv)] == [A]


def test_rows_of_others_are_adopted_and_outlive_a_rebuild(collection: Collection) -> None:
    put(collection, DAYS[2], "a", "2" * 64)
    old = f"77,text/csv,1.5,{A},{'1' * 64},200,2020-02-12T01:02:03.000001,,,\r\n"
    failed = f",,120.0,{B},,,2020-02-12T01:02:03.000001,,,ConnectTimeout\r\n"
    collection.log_csv.write_text(f"{LOG_HEADER}\r\n{old}{failed}", newline="")

    tables = keep_tables(collection)
    shutil.rmtree(collection.derived)
    keep_tables(collection, rebuild=True)

    text = collection.log_csv.read_bytes().decode()
    assert tables.adopted == 2
    assert old in text and failed in text and f"{DAYS[2]}T" in text
    assert collection.entry_dates() == [dt.date(2020, 2, 12), DAYS[2]]
    logs, problems = read_logs(collection, dt.date(2020, 2, 12))
    assert {(log.endpoint, log.resource, log.exception, log.status) for log in logs} == {
        (A, "1" * 64, "", "200"),
        (B, "", "ConnectTimeout", ""),
    }
    assert problems == []


def test_a_log_of_its_own_counts_before_a_row(collection: Collection) -> None:
    put(collection, DAYS[0], "a", "2" * 64)
    row = f"77,,1.5,{A},{'1' * 64},200,{DAYS[0]}T00:00:00.000000,,,\r\n"
    collection.log_csv.write_text(f"{LOG_HEADER}\r\n{row}", newline="")

    assert keep_tables(collection).adopted == 0
    assert [row["resource"] for row in rows(collection.log_csv)] == ["2" * 64]


def test_what_resource_csv_alone_knows_was_seen_on_its_first_and_last_day(collection: Collection) -> None:
    older = "resource,bytes,organisations,endpoints,start-date,end-date\n"
    collection.resource_csv.write_text(
        f"{older}{'1' * 64},12,org:1,{A};{B},2020-01-01,2020-01-05\n{'2' * 64},13,org:1,{A},2020-02-01,\n"
    )

    keep_tables(collection)

    found = {
        row["resource"]: (row["endpoints"], row["start-date"], row["end-date"]) for row in rows(collection.resource_csv)
    }
    assert found == {
        "1" * 64: (";".join(sorted([A, B])), "2020-01-01", "2020-01-05"),
        "2" * 64: (A, "2020-02-01", ""),
    }


def test_what_others_knew_of_a_resource_is_kept_beside_what_comes(collection: Collection) -> None:
    put(collection, DAYS[0], "a", "1" * 64, bytes=12, run="r")
    known = f"{'1' * 64},99,org:1,site,{B},2018-05-01,2019-01-01\n{'2' * 64},7,,,,2018-01-01,2018-01-02\n"
    collection.resource_csv.write_text(f"{RESOURCE_HEADER}\n{known}")

    keep_tables(collection)
    keep_tables(collection, rebuild=True)

    found = {row["resource"]: row for row in rows(collection.resource_csv)}
    first = found["1" * 64]
    assert (first["bytes"], first["start-date"], first["end-date"]) == ("99", "2018-05-01", "")
    assert first["endpoints"] == ";".join(sorted([A, B]))
    assert (found["2" * 64]["bytes"], found["2" * 64]["endpoints"]) == ("7", "")
    assert (collection.folder / "adopted" / "resource.csv").read_text() == f"{RESOURCE_HEADER}\n{known}"


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_an_interrupted_adoption_ends_as_one_that_was_not(collection: Collection, kept: int, tmp_path: Path) -> None:
    lines = [f"{str(n) * 64},{n},,,{A},2020-01-0{n},{'' if n == 3 else f'2020-02-0{n}'}\n" for n in (1, 2, 3)]
    other = Collection.at(tmp_path / "other")
    for each in (collection, other):
        each.folder.mkdir(exist_ok=True)
        each.resource_csv.write_text(f"{RESOURCE_HEADER}\n{''.join(lines)}")
    keep_tables(other)
    keep_tables(collection)
    (collection.folder / "adopted" / "finished.json").unlink()
    for path in sorted((collection.folder / "adopted").glob("*.jsonl"))[kept:]:
        path.unlink()
    shutil.rmtree(collection.derived)
    collection.resource_csv.write_text(f"{RESOURCE_HEADER}\n{''.join(lines)}")

    keep_tables(collection)

    assert [r["end-date"] for r in rows(collection.resource_csv)] == [r["end-date"] for r in rows(other.resource_csv)]
    assert collection.entry_dates() == other.entry_dates()
    assert collection.log_csv.read_bytes() == other.log_csv.read_bytes()


def test_an_interrupted_append_is_written_again(collection: Collection) -> None:
    put(collection, DAYS[0], "a", "1" * 64)
    keep_tables(collection)
    whole = both(collection)
    with collection.log_csv.open("ab") as file:
        file.write(b"12,text/cs")

    keep_tables(collection)

    assert both(collection) == whole


def test_a_table_that_is_none_is_not_adopted_and_stays_as_it_is(collection: Collection) -> None:
    put(collection, DAYS[0], "a", "1" * 64)
    collection.log_csv.write_text("what,ever\n1,2\n")

    with pytest.raises(RegisterError, match=r"log\.csv: lacks the column endpoint"):
        keep_tables(collection)

    assert collection.log_csv.read_text() == "what,ever\n1,2\n"
