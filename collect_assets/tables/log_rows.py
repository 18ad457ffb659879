"""The logs of whole days as rows, read by DuckDB as fast as it reads JSON, and as carefully as `read_log` does.

`Log.from_json` says what a log is. What is plain is read in SQL; a file that is damaged, or has a value of another kind
than it has to be, is left to `Log.from_json`, which has the words for what is wrong with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb

from collect_assets.collecting.log import Log, canonical_json, read_log
from collect_assets.collection import Collection
from collect_assets.registers import Problem
from collect_assets.store.database import insert_rows, literal
from collect_assets.tables.gathering import LONGEST, SEPARATOR, Names, gathered

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
    "declared_count": "BIGINT",
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
    "/declared-count": _NUMBER,
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
_EMPTY = "CREATE OR REPLACE TEMP TABLE found (day VARCHAR, stem VARCHAR, v VARCHAR[], k VARCHAR[])"
_READ = """
INSERT INTO found
SELECT day, stem, json_extract_string(content, $paths) AS v, json_type(content, $paths) AS k
FROM read_csv($texts, header = false, auto_detect = false, delim = $separator, quote = '', escape = '',
              new_line = '\\n', columns = {{day: 'VARCHAR', stem: 'VARCHAR', content: 'VARCHAR'}},
              max_line_size = {longest}, ignore_errors = true)
WHERE json_valid(content)
"""
_READ_ADOPTED = """
INSERT INTO found
SELECT parse_filename(filename, true), NULL, json_extract_string(line, $paths), json_type(line, $paths)
FROM (SELECT filename, unnest(string_split(content, chr(10))) AS line FROM read_text($files)) WHERE json_valid(line)
"""
_MAKE = """
CREATE OR REPLACE TEMP TABLE log_row AS
SELECT * FROM (
    SELECT day, stem, {columns}, {plain} AS plain FROM found
) WHERE plain AND endpoint_url IS NOT NULL AND endpoint = stem
"""
_ADD_ADOPTED = """
INSERT INTO log_row BY NAME SELECT * FROM (
    SELECT day, stem, {columns}, true AS plain FROM found WHERE stem IS NULL
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
    adopted = [str(path) for day in days if (path := collection.adopted(day)).is_file()]
    paths = list(_KINDS)
    connection.execute(_EMPTY)
    with gathered(collection, days) as (names, texts):
        if texts:
            values = {"paths": paths, "separator": SEPARATOR, "texts": [str(text) for text in texts]}
            connection.execute(_READ.format(longest=2 * LONGEST), values)
    connection.execute(_made())
    problems = _read_odd(connection, collection, names)
    if adopted:
        connection.execute(_READ_ADOPTED, {"paths": paths, "files": adopted})
        connection.execute(_ADD_ADOPTED.format(columns=_columns()))
    return problems


def _made() -> str:
    allowed = " AND ".join(
        f"coalesce(k[{_PLACE[pointer]}], 'NULL') IN ('NULL', {', '.join(map(literal, kinds))})"
        for pointer, kinds in _KINDS.items()
    )
    return _MAKE.format(columns=_columns(), plain=f"({allowed})")


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


def _read_odd(connection: duckdb.DuckDBPyConnection, collection: Collection, names: Names) -> list[Problem]:
    """What SQL did not take for a plain log is read as every log is read elsewhere."""
    taken = dict(connection.execute("SELECT day, list(stem || '.json') FROM log_row GROUP BY day").fetchall())
    problems, rows = [], []
    for day, found in names.items():
        for name in sorted(set(found) - set(taken.get(str(day), ()))):
            path = collection.log / str(day) / name
            try:
                log = read_log(path)
            except ValueError as error:
                problems.append(Problem(name, 0, str(error)))
                continue
            if log is not None and log.endpoint == path.stem:
                rows.append((str(day), path.stem, *_row(log), True))
            elif log is not None:
                problems.append(Problem(name, 0, f"{path}: holds the log of {log.endpoint}; it is passed over"))
    if rows:
        insert_rows(connection, "log_row", rows)
    return problems


def _row(log: Log) -> list[object]:
    headers = log.response_headers
    special = {
        "parameters": canonical_json(log.parameters).decode() if log.parameters else None,
        **{name: _number(getattr(log, name)) for name in ("bytes", "declared_count")},
        "content_length": headers.get("Content-Length"),
        "content_type": log.content_type or headers.get("Content-Type"),
    }
    values = (special[name] if name in special else getattr(log, name) for name in COLUMNS)
    return [_readable(value) if value != "" else None for value in values]


def _number(value: int | None) -> int | None:
    """A number that DuckDB takes; none where a stranger's log has a larger one."""
    return value if abs(value or 0) < 1 << 63 else None


def _readable(value: object) -> object:
    """Text that DuckDB takes: half a surrogate pair in a stranger's message is replaced."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
