"""What a check of one URL finds, at real servers: the kinds of data, and the ways in which a URL is none."""

import json
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import collect_assets
from collect_assets.checking.check import TIGHT
from collect_assets.checking.report import UrlReport
from collect_assets.errors import SettingsError
from collect_assets.network.addresses import AddressRules
from collect_assets_tests.plugins.arcgis_service import PATH, Service, point
from collect_assets_tests.servers import Page, RawServer, WebServer

RULES = AddressRules.parse("127.0.0.0/8")
CSV = b"reference,name,geometry\n7,Oak,POINT (1 52)\n7,Elm,POINT (3 54)\n"
GEOJSON = json.dumps({
    "type": "FeatureCollection",
    "features": [{"type": "Feature", "properties": {"id": 1}, "geometry": {"type": "Point", "coordinates": [2, 51]}}],
}).encode()  # fmt: skip
HTML = b"<!doctype html><html><body>A page</body></html>"
FEATURES = b"""<?xml version="1.0"?><wfs:FeatureCollection xmlns:wfs="http://www.opengis.net/wfs/2.0" timeStamp="x"/>"""
CAPABILITIES = b"""<?xml version="1.0"?><!-- made up --><wfs:WFS_Capabilities xmlns:wfs="http://www.opengis.net/wfs/2.0">
<wfs:FeatureTypeList><wfs:FeatureType><wfs:Name>town:trees</wfs:Name></wfs:FeatureType></wfs:FeatureTypeList>
</wfs:WFS_Capabilities>"""


def check(url: str, **options: Any) -> UrlReport:
    return collect_assets.check_url(url, **{"rules": RULES, **options})


@pytest.fixture
def server() -> Iterator[WebServer]:
    pages = {
        "/sites.csv": Page(CSV, headers={"Content-Type": "text/csv"}),
        "/moved": Page(b"", 301, {"Location": "/sites.csv"}),
        "/sites.geojson": Page(GEOJSON, headers={"Content-Type": "application/geo+json"}),
        "/page": Page(HTML, headers={"Content-Type": "text/html"}),
        "/closed": Page(b"no", 403),
        "/wfs": Page(FEATURES, headers={"Content-Type": "text/xml"}),
        "/capabilities": Page(CAPABILITIES, headers={"Content-Type": "text/xml"}),
        "/error": Page(b'{"error": {"code": 400, "message": "Invalid URL", "details": []}}'),
        "/noise": Page(b"\x00\x01\x02" * 99),
    }
    with WebServer(pages) as running:
        yield running


def test_a_csv_is_described_with_its_id_its_places_and_first_records(server: WebServer) -> None:
    report = check(server.url("/moved"))

    assert (report.collectable, report.outcome, report.plugin, report.status) == (True, "collected", "", 200)
    assert (report.final_url, report.redirects) == (server.url("/sites.csv"), ((301, server.url("/moved")),))
    assert (report.format, report.encoding, report.content_type, report.size) == ("csv", "utf-8", "text/csv", len(CSV))
    assert (report.columns, report.id_rule) == (("reference", "name", "geometry"), ("reference",))
    assert (report.records, report.duplicates, report.first_records[0]["name"]) == (2, 1, "Oak")
    assert (report.geometry, report.box) == ((("POINT", 2),), (1.0, 52.0, 3.0, 54.0))
    assert "have the id of another one" in report.problems[0]
    assert report.error == {}


def test_a_geojson_is_read(server: WebServer) -> None:
    report = check(server.url("/sites.geojson"))

    assert (report.collectable, report.format, report.records, report.geometry) == (True, "geojson", 1, (("POINT", 1),))


def test_parameters_say_what_the_id_is(server: WebServer) -> None:
    assert check(server.url("/sites.csv"), parameters={"id": ["name"]}).id_rule == ("name",)


def test_an_arcgis_layer_is_found_and_only_its_first_pages_are_asked_for() -> None:
    service = Service([point(number) for number in range(1, 60)], most=5)
    with WebServer(service) as running:
        report = check(running.url(PATH))

    assert (report.plugin, report.collectable, report.outcome) == ("arcgis", True, "collected")
    assert (report.whole, report.declared, report.format) == (False, 59, "geojson")
    assert 5 <= report.records < 59


