"""A subset as a table: CSV for people with spreadsheets, Parquet for people with databases and maps.

A column for each field, all of them text as it was published; what is nested stands as JSON.
"""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

from collect_assets.exporting.geoparquet import BOX, BOX_SQL, GEOMETRY, geo_metadata
from collect_assets.exporting.stage import SORTED, WKT, Stage, cells_sql, unlike
from collect_assets.store.database import literal, quoted

OWN = ("endpoint", "item", "changed")
# What a spreadsheet takes for a formula, also in the wide forms that it reads alike.
FORMULA = "=+@\t\r\n-\uff1d\uff0b\uff0d\uff20"
_HARMLESS = "CASE WHEN unicode({0}) IN ({1}) AND TRY_CAST({0} AS DOUBLE) IS NULL THEN '''' || {0} ELSE {0} END"


def harmless_sql(text: str) -> str:
    """SQL for a text that no spreadsheet runs: with an apostrophe before what it would take for a formula."""
    return _HARMLESS.format(text, ", ".join(str(ord(letter)) for letter in FORMULA))


def harmless(text: str) -> str:
    """The same for a text that is at hand."""
    if not text or text[0] not in FORMULA:
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def own_columns(stage: Stage) -> tuple[str, ...]:
    """The columns before those of the records."""
    return ("collection", *OWN) if stage.several else OWN


def write_csv(stage: Stage, path: Path) -> None:
    """RFC 4180, UTF-8, with a header; cells that a spreadsheet would run are made harmless."""
    own = own_columns(stage)
    body = stage.scratch.file()
    shape = stage.has_shapes_apart(stage.fields)
    if shape:
        stage.load_spatial()
    cells = (f"cell[{number}]" for number in range(1, len(stage.fields) + 1))
    said = map(harmless_sql, ("changed::VARCHAR" if column == "changed" else column for column in own))
    columns = ", ".join([*said, *cells, *([WKT] if shape else [])])
    made_harmless = f"list_transform({cells_sql(stage.fields)}, lambda text: {harmless_sql('text')})"
    stage.connection.execute(
        f"COPY (SELECT {columns} FROM (SELECT *, {made_harmless} AS cell FROM {SORTED})) "
        f"TO {literal(body)} (FORMAT csv, HEADER false)"
    )
    header = io.StringIO()
    names = [*own, *unlike(stage.fields, own), *(["geometry"] if shape else [])]
    marked = [stage.connection.execute(f"SELECT {harmless_sql('$name')}", {"name": n}).fetchone() for n in names]
    csv.writer(header, lineterminator="\n").writerow([name for (name,) in filter(None, marked)])
    with path.open("wb") as out, body.open("rb") as rows:
        out.write(header.getvalue().encode())
        shutil.copyfileobj(rows, out, 1 << 20)


def write_parquet(stage: Stage, path: Path) -> None:
    """GeoParquet: with the geometry, in degrees and longitude first, where it can be read as one."""
    own = own_columns(stage)
    names = unlike(stage.fields, (*own, GEOMETRY, BOX))
    cells = (f"cell[{number}] AS {quoted(name)}" for number, name in enumerate(names, 1))
    columns = ", ".join([*own, *cells, GEOMETRY, BOX_SQL])
    stage.connection.execute(
        f"COPY (SELECT {columns} FROM (SELECT *, {cells_sql(stage.fields)} AS cell FROM {SORTED})) TO {literal(path)} "
        f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{geo: {literal(geo_metadata(stage))}}})"
    )
