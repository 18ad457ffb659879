"""A look in place of a harvest: one page with records, or the start of a long body, and what the service counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collect_assets.collection import Limits, Politeness
from collect_assets.network.gate import Gate
from collect_assets.plugins import Harvest, HarvestRequest, plugins
from collect_assets_tests.collecting.kit import LOOPBACK
from collect_assets_tests.plugins.arcgis_service import PATH, Service, point
from collect_assets_tests.plugins.test_wfs import GETFEATURE
from collect_assets_tests.plugins.test_wfs import Service as FeatureService
from collect_assets_tests.servers import Page, WebServer


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    limits = Limits(max_bytes=50_000, attempts=1)
    with Gate(limits=limits, politeness=Politeness(pause_share=0), user_agent="tests", rules=LOOPBACK,
              work=tmp_path / "work", locks=tmp_path / "locks") as gate:  # fmt: skip
        yield gate


def look(tmp_path: Path, gate: Gate, url: str, plugin: str, **parameters: Any) -> Harvest:
    places = {"work": tmp_path / "work", "pending": tmp_path / "pending"}
    return plugins()[plugin](HarvestRequest(url, parameters, look=True, **places), gate.for_endpoint(url))


def features(harvest: Harvest) -> list[Any]:
    assert harvest.part is not None
    return list(json.loads(harvest.part.read_bytes())["features"])


@pytest.mark.parametrize(
    "habits",
    [
        {},
        {"paging": False},
        {"paging": False, "statistics": True},
        {"paging": False, "ids": False},
        {"most": 5, "said": 10, "paging": False, "silent": True},
        {"most": 5, "said": 10, "paging": False},
    ],
)
def test_a_look_at_a_layer_asks_for_one_page_and_for_the_count(tmp_path, gate, habits):
    service = Service([point(number) for number in range(1, 41)], **{"most": 10, **habits})
    with WebServer(service) as server:
        harvest = look(tmp_path, gate, server.url(PATH), "arcgis")
    assert len([form for form in service.asked if form.get("returnGeometry")]) == 1
    assert 0 < len(features(harvest)) <= 10
    assert (harvest.declared_count, harvest.complete, harvest.incomplete) == (40, False, None)


def test_a_look_at_an_empty_layer_is_all_of_it(tmp_path, gate):
    with WebServer(Service([])) as server:
        harvest = look(tmp_path, gate, server.url(PATH), "arcgis")
    assert (features(harvest), harvest.declared_count, harvest.complete) == ([], 0, True)


def test_a_look_at_a_service_in_pages_asks_for_one(tmp_path, gate):
    service = FeatureService(30, json=True)
    with WebServer(service) as server:
        harvest = look(tmp_path, gate, server.url(GETFEATURE), "wfs", page_size=10)
    assert service.starts() == ["0"]
    assert (len(features(harvest)), harvest.declared_count, harvest.complete) == (10, 30, False)
    assert harvest.incomplete is None


@pytest.mark.parametrize("plugin", ["", "wfs"])
def test_a_look_at_a_long_document_brings_its_start(tmp_path, gate, plugin):
    with WebServer({"/": Page(b"id\n" * 40_000)}) as server:
        harvest = look(tmp_path, gate, server.url("/"), plugin)
    assert (harvest.size, harvest.answer.cut, harvest.complete) == (50_000, True, False)
