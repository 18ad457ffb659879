"""What a check says of files and failures, at real servers."""

import gzip
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import FrozenInstanceError, replace

import pytest

from collect_assets import check_url
from collect_assets.checking.asking import CheckLimits
from collect_assets.errors import SettingsError
from collect_assets.network.turns import shared_folder
from collect_assets_tests.checking.services import PATH, arcgis
from collect_assets_tests.collecting.kit import LOOPBACK
from collect_assets_tests.servers import Hold, Page, RawServer, Sleep, WebServer, closed_port, http

CSV = b"reference,name,lon,lat\n1,oak,0.5,51\n2,ash,0.25,52\n2,elm,0.1,53\n,yew,,\nbroken\n"
POLYGON = {"type": "Polygon", "coordinates": [[[0, 51], [1, 51], [1, 52], [0, 51]]]}


def told(check):
    return " ".join(f"{finding.level}: {finding.what} {finding.advice}" for finding in check.findings)


def feature(number, geometry=POLYGON):
    return {"type": "Feature", "properties": {"reference": f"A{number}"}, "geometry": geometry}


def geojson(*features, **members):
    return json.dumps({"type": "FeatureCollection", **members, "features": features}).encode()


def test_a_csv_is_read_as_a_day_would_read_it(check):
    with WebServer({"/trees.csv": Page(CSV, headers={"Content-Type": "text/csv"})}) as web:
        found = check(web.url("/trees.csv"))
        assert [asked.path for asked in web.asked] == ["/trees.csv"]
    assert (found.collectable, found.outcome, found.plugin, found.status, found.error) == (True, "first", "", 200, None)
    assert (found.format, found.mime_type, found.content_type, found.encoding) == (
        "csv", "text/plain", "text/csv", "utf-8",
    )  # fmt: skip
    assert (found.bytes, found.whole, found.records, found.rejected) == (len(CSV), True, 4, 1)
    assert found.columns == ("reference", "name", "lon", "lat")
    assert list(found.first_records[0].items()) == [("reference", "1"), ("name", "oak"), ("lon", "0.5"), ("lat", "51")]
    assert (found.ids.fields, found.ids.filled, found.ids.duplicates, found.ids.conflicts) == (
        ("reference",),
        0.75,
        1,
        1,
    )
    assert (found.geometry.kinds, found.geometry.box) == ({"POINT": 3}, (0.1, 51, 0.5, 53))
    assert [(row.record_number, row.line) for row in found.first_rejected] == [(5, 6)]
    assert "1 of 4 records have no reference" in told(found)
    assert "1 record has the same reference" in told(found)


def test_a_geojson_is_read_with_its_geometries(check):
    body = geojson(feature(1), feature(2), feature(3, {"type": "Point", "coordinates": [-3, 55]}))
    with WebServer({"/": Page(body, headers={"Content-Type": "application/geo+json"})}) as web:
        found = check(web.url())
    assert (found.plugin, found.format, found.records, found.ids.fields) == ("", "geojson", 3, ("reference",))
    assert found.geometry.kinds == {"POLYGON": 2, "POINT": 1}
    assert found.geometry.box == (-3, 51, 1, 55)


def test_the_report_cannot_be_changed_and_is_json(check):
    with WebServer({"/": Page(CSV)}) as web:
        found = check(web.url(), first=1)
    with pytest.raises(FrozenInstanceError):
        found.outcome = "same"
    assert json.loads(found.to_json()) == found.as_dict()
    assert found.as_dict()["first_records"] == [{"reference": "1", "name": "oak", "lon": "0.5", "lat": "51"}]


def test_parameters_hold_as_they_would_in_a_register(check):
    with WebServer({"/": Page(b"a;name\n1;oak\n2;oak\n")}) as web:
        found = check(web.url(), parameters={"id": "name", "delimiter": ";", "headers": {"X-Who": "me"}})
        assert web.asked[0].headers["x-who"] == "me"
    assert (found.ids.fields, found.ids.duplicates) == (("name",), 1)


