"""A small ArcGIS server: one layer, with the habits, good and bad, that real ones have."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from collect_assets_tests.servers import Asked, Page

PATH = "/arcgis/rest/services/Trees/FeatureServer/0"
_RANGE = re.compile(r"OBJECTID (>=?) (-?\d+) AND OBJECTID <= (-?\d+)")
Feature = dict[str, Any]


def point(number: int) -> Feature:
    return {"attributes": {"OBJECTID": number, "name": f"Tree {number}"}, "geometry": {"x": number / 8, "y": 51.5}}


def error(code: int, message: str, *details: str) -> Page:
    return Page(json.dumps({"error": {"code": code, "message": message, "details": list(details)}}).encode())


@dataclass
class Service:
    """Answers like a layer. What is asked is kept, as the form's fields by name.

    Attributes:
        most: features that it gives at once, whatever it says.
        said: features that it says to give at once; `most` where it is honest.
        silent: it does not say that it held something back.
        interfere: may answer in its place.
    """

    features: list[Feature]
    most: int = 1000
    said: int | None = None
    paging: bool = True
    ignores_offset: bool = False
    silent: bool = False
    counts: bool = True
    ids: bool = True
    statistics: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)
    interfere: Callable[[dict[str, str]], Page | None] = lambda _: None
    asked: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Page:
        parts = urlsplit(asked.path)
        given = parts.query if asked.method == "GET" else asked.body.decode()
        form = {key: values[0] for key, values in parse_qs(given, keep_blank_values=True).items()}
        self.asked.append(form)
        if page := self.interfere(form):
            return page
        if parts.path == PATH:
            return self._json(self._about())
        return self._query(form) if parts.path == f"{PATH}/query" else error(400, "Invalid URL")

    def pages_asked(self) -> list[str]:
        """The pages that were asked for, by offset or condition."""
        pages = [form for form in self.asked if "returnGeometry" in form]
        return [form.get("resultOffset") or form.get("geometry") or form["where"] for form in pages]

    def _about(self) -> dict[str, Any]:
        return {
            "name": "Trees",
            "geometryType": "esriGeometryPoint",
            "fields": [
                {"name": "OBJECTID", "type": "esriFieldTypeOID"},
                {"name": "name", "type": "esriFieldTypeString"},
            ],
            "maxRecordCount": self.said or self.most,
            "advancedQueryCapabilities": {"supportsPagination": self.paging, "supportsOrderBy": self.paging},
            "supportsStatistics": self.statistics,
            "extent": {"xmin": -1, "ymin": 50, "xmax": 1000, "ymax": 53, "spatialReference": {"wkid": 4326}},
            **self.about,
        }

    def _query(self, form: dict[str, str]) -> Page:
        chosen = self._chosen(form)
        if form.get("returnCountOnly") == "true":
            return self._json({"count": len(chosen)}) if self.counts else error(400, "Unable to complete operation.")
        if form.get("returnIdsOnly") == "true":
            ids = [feature["attributes"]["OBJECTID"] for feature in chosen]
            return self._json({"objectIds": ids[::-1]}) if self.ids else error(400, "Unable to complete operation.")
        if "outStatistics" in form:
            ids = [feature["attributes"]["OBJECTID"] for feature in chosen]
            return self._json({"features": [{"attributes": {"MIN(OBJECTID)": min(ids), "MAX(OBJECTID)": max(ids)}}]})
        if "resultOffset" in form and not self.ignores_offset:
            if not self.paging:
                return error(400, "Pagination is not supported.")
            chosen = chosen[int(form["resultOffset"]) :]
        given = chosen[: min(self.most, int(form.get("resultRecordCount", self.most)))]
        held_back = {} if self.silent or len(given) == len(chosen) else {"exceededTransferLimit": True}
        return self._json({"objectIdFieldName": "OBJECTID", **held_back, "features": given})

    def _chosen(self, form: dict[str, str]) -> list[Feature]:
        chosen = self.features
        if bounds := _RANGE.search(form.get("where", "")):
            after, last = int(bounds[2]) - (bounds[1] == ">="), int(bounds[3])
            chosen = [feature for feature in chosen if after < feature["attributes"]["OBJECTID"] <= last]
        if field_ := form.get("orderByFields"):
            chosen = sorted(chosen, key=lambda feature: feature["attributes"][field_])
        if "geometry" in form:
            box = json.loads(form["geometry"])  # esridump has the corners of quarters the wrong way round
            (left, right), (low, high) = (sorted((box[f"{axis}min"], box[f"{axis}max"])) for axis in "xy")
            chosen = [f for f in chosen if left <= f["geometry"]["x"] <= right and low <= f["geometry"]["y"] <= high]
        return chosen

    @staticmethod
    def _json(value: object) -> Page:
        return Page(json.dumps(value).encode(), headers={"Content-Type": "application/json;charset=utf-8"})
