"""The archive of pages: the same pages are the same bytes, whoever asked for them, and when."""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from collect_assets.collection import Limits, Politeness
from collect_assets.errors import FailedError
from collect_assets.network.gate import Answer, Gate, Request
from collect_assets.plugins import Harvest, HarvestRequest
from collect_assets.plugins.page_archive import page_archive
from collect_assets.plugins.tasks import Kept, Tasks
from collect_assets_tests.collecting.kit import LOOPBACK, sha256
from collect_assets_tests.servers import Asked, Page, WebServer


def keep(_: Answer, body: Path) -> Kept:
    return Kept(body, 1)


def pages_of(asked: Asked) -> Page:
    return Page(b"gone", 410) if asked.path == "/4" else Page(f"<page>{asked.path}é</page>".encode())


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    politeness = Politeness(pause_share=0.0)
    with Gate(limits=Limits(attempts=1), politeness=politeness, user_agent="t", rules=LOOPBACK, work=tmp_path / "w",
              locks=tmp_path / "l") as gate:  # fmt: skip
        yield gate


def harvested(gate: Gate, server: WebServer, folder: Path, numbers: range, short: str = "") -> Harvest:
    request = HarvestRequest(server.url(), work=folder / "work", pending=folder / "pending")
    tasks = Tasks(request.pending, request.work, gate)
    pages = [tasks.attempt(f"page-{number}", Request(server.url(f"/{number}")), keep) for number in numbers]
    return page_archive(request, "digir", tasks, [page for page in pages if page], short=short)


def test_the_pages_are_there_verbatim_in_order_behind_the_list_of_requests(gate: Gate, tmp_path: Path) -> None:
    with WebServer(pages_of) as server:
        harvest = harvested(gate, server, tmp_path, range(3))
        assert harvest.part is not None
        with zipfile.ZipFile(harvest.part) as archive:
            assert archive.namelist() == ["tasks.json", "000001.xml", "000002.xml", "000003.xml"]
            assert [archive.read(f"00000{n + 1}.xml") for n in range(3)] == [
                f"<page>/{n}é</page>".encode() for n in range(3)
            ]
            assert archive.testzip() is None
            assert {(info.date_time, info.compress_type, info.flag_bits) for info in archive.infolist()} == {
                ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED, 0)
            }
            assert json.loads(archive.read("tasks.json")) == {
                "plugin": "digir",
                "tasks": [
                    {"page": f"00000{n + 1}.xml", "request": f"GET {server.url(f'/{n}')}"} for n in range(3)
                ],
            }  # fmt: skip
        assert harvest.complete
        assert (harvest.sha256, harvest.size) == (sha256(harvest.part.read_bytes()), harvest.part.stat().st_size)
        assert harvest.start.startswith(b"PK\x03\x04")
        assert harvest.start[30:40] == b"tasks.json"


def test_the_same_pages_are_the_same_bytes_in_another_run_and_under_other_circumstances(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with WebServer(pages_of) as server:
        one = harvested(gate, server, tmp_path / "one", range(3))
        monkeypatch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        before = os.umask(0o077)
        try:
            other = harvested(gate, server, tmp_path / "other", range(3))
        finally:
            os.umask(before)
            monkeypatch.undo()
            time.tzset()
        assert one.sha256 == other.sha256
        assert one.sha256 != harvested(gate, server, tmp_path / "third", range(2)).sha256


def test_a_failed_task_makes_it_a_part_whose_places_have_no_hole(gate: Gate, tmp_path: Path) -> None:
    with WebServer(pages_of) as server:
        harvest = harvested(gate, server, tmp_path, range(3, 6))
        assert harvest.part is not None
        with zipfile.ZipFile(harvest.part) as archive:
            assert archive.namelist() == ["tasks.json", "000001.xml", "000002.xml"]
        assert not harvest.complete
        assert harvest.incomplete is not None
        assert "1 of 3 tasks failed" in str(harvest.incomplete)


def test_what_is_short_makes_it_a_part(gate: Gate, tmp_path: Path) -> None:
    with WebServer(pages_of) as server:
        harvest = harvested(gate, server, tmp_path, range(2), "600 records came, 1000 were declared")
        assert "600 records came" in str(harvest.incomplete)


def test_more_pages_than_an_archive_may_have_are_an_error_and_no_file(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collect_assets.plugins.page_archive.MAX_MEMBERS", 3)
    with WebServer(pages_of) as server, pytest.raises(FailedError, match="3 pages"):
        harvested(gate, server, tmp_path, range(3))
    assert list((tmp_path / "work").iterdir()) == []