def test_an_unknown_parameter_is_said_and_ignored(check):
    with WebServer({"/": Page(CSV)}) as web:
        found = check(web.url(), parameters={"page_size": 10})
    assert found.collectable
    assert "unknown key 'page_size'" in told(found)


@pytest.mark.parametrize(
    "options",
    [
        {"plugin": "ARCGIS"},
        {"plugin": "arcgis", "parameters": {"max_page_size": "many"}},
        {"parameters": {"id": 7}},
        {"parameters": {"attempts": 0}},
    ],
)
def test_what_cannot_be_used_is_bad_usage_before_anything_is_asked(check, options):
    with WebServer({"/": Page(CSV)}) as web:
        with pytest.raises(SettingsError):
            check(web.url(), **options)
        assert web.asked == []


@pytest.mark.parametrize("limit", [{"max_bytes": 0}, {"seconds": 0}, {"attempts": 0}, {"max_redirects": -1}])
def test_limits_out_of_range_are_bad_usage(limit):
    with pytest.raises(SettingsError, match=next(iter(limit))):
        CheckLimits(**limit)


def test_a_web_page_is_said_to_be_one(check):
    page = Page(b"<!DOCTYPE html><html><body>Download</body></html>", headers={"Content-Type": "text/html"})
    with WebServer({"/": page}) as web:
        found = check(web.url())
    assert (found.collectable, found.outcome, found.mime_type) == (False, "refused:html", "text/html")
    assert "web page for people" in found.summary
    assert found.error["errMsg"] == "The selected file must be a CSV, GeoJSON, GML or GeoPackage file"
    assert found.error["contentType"] == "text/html"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "The URL does not exist. Check the URL you've entered is correct (HTTP 404 error)"),
        (403, "The URL must be accessible"),
        (410, "An error occurred, please try again later."),
    ],
)
def test_a_status_is_explained_though_a_web_page_comes_with_it(check, status, message):
    page = Page(b"<html>sorry</html>", status, {"Content-Type": "text/html"})
    with WebServer({"/": page}) as web:
        found = check(web.url())
    assert (found.collectable, found.outcome, found.status) == (False, "failed:status", status)
    assert f"status {status}" in found.summary
    assert (found.error["errMsg"], found.error["errCode"]) == (message, str(status))


def test_the_error_has_the_keys_that_services_know(check):
    with WebServer({"/": Page(b"", 403)}) as web:
        error = check(web.url()).error
        assert error == {
            "errCode": "403",
            "errType": "User Error",
            "errMsg": "The URL must be accessible",
            "errMsgDetail": error["errMsgDetail"],
            "errTime": "2026-03-01T12:00:00.000000",
            "endpointUrl": web.url(),
            "entryDate": "2026-03-01T12:00:00.000000",
            "fetchStatus": "FAILED",
            "exceptionType": None,
            "contentType": None,
            "plugin": None,
        }
    assert "status 403" in error["errMsgDetail"]


def test_a_certificate_that_nobody_vouches_for_is_explained(check, tls):
    with WebServer({"/": Page(CSV)}).secure(tls) as web:
        found = check(web.url())
        lax = check(web.url(), parameters={"ssl-verify": False})
    assert (found.outcome, found.exception, found.status) == ("failed:tls", "SSLError", None)
    assert "certificate" in found.summary
    assert (found.error["errMsg"], found.error["exceptionType"]) == ("SSL certificate verification failed", "SSLError")
    assert lax.collectable
    assert "not checked" in told(lax)


def test_nobody_there_is_explained(check):
    with closed_port() as port:
        found = check(f"http://127.0.0.1:{port}/a.csv", limits=CheckLimits(attempts=1))
    assert found.outcome == "failed:connect"
    assert "could not be connected to" in found.summary
    assert found.error["errMsg"] == "An error occurred, please try again later."


def test_an_address_that_is_not_public_is_refused_before_it_is_asked(check):
    with WebServer({"/": Page(CSV)}) as web:
        found = check(web.url(), rules=None)
        assert web.asked == []
    assert (found.collectable, found.outcome, found.requests) == (False, "refused:address", 0)
    assert "this machine itself" in found.summary
    assert not found.was_no_url


