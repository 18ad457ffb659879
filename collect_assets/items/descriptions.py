"""What describes the targets of a collection: one table, a row for each endpoint and each of those who say something.

The resource itself says it (EML in an archive; other formats as their readers fill in `about`), of the last good log
of each endpoint, or of what came in part where no log is good; and `source.csv` does. How many records there are the
provider told the harvest, and the log kept it: that goes before the number in a document, which is often an old one. A
function of logs, resources and registers as they stand; nothing else is merged, so that nobody's words are taken for
another's.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from collect_assets.collection import Collection
from collect_assets.errors import RegisterError, SettingsError
from collect_assets.items.records import Reading, RecordReport, read_report, record_file
from collect_assets.plugins import plugins
from collect_assets.registers import read_endpoints, read_sources
from collect_assets.store.database import database, insert_rows, literal
from collect_assets.store.local import publish, temporary
from collect_assets.tables.day_files import fresh_day_files

SOURCES = "source.csv"
_SPEAKING = """
SELECT endpoint, endpoint_url, coalesce(canonical_hash, resource, partial_resource), coalesce(parameters, '{}'),
    coalesce(if(resource IS NULL, 'part', coverage), 'full'), parse_filename(filename, true) AS day
FROM read_parquet($paths, filename = true, union_by_name = true) WHERE coalesce(resource, partial_resource) IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY endpoint ORDER BY resource IS NULL, day DESC) = 1 ORDER BY endpoint
"""
_DECLARED = """
SELECT endpoint, endpoint_url, plugin, declared_count, parse_filename(filename, true) AS day
FROM read_parquet($paths, filename = true, union_by_name = true) WHERE declared_count IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY endpoint ORDER BY day DESC) = 1 ORDER BY endpoint
"""


@dataclass(frozen=True)
class Described:
    """What one document says of one endpoint; blank where it says nothing.

    Attributes:
        said_by: `source.csv`, or the kind of document inside the resource, such as `eml`; where the resource says
            nothing, and the provider was asked how many records it has, the plugin.
        entry_date: the day of the resource, or of that count; blank for a register, which has no day.
        records: how many were read from the resource.
        coverage: what the resource speaks of: `full`, `changes`, `identifiers`, or `part` of what there is. Only of the
            first the records can be compared with the declared count.
        declared_count: how many the provider says that there are: in the newest log that has it, else in a document.
        datasets: those that the endpoint feeds, as `source.csv` says.
    """

    endpoint: str
    endpoint_url: str
    said_by: str
    entry_date: str = ""
    title: str = ""
    publisher: str = ""
    contact: str = ""
    licence: str = ""
    citation: str = ""
    declared_count: str = ""
    records: str = ""
    coverage: str = ""
    last_update: str = ""
    identifier: str = ""
    documentation_url: str = ""
    datasets: str = ""


def describe(collection: Collection, upto: dt.date | None = None) -> list[Described]:
    """What is said of each endpoint that ever had a resource or a declared count, or that `source.csv` names.

    Args:
        collection: whose endpoints.
        upto: the last entry-date that counts; all when left out.

    Raises:
        StorageError: day files cannot be written.
    """
    urls, parameters = _registered(collection)
    days = _day_files(collection, upto)
    found = {told.endpoint: told for told in _of_harvests(days, urls)}
    for endpoint, logged_url, canonical, logged, coverage, day in _rows(_SPEAKING, days):
        url = urls.setdefault(endpoint, logged_url)
        report = _report(collection, canonical, parameters.get(endpoint, json.loads(logged)))
        if report is not None and (about := _about(report, found.get(endpoint))):
            read = {"records": str(report.records), "coverage": coverage}
            found[endpoint] = Described(endpoint, url, entry_date=str(day), **read, **about)
    return sorted([*found.values(), *_of_sources(collection, urls)], key=lambda said: (said.endpoint, said.said_by))


def endpoint_urls(collection: Collection) -> dict[str, str]:
    """The URL of each endpoint that is registered or ever had a resource.

    Raises:
        StorageError: day files cannot be written.
    """
    good = _rows(_SPEAKING, _day_files(collection, None))
    return {**{endpoint: url for endpoint, url, *_ in good}, **_registered(collection)[0]}


def write_descriptions(collection: Collection, found: list[Described]) -> Path:
    """Writes the table to `derived/description.parquet`; returns its path.

    Args:
        collection: whose endpoints they describe.
        found: the rows.

    Raises:
        StorageError: it cannot be written.
    """
    path = collection.derived / "description.parquet"
    rows = [list(asdict(said).values()) for said in found]
    columns = ", ".join(f"{each.name} VARCHAR" for each in fields(Described))
    part = temporary(collection.work)
    with database() as connection:
        connection.execute(f"CREATE TABLE description ({columns})")
        if rows:
            insert_rows(connection, "description", rows)
        connection.execute(f"COPY description TO {literal(part)} (FORMAT parquet, COMPRESSION zstd)")
    publish(part, path)
    return path


def _registered(collection: Collection) -> tuple[dict[str, str], dict[str, Mapping[str, Any]]]:
    """URL and parameters by endpoint; nothing in a folder without a register."""
    try:
        endpoints = read_endpoints(collection.register, plugins=plugins()).endpoints
    except RegisterError:
        return {}, {}
    return {e.endpoint: e.url for e in endpoints}, {e.endpoint: e.parameters for e in endpoints}


def _day_files(collection: Collection, upto: dt.date | None) -> list[str]:
    days = [day for day in collection.entry_dates() if upto is None or day <= upto]
    return [str(collection.day_file(day)) for day in fresh_day_files(collection, days).fresh]


def _rows(query: str, day_files: list[str]) -> list[tuple[Any, ...]]:
    if not day_files:
        return []
    with database() as connection:
        return connection.execute(query, {"paths": day_files}).fetchall()


def _of_harvests(days: list[str], urls: dict[str, str]) -> Iterator[Described]:
    """How many records providers said that they have, whether all of them came or not."""
    for endpoint, url, plugin, count, day in _rows(_DECLARED, days):
        yield Described(
            endpoint, urls.setdefault(endpoint, url), plugin or "", entry_date=str(day), declared_count=str(count)
        )


def _report(collection: Collection, canonical: str, parameters: Mapping[str, Any]) -> RecordReport | None:
    """What reading a resource came to; None where it was not read."""
    try:
        return read_report(record_file(collection, Reading.of(parameters), canonical))
    except SettingsError:
        return None


def _about(report: RecordReport, told: Described | None) -> dict[str, str]:
    """What the resource says of itself, with the number that the provider told; empty where neither is there."""
    if told is None:
        return dict(report.about)
    return {"said_by": told.said_by, **report.about, "declared_count": told.declared_count}


def _of_sources(collection: Collection, urls: Mapping[str, str]) -> Iterator[Described]:
    try:
        sources = read_sources(collection.registers / SOURCES)
    except RegisterError:
        return
    for source in dict.fromkeys(sources):
        yield Described(
            source.endpoint,
            urls.get(source.endpoint, ""),
            SOURCES,
            publisher=source.organisation,
            licence=source.licence,
            citation=source.attribution,
            documentation_url=source.documentation_url,
            datasets=source.datasets,
        )
