"""The `wfs` plugin against a small Web Feature Service with the habits of real ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from lxml import etree

from collect_assets.plugins.wfs import page_url
from collect_assets_tests.collecting.kit import Folder
from collect_assets_tests.plugins.served import Served
from collect_assets_tests.servers import Asked, Page

GML, WFS = "http://www.opengis.net/gml/3.2", "http://www.opengis.net/wfs/2.0"
GETFEATURE = "/ows?mapsource=x/inspire&service=WFS&version=2.0.0&Request=GetFeature&TypeNames=t:area&srsName=EPSG:27700"
REPORT = b"""<?xml version="1.0"?><ows:ExceptionReport xmlns:ows="http://www.opengis.net/ows/1.1" version="2.0.0">
<ows:Exception exceptionCode="InvalidParameterValue" locator="typeName"><ows:ExceptionText>Feature type
t:area unknown</ows:ExceptionText></ows:Exception></ows:ExceptionReport>"""
OLD_REPORT = b"""<?xml version="1.0"?><ServiceExceptionReport version="1.2.0"><ServiceException code="LayerNotDefined">
no such layer</ServiceException></ServiceExceptionReport>"""


def feature(number: int, made_up: int = 0) -> str:
    return (
        f'<t:area gml:id="area.{number}{f".{made_up}" if made_up else ""}"><t:name>Area {number} &amp; é</t:name>'
        f'<t:shape><gml:Point srsName="EPSG:27700"><gml:pos>{number} 2.50</gml:pos></gml:Point></t:shape></t:area>'
    )


@dataclass
class Service:
    """Answers GetFeature.

    Attributes:
        most: members that it gives at once, whatever it is asked.
        says: whether it says how many there are.
        interfere: may answer in its place.
    """

    count: int
    most: int = 1000
    says: bool = True
    hits: bool = True
    version: int = 2
    json: bool = False
    ignores_start: bool = False
    made_up: bool = False
    extra: str = ""
    plural: bool = False
    interfere: Callable[[dict[str, str]], Page | None] = lambda _: None
    asked: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Page:
        query = {key.lower(): value for key, value in parse_qsl(urlsplit(asked.path).query)}
        self.asked.append(query)
        if page := self.interfere(query):
            return page
        if query.get("resulttype") == "hits":
            return self._hits()
        start = 0 if self.ignores_start else int(query.get("startindex", 0))
        size = int(query.get("count" if self.version == 2 else "maxfeatures", self.most))
        numbers = list(range(self.count))[start : start + min(size, self.most)]
        return self._json(numbers) if self.json else self._xml(numbers)

    def starts(self) -> list[str]:
        return [query["startindex"] for query in self.asked if "startindex" in query]

    def _hits(self) -> Page:
        if not self.hits:
            return Page(REPORT)
        name = "numberMatched" if self.version == 2 else "numberOfFeatures"
        return Page(f'<wfs:FeatureCollection xmlns:wfs="{WFS}" {name}="{self.count}"/>'.encode())

    def _xml(self, numbers: list[int]) -> Page:
        features = [feature(number, len(self.asked) if self.made_up else 0) for number in numbers]
        if self.plural:
            members = f"<gml:featureMembers>{''.join(features)}</gml:featureMembers>"
        else:
            tag = "wfs:member" if self.version == 2 else "gml:featureMember"
            members = "\n".join(f"<{tag}>{each}</{tag}>" for each in features)
        matched = self.count if self.says else "unknown"
        counts = f'numberMatched="{matched}" numberReturned="{len(numbers)}"' if self.version == 2 else ""
        return Page(
            f'<?xml version="1.0" encoding="UTF-8"?><wfs:FeatureCollection xmlns:wfs="{WFS}" xmlns:gml="{GML}" '
            f'xmlns:t="urn:t" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {counts} '
            f'xsi:schemaLocation="urn:t t.xsd" timeStamp="2026-03-01T00:00:0{len(self.asked) % 10}Z" {self.extra}>'
            f"<wfs:boundedBy/>{members}</wfs:FeatureCollection>".encode(),
            headers={"Content-Type": "text/xml"},
        )

    def _json(self, numbers: list[int]) -> Page:
        said = {"numberMatched": self.count, "numberReturned": len(numbers)} if self.says else {}
        crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
        features = [{"type": "Feature", "id": f"a.{n}", "geometry": None, "properties": {"n": n}} for n in numbers]
        return Page(json.dumps({"type": "FeatureCollection", "features": features, "crs": crs, **said}).encode())


@pytest.fixture
def serve(register: Any) -> Callable[..., Served]:
    def start(service: Callable[[Asked], Page], path: str = GETFEATURE, **parameters: Any) -> Served:
        served: Served = register(service, "wfs", path, **parameters)
        return served

    return start


def positions(content: bytes) -> list[str]:
    """Where the features are; the namespaces have to be right for it."""
    return [str(pos.text).split()[0] for pos in etree.fromstring(content).iter(f"{{{GML}}}pos")]


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_without_a_page_size_the_answer_is_kept_as_it_came(serve: Any) -> None:
    served = serve(service := Service(3))
    log = served.collect()
    assert served.content(log) == service._xml([0, 1, 2]).body
    assert served.server.asked[0].path == GETFEATURE
    assert len(served.server.asked) == 1


def test_an_answer_that_says_that_it_has_not_all_is_no_resource_unless_its_url_wants_no_more(serve: Any) -> None:
    served = serve(Service(30, most=20))
    log = served.collect()
    assert (log.outcome, log.resource, log.complete, log.declared_count) == ("failed:incomplete", "", False, 30)
    assert "20 of 30 features came; give `page_size`" in log.message
    assert positions(served.content(log)) == numbers(20)
    asked = serve(Service(30, most=20), f"{GETFEATURE}&count=10").collect()
    assert (asked.outcome, asked.complete, asked.declared_count) == ("first", False, 30)
    assert "what is missing here does not count as deleted" in asked.message


def test_under_the_rule_of_digital_land_what_an_answer_lacks_is_only_said(serve: Any, folder: Folder) -> None:
    (folder.path / "collection.toml").write_text('resource-rule = "digital-land"\n')
    log = serve(Service(30, most=20)).collect()
    assert (log.outcome, log.complete) == ("first", False)
    assert "holds 30 features and gave 20" in log.message


@pytest.mark.parametrize("page_size", [None, 2])
@pytest.mark.parametrize(("report", "said"), [
    (REPORT, "InvalidParameterValue: Feature type t:area unknown"),
    (OLD_REPORT, "LayerNotDefined: no such layer"),
    (b'{"error": {"code": 400, "message": "Invalid URL"}}', "error 400: Invalid URL"),
], ids=["ows", "ogc", "esri"])  # fmt: skip
def test_a_report_of_an_error_is_a_failure(serve: Any, report: bytes, said: str, page_size: int | None) -> None:
    served = serve(lambda _: Page(report), **({"page_size": page_size} if page_size else {}))
    log = served.collect()
    assert (log.outcome, log.resource, log.partial_resource, log.status) == ("failed:service-error", "", "", "200")
    assert said in log.message
    assert [name for name in served.folder.left_in_work() if name != "pending"] == []


def test_pages_are_asked_in_order_and_become_one_document(serve: Any) -> None:
    served = serve(service := Service(25), page_size=10)
    log = served.collect()
    content = served.content(log)
    assert positions(content) == numbers(25)
    root = etree.fromstring(content)
    assert (root.tag, root.get("numberMatched"), root.get("numberReturned")) == (
        f"{{{WFS}}}FeatureCollection",
        "25",
        "25",
    )
    assert root.get("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation") == "urn:t t.xsd"
    assert root.get("timeStamp") is None
    assert content.count(b"xmlns:gml") == 1
    assert "Area 24 & é" in etree.tostring(root, encoding="unicode", method="text")
    assert service.starts() == ["0", "10", "20"]
    assert {query["mapsource"] for query in service.asked} == {"x/inspire"}
    assert {query["srsname"] for query in service.asked} == {"EPSG:27700"}
    assert [task["records"] for task in log.tasks] == [10, 10, 5]
    assert (log.outcome, log.complete) == ("first", True)


@pytest.mark.parametrize("service", [
    Service(25, most=4),
    Service(25, most=4, says=False),
    Service(20, says=False, hits=False),
    Service(20, says=False),
    Service(25, version=1, most=4),
    Service(25, version=1, plural=True, hits=False),
    Service(7, ignores_start=True, says=False),
    Service(7, ignores_start=True, says=False, hits=False, version=1),
], ids=["short", "short and silent", "uncounted", "by hits", "old", "plural", "small", "small and old"])  # fmt: skip
def test_however_a_service_counts_all_features_come_once(serve: Any, service: Service) -> None:
    service.asked = []
    path = GETFEATURE.replace("2.0.0", "1.1.0") if service.version == 1 else GETFEATURE
    served = serve(service, path, page_size=10)
    log = served.collect()
    if service.ignores_start and not service.hits:
        assert "startIndex" in log.message
    else:
        assert log.complete, log.message
    assert positions(served.content(log)) == numbers(service.count)


@pytest.mark.parametrize("made_up", [False, True])
def test_a_service_that_ignores_the_start_is_noticed_and_stopped(serve: Any, made_up: bool) -> None:
    served = serve(service := Service(25, ignores_start=True, made_up=made_up), page_size=10)
    log = served.collect()
    assert service.starts() == ["0", "10"]
    assert (log.outcome, log.complete) == ("failed:incomplete", False)
    assert "does not go by startIndex" in log.message
    assert positions(served.content(log)) == numbers(10)


def test_one_feature_per_page_does_not_look_like_the_same_page(serve: Any) -> None:
    served = serve(Service(4), page_size=1)
    assert positions(served.content(served.collect())) == numbers(4)


def test_a_page_that_fails_is_named_and_asked_again_alone(serve: Any) -> None:
    broken = {"10"}
    service = Service(35, interfere=lambda q: Page(REPORT) if q.get("startindex") in broken else None)
    served = serve(service, page_size=10)
    log = served.collect()
    assert (log.outcome, log.resource) == ("failed:incomplete", "")
    assert "start-000000010" in log.message
    assert positions(served.content(log)) == [*numbers(10), *map(str, range(20, 35))]
    broken.clear()
    service.asked.clear()
    log = served.collect()
    assert service.starts() == ["10"]
    assert (log.outcome, positions(served.content(log))) == ("first", numbers(35))


def test_fewer_features_than_the_service_counts_are_incomplete(serve: Any) -> None:
    service = Service(25, interfere=lambda q: service._xml([]) if q["startindex"] == "20" else None)
    log = serve(service, page_size=10).collect()
    assert log.outcome == "failed:incomplete"
    assert "20 features came, the service counts 25" in log.message


def test_a_page_with_fewer_members_than_it_says_is_asked_again(serve: Any) -> None:
    good = Service(3)
    pages = [Page(good._xml([0, 1, 2]).body.replace(b'numberReturned="3"', b'numberReturned="4"'))]
    log = serve(lambda asked: pages.pop() if pages else good(asked), page_size=10).collect()
    assert (log.complete, log.tasks[0]["attempts"]) == (True, 2)


def test_json_pages_become_one_geojson_with_its_reference_system(serve: Any) -> None:
    served = serve(Service(25, json=True), f"{GETFEATURE}&outputFormat=json", page_size=10)
    log = served.collect()
    document = json.loads(served.content(log))
    assert [each["properties"]["n"] for each in document["features"]] == list(range(25))
    assert document["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::27700"
    assert log.complete


def test_a_layer_without_features_is_an_empty_collection(serve: Any) -> None:
    served = serve(Service(0), page_size=10)
    log = served.collect()
    assert (log.outcome, log.complete) == ("first", True)
    assert etree.fromstring(served.content(log)).get("numberMatched") == "0"


def test_entities_are_not_read(serve: Any, tmp_path: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    body = Service(1)._xml([0]).body
    evil = body.replace(b"?><wfs", f'?><!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]><wfs'.encode(), 1)
    served = serve(
        lambda _: Page(evil.replace(b"Area 0", b"&e;Area 0"), headers={"Content-Type": "text/xml"}), page_size=10
    )
    log = served.collect()
    assert all(b"the secret" not in content for content in served.folder.resources().values())
    assert "the secret" not in str(log)


@pytest.mark.parametrize(("url", "expected"), [
    ("http://a/w?version=2.0.0&TypeNames=a:b%3Ac", "http://a/w?version=2.0.0&TypeNames=a:b%3Ac&startIndex=5&count=9"),
    ("http://a/w?VERSION=1.1.0&MAXFEATURES=3&x=", "http://a/w?VERSION=1.1.0&x=&startIndex=5&maxFeatures=9"),
    ("http://a/w?&TYPENAME=x&COUNT=4&StartIndex=1", "http://a/w?TYPENAME=x&startIndex=5&count=9&maxFeatures=9"),
    ("http://a/w", "http://a/w?startIndex=5&count=9&maxFeatures=9"),
])  # fmt: skip
def test_all_that_a_url_says_is_asked(url: str, expected: str) -> None:
    assert page_url(url, 5, 9) == expected
