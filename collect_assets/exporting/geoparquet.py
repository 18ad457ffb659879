"""What makes a Parquet file a GeoParquet (1.1.0): the metadata of its geometry, and a box of each row for fast filters.

It is written also where no row has a place, so that whoever reads exports as maps can read each.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from collect_assets.exporting.stage import Stage

GEOMETRY, BOX = "geometry", "bbox"
SIDES = ("xmin", "ymin", "xmax", "ymax")
BOX_SQL = f"CASE WHEN geometry IS NOT NULL THEN {{{', '.join(f'{side!r}: {side}' for side in SIDES)}}} END AS {BOX}"
_EXTENT = "SELECT min(xmin), min(ymin), max(xmax), max(ymax) FROM subset WHERE geometry IS NOT NULL"
_STARTS = "SELECT DISTINCT hex(geometry[1:5]) FROM subset WHERE geometry IS NOT NULL"
_TYPES = (
    "Geometry", "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection",
)  # fmt: skip


def geo_metadata(stage: Stage) -> str:
    """The metadata for the key `geo`: WKB in degrees, longitude first, which is what no `crs` means."""
    starts = [start for (start,) in stage.connection.execute(_STARTS).fetchall()]
    box = stage.first(_EXTENT)
    column = {
        "encoding": "WKB",
        "geometry_types": _types(starts),
        **({"bbox": list(box)} if all(side is not None and math.isfinite(side) for side in box) else {}),
        "covering": {"bbox": {side: [BOX, side] for side in SIDES}},
    }
    return json.dumps({"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}})


def _types(starts: Iterable[str]) -> list[str]:
    """The types that are there, by the first bytes of WKB; an empty list, which is any, where one has measures."""
    found = set()
    for start in map(bytes.fromhex, starts):
        code = int.from_bytes(start[1:5], "little" if start[0] else "big")
        dimensions, kind = divmod(code, 1000)
        if dimensions > 1 or not 0 < kind < len(_TYPES):
            return []
        found.add(_TYPES[kind] + " Z" * dimensions)
    return sorted(found)
