"""What describes the targets of a collection: one table, a row for each endpoint and each of those who say something.

The resource itself says it (EML in an archive; other formats as their readers fill in `about`), of the last good log
of each endpoint, and `source.csv` does. A function of logs, resources and registers as they stand; nothing is merged,
so that nobody's words are taken for another's.
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
from collect_assets.items.records import Reading, read_report, record_file
from collect_assets.plugins import plugins
from collect_assets.registers import read_endpoints, read_sources
from collect_assets.store.database import database, insert_rows, literal
from collect_assets.store.local import publish, temporary
from collect_assets.tables.day_files import fresh_day_files

SOURCES = "source.csv"
_LAST_GOOD = """
SELECT endpoint, endpoint_url, coalesce(canonical_hash, resource), coalesce(parameters, '{}'),
    parse_filename(filename, true) AS day
FROM read_parquet($paths, filename = true, union_by_name = true) WHERE resource IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY endpoint ORDER BY day DESC) = 1 ORDER BY endpoint
"""


@dataclass(frozen=True)
class Described:
    """What one document says of one endpoint; blank where it says nothing.

    Attributes:
        said_by: `source.csv`, or the kind of document inside the resource, such as `eml`.
        entry_date: the day of the resource; blank for a register, which has no day.
        records: how many were read from the resource.
        declared_count: how many the provider says that there are.
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
    last_update: str = ""
    identifier: str = ""
    documentation_url: str = ""
    datasets: str = ""


def describe(collection: Collection, upto: dt.date | None = None) -> list[Described]:
    """What is said of each endpoint that ever had a resource, or that `source.csv` names.

    Args:
        collection: whose endpoints.
        upto: the last entry-date that counts; all when left out.

    Raises:
        StorageError: day files cannot be written.
    """
    urls, parameters = _registered(collection)
    found: list[Described] = []
    for endpoint, url, canonical, logged, day in _last_good(collection, upto):
        urls.setdefault(endpoint, url)
        how = parameters.get(endpoint, json.loads(logged))
        if said := _of_resource(collection, endpoint, urls[endpoint], canonical, how, str(day)):
            found.append(said)
    return sorted([*found, *_of_sources(collection, urls)], key=lambda said: (said.endpoint, said.said_by))


def endpoint_urls(collection: Collection) -> dict[str, str]:
    """The URL of each endpoint that is registered or ever had a resource.

    Raises:
        StorageError: day files cannot be written.
    """
    return {**{endpoint: url for endpoint, url, *_ in _last_good(collection, None)}, **_registered(collection)[0]}


def write_descriptions(collection: Collection, upto: dt.date | None = None) -> Path:
    """Writes the table to `derived/description.parquet`; returns its path.

    Raises:
        StorageError: it cannot be written.
    """
    path = collection.derived / "description.parquet"
    rows = [list(asdict(said).values()) for said in describe(collection, upto)]
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


def _last_good(collection: Collection, upto: dt.date | None) -> list[tuple[Any, ...]]:
    days = [day for day in collection.entry_dates() if upto is None or day <= upto]
    paths = [str(collection.day_file(day)) for day in fresh_day_files(collection, days).fresh]
    if not paths:
        return []
    with database() as connection:
        return connection.execute(_LAST_GOOD, {"paths": paths}).fetchall()


def _of_resource(
    collection: Collection, endpoint: str, url: str, canonical: str, parameters: Mapping[str, Any], day: str
) -> Described | None:
    """What the resource says of itself; None where it was not read, or says nothing."""
    try:
        report = read_report(record_file(collection, Reading.of(parameters), canonical))
    except SettingsError:
        return None
    if report is None or not report.about:
        return None
    return Described(endpoint, url, entry_date=day, records=str(report.records), **dict(report.about))


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
