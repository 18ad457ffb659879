"""Esri's JSON as GeoJSON, in the text that digital-land-python keeps, so that a layer's resource stays the same.

Some rules of that text are not what one would write today: a point at longitude or latitude 0 has no geometry, empty
attributes become `null`, and a hole belongs to the outer ring that came before it. They decide hashes, so they hold.
The wire format is Esri's "Geometry objects"; a ring that runs clockwise is an outer one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import ijson

Geometry = dict[str, Any]
BEGIN, END = b'{"type":"FeatureCollection","features":[', b"]}"
BEFORE_FIRST, BEFORE_NEXT = b"\n", b",\n"


def esri_features(page: Path) -> Iterator[dict[str, Any]]:
    """The features of a page, one at a time.

    Raises:
        ijson.JSONError: it is not JSON; features may have come before.
    """
    yielded = 0
    try:
        with page.open("rb") as file:
            for feature in ijson.items(file, "features.item", use_float=True):
                yield feature
                yielded += 1
    except ijson.JSONError as error:
        if "overflow" not in str(error):
            raise
        # numbers that no C type holds: once more, slowly, from where it stopped
        with page.open("rb") as file:
            for number, feature in enumerate(ijson.items(file, "features.item")):
                if number >= yielded:
                    yield json.loads(json.dumps(feature, default=float))


def to_geojson(feature: Mapping[str, Any]) -> str:
    """A feature in one line."""
    geometry = to_geometry(feature.get("geometry")) or None
    return json.dumps({"type": "Feature", "geometry": geometry, "properties": feature.get("attributes") or None})


def to_geometry(esri: Mapping[str, Any] | None) -> Geometry | None:
    """The geometry, None where there is none that can be drawn."""
    if esri is None:
        return None
    if "x" in esri or "y" in esri:
        x, y = esri.get("x"), esri.get("y")
        return {"type": "Point", "coordinates": [x, y]} if x and y else None
    if "points" in esri:
        return _one_or_many("Point", "MultiPoint", esri["points"])
    if "paths" in esri:
        return _one_or_many("LineString", "MultiLineString", esri["paths"])
    if "rings" in esri:
        return _polygon(esri["rings"])
    return None


def _one_or_many(one: str, many: str, parts: list[Any]) -> Geometry:
    if len(parts) == 1:
        return {"type": one, "coordinates": parts[0]}
    return {"type": many, "coordinates": parts}


def _polygon(rings: list[list[Any]]) -> Geometry | None:
    closed = [ring if ring[0] == ring[-1] else [*ring, ring[0]] for ring in rings if ring and not _is_line(ring)]
    if not closed:
        return None
    if len(closed) == 1:
        return {"type": "Polygon", "coordinates": closed}
    polygons: list[list[Any]] = []
    for ring in closed:
        if _is_clockwise(ring) or not polygons:  # a hole without an outer ring before it is all we have to show
            polygons.append([ring])
        else:
            polygons[-1].append(ring)
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _is_line(ring: list[Any]) -> bool:
    """There and back again: no area."""
    return bool(len(ring) == 3 and ring[0] == ring[2])


def _is_clockwise(ring: list[Any]) -> bool:
    total = 0.0
    for a, b in pairwise(ring):
        total += (b[0] - a[0]) * (b[1] + a[1])
    return total >= 0
