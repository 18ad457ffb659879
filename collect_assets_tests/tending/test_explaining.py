"""Explaining a day: every way in which an endpoint ends, read back from what one run left."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collect_assets.collecting.day import DayReport
from collect_assets.errors import SettingsError
from collect_assets.folding.fold import fold
from collect_assets.registers import endpoint_id
from collect_assets.tending.explaining import explain
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, NOON, QUICK, Folder, csv_of
from collect_assets_tests.servers import Asked, Page, WebServer

ZERO = "0" * 64
EVENING = dt.datetime(2026, 3, 1, 20, tzinfo=dt.UTC)
# What digital-land-python does with each of them is known: half of them end its run, or leave no trace.
SITUATIONS: dict[str, tuple[dict[str, str], str, tuple[str, ...]]] = {
    "collected": (
        {},
        "first",
        ("no earlier day has a resource", "is there and whole", "it is asked once", "left it alone"),
    ),
    "ended": ({"end-date": "2026-01-31"}, "skipped:ended", ("It had ended on 2026-01-31", "no log")),
    "ended today": ({"end-date": str(DAY)}, "skipped:ended", ("on its end-date and after it",)),
    "ends tomorrow": ({"end-date": str(NEXT_DAY)}, "first", ("lay ahead",)),
    "end-date with a time": ({"end-date": "2026-01-31T00:00:00Z"}, "skipped:ended", ("It had ended on 2026-01-31",)),
    "bad end-date": ({"end-date": "soon"}, "skipped:bad-date", ("cannot be collected (bad-date)",)),
    "start-date ahead": ({"start-date": "2030-01-01"}, "first", ("A start-date is not looked at",)),
    "wrong hash": ({"endpoint": ZERO}, "skipped:hash-mismatch", ("cannot be collected (hash-mismatch)",)),
    "blank hash": ({"endpoint": ""}, "first", ("It was active",)),
    "404": ({"path": "/nowhere"}, "failed:status", ("status 404", "Outcome: failed:status")),
    "html": ({"path": "/page"}, "refused:html", ("a web page came in place of data",)),
    "empty": ({"path": "/empty"}, "failed:empty", ("answered 200 without a body",)),
    "unknown plugin": ({"plugin": "ARCGIS"}, "skipped:unknown-plugin", ("cannot be collected (unknown-plugin)",)),
    "plugin of a space": ({"plugin": " "}, "skipped:unknown-plugin", ("cannot be collected (unknown-plugin)",)),
    "bad parameters": ({"parameters": "{"}, "skipped:bad-parameters", ("not JSON",)),
    "sparql without a query": ({"plugin": "sparql"}, "failed:no-query", ("Outcome: failed:no-query",)),
    "sparql whose query is not there": ({"plugin": "sparql", "path": "/x#q.rq"}, "failed:no-query", ("q.rq",)),
    "file with a host": ({"url": "file://example.org/a.csv"}, "refused:scheme", ("is not fetched",)),
    "bare file": ({"url": "file:"}, "refused:scheme", ("is not fetched",)),
    "sparql whose service fails": (
        {"plugin": "sparql", "path": "/broken#query.rq"},
        "failed:status",
        ("status 500", "Such a failure may pass"),
    ),
    "arcgis without a layer": ({"plugin": "arcgis", "path": "/nowhere/0"}, "failed:status", ("status 404",)),
    "wfs without a service": ({"plugin": "wfs", "path": "/nowhere/wfs"}, "failed:status", ("status 404",)),
    "no connection": ({"url": "http://127.0.0.1:1/a.csv"}, "failed:connect", ("Attempt 1: ConnectionError",)),
    "moved": ({"path": "/old"}, "first", ("Redirect 301: ", "/old led to /0.csv")),
    "html by its header": ({"path": "/header"}, "refused:html", ("says it is text/html",)),
    "private address": ({"url": "http://10.0.0.1/a.csv"}, "refused:address", ("10.0.0.1",)),
    "unknown parameter": ({"parameters": '{"page": 1}'}, "first", ("Its parameters: {'page': 1}",)),
    "parameter out of range": (
        {"plugin": "arcgis", "parameters": '{"max_page_size": 0}'},
        "skipped:bad-parameters",
        ("max_page_size",),
    ),
    "no scheme": ({"url": "www.example.org/a.csv"}, "skipped:bad-url", ("has no scheme",)),
}


class Day:
    """One run over all situations."""

    def __init__(self, folder: Folder, server: WebServer) -> None:
        self.folder = folder
        self.urls = {
            name: columns.get("url") or server.url(columns.get("path", f"/{number}.csv"))
            for number, (name, (columns, _, _)) in enumerate(SITUATIONS.items())
        }
        rows = [
            {"endpoint-url": self.urls[name], **{k: v for k, v in columns.items() if k not in {"url", "path"}}}
            for name, (columns, _, _) in SITUATIONS.items()
        ]
        twice = {"endpoint-url": self.urls["collected"], "end-date": "2026-01-31"}
        folder.register(*rows, {"endpoint-url": "", "endpoint": ""}, twice)
        (folder.path / "query.rq").write_text("SELECT * WHERE { ?a ?b ?c }")
        path = folder.path / "endpoint.csv"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as spreadsheets save it
        self.report: DayReport = folder.collect()
        folder.collect()  # asks again only what may pass

    def endpoint(self, name: str) -> str:
        return SITUATIONS[name][0].get("endpoint") or endpoint_id(self.urls[name])

    def seen(self, name: str) -> str:
        path = self.folder.collection.log_path(DAY, self.endpoint(name))
        return json.loads(path.read_bytes())["outcome"] if path.is_file() else self.report.skips[self.endpoint(name)]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    pages = {f"/{number}.csv": Page(csv_of(number)) for number in range(len(SITUATIONS))}
    pages |= {"/old": Page(status=301, headers={"Location": "/0.csv"}), "/broken": Page(b"", 500)}
    pages |= {"/header": Page(b"<p>moved</p>", headers={"Content-Type": "text/html"})}
    pages |= {"/page": Page(b"<html></html>", headers={"Content-Type": "text/html"}), "/empty": Page(b"")}
    with WebServer(lambda asked: pages.get(asked.path.partition("?")[0], Page(b"no such page", 404))) as server:
        yield Day(Folder(tmp_path_factory.mktemp("explained")).settings(QUICK), server)


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_is_on_record_and_is_explained(day: Day, name: str) -> None:
    _, outcome, words = SITUATIONS[name]

    assert day.seen(name) == outcome
    said = explain(day.folder.collection, day.endpoint(name), DAY, now=EVENING)
    text = "\n".join(each.text for each in said)
    assert [word for word in words if word not in text] == []
    assert ("would not ask it" in said[-2].text) == outcome.startswith("skipped:")


@pytest.mark.parametrize("form", ["url", "id", "beginning"])
def test_a_row_that_was_skipped_for_a_wrong_id_is_found_by_its_url_and_by_the_true_one(day: Day, form: str) -> None:
    url = day.urls["wrong hash"]
    name = {"url": url, "id": endpoint_id(url), "beginning": endpoint_id(url)[:12]}[form]
    assert "cannot be collected (hash-mismatch)" in words(day.folder, name, DAY, EVENING)


def test_of_two_rows_of_one_url_the_one_with_the_true_id_is_meant_and_of_two_wrong_ones_neither(tmp_path: Path) -> None:
    folder, url = Folder(tmp_path).settings(QUICK), "http://127.0.0.1:1/a.csv"
    wrong = [{"endpoint-url": url, "endpoint": digit * 64} for digit in "01"]
    folder.register(*wrong)
    with pytest.raises(SettingsError, match=r"2 endpoints .*name one by the id in its row"):
        words(folder, url, DAY)
    folder.register(*wrong, url)
    assert "It was active" in words(folder, url, DAY)
    assert "cannot be collected (hash-mismatch)" in words(folder, "0" * 64, DAY)


def test_an_unchanged_answer_is_explained_by_its_hash(tmp_path: Path) -> None:
    folder = Folder(tmp_path).settings(QUICK)
    with WebServer({"/a.csv": Page(csv_of(1))}) as server:
        folder.register(server.url("/a.csv")).collect()
        folder.tomorrow()
        said = explain(folder.collection, server.url("/a.csv"), NEXT_DAY, now=folder.now)

    assert f"The last resource before it is of {DAY}: the same bytes, by their sha256." in [each.text for each in said]
    assert said[-2].text == f"Another run for {NEXT_DAY} would ask it in the modes: refill."


def words(folder: Folder, url: str, day: dt.date, now: dt.datetime | None = None) -> str:
    return "\n".join(
        f"{each.about}: {each.text}" for each in explain(folder.collection, url, day, now=now or folder.now)
    )


def test_a_conditional_request_and_what_the_next_run_would_send_are_explained(tmp_path: Path) -> None:
    def page(asked: Asked) -> Page:
        return Page(status=304) if "if-none-match" in asked.headers else Page(csv_of(1), headers={"ETag": '"one"'})

    folder = Folder(tmp_path).settings(QUICK)
    with WebServer({"/a.csv": page}) as server:
        url = server.url("/a.csv")
        folder.register(url).collect()
        first = words(folder, url, DAY)
        folder.tomorrow()
        second = words(folder, url, NEXT_DAY)

    assert "asked for all of it: no earlier day has a resource" in first
    assert 'asked whether it changed, by if-none-match "one" of its last good log' in second
    assert "The server said 304" in second
    assert (
        "The run for 2026-03-03, by the register as it stands now, would ask it whether it changed, by If-None-Match."
        in second
    )


def test_that_a_server_lies_is_explained_and_that_the_next_run_asks_for_all_of_it(tmp_path: Path) -> None:
    served = [csv_of(1), csv_of(2), csv_of(2), csv_of(2)]

    def page(asked: Asked) -> Page:
        return Page(status=304) if "if-none-match" in asked.headers else Page(served.pop(0), headers={"ETag": '"one"'})

    folder = Folder(tmp_path).settings(f"{QUICK}\n[conditional]\naudit-share = 1.0\n")
    with WebServer({"/a.csv": page}) as server:
        url = server.url("/a.csv")
        folder.register(url).collect()
        folder.tomorrow()
        found = words(folder, url, NEXT_DAY)
        folder.settings(QUICK)
        later = NEXT_DAY + dt.timedelta(days=1)
        folder.now += dt.timedelta(days=1)
        folder.collect(later)
        known = words(folder, url, later)

    assert "asked for all of it: it was drawn for the audit of servers that say 304." in found
    assert "asked for all of it: its server was found to say 304 to what has changed." in known
    for said in (found, known):
        assert "would ask it for all of it, since the server says 304 to what has changed" in said


def test_the_rule_of_resources_is_explained_and_why_it_allowed_no_304(tmp_path: Path) -> None:
    page = Page(b'{"timeStamp":"x","a":1}', headers={"Content-Type": "application/json", "ETag": '"one"'})
    folder = Folder(tmp_path).settings(QUICK)
    with WebServer({"/a": page}) as server:
        url = server.url("/a")
        folder.register(url).collect()
        as_served = words(folder, url, DAY)
        folder.settings(f'resource-rule = "digital-land"\n{QUICK}')
        changed = words(folder, url, DAY)
        folder.tomorrow()
        stripped = words(folder, url, NEXT_DAY)

    assert "would ask it whether it changed, by If-None-Match" in as_served
    assert "digital-land" not in as_served
    assert "The run for 2026-03-02, by the register as it stands now, would ask it for all of it." in changed
    assert "resource: Bytes were kept as digital-land-python keeps them (resource-rule)" in stripped
    assert f"the resource of {DAY} was not kept by the rule `digital-land`, so no 304 could stand for it" in stripped
    assert "would ask it whether it changed, by If-None-Match" in stripped


def test_a_resource_that_returned_names_the_day_when_it_was_served_before(tmp_path: Path) -> None:
    folder = Folder(tmp_path).settings(QUICK)
    served = iter([csv_of(1), csv_of(2), csv_of(1)])
    with WebServer({"/a.csv": lambda _: Page(next(served))}) as server:
        url = server.url("/a.csv")
        folder.register(url)
        for days in range(3):
            folder.now = NOON + dt.timedelta(days=days)
            folder.collect(DAY + dt.timedelta(days=days))

    said = words(folder, url, DAY + dt.timedelta(days=2))
    assert f"The last resource before it is of {NEXT_DAY}: other content, by both hashes." in said
    assert f"`returned`: the same bytes were served on {DAY}, and then others." in said
    assert f"the server gave neither ETag nor Last-Modified on {NEXT_DAY}" in said


def test_what_readers_made_of_it_and_what_changed_in_the_index_is_said(tmp_path: Path) -> None:
    folder = Folder(tmp_path).settings(QUICK)
    with WebServer({"/a.csv": Page(b"reference,name\n1,Oak\n2,Elm\n,Ash\n"), "/b": Page(b"\0\1\2")}) as server:
        folder.register(server.url("/a.csv"), server.url("/b")).collect()
        before = words(folder, server.url("/a.csv"), DAY)
        fold(folder.collection, DAY)
        table, binary = (words(folder, server.url(path), DAY) for path in ("/a.csv", "/b"))

    assert "records: It was not read into records yet" in before
    assert "records: 3 records (read as csv, utf-8; the id is reference)." in table
    assert "records: 1 records have a blank id." in table
    assert "So it proves no absence" in table
    assert "items: Its items that day: 2 created." in table
    assert "records: No records could be read: " in binary


def test_what_was_withdrawn_and_what_has_another_ones_place_is_said(tmp_path: Path) -> None:
    folder = Folder(tmp_path).settings(QUICK)
    with WebServer({"/a.csv": Page(csv_of(1)), "/b.csv": Page(csv_of(2))}) as server:
        urls = [server.url("/a.csv"), server.url("/b.csv")]
        folder.register(*urls).collect()
    withdrawn, moved = (folder.log(url).resource for url in urls)
    place = folder.put_resource(csv_of(3))
    (tmp_path / "old-resource.csv").write_text(f"old-resource,status,resource\n{withdrawn},410,\n{moved},301,{place}\n")
    fold(folder.collection, DAY)

    assert "records: No records are read of it: it is withdrawn: old-resource.csv" in words(folder, urls[0], DAY)
    assert "items: Its items that day: nothing changed." in words(folder, urls[0], DAY)
    assert f"records: In its place {place} is read" in words(folder, urls[1], DAY)
    assert "records: 2 records" in words(folder, urls[1], DAY)


def test_a_day_that_is_over_or_has_not_begun_is_said_to_be_so_and_the_register_of_then_counts(tmp_path: Path) -> None:
    folder = Folder(tmp_path).settings(QUICK)
    with WebServer({"/a.csv": Page(csv_of(1))}) as server:
        url = server.url("/a.csv")
        folder.register(url).collect()
        folder.register({"endpoint-url": url, "end-date": str(NEXT_DAY)})
        over = words(folder, url, DAY, NOON + dt.timedelta(days=9))
        ahead = words(folder, url, DAY + dt.timedelta(days=20), NOON + dt.timedelta(days=9))

    assert "as the newest run of that day had it" in over
    assert "It was active: it has no end-date." in over
    assert f"{DAY} is over" in over
    assert "would record skipped:ended" in over
    assert "has not begun" in ahead


def test_a_resource_and_a_log_that_were_damaged_since_are_said_to_be_so(tmp_path: Path) -> None:
    folder = Folder(tmp_path).settings(QUICK)
    with WebServer({"/a.csv": Page(csv_of(1))}) as server:
        url = server.url("/a.csv")
        folder.register(url).collect()
    next(folder.collection.resources.folder.iterdir()).write_bytes(b"x")
    assert "the log says" in words(folder, url, DAY)
    folder.collection.log_path(DAY, endpoint_id(url)).write_text("{")
    assert "Its log is damaged and counts as none" in words(folder, url, DAY)


def test_an_endpoint_that_nobody_knows_is_said_so(day: Day) -> None:
    with pytest.raises(SettingsError, match="no endpoint of that day"):
        explain(day.folder.collection, "f" * 64, DAY, now=EVENING)


def test_the_command_prints_the_sentences(day: Day) -> None:
    arguments = ("explain", day.urls["404"], str(DAY), "--collection-dir", str(day.folder.path))

    text, answered = day.folder.run(*arguments), day.folder.run(*arguments, "--json")

    assert text.returncode == 0 and "outcome   Outcome: failed:status." in text.stdout
    assert {each["about"] for each in json.loads(answered.stdout)} >= {"register", "run", "request", "outcome", "next"}
