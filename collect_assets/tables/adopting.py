"""Taking over the tables of a collection that others have collected: what stands in no log of its own is kept for ever.

digital-land kept some days as rows of log.csv only, and some resources as rows of resource.csv only. Such rows become
logs in `adopted/<entry-date>.jsonl`: the day is an entry-date like any other from then on, and both tables can be
written again without losing it. What resource.csv alone knows is taken as seen on its start-date and its end-date.

Both tables are kept as they were found, in `adopted/`, before ours take their place. Each day's file is written whole,
and `adopted/finished.json` last: an interrupted adoption is done again, and ends as one that was not.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from collect_assets.collecting.log import Log, adopted_logs, canonical_json, log_paths
from collect_assets.collection import Collection
from collect_assets.errors import RegisterError
from collect_assets.registers import read_endpoints
from collect_assets.store.database import database, literal
from collect_assets.store.local import publish, storage_errors, temporary, write_atomically
from collect_assets.tables.day_files import fresh_day_files

_LOAD = """
CREATE OR REPLACE TEMP TABLE csv AS
SELECT *, row_number() OVER () AS place
FROM read_csv($path, header = true, all_varchar = true, null_padding = true, quote = '"', escape = '"', delim = ',',
              strict_mode = false, max_line_size = 16777216)
