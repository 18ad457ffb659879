"""The logs and skips of an entry-date in one Parquet file, so that a fold over years opens one file a day.

A day file carries the fingerprint of its inputs and is written again when that differs. The fingerprint is the time
of the last change in the day's two folders: every log and run file gets there by a rename, which sets it, and a look
at two folders per day is all that five years of 100,000 endpoints can afford. Of the newest seven days the files are
looked at one by one, since people and other software write in place. Deriving a day on request reads its logs anyway.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import duckdb

from collect_assets.collecting.day import day_skips
from collect_assets.collection import Collection
from collect_assets.errors import StorageError
from collect_assets.registers import Problem
from collect_assets.store.canonical import CANONICAL_RULES, canonical_hash
from collect_assets.store.database import database, insert_rows, literal
from collect_assets.store.local import publish, temporary
from collect_assets.tables.log_rows import COLUMNS, load_logs

DAY_FILE_VERSION = 3
RECENT = dt.timedelta(days=7)  # days whose logs are looked at one by one: an editor may write into a file in place
SETTLED = 2_000_000_000  # nanoseconds: two changes within one tick of the file system's clock look like one
AT_ONCE = 20  # days whose logs are read by one query

_WRITE = """
COPY (SELECT {columns} FROM log_row WHERE day = {day} ORDER BY endpoint) TO {part}
(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{fingerprint: {fingerprint}, resources: {digest}}})
"""
_DIGESTS = """
SELECT day, sha256(string_agg(endpoint || ' ' || resource || chr(10), '' ORDER BY endpoint, resource))
FROM log_row WHERE resource IS NOT NULL GROUP BY day
"""
_NOTHING = hashlib.sha256().hexdigest()


def fresh_day_file(collection: Collection, entry_date: dt.date, *, again: bool = False) -> Path:
    """The day file of an entry-date, written if it is missing or stale.

    Args:
        collection: whose day.
        entry_date: the day; a day without logs gives an empty file.
        again: write it in any case.

    Raises:
        StorageError: it cannot be written.
    """
    fresh_day_files(collection, [entry_date], again=again)
    return collection.day_file(entry_date)


def fresh_day_files(
    collection: Collection,
    days: Sequence[dt.date],
    *,
    again: bool = False,
    enough: Callable[[], bool] = lambda: False,
) -> DayFiles:
    """The day files of many days; those that are missing or stale are written, some at a time.

    Args:
        collection: whose days.
        days: the days; one without logs gives an empty file.
        again: write them in any case.
        enough: asked before files are written; once it says yes, what is stale stays so.

    Raises:
        StorageError: one cannot be written.
    """
    newest = _newest(collection)
    fingerprints = {day: _fingerprint(collection, day, newest) for day in days}
    held = {} if again else _kv([collection.day_file(day) for day in days], "fingerprint")
    stale = [day for day in days if not fingerprints[day] or held.get(collection.day_file(day)) != fingerprints[day]]
    problems: list[Problem] = []
    written: list[dt.date] = []
    if stale:
        with database() as connection:
            for start in range(0, len(stale), AT_ONCE):
                if enough():
                    break
                some = stale[start : start + AT_ONCE]
                problems += _write(connection, collection, {day: fingerprints[day] for day in some})
                written += some
    left = set(stale) - set(written)
    return DayFiles([day for day in days if day not in left], written, tuple(problems))


@dataclass(frozen=True)
class DayFiles:
    """The days whose files are fresh, those of them that were written now, and the logs that could not be read."""

    fresh: list[dt.date]
    written: list[dt.date]
    problems: tuple[Problem, ...]


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
    known = fresh_day_files(collection, list(days), enough=enough).fresh
    paths = {day: collection.day_file(day) for day in known}
    digests = _kv(list(paths.values()), "resources")
    return {day: digests[path] for day, path in paths.items() if path in digests}


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
    if (adopted := collection.adopted(entry_date)).is_file():
        changes.append(adopted.stat().st_mtime_ns)
    if time.time_ns() - max(changes) <= SETTLED:
        return ""
    return ".".join(map(str, (DAY_FILE_VERSION, CANONICAL_RULES, *changes)))


def _write(
    connection: duckdb.DuckDBPyConnection, collection: Collection, fingerprints: Mapping[dt.date, str]
) -> list[Problem]:
    """Writes the files of a few days."""
    part = temporary(collection.work)
    try:
        connection.execute("SET preserve_insertion_order = false")
        problems = load_logs(connection, collection, list(fingerprints))
        waiting = _add_canonical_hashes(connection, collection)
        _add_skips(connection, collection, list(fingerprints))
        digests = dict(connection.execute(_DIGESTS).fetchall())
        for day, fingerprint in fingerprints.items():
            values = {
                "columns": ", ".join(COLUMNS),
                "day": literal(str(day)),
                "part": literal(part),
                "fingerprint": literal("" if str(day) in waiting else fingerprint),
                "digest": literal(digests.get(str(day), _NOTHING)),
            }
            connection.execute(_WRITE.format(**values))
            publish(part, collection.day_file(day))
    except (OSError, duckdb.IOException) as error:
        raise StorageError(f"{collection.derived / 'day'}: cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return problems


def _add_canonical_hashes(connection: duckdb.DuckDBPyConnection, collection: Collection) -> set[str]:
    """Logs of others do not say it. Returns the days that lack a resource, and are written again when it is back."""
    rows = connection.execute(
        "SELECT resource, list(DISTINCT day) FROM log_row "
        "WHERE resource IS NOT NULL AND canonical_hash IS NULL GROUP BY resource"
    ).fetchall()
    found, waiting = [], set[str]()
    for resource, days in rows:
        path = collection.resources.path(resource)
        if path.is_file():
            found.append((resource, _canonical_hash(path, resource)))
        else:
            waiting |= set(days)
    if found:
        connection.execute("CREATE OR REPLACE TEMP TABLE canonical (resource VARCHAR, hash VARCHAR)")
        insert_rows(connection, "canonical", found)
        connection.execute(
            "UPDATE log_row SET canonical_hash = c.hash FROM canonical c "
            "WHERE c.resource = log_row.resource AND log_row.canonical_hash IS NULL"
        )
    return waiting


def _add_skips(connection: duckdb.DuckDBPyConnection, collection: Collection, days: Sequence[dt.date]) -> None:
    """Endpoints that were not asked, and why, beside the logs."""
    rows = [(str(day), endpoint, why) for day in days for endpoint, why in sorted(day_skips(collection, day).items())]
    if rows:
        connection.execute("CREATE OR REPLACE TEMP TABLE skip (day VARCHAR, endpoint VARCHAR, outcome VARCHAR)")
        insert_rows(connection, "skip", rows)
        connection.execute("INSERT INTO log_row BY NAME SELECT * FROM skip ANTI JOIN log_row USING (day, endpoint)")


@lru_cache(maxsize=100_000)
def _canonical_hash(path: Path, sha256: str) -> str:
    return canonical_hash(path, sha256)
