"""A subset as JSON: a record a line with all that the index says of it, or GeoJSON for maps."""

from __future__ import annotations

from pathlib import Path

from collect_assets.exporting.flat import own_columns
from collect_assets.exporting.stage import SORTED, Stage, unlike
from collect_assets.index.represent import pointer
from collect_assets.store.database import literal

# Records are JSON already and pass as they are: to take them apart and put them together again takes far longer.
_LINE = """
SELECT '{{{collection}"endpoint":' || to_json(endpoint) || ',"item":' || to_json(item) || ',"changed":"' || changed
       || '","change":' || to_json(change) || ',"resource":' || to_json(resource)
       || ',"member":' || coalesce(to_json(member), 'null')
       || ',"record-number":' || coalesce(record_number::VARCHAR, 'null') || ',"record":' || record || '}}'
FROM {sorted}
"""
_FEATURE = """
SELECT '{{"type":"Feature","id":' || to_json(item) || ',"geometry":' || coalesce(ST_AsGeoJSON(ST_GeomFromWKB(geometry)),
       'null') || ',"properties":{{' || {own} || CASE WHEN record = '{{}}' THEN '}}' ELSE ',' || substr(record, 2) END
       || '}}' FROM (SELECT * REPLACE ({record} AS record) FROM {sorted})
"""
_TO_FILE = "COPY ({rows}) TO {path} (FORMAT csv, HEADER false, QUOTE '', ESCAPE ''{around})"
_COLLECTION = ", PREFIX '{\"type\":\"FeatureCollection\",\"features\":[\n', NEW_LINE ',\n', SUFFIX '\n]}\n'"


def write_ndjson(stage: Stage, path: Path) -> None:
    """One object a line, as `collect-assets search --format jsonl` prints them."""
    several = "\"collection\":' || to_json(collection) || '," if stage.several else ""
    rows = _LINE.format(collection=several, sorted=SORTED)
    stage.connection.execute(_TO_FILE.format(rows=rows, path=literal(path), around=""))


def write_geojson(stage: Stage, path: Path) -> None:
    """RFC 7946: a feature for each item, also for those without a place; fields as properties."""
    stage.load_spatial()
    own = " || ',' || ".join(f"'\"{name}\":' || to_json({name})" for name in own_columns(stage))
    rows = _FEATURE.format(own=own, record=_renamed_sql(stage), sorted=SORTED)
    stage.connection.execute(_TO_FILE.format(rows=rows, path=literal(path), around=_COLLECTION))


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
