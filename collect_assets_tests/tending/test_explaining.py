"""Explaining a day: every way in which an endpoint ends, read back from what one run left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collect_assets.collecting.day import DayReport
from collect_assets.errors import SettingsError
from collect_assets.registers import endpoint_id
from collect_assets.tending.explaining import explain
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, QUICK, Folder, csv_of
from collect_assets_tests.servers import Page, WebServer

ZERO = "0" * 64
# What digital-land-python does with each of them is known: half of them end its run, or leave no trace.
SITUATIONS: dict[str, tuple[dict[str, str], str, tuple[str, ...]]] = {
    "collected": ({}, "first", ("no earlier day has a resource", "is there and whole")),
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
        folder.register(*rows, {"endpoint-url": "", "endpoint": ""})
        path = folder.path / "endpoint.csv"
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as spreadsheets save it
        self.report: DayReport = folder.collect()

    def endpoint(self, name: str) -> str:
        return SITUATIONS[name][0].get("endpoint") or endpoint_id(self.urls[name])

    def seen(self, name: str) -> str:
        path = self.folder.collection.log_path(DAY, self.endpoint(name))
        return json.loads(path.read_bytes())["outcome"] if path.is_file() else self.report.skips[self.endpoint(name)]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Day]:
    pages = {f"/{number}.csv": Page(csv_of(number)) for number in range(len(SITUATIONS))}
    pages |= {"/page": Page(b"<html></html>", headers={"Content-Type": "text/html"}), "/empty": Page(b"")}
    with WebServer(pages) as server:
        yield Day(Folder(tmp_path_factory.mktemp("explained")).settings(QUICK), server)


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_situation_is_on_record_and_is_explained(day: Day, name: str) -> None:
    _, outcome, words = SITUATIONS[name]

    assert day.seen(name) == outcome
    said = explain(day.folder.collection, day.endpoint(name), DAY, today=NEXT_DAY)
    text = "\n".join(each.text for each in said)
    assert [word for word in words if word not in text] == []


def test_an_unchanged_answer_is_explained_by_its_hash(tmp_path: Path) -> None:
    folder = Folder(tmp_path).settings(QUICK)
    with WebServer({"/a.csv": Page(csv_of(1))}) as server:
        folder.register(server.url("/a.csv")).collect()
        folder.tomorrow()
        said = explain(folder.collection, server.url("/a.csv"), NEXT_DAY, today=NEXT_DAY)

    assert f"The last resource before it is of {DAY}: the same bytes, by their sha256." in [each.text for each in said]
    assert said[-1].text == "Another run for the same day would ask it in the modes: refill."


def test_an_endpoint_that_nobody_knows_is_said_so(day: Day) -> None:
    with pytest.raises(SettingsError, match="no endpoint of that day"):
        explain(day.folder.collection, "f" * 64, DAY, today=NEXT_DAY)


def test_the_command_prints_the_sentences(day: Day) -> None:
    arguments = ("explain", day.urls["404"], str(DAY), "--collection-dir", str(day.folder.path))

    text, answered = day.folder.run(*arguments), day.folder.run(*arguments, "--json")

    assert text.returncode == 0 and "outcome   Outcome: failed:status." in text.stdout
    assert {each["about"] for each in json.loads(answered.stdout)} >= {"register", "run", "request", "outcome", "next"}
