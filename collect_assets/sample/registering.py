"""Writes the registers and the settings of the sample's collections: the part that people write elsewhere."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from collect_assets.registers import endpoint_id
from collect_assets.sample import catalogue
from collect_assets.sample.catalogue import BROWNFIELD, HERBARIUM, url

ENDPOINT_COLUMNS = ("endpoint", "endpoint-url", "parameters", "plugin", "entry-date", "start-date", "end-date")
SOURCE_COLUMNS = ("source", "attribution", "collection", "documentation-url", "endpoint", "licence", "organisation",
                  "pipelines", "entry-date", "start-date", "end-date")  # fmt: skip
ENTERED = "2026-10-28T09:30:00Z"


@dataclass(frozen=True)
class Registered:
    """A row of `endpoint.csv` with its row of `source.csv`; without a file it is a source that is still awaited."""

    file: str
    organisation: str
    pipelines: str
    licence: str = "ogl3"
    parameters: str = ""
    end_date: str = ""


REGISTERED: Mapping[str, tuple[Registered, ...]] = {
    BROWNFIELD: (
        Registered(catalogue.ASHMERE, "local-authority:ASH", "brownfield-land;brownfield-site"),
        Registered(catalogue.WRENFORD, "local-authority:WRN", "brownfield-land;brownfield-site"),
        Registered(catalogue.HALLOWMOOR, "local-authority:HMR", "brownfield-land;brownfield-site"),
        Registered(catalogue.CONSERVATION_AREAS, "local-authority:ASH", "conservation-area"),
        Registered(catalogue.GONE, "local-authority:NTH", "brownfield-land;brownfield-site"),
        Registered(catalogue.WEB_PAGE, "local-authority:STB", "brownfield-land;brownfield-site"),
        Registered(catalogue.ENDED, "local-authority:ASH", "brownfield-land;brownfield-site", end_date="2026-10-01"),
        Registered("", "local-authority:GRV", "brownfield-land;brownfield-site"),
    ),
    HERBARIUM: (
        Registered(catalogue.KALDMOOR, "institution:KALD", "occurrence", "cc0"),
        Registered(catalogue.FIELD_STATION, "institution:TARN", "occurrence", "cc-by-4.0"),
        Registered(catalogue.SEED_GARDEN, "institution:LSG", "occurrence", "cc-by-4.0", json.dumps({"id": "barcode"})),
    ),
}
SETTINGS = {
    BROWNFIELD: """\
# Every setting, with its default, is in docs/running.md.
title = "Brownfield sites"
description = "Sample: invented brownfield registers of councils that do not exist, and a layer of conservation areas."
owners = ["planning-data@example.org"]
contact = "planning-data@example.org"
start-date = 2026-11-01

[limits]
total-timeout = 60
max-bytes = 10000000
""",
    HERBARIUM: """\
# Every setting, with its default, is in docs/running.md.
title = "Herbarium specimens"
description = "Sample: invented specimens with real names of plants, as Darwin Core Archive, CSV and JSON lines."
owners = ["herbarium@example.org"]
contact = "herbarium@example.org"
start-date = 2026-11-01

[limits]
total-timeout = 60
max-bytes = 10000000
""",
}


def registers(collection: str) -> dict[str, bytes]:
    """The files that people would write for a collection, by name."""
    rows = REGISTERED[collection]
    return {
        "collection.toml": SETTINGS[collection].encode(),
        "endpoint.csv": _csv(ENDPOINT_COLUMNS, (_endpoint(collection, row) for row in rows if row.file)),
        "source.csv": _csv(SOURCE_COLUMNS, (_source(collection, row) for row in rows)),
    }


def _endpoint(collection: str, row: Registered) -> dict[str, str]:
    location = url(collection, row.file)
    return {
        "endpoint": endpoint_id(location),
        "endpoint-url": location,
        "parameters": row.parameters,
        "entry-date": ENTERED,
        "start-date": "2026-10-28",
        "end-date": row.end_date,
    }


def _source(collection: str, row: Registered) -> dict[str, str]:
    endpoint = endpoint_id(url(collection, row.file)) if row.file else ""
    key = f"{collection}|{row.organisation}|{endpoint}"
    return {
        "source": hashlib.md5(key.encode(), usedforsecurity=False).hexdigest(),  # as upstream names its sources
        "attribution": "sample",
        "collection": collection,
        "documentation-url": f"https://www.example.org/{row.organisation.replace(':', '/')}",
        "endpoint": endpoint,
        "licence": row.licence,
        "organisation": row.organisation,
        "pipelines": row.pipelines,
        "entry-date": ENTERED,
        "start-date": "2026-10-28",
        "end-date": row.end_date,
    }


def _csv(columns: tuple[str, ...], rows: Iterable[Mapping[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
