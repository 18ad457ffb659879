"""A subset as JSON: a record a line with all that the index says of it, or GeoJSON for maps."""

from __future__ import annotations

from pathlib import Path

from collect_assets.exporting.flat import own_columns
from collect_assets.exporting.stage import Stage, unlike
from collect_assets.index.represent import pointer
from collect_assets.store.database import literal

_LINE = """
SELECT {collection} endpoint, item, changed, change, resource, member, record_number AS "record-number",
       record::JSON AS record FROM subset
"""
_FEATURE = """
SELECT '{{"type":"Feature","id":' || to_json(item) || ',"geometry":' || coalesce(ST_AsGeoJSON(ST_GeomFromWKB(geometry)),
       'null') || ',"properties":' || json_merge_patch({record}, json_object({own})) || '}}' FROM subset
"""
AT_ONCE = 2000


def write_ndjson(stage: Stage, path: Path) -> None:
    """One object a line, as `collect-assets search --format jsonl` prints them."""
    query = _LINE.format(collection="collection, " if stage.several else "")
    stage.connection.execute(f"COPY ({query}) TO {literal(path)} (FORMAT json)")


def write_geojson(stage: Stage, path: Path) -> None:
    """RFC 7946: a feature for each item, also for those without a place; fields as properties."""
    stage.load_spatial()
    own = ", ".join(f"{literal(name)}, {name}" for name in own_columns(stage))
    rows = stage.connection.execute(_FEATURE.format(own=own, record=_renamed_sql(stage)))
    with path.open("w", encoding="utf-8") as out:
        out.write('{"type":"FeatureCollection","features":[')
        before = "\n"
        while some := rows.fetchmany(AT_ONCE):
            for (feature,) in some:
                out.write(before + feature)
                before = ",\n"
        out.write("\n]}\n")


def _renamed_sql(stage: Stage) -> str:
    """SQL for the record under names of which no two differ in case only, which most who read maps take for one."""
    names = zip(stage.fields, unlike(stage.fields, own_columns(stage)), strict=True)
    changed = [(name, new) for name, new in names if name != new]
    if not changed:
        return "record"
    patch = ", ".join(
        f"{literal(name)}, NULL, {literal(new)}, record -> {literal(pointer(name))}" for name, new in changed
    )
    return f"json_merge_patch(record, json_object({patch}))"
