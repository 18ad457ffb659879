"""The very bytes of a version of an item, cut out of the resource that was served.

Its member and number say about where; that the right entry is found, its values show.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import mmap
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from collect_assets.collection import Collection
from collect_assets.errors import QueryError, UnreadableError
from collect_assets.index.publish import reading
from collect_assets.items.records import RecordReport, read_report
from collect_assets.readers.archive import is_archive, open_archive
from collect_assets.readers.delimited import Dialect, sample_text, sniff
from collect_assets.readers.source import Scratch, Source, read_start, scratch_files
from collect_assets.searching.entries import (
    Span,
    elements,
    json_texts,
    leaves,
    lines,
    objects,
    row_texts,
    rows,
    xml_texts,
)
from collect_assets.searching.history import Version, history, version_on
from collect_assets.searching.wide_text import is_wide, narrow_copy, wide_span
from collect_assets.store.database import database

PLACE = """
SELECT o.canonical_hash, o.reading FROM observation o JOIN endpoint e USING (endpoint_no)
WHERE e.endpoint = $endpoint AND o.entry_date = $day
"""
# As it was served: what people are told of a sensitive item is not what stands in the resource.
SERVED = """
SELECT v.record FROM item_version v JOIN endpoint e USING (endpoint_no)
WHERE e.endpoint = $endpoint AND v.item_id = $item AND v.first_date = $first
"""
FIRST_OF_MEMBER = """
SELECT min(file_row_number) FROM read_parquet($path, file_row_number = true, hive_partitioning = false)
WHERE member IS NOT DISTINCT FROM $member
"""


@dataclass(frozen=True)
class Raw:
    """The bytes of a version, and where they are: the file, the file in it if it is an archive, and the first byte."""

    version: Version
    content: bytes
    offset: int


def raw(collection: Collection, item: str, endpoint: str = "", day: dt.date | None = None) -> Raw:
    """The bytes of an item as they were served.

    Args:
        collection: whose.
        item: its id.
        endpoint: of the item, as much of its beginning as makes it one.
        day: as it was on that day; as it was last when left out.

    Raises:
        IndexUnavailableError: there is no index, or it cannot be read.
        QueryError: there is no such item, or it was not there on that day.
        UnreadableError: the entry is not found in the resource.
        DamagedFileError: the resource is missing, or damaged.
    """
    version = version_on(history(collection, item, endpoint).versions, day)
    if version is None:
        raise QueryError(f"there was no item {item!r} on {day}; `collect-assets history` tells its days")
    collection.resources.check(version.resource)
    report, number, record = _place(collection, version)
    with scratch_files(collection.work) as scratch, _mapped(collection, version, scratch) as (path, content):
        span = _find(path, content, report, number, leaves(record), scratch)
        if span is not None:
            return Raw(version, bytes(content[slice(*span)]), span[0])
    raise UnreadableError(f"{version.resource}: record {version.record_number} is not found by its values")


def _find(
    path: Path,
    content: Any,  # noqa: ANN401
    report: RecordReport,
    number: int,
    wanted: set[str],
    scratch: Scratch,
) -> Span | None:
    """Where the entry is that has the values of the record, from its number on."""
    if is_wide(report.encoding):
        copy, narrowed = narrow_copy(path, report.encoding, scratch.file()), replace(report, encoding="utf-8")
        with _mapping(copy) as (_, narrow):
            span = _find(copy, narrow, narrowed, number, wanted, scratch)
            return span and wide_span(narrow, *span)
    spans, texts = _ways(path, content, report)
    later = islice(spans, number - 1, None)
    return next((span for span in later if _fits(texts(bytes(content[slice(*span)])), wanted)), None)


def _fits(entry: set[str], record: set[str]) -> bool:
    """Whether an entry is that of a record: a reader may add what a descriptor says, or leave out what is no value."""
    return bool(entry & record) and (entry <= record or record <= entry)


def _place(collection: Collection, version: Version) -> tuple[RecordReport, int, dict[str, Any]]:
    """How the resource was read, the number of the record within its member, and the record as it was served."""
    which = {"endpoint": version.endpoint, "item": version.item, "first": version.first_date}
    with reading(collection) as connection:
        row = connection.execute(PLACE, {"endpoint": version.endpoint, "day": version.observed}).fetchone()
        served = connection.execute(SERVED, which).fetchone()
    if row is None:
        raise QueryError(f"{version.endpoint} has no answer of {version.observed} in the index")
    record = json.loads(served[0]) if served else version.record
    path = collection.derived / "record" / row[1] / f"{row[0]}.parquet"
    report = read_report(path) or RecordReport()
    if not version.member or not path.is_file():
        return report, version.record_number, record
    with database() as connection:
        values = {"path": str(path), "member": version.member}
        (before,) = connection.execute(FIRST_OF_MEMBER, values).fetchone() or (0,)
    return report, max(1, version.record_number - (before or 0)), record


@contextmanager
def _mapped(collection: Collection, version: Version, scratch: Scratch) -> Iterator[tuple[Path, Any]]:
    """The file, or the member of the archive, mapped into memory; what is packed is unpacked aside."""
    path = collection.resources.path(version.resource)
    start = read_start(path)
    if version.member and is_archive(start):
        source = Source(path, start, scratch)
        with open_archive(source) as archive:
            path = archive.source(version.member, source).path
    elif start.startswith(b"\x1f\x8b"):
        unpacked = scratch.file()
        with gzip.open(path) as packed, unpacked.open("wb") as plain:
            shutil.copyfileobj(packed, plain)
        path = unpacked
    with _mapping(path) as mapped:
        yield mapped


@contextmanager
def _mapping(path: Path) -> Iterator[tuple[Path, Any]]:
    with path.open("rb") as file:  # the map goes with what looks at it last; a search that was left off still does
        yield path, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _ways(path: Path, content: Any, report: RecordReport) -> tuple[Iterator[Span], Callable[[bytes], set[str]]]:  # noqa: ANN401
    """How entries of a format are found, and how one is read.

    Raises:
        UnreadableError: it is in an encoding whose characters have no bytes of their own for delimiters.
    """
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if report.encoding.startswith("utf-32"):
        raise UnreadableError(
            f"{path.name}: {report.encoding} cannot be cut by bytes; look into the file by its number"
        )
    if start.startswith(b"<"):
        return elements(content), lambda entry: xml_texts(entry, report.encoding)
    if report.format == "ndjson":
        return lines(content), json_texts
    if start.startswith((b"{", b"[")):
        return objects(content), json_texts
    dialect = _dialect(path)
    found = rows(content, dialect.delimiter, dialect.quote)
    return found, lambda entry: row_texts(entry, report.encoding, dialect.delimiter, dialect.quote)


def _dialect(path: Path) -> Dialect:
    try:
        return sniff(sample_text(path))[0]
    except UnreadableError:
        return Dialect()