def test_a_redirect_to_an_address_that_is_not_public_is_refused(check):
    with WebServer({"/": Page(b"", 302, {"Location": "http://10.1.2.3/secret"})}) as web:
        found = check(web.url())
    assert found.outcome == "refused:address"
    assert "private network" in found.summary


def test_redirects_are_told_and_one_for_good_is_worth_registering(check):
    pages = {"/": Page(b"", 301, {"Location": "/b?token=s3cret"}), "/b?token=s3cret": Page(CSV)}
    with WebServer(pages) as web:
        found = check(web.url())
        assert found.final_url == web.url("/b?token=***")
    assert [(each.status, each.location) for each in found.redirects] == [(301, "/b?token=***")]
    assert "moved for good" in told(found)
    assert "s3cret" not in found.to_json()


def test_of_an_endless_body_the_start_is_looked_at(check):
    def script(_):
        yield http(b"", "Content-Type: text/csv", length=False)
        yield b"reference,name\n"
        for number in range(10**9):
            yield b"".join(b"%d,tree\n" % (number * 1000 + row) for row in range(1000))

    with RawServer(script) as web:
        began = time.monotonic()
        found = check(web.url(), limits=CheckLimits(max_bytes=300_000))
        assert time.monotonic() - began < 20
    assert (found.collectable, found.whole, found.bytes, found.rejected) == (True, False, 300_000, 0)
    assert 20_000 < found.records < 40_000
    assert "too large to check whole" in told(found)
    assert "does not say how long it is" in told(found)


@pytest.mark.parametrize(
    ("length", "said"), [(9000, "says that 9,000 bytes are sent, which a collection takes"),
                         (5 << 30, "a collection takes 4,294,967,296 at most")]
)  # fmt: skip
def test_whether_a_long_body_can_be_collected_whole_its_length_says(check, length, said):
    def script(_):
        yield http(b"", f"Content-Length: {length}", length=False)
        yield b"id\n" + b"1\n" * 4000
        yield Hold()

    with RawServer(script) as web:
        found = check(web.url(), limits=CheckLimits(max_bytes=1000))
    assert (found.collectable, found.bytes, said in told(found)) == (True, 1000, True)


def test_of_an_endless_list_that_begins_as_json_it_is_not_said_that_the_server_cut_it(check):
    """The bracket that is missing at the end is missing since we stopped reading."""

    def script(_):
        yield http(b"", "Content-Type: application/json", length=False)
        yield b'[{"id": 0}'
        for number in range(1, 10**9):
            yield b',{"id": %d}' % number

    with RawServer(script) as web:
        found = check(web.url(), limits=CheckLimits(max_bytes=3000))
    assert (found.collectable, found.outcome, found.records > 100) == (True, "first", True)


def test_a_body_that_drips_for_ever_ends_with_the_time_of_the_check(check):
    def script(_):
        yield http(b"", "Content-Type: text/csv", length=False)
        while True:
            yield b"1\n"
            yield Sleep(0.05)

    with RawServer(script) as web:
        began = time.monotonic()
        found = check(web.url(), limits=CheckLimits(seconds=1))
        assert time.monotonic() - began < 5
    assert (found.collectable, found.outcome) == (False, "failed:deadline")
    assert "time of a check" in found.summary


def test_the_time_of_a_check_holds_for_all_of_its_attempts_together(check):
    with RawServer([Hold()]) as web:
        began = time.monotonic()
        found = check(web.url(), limits=CheckLimits(seconds=1.5, attempts=10))
        assert time.monotonic() - began < 6
    assert found.outcome in {"failed:timeout", "failed:deadline"}


def test_when_the_time_is_over_nothing_more_is_asked(check):
    service = arcgis()
    with WebServer(lambda asked: replace(service(asked), delay=0.4)) as web:
        found = check(web.url(PATH), limits=CheckLimits(seconds=1))
        asked = len(web.asked)
        assert asked < 4  # of the page, the layer, the count and a page of it
    assert found.outcome == "failed:deadline"
    assert found.requests == asked


