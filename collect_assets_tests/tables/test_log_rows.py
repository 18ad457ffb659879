"""Logs read by DuckDB are the logs that `read_log` reads, also where they are odd."""

import datetime as dt
import json
from pathlib import Path

import pytest

from collect_assets.collecting.log import read_logs
from collect_assets.collection import Collection
from collect_assets.registers import endpoint_id
from collect_assets.store.database import database
from collect_assets.tables.log_rows import load_logs

DAY = dt.date(2024, 3, 7)
URL = "https://example.org/sites.csv"
PLAIN = {
    "endpoint-url": URL,
    "entry-date": "2024-03-07T00:00:00.000000",
    "status": "200",
    "elapsed": "0.125",
    "resource": "a" * 64,
    "response-headers": {"Content-Length": "12", "Content-Type": "text/csv", "x": "y"},
}
SHARED = ("endpoint", "endpoint_url", "status", "elapsed", "resource", "exception", "entry_date", "outcome", "message",
          "bytes", "complete", "coverage", "declared_count", "plugin")  # fmt: skip
ODD = {
    "plain": PLAIN,
    "of 2020, unsorted, with its old keys": {"url": URL, "datetime": "2020-02-12T01:02:03.000001", "status": "404"},
    "status and elapsed as numbers": {**PLAIN, "status": 404, "elapsed": 3},
    "a number with a fraction": {**PLAIN, "elapsed": 1.50},
    "null values": {**PLAIN, "resource": None, "parameters": None, "exception": None},
    "blank values": {**PLAIN, "resource": "", "exception": "", "parameters": {}},
    "a resource that is an object": {**PLAIN, "resource": {"sha256": "x"}},
    "bytes that are text": {**PLAIN, "bytes": "12"},
    "bytes beyond any file": {**PLAIN, "bytes": 1 << 70},
    "a declared count": {**PLAIN, "declared-count": 40},
    "a declared count beyond reason": {**PLAIN, "declared-count": 1 << 70},
    "a declared count as text": {**PLAIN, "declared-count": "many"},
    "complete as text": {**PLAIN, "complete": "yes"},
    "parameters that are a list": {**PLAIN, "parameters": [1]},
    "parameters": {**PLAIN, "parameters": {"id": ["reference"]}, "complete": False, "coverage": "full"},
    "headers that are text": {**PLAIN, "response-headers": "none"},
    "tasks that are an object": {**PLAIN, "tasks": {}},
    "half a surrogate pair": {**PLAIN, "message": "\ud800"},
    "without a URL": {"status": "200"},
    "a list": [PLAIN],
    "a message longer than a line is read": {**PLAIN, "message": "x" * (1 << 20)},
    "a message longer than a first read": {**PLAIN, "message": "é" * 100_000},
    "keys with quotes": {**PLAIN, "message": 'it\'s "so"; DROP TABLE log_row; --\n'},
}

# A log that would write the log of another endpoint, were it put into a text with others as it is.
BESIDE = f'{json.dumps(PLAIN)}\x1f{DAY}\x1f{endpoint_id(URL)}\x1f{{"endpoint-url": "{URL}"}}'.encode()


def put(folder: Path, content: bytes, url: str = URL) -> Collection:
    path = folder / "log" / str(DAY) / f"{endpoint_id(url)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Collection.at(folder)


def read_by_sql(collection: Collection) -> tuple[list[dict[str, object]], list[str]]:
    with database() as connection:
        problems = load_logs(connection, collection, [DAY])
        rows = connection.execute(f"SELECT {', '.join(SHARED)} FROM log_row WHERE day = '{DAY}' ORDER BY endpoint")
        return [dict(zip(SHARED, row, strict=True)) for row in rows.fetchall()], [str(each) for each in problems]


def read_by_python(collection: Collection) -> tuple[list[dict[str, object]], list[str]]:
    logs, problems = read_logs(collection, DAY)
    rows = [{name: getattr(log, name) for name in SHARED} for log in logs]
    for row in rows:
        row |= {name: None for name in ("bytes", "declared_count") if (row[name] or 0) >= 1 << 63}
        row["message"] = str(row["message"]).encode("utf-8", "replace").decode()
    return [{k: None if v == "" else v for k, v in row.items()} for row in rows], [str(each) for each in problems]


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_a_log_is_read_as_it_is_read_one_by_one(tmp_path: Path, odd: object) -> None:
    collection = put(tmp_path, json.dumps(odd).encode())

    assert read_by_sql(collection) == read_by_python(collection)


DAMAGED = [b"", b" \n", b'{"endpoint-url": "https://exa', b"\xff\xfe\x00", b"[" * 5000, b"null"]
BESIDES = [BESIDE, BESIDE.replace(b"\x1f", b"\n"), BESIDE.replace(b"\x1f", b"\0")]


@pytest.mark.parametrize("content", [*DAMAGED, *BESIDES])
def test_a_damaged_log_is_named_and_the_others_are_read(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, json.dumps(PLAIN).encode())
    collection = put(tmp_path, content, "https://example.org/other.csv")

    rows, problems = read_by_sql(collection)

    assert [row["endpoint"] for row in rows] == [endpoint_id(URL)]
    assert [endpoint_id("https://example.org/other.csv") in problem for problem in problems] == [True]
    assert (rows, problems) == read_by_python(collection)


def test_a_log_under_another_name_is_passed_over_and_named(tmp_path: Path) -> None:
    collection = put(tmp_path, json.dumps(PLAIN).encode(), "https://example.org/other.csv")

    rows, problems = read_by_sql(collection)

    assert rows == []
    assert f"holds the log of {endpoint_id(URL)}" in problems[0]


@pytest.mark.parametrize("name", ["a\x1fb.json", "a\nb.json", "a\udcffb.json", "x.json", '"', ".json"])
def test_a_file_of_another_name_is_passed_over_and_named(tmp_path: Path, name: str) -> None:
    collection = put(tmp_path, json.dumps(PLAIN).encode())
    (collection.log / str(DAY) / name).write_text(json.dumps(PLAIN))

    rows, problems = read_by_sql(collection)

    assert [row["endpoint"] for row in rows] == [endpoint_id(URL)]
    assert (rows, problems) == read_by_python(collection)
    assert len(problems) == name.endswith(".json")


def test_a_log_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    collection = put(tmp_path, json.dumps(PLAIN).encode())
    (collection.log / str(DAY) / f"{'0' * 64}.json").mkdir()

    rows, problems = read_by_sql(collection)

    assert len(rows) == len(problems) == 1
    assert (rows, problems) == read_by_python(collection)


def test_a_log_that_is_written_over_many_lines_is_read(tmp_path: Path) -> None:
    collection = put(tmp_path, json.dumps(PLAIN, indent=2).encode())

    assert [row["elapsed"] for row in read_by_sql(collection)[0]] == ["0.125"]


def test_headers_count_in_their_usual_spelling_only(tmp_path: Path) -> None:
    collection = put(tmp_path, json.dumps({**PLAIN, "response-headers": {"content-length": "12"}}).encode())

    with database() as connection:
        load_logs(connection, collection, [DAY])

        assert connection.execute("SELECT content_length, content_type FROM log_row").fetchall() == [(None, None)]


def test_a_day_without_logs_has_no_rows(tmp_path: Path) -> None:
    assert read_by_sql(Collection.at(tmp_path)) == ([], [])