"""
_MISSING = """
CREATE TEMP TABLE missing AS
SELECT csv.*, left("entry-date", 10) AS day FROM csv ANTI JOIN (
    SELECT string_split(file, '/')[-2] AS day, parse_filename(file, true) AS endpoint FROM glob($logs)
    UNION ALL
    SELECT parse_filename(filename, true), json_extract_string(unnest(string_split(content, chr(10))), '/endpoint')
    FROM read_text($adopted)
) have ON csv.endpoint = have.endpoint AND left(csv."entry-date", 10) = have.day
WHERE regexp_full_match(csv.endpoint, '[0-9a-f]{64}') AND TRY_CAST(left("entry-date", 10) AS DATE) IS NOT NULL
"""
_DAYS = "SELECT DISTINCT day::DATE FROM missing ORDER BY ALL"
_ROWS = "SELECT {columns} FROM missing WHERE day = $day ORDER BY place"
# A blank end-date says: seen on the newest day that was collected.
_SEEN = """
WITH dated AS (
    SELECT resource, endpoints, TRY_CAST("start-date" AS DATE) AS first_day, TRY_CAST("end-date" AS DATE) AS last_day
    FROM csv WHERE regexp_full_match(resource, '[0-9a-f]{64}') AND resource NOT IN (SELECT resource FROM named)
), seen AS (
    SELECT resource, endpoints, first_day AS day FROM dated UNION
    SELECT resource, endpoints, coalesce(last_day, (SELECT max(greatest(first_day, last_day)) FROM dated)) FROM dated
)
SELECT DISTINCT day, unnest(string_split(endpoints, ';')) AS endpoint, resource FROM seen WHERE day IS NOT NULL
ORDER BY day, endpoint, resource DESC
"""
_COPIED = {
    "bytes": "",
    "content-type": "content_type",
    "elapsed": "elapsed",
    "endpoint": "endpoint",
    "resource": "resource",
    "status": "status",
    "entry-date": "entry_date",
    "exception": "exception",
}


FROM_RESOURCE_CSV = "as resource.csv has it"


def adopted_table(collection: Collection, name: str) -> Path:
    """Where a table of others is kept as it was found."""
    return collection.folder / "adopted" / name


def is_adopted(collection: Collection) -> bool:
    """Whether nothing is left to take over: it was done, or there was nothing when tables were first written."""
    return adopted_table(collection, "finished.json").is_file()


def adopt(collection: Collection) -> int:
    """Takes over the rows of log.csv and resource.csv that no log stands for, once.

    Returns:
        How many logs came of them.

    Raises:
        RegisterError: a table cannot be read.
        StorageError: the disk is full, or a folder cannot be written.
    """
    if is_adopted(collection):
        return 0
    urls = _urls(collection)
    count = _adopt_logs(collection, urls) + _adopt_resources(collection, urls)
    finished = adopted_table(collection, "finished.json")
    logs = sum(1 for path in _adopted_files(collection) for _ in adopted_logs(path))
    write_atomically(finished, canonical_json({"logs": logs}), collection.work)
    return count


def _kept(collection: Collection, path: Path) -> Path | None:
    """The copy of a table, made now where there is none; None where there is no table."""
    copy = adopted_table(collection, path.name)
    if not copy.is_file() and path.is_file():
        part = temporary(collection.work)
        try:
            with storage_errors(part):
                shutil.copyfile(path, part)
            publish(part, copy)
        finally:
            part.unlink(missing_ok=True)
    return copy if copy.is_file() else None


def _adopt_logs(collection: Collection, urls: Mapping[str, str]) -> int:
    table = _kept(collection, collection.log_csv)
    if table is None:
        return 0
    count = 0
    with database() as connection:
        columns = _load(connection, table, ("endpoint", "entry-date"))
        kept = [name for name in _COPIED if name in columns]
        query = _ROWS.format(columns=", ".join(f'"{name}"' for name in kept))
        connection.execute(_missing(collection))
        for (day,) in connection.execute(_DAYS).fetchall():
            rows = connection.execute(query, {"day": str(day)}).fetchall()
            count += _keep(collection, day, (_log(dict(zip(kept, row, strict=True)), urls) for row in rows))
    return count


def _missing(collection: Collection) -> str:
    """The rows that neither a file nor an adopted log stands for; `glob` lists 100,000 files in a fifth of a second."""
    adopted = _adopted_files(collection)
    read = f"read_text([{', '.join(map(literal, adopted))}])" if adopted else "(SELECT '' AS filename, '{}' AS content)"
    return _MISSING.replace("read_text($adopted)", read).replace("$logs", literal(collection.log / "*" / "*.json"))


def _adopted_files(collection: Collection) -> list[Path]:
    return sorted(collection.adopted(dt.date.min).parent.glob("*.jsonl"))


def _adopt_resources(collection: Collection, urls: Mapping[str, str]) -> int:
    table = _kept(collection, collection.resource_csv)
    if table is None:
        return 0
    days = collection.entry_dates()
    fresh_day_files(collection, days)
    with database() as connection:
        _load(connection, table, ("resource", "endpoints", "start-date", "end-date"))
        connection.execute("CREATE TEMP TABLE named (resource VARCHAR)")
        if days:
            files = [str(collection.day_file(day)) for day in days]
            connection.execute(
                "INSERT INTO named SELECT DISTINCT resource FROM read_parquet($files, hive_partitioning = false) "
                "WHERE resource IS NOT NULL AND message IS DISTINCT FROM $ours",
                {"files": files, "ours": FROM_RESOURCE_CSV})  # fmt: skip
        seen: dict[dt.date, list[Log]] = {}
        for day, endpoint, resource in connection.execute(_SEEN).fetchall():
            row = {"endpoint": endpoint, "resource": resource, "status": "200", "entry-date": f"{day}T00:00:00.000000"}
            log = replace(_log(row, urls), message=FROM_RESOURCE_CSV)
            seen.setdefault(day, []).append(log)
    return sum(_keep(collection, day, iter(logs)) for day, logs in seen.items())


def _load(connection: duckdb.DuckDBPyConnection, path: Path, needed: tuple[str, ...]) -> set[str]:
    """Makes the table `csv`, and returns its columns."""
    try:
        connection.execute(_LOAD, {"path": str(path)})
    except duckdb.Error as error:
        raise RegisterError(f"{path}: cannot be read as a CSV, so it was not adopted: {error}") from error
    columns = {name for name, *_ in connection.execute("DESCRIBE csv").fetchall()}
    if missing := [name for name in needed if name not in columns]:
        raise RegisterError(f"{path}: lacks the column {' and '.join(missing)}, so it was not adopted; move it away if "
                            "it is not a table of this collection")  # fmt: skip
    return columns


def _log(row: Mapping[str, str | None], urls: Mapping[str, str]) -> Log:
    """A row as a log. `bytes` is what a header said, and not the size of the resource."""
    values = {name: row.get(key) or "" for key, name in _COPIED.items() if name}
    size = row.get("bytes")
    headers = {"Content-Length": size} if size else {}
    return Log(**values, endpoint_url=urls.get(values["endpoint"], ""), response_headers=headers)  # type: ignore[arg-type]


def _keep(collection: Collection, day: dt.date, logs: Iterator[Log]) -> int:
    """Adds what no log of the day stands for; the first of several rows for an endpoint counts."""
    path = collection.adopted(day)
    kept = {log.endpoint: log for log in adopted_logs(path)} if path.is_file() else {}
    have = {found.stem for found in log_paths(collection, day)} | set(kept)
    new: dict[str, Log] = {}
    for log in logs:
        if log.endpoint not in have:
            new.setdefault(log.endpoint, log)
    if new:
        lines = (log.to_json() for log in sorted([*kept.values(), *new.values()], key=lambda log: log.endpoint))
        write_atomically(path, b"\n".join(lines), collection.work)
    return len(new)


def _urls(collection: Collection) -> dict[str, str]:
    try:
        return {endpoint.endpoint: endpoint.url for endpoint in read_endpoints(collection.register).endpoints}
    except RegisterError:
        return {}