def test_parameters_cannot_widen_the_limits_of_a_check(check):
    with WebServer({"/": Page(b"id\n" + b"1\n" * 5000)}) as web:
        found = check(web.url(), parameters={"max-bytes": 10**9}, limits=CheckLimits(max_bytes=1000))
    assert (found.bytes, found.whole) == (1000, False)


@pytest.mark.parametrize("separator", [", ", ",\n"])
def test_the_start_of_a_long_geojson_is_read_as_far_as_its_features_are_whole(check, separator):
    features = separator.join(json.dumps(feature(number)) for number in range(500))
    with WebServer({"/": Page(f'{{"type": "FeatureCollection", "features": [{features}]}}'.encode())}) as web:
        found = check(web.url(), limits=CheckLimits(max_bytes=10_000))
    assert (found.collectable, found.format, found.whole, found.rejected) == (True, "geojson", False, 0)
    assert 50 < found.records < 100
    assert found.first_records[0]["reference"] == "A0"


def test_the_start_of_lines_of_json_is_read_too(check):
    body = b"".join(json.dumps({"id": number, "name": "oak"}).encode() + b"\n" for number in range(1000))
    with WebServer({"/": Page(body)}) as web:
        found = check(web.url(), limits=CheckLimits(max_bytes=1000))
    assert (found.format, found.records > 20, found.rejected) == ("ndjson", True, 0)


def test_of_a_long_zip_nothing_can_be_read_and_it_can_be_kept(check):
    with WebServer({"/": Page(b"PK\x03\x04" + os.urandom(5000))}) as web:
        found = check(web.url(), limits=CheckLimits(max_bytes=1000))
    assert (found.collectable, found.records, found.format) == (True, 0, "")
    assert "cannot be read without its end" in told(found)


def test_a_compressed_body_is_measured_as_it_is_unpacked(check):
    with WebServer({"/": Page(gzip.compress(CSV), headers={"Content-Encoding": "gzip"})}) as web:
        found = check(web.url())
    assert (found.bytes, found.whole, found.records) == (len(CSV), True, 4)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"code": 400, "message": "no such table"}}', "error in place of data"),
        (b"", "file is empty"),
    ],
)
def test_status_200_without_data_cannot_be_collected(check, body, said):
    with WebServer({"/": Page(body)}) as web:
        found = check(web.url())
    assert not found.collectable
    assert said in found.summary


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"%PDF-1.7 ...", "a PDF"),
        (b"reference,name\n", "not one record"),
        (geojson(), "not one record"),
        (geojson(feature(1), properties={"exceededTransferLimit": True}), "held something back"),
        (geojson(feature(1), numberMatched=9, numberReturned=1), "holds 9 features and gave 1"),
        (geojson(feature(1), links=[{"rel": "next", "href": "http://h/?page=2"}]), "names a next page"),
        (b'{"count": 9, "next": "http://h/?page=2", "results": [{"id": 1}, {"id": 2}]}', "names a next page"),
        (b"Trees of 2024,,\n,,\nreference,name,note\n1,oak,old\n", "Of its 3 columns 2 have no name"),
    ],
)
def test_what_can_be_kept_and_is_of_little_use_is_collectable_with_a_warning(check, body, said):
    with WebServer({"/": Page(body)}) as web:
        found = check(web.url())
    assert found.collectable
    assert said in told(found)
    assert "warning" in told(found)


def test_a_secret_in_the_url_is_warned_about(check):
    with WebServer({"/?api_key=s3cret": Page(CSV)}) as web:
        found = check(web.url("/?api_key=s3cret"))
    assert "looks like a secret" in told(found)


def test_a_credential_reaches_its_server_and_not_the_report(check, monkeypatch):
    monkeypatch.setenv("COLLECT_ASSETS_CREDENTIAL_TREES", "s3cret-of-trees")
    with WebServer(lambda asked: Page(repr(sorted(asked.headers)).encode(), 403)) as web:
        found = check(web.url(), parameters={"credential": "trees"})
    assert "s3cret-of-trees" not in found.to_json()


