"""Small servers as people type their URLs: the doors of an ArcGIS server and of a Web Feature Service."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from collect_assets_tests.plugins.arcgis_service import PATH, Service, point
from collect_assets_tests.plugins.test_wfs import REPORT
from collect_assets_tests.plugins.test_wfs import Service as FeatureService
from collect_assets_tests.servers import Asked, Page

SERVICE = PATH.removesuffix("/0")
ROOT = "/arcgis/rest/services"
LAYER_PAGE = b"<html><head><title>Layer: Trees (ID: 0)</title><link href='/arcgis/rest/static/main.css'/></head></html>"
CAPABILITIES = """<?xml version="1.0" encoding="UTF-8"?><!-- made by hand -->
<wfs:WFS_Capabilities version="2.0.0" xmlns:wfs="http://www.opengis.net/wfs/2.0"
 xmlns:ows="http://www.opengis.net/ows/1.1"><ows:OperationsMetadata><ows:Operation name="GetFeature">
<ows:Parameter name="outputFormat"><ows:AllowedValues><ows:Value>application/gml+xml; version=3.2</ows:Value>
{formats}</ows:AllowedValues></ows:Parameter></ows:Operation></ows:OperationsMetadata>
<wfs:FeatureTypeList><wfs:FeatureType><wfs:Name>t:area</wfs:Name><wfs:Title>Conservation areas</wfs:Title>
</wfs:FeatureType><wfs:FeatureType><wfs:Name>t:tree</wfs:Name></wfs:FeatureType></wfs:FeatureTypeList>
</wfs:WFS_Capabilities>"""
JSON_FORMAT = "<ows:Value>application/json</ows:Value>"


def as_json(value: object) -> Page:
    return Page(json.dumps(value).encode(), headers={"Content-Type": "application/json;charset=utf-8"})


def arcgis(features: int = 1199, page: Page | None = None) -> Callable[[Asked], Page]:
    """An ArcGIS server: pages for people, JSON for whoever asks for it."""
    layer = Service([point(number) for number in range(1, features + 1)])
    html = page or Page(LAYER_PAGE, headers={"Content-Type": "text/html;charset=utf-8"})
    described = {
        SERVICE: {"currentVersion": 11.2, "serviceDescription": "", "tables": [{"id": 2, "name": "Visits"}],
                  "layers": [{"id": 0, "name": "Trees"}, {"id": 1, "name": "All", "subLayerIds": [0]}]},
        ROOT: {"currentVersion": 11.2, "folders": [], "services": [{"name": "Trees", "type": "FeatureServer"},
                                                                   {"name": "Print", "type": "GPServer"}]},
    }  # fmt: skip

    def answer(asked: Asked) -> Page:
        parts = urlsplit(asked.path)
        words = dict(parse_qsl(parts.query))
        if asked.method == "GET" and words.get("f") not in {"json", "pjson"}:
            return html
        if parts.path in described:
            return as_json(described[parts.path])
        return layer(asked) if parts.path.startswith(PATH) else Page(b"no such page", 404)

    return answer


def wfs(*, offers_json: bool = True, status: int = 200, features: int = 30) -> Callable[[Asked], Page]:
    """A WFS that answers a bare URL with a report of an error, with the status that is wanted."""
    gml, geojson = FeatureService(features), FeatureService(features, json=True)
    capabilities = Page(CAPABILITIES.format(formats=JSON_FORMAT if offers_json else "").encode())

    def answer(asked: Asked) -> Page:
        query = {key.lower(): value for key, value in parse_qsl(urlsplit(asked.path).query)}
        request = query.get("request", "").lower()
        if request == "getcapabilities":
            return capabilities if query.get("service") == "WFS" else Page(REPORT, status)
        if request != "getfeature" or query.get("typenames") != "t:area":
            return Page(REPORT, status)
        return geojson(asked) if "json" in query.get("outputformat", "") else gml(asked)

    return answer