def test_the_page_of_a_layer_for_people_leads_to_its_data() -> None:
    service = Service([point(1), point(2)])
    page = Page(b"<html><head><title>Trees</title></head></html>", headers={"Content-Type": "text/html"})
    with WebServer(lambda asked: page if asked.path == PATH and asked.method == "GET" else service(asked)) as running:
        report = check(running.url(PATH))

    assert (report.plugin, report.collectable, report.records) == ("arcgis", True, 2)


def test_an_error_under_a_status_of_200_is_no_data(server: WebServer) -> None:
    report = check(server.url("/error"))

    assert (report.collectable, report.outcome) == (False, "failed:service-error")
    assert "Invalid URL" in report.problems[0]


def test_a_wfs_is_found_by_its_answer(server: WebServer) -> None:
    assert check(server.url("/wfs")).plugin == "wfs"


def test_the_description_of_a_wfs_names_what_to_ask_for(server: WebServer) -> None:
    report = check(server.url("/capabilities"))

    assert (report.collectable, report.plugin) == (False, "wfs")
    assert "town:trees" in report.problems[0]


@pytest.mark.parametrize(
    ("path", "outcome", "words", "message"),
    [
        ("/page", "refused:html", "This is a web page", "The selected file must be a CSV"),
        ("/closed", "failed:status", "not open to everybody", "The URL must be accessible"),
        ("/nowhere", "failed:status", "nothing at this address", "The URL does not exist."),
    ],
)
def test_what_is_no_data_is_said_in_plain_words(
    server: WebServer, path: str, outcome: str, words: str, message: str
) -> None:
    report = check(server.url(path))

    assert (report.collectable, report.outcome) == (False, outcome)
    assert words in report.problems[0]
    assert report.error["errMsg"].startswith(message)
    assert report.error["endpointUrl"] == server.url(path)


def test_what_cannot_be_read_into_records_can_still_be_collected(server: WebServer) -> None:
    report = check(server.url("/noise"))

    assert (report.collectable, report.records) == (True, 0)
    assert report.problems[0].startswith("It can be collected, but not read")


def test_a_certificate_that_nobody_vouches_for_is_named(tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
         tmp_path / "key.pem", "-out", tmp_path / "cert.pem", "-days", "2", "-subj", "/CN=test"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with WebServer({"/": Page(CSV)}).secure(context) as running:
        report = check(running.url())

    assert (report.collectable, report.outcome) == (False, "failed:tls")
    assert report.error["errMsg"] == "SSL certificate verification failed"


def test_a_private_address_is_not_asked(server: WebServer) -> None:
    report = check(server.url("/sites.csv"), rules=AddressRules.none())

    assert (report.collectable, report.outcome) == (False, "refused:address")
    assert "private network" in report.problems[0]
    assert server.asked == []


def test_an_endless_body_ends_at_the_limit() -> None:
    def endless(_: int) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 X\r\n\r\n"
        while True:
            yield b"a,b\n" * 10_000

    with RawServer(endless) as running:
        report = check(running.url(), limits=TIGHT.model_copy(update={"max_bytes": 1_000_000}))

    assert (report.collectable, report.outcome) == (False, "refused:too-large")
    assert "larger than a check reads" in report.problems[0]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Type an address"),
        ("www.example.org/sites.csv", "Did you mean https://www.example.org/sites.csv ?"),
        ("file:///etc/passwd", "begin with file:"),
        (" https://example.org/ ", "space before or after"),
    ],
)
def test_what_is_no_url_is_said_before_anything_is_asked(typed: str, words: str) -> None:
    report = check(typed)

    assert not report.collectable
    assert words in report.problems[0]


def test_an_unknown_plugin_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match="no plugin 'wmts'; known: arcgis"):
        check("https://example.org/", plugin="wmts")


def run_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from collect_assets.cli import main; main()", "check-url", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_prints_the_same_as_text_and_as_json(server: WebServer) -> None:
    text = run_command(server.url("/sites.csv"), "--allow", "127.0.0.1")
    answered = run_command(server.url("/sites.csv"), "--allow", "127.0.0.1", "--json")
    bad = run_command(server.url("/page"), "--allow", "127.0.0.1", "--json")

    assert (text.returncode, answered.returncode, bad.returncode) == (0, 0, 1)
    assert text.stdout.startswith("can be collected: ") and "Oak" in text.stdout
    assert json.loads(answered.stdout)["id-rule"] == ["reference"]
    assert json.loads(bad.stdout)["error"]["errType"] == "User Error"


def test_nothing_is_left_of_a_check(server: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    check(server.url("/sites.csv"))
    check(server.url("/page"))

    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("check-url")] == []