@pytest.fixture
def hanging(temporary):
    """A check in a process of its own whose server never answers, the folder of its scratch, and the server."""
    with RawServer([Hold()]) as web:
        code = f"""
from collect_assets import check_url
from collect_assets.network.addresses import AddressRules
check_url({web.url()!r}, rules=AddressRules.parse("127.0.0.0/8"))
"""
        process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(temporary)})
        scratch = shared_folder().with_name("check")
        while not (scratch.is_dir() and list(scratch.iterdir())):
            time.sleep(0.02)
        yield process, next(scratch.iterdir()), web
        process.kill()
        process.wait()


def test_what_a_killed_check_left_is_removed_by_the_next(check, hanging):
    process, folder, _ = hanging
    process.kill()
    process.wait()
    assert folder.is_dir()
    with WebServer({"/": Page(CSV)}) as web:
        check(web.url())
    assert not folder.exists()


def test_the_scratch_of_a_check_that_runs_is_left_alone_by_another(hanging):
    process, folder, _ = hanging
    with WebServer({"/": Page(CSV)}) as web:
        assert check_url(web.url(), rules=LOOPBACK).collectable
    assert folder.is_dir()
    assert process.poll() is None


def test_the_time_of_a_check_holds_while_another_process_asks_the_same_host(hanging):
    process, _, web = hanging
    while not web.requests:
        time.sleep(0.02)
    began = time.monotonic()
    found = check_url(web.url("/mine"), rules=LOOPBACK, limits=CheckLimits(seconds=1))
    assert 1 <= time.monotonic() - began < 4
    assert process.poll() is None
    assert len(web.requests) == 1
    assert found.outcome == "failed:busy"
    assert "being collected just now" in found.summary


def test_the_time_of_a_check_holds_for_the_waits_between_its_attempts_too(check):
    busy = Page(b"later", 429, {"Retry-After": "2"})
    with WebServer({"/": busy}) as web:
        began = time.monotonic()
        found = check(web.url(), limits=CheckLimits(seconds=1, attempts=5))
        assert time.monotonic() - began < 1.9
        assert len(web.asked) == 1
    assert (found.outcome, found.status) == ("failed:status", 429)


def test_a_check_asks_again_after_the_pause_that_the_host_asks_for(check):
    with RawServer([http(b"", "Retry-After: 2", status=429)], [http(CSV, "Content-Type: text/csv")]) as web:
        began = time.monotonic()
        found = check(web.url())
        assert 2 <= time.monotonic() - began < 8
    assert found.collectable


def test_a_pause_that_is_longer_than_a_check_is_kept_and_said(check):
    busy = Page(b"later", 429, {"Retry-After": "600"})
    with WebServer({"/": busy}) as web:
        first = check(web.url())
        assert (first.status, "left alone for 600 s" in told(first)) == (429, True)
        again = check(web.url())
        assert len(web.asked) == 1
    assert again.outcome == "failed:busy"
    assert re.search(r"asked for a pause, and is not to be asked again for another \d+ s, until ..:..:.. UTC",
                     again.summary)  # fmt: skip


def test_a_next_page_may_stand_in_the_header_and_what_looks_like_one_in_a_table_is_none(check):
    linked = Page(b'[{"id": 1}]', headers={"Link": '<http://h/?page=1>; rel="prev", <http://h/?page=3>; rel="next"'})
    last = Page(b'{"next": null, "results": [{"id": 1}]}', headers={"Link": '<http://h/?page=1>; rel="prev"'})
    table = Page(b'reference,note\n1,"{""next"": ""http://h""}"\n')
    with WebServer({"/linked": linked, "/last": last, "/table": table}) as web:
        said = ["next page" in told(check(web.url(path))) for path in ("/linked", "/last", "/table")]
    assert said == [True, False, False]


def test_a_broken_disk_is_our_problem_and_no_fault_of_the_url(temporary):
    folder = shared_folder().with_name("check")
    folder.write_text("a file where the folder should be")
    with WebServer({"/": Page(CSV)}) as web:
        found = check_url(web.url(), rules=LOOPBACK)
        assert web.asked == []
    assert (found.collectable, found.outcome) == (False, "failed:storage")
    assert found.error["errMsg"] == "There is a problem with our service, please try again later."
