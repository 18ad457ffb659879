"""log.csv and resource.csv, kept up to date: the logs as two tables for readers of their own.

log.csv is appended where a newer day came, and else written again from the first day that changed; resource.csv is
written again, since any day may change any row of it. What log.csv holds is noted in `derived/tables.json`: where that
is not about the file that is there, all is written again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collect_assets.collecting.log import canonical_json
from collect_assets.collection import Collection
from collect_assets.registers import Problem
from collect_assets.store.local import file_lock, new_file, publish, storage_errors, write_all, write_atomically
from collect_assets.tables.adopting import adopt, is_adopted
from collect_assets.tables.csv_lines import LOG_HEADER, log_lines, resource_lines
from collect_assets.tables.day_files import fresh_day_files

VERSION = 1
STEP = 1 << 20


@dataclass(frozen=True)
class Tables:
    """What was done.

    Attributes:
        days: in log.csv.
        written: days whose rows were written now.
        adopted: rows of a log.csv or resource.csv by others that were taken over now.
        without_source: endpoints with a resource and no row in source.csv, where there is one; their organisations are
            blank.
        problems: logs that could not be read, and are in no table.
    """

    days: int
    written: int
    adopted: int
    without_source: tuple[str, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Part:
    """The rows of one day in log.csv: their hash, when their day file was written, and where they end."""

    day: str
    written: int
    sha256: str
    end: int


def keep_tables(collection: Collection, *, rebuild: bool = False) -> Tables:
    """Brings log.csv and resource.csv up to date with the logs.

    Rows of a log.csv that others wrote are adopted first, so that none is lost.

    Args:
        collection: whose tables.
        rebuild: read every log again, and write all of it.

    Raises:
        StorageError: the disk is full, or a folder cannot be written.
        RegisterError: a table of others that is to be adopted cannot be read.
    """
    with file_lock(collection.derived / "tables.lock"):
        held = _held(collection)
        adopted = adopt(collection) if not held else 0
        days = collection.entry_dates()
        problems = fresh_day_files(collection, days, again=rebuild).problems
        written = _write_log_csv(collection, days, [] if rebuild else held)
        content, unknown = resource_lines(collection, [collection.day_file(day) for day in days]) if days else (b"", [])
        if days:
            write_atomically(collection.resource_csv, content, collection.work)
    without = unknown if (collection.registers / "source.csv").is_file() else []
    return Tables(len(days), written, adopted, tuple(without), problems)


def adopt_tables(collection: Collection) -> int:
    """Takes over what tables of others alone know, once, so that its days are there to be derived.

    Returns:
        How many logs came of it.

    Raises:
        StorageError: the disk is full, or a folder cannot be written.
        RegisterError: a table cannot be read.
    """
    if is_adopted(collection):
        return 0
    with file_lock(collection.derived / "tables.lock"):
        return 0 if _held(collection) else adopt(collection)


def _held(collection: Collection) -> list[_Part]:
    """What log.csv holds, by the note; nothing where it is not the file that the note is about."""
    try:
        note: dict[str, Any] = json.loads(_note(collection).read_bytes())
        parts = [_Part(*part) for part in note["days"]]
        found = _version(collection.log_csv)
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return parts if (note.get("version"), note.get("log.csv")) == (VERSION, found) else []


def _version(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns]


def _note(collection: Collection) -> Path:
    return collection.derived / "tables.json"


def _write_log_csv(collection: Collection, days: Sequence[dt.date], held: Sequence[_Part]) -> int:
    """Writes what changed; returns of how many days."""
    paths = [collection.day_file(day) for day in days]
    same = 0
    while same < min(len(held), len(paths)) and _is_same(held[same], paths[same]):
        same += 1
    if held and same == len(held) == len(paths):
        return 0
    end = held[same - 1].end if same else len(LOG_HEADER)
    write = _append if same and same == len(held) else _write_again
    parts = [*held[:same], *write(collection, end, paths[same:])]
    content = {
        "version": VERSION,
        "log.csv": _version(collection.log_csv),
        "days": [[part.day, part.written, part.sha256, part.end] for part in parts],
    }
    write_atomically(_note(collection), canonical_json(content), collection.work)
    return len(paths) - same


def _is_same(part: _Part, path: Path) -> bool:
    """Whether a day's rows are as they were: a day file that was just written may be written again with the same."""
    if part.day != path.stem:
        return False
    return part.written == path.stat().st_mtime_ns or part.sha256 == _sha256(next(log_lines([path]))[1])


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _append(collection: Collection, end: int, paths: Sequence[Path]) -> list[_Part]:
    """Adds days at the end; an interruption leaves a file that the note is not about, and all is written again."""
    with storage_errors(collection.log_csv):
        descriptor = os.open(collection.log_csv, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            return _write_days(descriptor, end, paths)
        finally:
            os.close(descriptor)


def _write_again(collection: Collection, end: int, paths: Sequence[Path]) -> list[_Part]:
    """Writes a new file: what is there up to `end`, and the days from there on."""
    part, descriptor = new_file(collection.work)
    try:
        with storage_errors(part):
            try:
                _copy_start(collection.log_csv, descriptor, end)
                parts = _write_days(descriptor, end, paths)
            finally:
                os.close(descriptor)
        publish(part, collection.log_csv)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return parts


def _copy_start(path: Path, descriptor: int, end: int) -> None:
    if end == len(LOG_HEADER):
        write_all(descriptor, LOG_HEADER)
        return
    with path.open("rb") as file:
        while end > 0 and (piece := file.read(min(end, STEP))):
            write_all(descriptor, piece)
            end -= len(piece)


def _write_days(descriptor: int, end: int, paths: Sequence[Path]) -> list[_Part]:
    parts = []
    for path, text in log_lines(paths):
        write_all(descriptor, text)
        end += len(text)
        parts.append(_Part(path.stem, path.stat().st_mtime_ns, _sha256(text), end))
    os.fsync(descriptor)
    return parts
