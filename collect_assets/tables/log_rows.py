"""The logs of whole days as rows, read by DuckDB as fast as it reads JSON, and as carefully as `read_log` does.

`Log.from_json` says what a log is. What is plain is read in SQL; a file that is damaged, or has a value of another kind
than it has to be, is left to `Log.from_json`, which has the words for what is wrong with it.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from contextlib import suppress

import duckdb

from collect_assets.collecting.log import Log, canonical_json, read_log
from collect_assets.collection import Collection
from collect_assets.registers import Problem
from collect_assets.store.database import insert_rows, literal

COLUMNS = {
    "endpoint": "VARCHAR",
    "endpoint_url": "VARCHAR",
    "plugin": "VARCHAR",
    "parameters": "VARCHAR",
    "outcome": "VARCHAR",
    "status": "VARCHAR",
    "wire_status": "VARCHAR",
    "elapsed": "VARCHAR",
    "resource": "VARCHAR",
    "partial_resource": "VARCHAR",
    "canonical_hash": "VARCHAR",
    "bytes": "BIGINT",
    "content_length": "VARCHAR",
    "content_type": "VARCHAR",
    "mime_type": "VARCHAR",
    "exception": "VARCHAR",
    "message": "VARCHAR",
    "complete": "BOOLEAN",
    "coverage": "VARCHAR",
    "entry_date": "VARCHAR",
    "fetched_at": "VARCHAR",
    "run": "VARCHAR",
}
"""The columns of a day file. `content_length` and `content_type` are what the headers say in their usual spelling:
upstream looks for no other, so its log.csv has nothing where a server writes them in lower case."""

_TEXT = ("VARCHAR",)
_NUMBER = ("UBIGINT", "BIGINT")
_KINDS: dict[str, tuple[str, ...]] = {
    **{f"/{name.replace('_', '-')}": _TEXT for name, kind in COLUMNS.items() if kind == "VARCHAR"},
    "/url": _TEXT,
    "/datetime": _TEXT,
    "/status": (*_TEXT, *_NUMBER),
    "/elapsed": (*_TEXT, *_NUMBER),
    "/bytes": _NUMBER,
    "/complete": ("BOOLEAN",),
    "/ssl-verify": ("BOOLEAN",),
    "/parameters": ("OBJECT",),
    "/request-headers": ("OBJECT",),
    "/response-headers": ("OBJECT",),
    "/response-headers/Content-Length": (*_TEXT, *_NUMBER),
    "/response-headers/Content-Type": _TEXT,
    "/attempts": ("ARRAY",),
    "/redirects": ("ARRAY",),
    "/tasks": ("ARRAY",),
}
_PLACE = {pointer: number for number, pointer in enumerate(_KINDS, 1)}

# In two steps: with the paths in one SELECT with their use, DuckDB reads the JSON again for each of them.
_READ = """
CREATE OR REPLACE TEMP TABLE found AS
SELECT filename, json_extract_string(content, $paths) AS v, json_type(content, $paths) AS k
FROM read_text($globs) WHERE json_valid(content)
"""
_READ_BYTES = _READ.replace(
    "read_text($globs)", "(SELECT filename, TRY(decode(content)) AS content FROM read_blob($globs))"
)
_READ_ADOPTED = """
INSERT INTO found
SELECT filename, json_extract_string(line, $paths), json_type(line, $paths)
FROM (SELECT filename, unnest(string_split(content, chr(10))) AS line FROM read_text($files)) WHERE json_valid(line)
"""
_MAKE = """
CREATE OR REPLACE TEMP TABLE log_row AS
SELECT * FROM (
    SELECT filename, {day} AS day, {stem} AS stem, {columns}, {plain} AS plain FROM found
) WHERE plain AND endpoint_url IS NOT NULL AND endpoint = coalesce(stem, endpoint)
"""
_ADD_ADOPTED = """
INSERT INTO log_row BY NAME SELECT * FROM (
    SELECT filename, parse_filename(filename, true) AS day, NULL AS stem, {columns}, true AS plain FROM found
    WHERE ends_with(filename, '.jsonl')
) a WHERE endpoint IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM log_row r WHERE r.day = a.day AND r.endpoint = a.endpoint)
"""


def load_logs(connection: duckdb.DuckDBPyConnection, collection: Collection, days: Sequence[dt.date]) -> list[Problem]:
    """Makes the table `log_row` of all logs of some days: `day` as text, and `COLUMNS`.

    Of a few days at a time, or what DuckDB holds grows with their number. Where an endpoint has a log of its own, the
    row that stands for it in an adopted table is left out.

    Returns:
        What is wrong with which file; the others are there.
    """
    names = {day: _names(collection, day) for day in days}
    globs = [str(collection.log / str(day) / "*.json") for day, found in names.items() if found]
    adopted = [str(path) for day in days if (path := collection.adopted(day)).is_file()]
    paths = list(_KINDS)
    if globs:
        try:
            connection.execute(_READ, {"paths": paths, "globs": globs})
        except duckdb.InvalidInputException:  # a file that is not UTF-8; looking at each takes half as long again
            connection.execute(_READ_BYTES, {"paths": paths, "globs": globs})
    else:
        connection.execute("CREATE OR REPLACE TEMP TABLE found (filename VARCHAR, v VARCHAR[], k VARCHAR[])")
    connection.execute(_made())
    problems = _read_odd(connection, collection, names)
    if adopted:
        connection.execute("DELETE FROM found")
        connection.execute(_READ_ADOPTED, {"paths": paths, "files": adopted})
        connection.execute(_ADD_ADOPTED.format(columns=_columns()))
    return problems


def _names(collection: Collection, day: dt.date) -> list[str]:
    with suppress(FileNotFoundError), os.scandir(collection.log / str(day)) as entries:
        return sorted(entry.name for entry in entries if entry.name.endswith(".json"))
    return []


def _made() -> str:
    allowed = " AND ".join(
        f"coalesce(k[{_PLACE[pointer]}], 'NULL') IN ('NULL', {', '.join(map(literal, kinds))})"
        for pointer, kinds in _KINDS.items()
    )
    day, stem = "string_split(filename, '/')[-2]", "parse_filename(filename, true)"
    return _MAKE.format(day=day, stem=stem, columns=_columns(), plain=f"({allowed})")


def _columns() -> str:
    def value(*pointers: str) -> str:
        return f"nullif(coalesce({', '.join(f'v[{_PLACE[pointer]}]' for pointer in pointers)}), '')"

    special = {
        "endpoint_url": value("/endpoint-url", "/url"),
        "endpoint": f"coalesce({value('/endpoint')}, sha256({value('/endpoint-url', '/url')}))",
        "entry_date": value("/entry-date", "/datetime"),
        "content_length": value("/response-headers/Content-Length"),
        "content_type": value("/content-type", "/response-headers/Content-Type"),
        "parameters": f"nullif({value('/parameters')}, '{{}}')",
    }
    plain = {name: value(f"/{name.replace('_', '-')}") for name in COLUMNS if name not in special}
    return ", ".join(
        f"TRY_CAST({special.get(name) or plain[name]} AS {kind}) AS {name}" for name, kind in COLUMNS.items()
    )


def _read_odd(
    connection: duckdb.DuckDBPyConnection, collection: Collection, names: dict[dt.date, list[str]]
) -> list[Problem]:
    """What SQL did not take for a plain log is read as every log is read elsewhere."""
    taken = {tuple(row) for row in connection.execute("SELECT day, stem || '.json' FROM log_row").fetchall()}
    problems, rows = [], []
    for day, found in names.items():
        for name in found:
            if (str(day), name) not in taken:
                path = collection.log / str(day) / name
                try:
                    log = read_log(path)
                except ValueError as error:
                    problems.append(Problem(name, 0, str(error)))
                    continue
                if log is not None and log.endpoint == path.stem:
                    rows.append((str(path), str(day), path.stem, *_row(log), True))
                elif log is not None:
                    problems.append(Problem(name, 0, f"{path}: holds the log of {log.endpoint}; it is passed over"))
    if rows:
        insert_rows(connection, "log_row", rows)
    return problems


def _row(log: Log) -> list[object]:
    headers = log.response_headers
    special = {
        "parameters": canonical_json(log.parameters).decode() if log.parameters else None,
        "bytes": log.bytes if abs(log.bytes or 0) < 1 << 63 else None,
        "content_length": headers.get("Content-Length"),
        "content_type": log.content_type or headers.get("Content-Type"),
    }
    values = (special[name] if name in special else getattr(log, name) for name in COLUMNS)
    return [_readable(value) if value != "" else None for value in values]


def _readable(value: object) -> object:
    """Text that DuckDB takes: half a surrogate pair in a stranger's message is replaced."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
