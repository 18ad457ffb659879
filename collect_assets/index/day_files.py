"""The logs and skips of an entry-date in one Parquet file, so that a fold over years opens one file a day.

A day file carries the fingerprint of its inputs and is written again when that differs. The fingerprint is the time
of the last change in the day's two folders: every log and run file gets there by a rename, which sets it, and a look
at two folders per day is all that five years of 100,000 endpoints can afford. Of the newest seven days the files are
looked at one by one, since people and other software write in place. Deriving a day on request reads its logs anyway.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

import duckdb

from collect_assets.collecting.day import day_skips
from collect_assets.collecting.log import Log, canonical_json, read_logs
from collect_assets.collection import Collection
from collect_assets.errors import StorageError
from collect_assets.store.canonical import CANONICAL_RULES, canonical_hash
from collect_assets.store.database import database, literal
from collect_assets.store.local import publish, temporary

DAY_FILE_VERSION = 1
MAX_INTEGER = 1 << 63
RECENT = dt.timedelta(days=7)  # days whose logs are looked at one by one: an editor may write into a file in place
SETTLED = 2_000_000_000  # nanoseconds: two changes within one tick of the file system's clock look like one
COLUMNS = {
    "endpoint": "VARCHAR",
    "endpoint_url": "VARCHAR",
    "plugin": "VARCHAR",
    "parameters": "VARCHAR",
    "outcome": "VARCHAR",
    "status": "VARCHAR",
    "wire_status": "VARCHAR",
    "elapsed": "DOUBLE",
    "resource": "VARCHAR",
    "partial_resource": "VARCHAR",
    "canonical_hash": "VARCHAR",
    "bytes": "BIGINT",
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


def fresh_day_file(collection: Collection, entry_date: dt.date, *, again: bool = False) -> Path:
    """The day file of an entry-date, written if it is missing or stale.

    Args:
        collection: whose day.
        entry_date: the day; a day without logs gives an empty file.
        again: write it in any case.

    Raises:
        StorageError: it cannot be written.
    """
    path = collection.day_file(entry_date)
    fingerprint = _fingerprint(collection, entry_date, _newest(collection))
    if again or not fingerprint or _kv([path], "fingerprint").get(path) != fingerprint:
        _write(collection, entry_date, path, fingerprint)
    return path


def resources_digest(resources: Iterable[tuple[str, str]]) -> str:
    """One hash for what a day collected.

    Args:
        resources: endpoint and resource of each good log, in any order.
    """
    return hashlib.sha256("".join(f"{e} {r}\n" for e, r in sorted(resources)).encode()).hexdigest()


def day_digests(
    collection: Collection, days: Iterable[dt.date], *, enough: Callable[[], bool] = lambda: False
) -> dict[dt.date, str]:
    """The digest of each day's resources, from the day files in one go; stale ones are written first.

    Args:
        collection: whose days.
        days: the days; one without logs has the digest of nothing.
        enough: asked before a file is written; once it says yes, days whose file is stale are left out.

    Raises:
        StorageError: a day file cannot be written.
    """
    paths = {day: collection.day_file(day) for day in days}
    held = _kv(list(paths.values()), "fingerprint")
    newest = _newest(collection)
    known = []
    for day, path in paths.items():
        fingerprint = _fingerprint(collection, day, newest)
        if not fingerprint or held.get(path) != fingerprint:
            if enough():
                continue
            fresh_day_file(collection, day, again=True)
        known.append(day)
    digests = _kv([paths[day] for day in known], "resources")
    return {day: digests[paths[day]] for day in known if paths[day] in digests}


def _kv(paths: list[Path], key: str) -> dict[Path, str]:
    """One value of the metadata of each file that is there and not damaged."""
    there = [path for path in paths if path.is_file()]
    if not there:
        return {}
    try:
        with database() as connection:
            rows = connection.execute(
                "SELECT file_name, decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = ?",
                [[str(path) for path in there], key],
            ).fetchall()
    except duckdb.Error:  # one damaged file fails the query for all of them
        half = len(there) // 2
        return {**_kv(there[:half], key), **_kv(there[half:], key)} if half else {}
    return {Path(name): value for name, value in rows}


def _newest(collection: Collection) -> dt.date:
    return max(collection.entry_dates(), default=dt.date.min)


def _fingerprint(collection: Collection, entry_date: dt.date, newest: dt.date) -> str:
    """What a day file was made of, at a glance: when its inputs last changed. Blank while they may be changing."""
    logs, runs = collection.log / entry_date.isoformat(), collection.runs(entry_date)
    changes = [folder.stat().st_mtime_ns if folder.is_dir() else 0 for folder in (logs, runs)]
    if newest - entry_date < RECENT and logs.is_dir():
        files = [entry.stat().st_mtime_ns for entry in os.scandir(logs)]
        changes += [max(files, default=0), len(files)]
    if time.time_ns() - max(changes) <= SETTLED:
        return ""
    return ".".join(map(str, (DAY_FILE_VERSION, CANONICAL_RULES, *changes)))


def _write(collection: Collection, entry_date: dt.date, path: Path, fingerprint: str) -> None:
    logs, _ = read_logs(collection, entry_date)
    skips = day_skips(collection, entry_date)
    have = {log.endpoint for log in logs}
    if any(_needs_canonical_hash(log) and not collection.resources.path(log.resource).is_file() for log in logs):
        fingerprint = ""  # to be written again when the resource is back
    lines, part = temporary(collection.work), temporary(collection.work)
    rows = [_row(collection, log) for log in logs]
    rows += [{"endpoint": endpoint, "outcome": why} for endpoint, why in sorted(skips.items()) if endpoint not in have]
    digest = resources_digest((log.endpoint, log.resource) for log in logs if log.good)
    try:
        lines.write_bytes(b"\n".join(canonical_json(row) for row in rows))
        with database() as connection:
            connection.execute(f"""
                COPY (SELECT * FROM read_json({literal(lines)}, format = 'newline_delimited', columns = {_types()}))
                TO {literal(part)} (FORMAT parquet, COMPRESSION zstd,
                                    KV_METADATA {{fingerprint: {literal(fingerprint)}, resources: {literal(digest)}}})
            """)
        publish(part, path)
    except (OSError, duckdb.IOException) as error:
        raise StorageError(f"{path}: cannot be written: {error}") from error
    finally:
        lines.unlink(missing_ok=True)
        part.unlink(missing_ok=True)


def _types() -> str:
    return "{" + ", ".join(f"{name}: {literal(kind)}" for name, kind in COLUMNS.items()) + "}"


def _row(collection: Collection, log: Log) -> dict[str, object]:
    values: dict[str, object] = {name: getattr(log, name) for name in COLUMNS}
    values["elapsed"] = float(log.elapsed) if _is_number(log.elapsed) else None
    values["parameters"] = json.dumps(log.parameters, sort_keys=True) if log.parameters else None
    values["bytes"] = log.bytes if abs(log.bytes or 0) < MAX_INTEGER else None
    if _needs_canonical_hash(log) and (path := collection.resources.path(log.resource)).is_file():
        values["canonical_hash"] = _canonical_hash(path, log.resource)
    return {name: _readable(value) for name, value in values.items() if value not in ("", None)}


def _needs_canonical_hash(log: Log) -> bool:
    """Logs of others do not say it."""
    return log.good and not log.canonical_hash


def _readable(value: object) -> object:
    """Text that DuckDB takes: half a surrogate pair in a stranger's message is replaced."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdecimal()


@lru_cache(maxsize=100_000)
def _canonical_hash(path: Path, sha256: str) -> str:
    return canonical_hash(path, sha256)
