"""Which bytes are kept: as they came, or as digital-land-python keeps them, so that its historic ids go on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from collect_assets.collecting.resource_rule import ResourceRule
from collect_assets.collecting.verify import verify
from collect_assets.tending.comparing import compare
from collect_assets_tests.collecting.kit import DAY, NEXT_DAY, NOON, QUICK, Folder, sha256
from collect_assets_tests.servers import Page, WebServer

DAY_BEFORE = DAY - dt.timedelta(1)
SERVED = b'{"type":"FeatureCollection","timeStamp":"2026-03-01T12:00:00Z","features":[{"a":1,}]}'
KEPT = b'{"type":"FeatureCollection","features":[{"a":1}]}'
GML = b'<x timeStamp="2026-03-01"><f fid="site.1" gml:id="site.1--5f2"/><g gml:id="site.2"/></x>'
LEFT = b'<x><f gml:id="site"/><g gml:id="site"/></x>'
STAMPED = b'{"type":"FeatureCollection","timeStamp":"2026-03-01T12:00:00Z","features":[]}'
JSON = {"Content-Type": "application/json; charset=utf-8"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "sites"
    path.mkdir()
    return Folder(path)


def theirs(folder: Folder) -> Folder:
    return folder.settings(f'resource-rule = "digital-land"\n{QUICK}')


def rule_of(folder: Folder) -> str:
    return ResourceRule.of(folder.collection).name


def test_a_new_collection_keeps_bytes_as_they_came(folder: Folder) -> None:
    with WebServer(lambda _: Page(SERVED, headers=JSON)) as server:
        folder.settings(QUICK).register(server.url("/a")).collect()
    assert folder.resources() == {sha256(SERVED): SERVED}
    assert folder.runs()[0]["resource-rule"] == "raw"


def test_a_time_stamp_is_taken_out_before_hashing_and_the_log_names_the_bytes_that_are_kept(folder: Folder) -> None:
    with WebServer(lambda _: Page(SERVED, headers=JSON)) as server:
        theirs(folder).register(server.url("/a")).collect()
        log = folder.log(server.url("/a"))
    assert folder.resources() == {sha256(KEPT): KEPT}
    assert (log.resource, log.bytes, log.outcome) == (sha256(KEPT), len(KEPT), "first")
    assert folder.left_in_work() == []


def test_what_the_header_does_not_call_json_or_xml_stays_as_it_came(folder: Folder) -> None:
    with WebServer(lambda _: Page(SERVED, headers={"Content-Type": "text/plain"})) as server:
        theirs(folder).register(server.url("/a")).collect()
    assert folder.resources() == {sha256(SERVED): SERVED}


def test_a_wfs_loses_what_its_server_makes_anew_each_time(folder: Folder) -> None:
    with WebServer(lambda _: Page(GML, headers={"Content-Type": "text/xml"})) as server:
        theirs(folder).register({"endpoint-url": server.url("/w?request=GetFeature"), "plugin": "wfs"}).collect()
    assert folder.resources() == {sha256(LEFT): LEFT}


def test_a_page_that_the_header_does_not_call_one_is_kept_and_proves_nothing(folder: Folder) -> None:
    page = b"<!DOCTYPE html><html><body>Sorry</body></html>"
    kinds = {"/said": "text/html", "/not-said": "application/octet-stream"}
    with WebServer(lambda asked: Page(page, headers={"Content-Type": kinds[asked.path]})) as server:
        theirs(folder).register(server.url("/said"), server.url("/not-said")).collect()
        said, not_said = folder.log(server.url("/said")), folder.log(server.url("/not-said"))
    assert said.outcome == "refused:html"
    assert (not_said.outcome, not_said.resource, not_said.complete) == ("first", sha256(page), False)
    assert "a web page came in place of data" in not_said.message


def test_where_nothing_is_left_nothing_is_kept(folder: Folder) -> None:
    with WebServer(lambda _: Page(b'"timeStamp":"x",', headers=JSON)) as server:
        theirs(folder).register(server.url("/a")).collect()
        log = folder.log(server.url("/a"))
    assert (log.outcome, folder.resources(), folder.left_in_work()) == ("failed:empty", {}, [])
    assert "nothing is left" in log.message


def test_a_collection_of_digital_land_goes_on_by_its_rule_unless_the_settings_say_otherwise(folder: Folder) -> None:
    with WebServer(lambda _: Page(SERVED, headers=JSON)) as server:
        folder.put_log(server.url("/a"), {"resource": folder.put_resource(KEPT), "status": "200"}, day=DAY_BEFORE)
        folder.settings(QUICK).register(server.url("/a")).collect()
        log = folder.log(server.url("/a"))
        assert (log.resource, log.outcome) == (sha256(KEPT), "same")
        assert rule_of(folder) == "digital-land"  # and it goes on, now that the newest logs are ours
        folder.settings(f'resource-rule = "raw"\n{QUICK}').tomorrow()
        assert folder.log(server.url("/a"), NEXT_DAY).resource == sha256(SERVED)


def test_a_folder_under_the_rule_is_whole_and_agrees_with_that_of_digital_land(folder: Folder, tmp_path: Path) -> None:
    other = Folder(tmp_path / "theirs")
    with WebServer(lambda asked: Page(GML if asked.path == "/w" else SERVED, headers=JSON)) as server:
        urls = [server.url("/a"), server.url("/b")]
        theirs(folder).register(*urls, {"endpoint-url": server.url("/w"), "plugin": "wfs"}).collect()
    for url in urls:
        other.put_log(url, {"resource": other.put_resource(KEPT), "status": "200"})
    other.put_log(server.url("/w"), {"resource": other.put_resource(LEFT), "status": "200"})
    report = verify(folder.collection)
    assert (report.resources, list(report.problems)) == (2, [])
    compared = compare(folder.collection, other.collection)
    assert (compared.rate, dict(compared.kinds)) == (1.0, {})


def test_a_rule_that_changes_in_the_middle_changes_the_bytes_once_and_the_content_not_at_all(folder: Folder) -> None:
    with WebServer(lambda _: Page(STAMPED, headers=JSON)) as server:
        url = server.url("/a")
        folder.settings(QUICK).register(url).collect()
        theirs(folder).tomorrow()
        folder.now = NOON + dt.timedelta(2)
        folder.collect(NEXT_DAY + dt.timedelta(1))
        logs = [folder.log(url, DAY + dt.timedelta(days)) for days in range(3)]
    left = b'{"type":"FeatureCollection","features":[]}'
    assert [log.resource for log in logs] == [sha256(STAMPED), sha256(left), sha256(left)]
    assert [log.outcome for log in logs] == ["first", "same", "same"]
    assert len({log.canonical_hash for log in logs}) == 1
    assert list(verify(folder.collection).problems) == []


def test_a_304_never_stands_for_bytes_of_another_rule(folder: Folder) -> None:
    tag = {**JSON, "ETag": '"1"'}

    def page(asked: object) -> Page:
        asks = getattr(asked, "headers", {}).get("if-none-match")
        return Page(b"", 304, tag) if asks else Page(SERVED, headers=tag)

    with WebServer(page) as server:
        folder.settings(QUICK).register(server.url("/a")).collect()
        theirs(folder).tomorrow()
        assert folder.log(server.url("/a"), NEXT_DAY).resource == sha256(KEPT)
        assert "If-None-Match" not in folder.log(server.url("/a"), NEXT_DAY).request_headers


def test_days_that_stand_in_a_log_csv_alone_tell_the_rule_too(folder: Folder) -> None:
    folder.settings(QUICK)
    assert rule_of(folder) == "raw"
    (folder.path / "log.csv").write_text("endpoint,entry-date,resource\n")
    assert rule_of(folder) == "digital-land"
