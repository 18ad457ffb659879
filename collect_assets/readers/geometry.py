"""Where a record is: SQL for its geometry, from WKT, GeoJSON or a pair of coordinates. Always WGS84, longitude first.

What is not within the degrees of the globe (metres of a national grid, say) or cannot be read gives no geometry; the
record itself keeps what was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

WKT_NAMES = ("geometry", "wkt", "footprintwkt", "geom", "the_geom", "point")
PAIRS = (
    ("decimallongitude", "decimallatitude"),
    ("longitude", "latitude"),
    ("lon", "lat"),
    ("lng", "lat"),
    ("geox", "geoy"),
)
_PLACING = frozenset((*WKT_NAMES, *(name for pair in PAIRS for name in pair)))


def geometry_sql(cells: Mapping[str, str], written: Mapping[str, str] | None = None) -> str | None:
    """SQL for the GEOMETRY of a row; None where no column holds one.

    Args:
        cells: SQL for the canonical text of its columns.
        written: SQL for those that stand as they are, by the same names. A number is looked for there first: DuckDB
            passes over the blanks of ASCII itself, and the canonical text of two cells takes three times as long.
    """
    folded = {name.casefold(): cell for name, cell in reversed(list(cells.items()))}
    numbers = {name: f"TRY_CAST({cell} AS DOUBLE)" for name, cell in folded.items()}
    for name, cell in (written or {}).items():
        if cells[name] == folded[name.casefold()]:
            numbers[name.casefold()] = f"coalesce(TRY_CAST({cell} AS DOUBLE), TRY_CAST({cells[name]} AS DOUBLE))"
    sources = [f"TRY(ST_GeomFromText({folded[name]}))" for name in WKT_NAMES if name in folded]
    sources += [_point(numbers[x], numbers[y]) for x, y in PAIRS if x in folded and y in folded]
    return f"coalesce({', '.join(sources)})" if sources else None


def placing_names(names: Iterable[str]) -> list[str]:
    """Those of the names of columns that `geometry_sql` asks for."""
    return [name for name in names if name.casefold() in _PLACING]


def _point(x: str, y: str) -> str:
    return f"CASE WHEN {x} BETWEEN -180 AND 180 AND {y} BETWEEN -90 AND 90 THEN ST_Point({x}, {y}) END"


def geojson_sql(text: str) -> str:
    """SQL for the GEOMETRY that a GeoJSON geometry says."""
    return f"TRY(ST_GeomFromGeoJSON({text}))"


def placed_sql(geometry: str | None) -> str:
    """SQL for the five columns that say where a record is, from SQL for its GEOMETRY; all NULL without one."""
    if geometry is None:
        return "NULL::BLOB AS geometry, " + ", ".join(
            f"NULL::DOUBLE AS {side}" for side in ("xmin", "ymin", "xmax", "ymax")
        )
    sides = {side: f"ST_{side[0].upper()}M{side[2:]}({geometry})" for side in ("xmin", "ymin", "xmax", "ymax")}
    inside = f"{sides['xmin']} >= -180 AND {sides['xmax']} <= 180 AND {sides['ymin']} >= -90 AND {sides['ymax']} <= 90"
    boxes = ", ".join(f"CASE WHEN {inside} THEN {sql} END AS {side}" for side, sql in sides.items())
    return f"CASE WHEN {inside} THEN ST_AsWKB({geometry}) END AS geometry, {boxes}"
