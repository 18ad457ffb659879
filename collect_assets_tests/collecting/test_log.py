"""The log's JSON: canonical, read back as it was written, and the logs of digital-land-python, old and new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect_assets.collecting.log import KEYS, Log, read_log, read_logs
from collect_assets.collection import Collection
from collect_assets.registers import endpoint_id
from collect_assets_tests.collecting.kit import DAY, Folder, write_log

URL = "https://example.org/trees.csv"
TEXT = st.text(max_size=20)
HEADERS = st.dictionaries(TEXT, TEXT, max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
LOGS = st.builds(
    Log,
    endpoint=TEXT.filter(bool),
    endpoint_url=TEXT.filter(bool),
    entry_date=TEXT,
    elapsed=TEXT,
    outcome=TEXT,
    parameters=st.dictionaries(TEXT, JSON, max_size=3),
    status=TEXT,
    resource=TEXT,
    bytes=st.none() | st.integers(0),
    message=TEXT,
    ssl_verify=st.none() | st.booleans(),
    request_headers=HEADERS,
    response_headers=HEADERS,
    attempts=st.lists(st.dictionaries(TEXT, JSON, min_size=1, max_size=3), max_size=3).map(tuple),
    redirects=st.lists(HEADERS, max_size=2).map(tuple),
    complete=st.none() | st.booleans(),
)


@given(LOGS)
def test_a_log_is_read_back_as_it_was_written(log: Log) -> None:
    assert Log.from_json(log.to_json()) == log


@given(LOGS)
def test_the_json_of_a_log_is_canonical(log: Log) -> None:
    content = log.to_json()
    values = json.loads(content)
    assert list(values) == sorted(values)
    assert json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() == content
    assert not content.endswith(b"\n")


def test_a_log_is_utf_8_with_sorted_keys_without_spaces_blanks_and_final_newline() -> None:
    log = Log("ab", "https://example.org/é", "2026-03-01T00:00:00.000000", elapsed="0.5", status="200", bytes=0)
    assert (
        log.to_json()
        == (
            '{"bytes":0,"elapsed":"0.5","endpoint":"ab","endpoint-url":"https://example.org/é",'
            '"entry-date":"2026-03-01T00:00:00.000000","status":"200"}'
        ).encode()
    )


def test_half_a_surrogate_pair_is_written_as_an_escape_and_read_back() -> None:
    log = Log("ab", URL, "2026-03-01", parameters={"name": "half \ud83c"}, message="\udc80")
    content = log.to_json()
    content.decode("utf-8")
    assert Log.from_json(content) == log


def test_a_legacy_log_with_url_and_datetime_in_any_order_is_read() -> None:
    log = Log.from_json(
        b'{ "url": "https://example.org/trees.csv", "status": 200, "resource": "ab", "elapsed": 0.9,\n'
        b'  "datetime": "2019-01-02T03:04:05.6", "unknown-key": {"a": 1} }\n'
    )
    assert (log.endpoint_url, log.entry_date, log.endpoint) == (URL, "2019-01-02T03:04:05.6", endpoint_id(URL))
    assert (log.status, log.elapsed, log.resource, log.good) == ("200", "0.9", "ab", True)


def test_nulls_in_a_log_are_as_if_the_key_were_not_there() -> None:
    log = Log.from_json(json.dumps({"endpoint-url": URL, "status": None, "resource": None, "bytes": None}).encode())
    assert log == Log(endpoint_id(URL), URL, "")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"endpoint-url": 5}', b"\xff\xfe", b'{"endpoint-url":"\xe9"}',
     b"[" * 100_000,
     b'{"endpoint-url": "https://example.org/", "response-headers": ["etag"]}',
     b'{"endpoint-url": "https://example.org/", "attempts": 3}',
     b'{"endpoint-url": "https://example.org/", "bytes": "12"}',
     b'{"endpoint-url": "https://example.org/", "resource": ["ab"]}',
     b'{"endpoint-url": "https://example.org/", "entry-date": 20190102}'],
)  # fmt: skip
def test_what_is_not_a_log_is_refused_with_the_file_and_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a log") as caught:
        read_log(path)
    assert str(path) in str(caught.value)
    assert "collect the endpoint again" in str(caught.value)


def test_a_log_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_log(tmp_path / "x.json") is None


def test_a_log_that_cannot_be_opened_counts_as_damaged(tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()
    with pytest.raises(ValueError, match=r"x\.json"):
        read_log(tmp_path / "x.json")


def test_a_damaged_log_is_a_problem_and_the_others_are_read(folder: Folder) -> None:
    folder.put_log(URL, {"status": "200"})
    folder.put_log("https://example.org/b").write_text("{half")
    logs, problems = read_logs(folder.collection, DAY)
    assert [log.endpoint_url for log in logs] == [URL]
    assert [problem.file for problem in problems] == [f"{endpoint_id('https://example.org/b')}.json"]


def test_a_written_log_stands_where_digital_land_looks_for_it(folder: Folder) -> None:
    log = Log(endpoint_id(URL), URL, "2026-03-01T00:00:00.000000", status="404")
    write_log(folder.collection, DAY, log)
    path = folder.path / "log" / "2026-03-01" / f"{endpoint_id(URL)}.json"
    assert path.read_bytes() == log.to_json()
    assert read_log(path) == log
    assert folder.left_in_work() == []


@pytest.mark.parametrize(
    ("log", "transient"),
    [
        (Log("a", URL, "", status="200", resource="ab"), False),
        (Log("a", URL, "", status="404", outcome="failed:status"), False),
        (Log("a", URL, "", status="503", outcome="failed:status"), True),
        (Log("a", URL, "", status="429", outcome="failed:status"), True),
        (Log("a", URL, "", outcome="failed:connect"), True),
        (Log("a", URL, "", outcome="failed:host-given-up"), True),
        (Log("a", URL, "", outcome="refused:address"), False),
        (Log("a", URL, "", status="200", outcome="refused:html"), False),
        (Log("a", URL, "", status="502"), True),
        (Log("a", URL, "", exception="ConnectTimeout"), True),
        (Log("a", URL, "", status="200"), False),
        (Log("a", URL, "", status="404"), False),
    ],
)
def test_which_failures_are_transient(log: Log, transient: bool) -> None:
    assert log.transient is transient


def test_every_key_of_a_log_has_hyphens() -> None:
    assert KEYS["endpoint_url"] == "endpoint-url"
    assert not [key for key in KEYS.values() if "_" in key]


def test_the_real_log_examples_are_read(corpus: Path) -> None:
    read = {}
    for name in ("brownfield-land", "conservation-area"):
        collection = Collection.at(corpus / "log-json-examples" / name)
        (day,) = collection.entry_dates()
        logs, problems = read_logs(collection, day)
        assert problems == []
        read[name] = logs
        for log in logs:
            assert log.endpoint == endpoint_id(log.endpoint_url)
            assert collection.log_path(day, log.endpoint).is_file()
            assert log.entry_date.startswith("2024-03-07T")
            assert float(log.elapsed) >= 0
    assert {name: len(logs) for name, logs in read.items()} == {"brownfield-land": 8, "conservation-area": 8}
    assert {log.good for logs in read.values() for log in logs} == {True, False}


def test_the_real_logs_are_canonical_in_our_words_too(corpus: Path) -> None:
    for path in (corpus / "log-json-examples").rglob("*.json"):
        ours = json.loads(Log.from_json(path.read_bytes()).to_json())
        theirs = json.loads(path.read_bytes())
        assert {key: value for key, value in ours.items() if key != "endpoint"} == {
            key: value for key, value in theirs.items() if key in KEYS.values() and value not in ("", {}, None)
        }


def test_the_logs_of_the_upstream_tests_are_read(corpus: Path) -> None:
    paths = list((corpus / "digital-land-python-tests-data").rglob("log/**/*.json"))
    logs = [read_log(path) for path in paths]
    assert len(logs) == 18
    assert all(log and log.endpoint_url.startswith("http") for log in logs)
    assert sum(1 for log in logs if log and log.good) >= 12
