"""What is wrong with the rows of `source.csv`: their ids, and whether what they name is there and goes on."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Mapping

from collect_assets.csv_rows import Row, short
from collect_assets.tending.estate import Registers, date_in, has_ended, id_in
from collect_assets.tending.findings import Fix

FILE = "source.csv"


def source_id(collection: str, organisation: str, endpoint: str) -> str:
    """The id of a source: md5 of `collection|organisation|endpoint`, as digital-land-python has it."""
    return hashlib.md5(f"{collection}|{organisation}|{endpoint}".encode(), usedforsecurity=False).hexdigest()


def check_sources(registers: Registers, elsewhere: Mapping[str, str], today: dt.date) -> None:
    """Looks at the sources of one collection.

    Args:
        registers: of the collection.
        elsewhere: the collection of each endpoint of the estate.
        today: the day that decides what has ended.
    """
    if FILE not in registers.texts:
        return
    known = registers.active(today)
    sources: dict[str, list[Row]] = defaultdict(list)
    ids: dict[str, Row] = {}
    for row in registers.rows(FILE):
        endpoint = row.cells["endpoint"].strip()
        _id(registers, row, ended=has_ended(row, today))
        _row(registers, row, ended=has_ended(row, today))
        if endpoint:
            sources[endpoint].append(row)
            _again(registers, row, ids, today)
            _of_endpoint(registers, row, known.get(endpoint), elsewhere, today)
    _without_source(registers, sources, today)


def _id(registers: Registers, row: Row, *, ended: bool) -> None:
    """The id of a source without an endpoint says nothing: there, other rules were followed."""
    cell = row.cells.get
    right = source_id(cell("collection", ""), cell("organisation", ""), cell("endpoint", "").strip())
    given, number = cell("source", "").strip(), row.number
    if "source" in row.cells and cell("endpoint", "").strip() and given != right:
        spaced = any(cell(name, "") != cell(name, "").strip() for name in ("collection", "organisation"))
        fix = None if spaced else Fix(cells={"source": right})
        reason = f"source is {short(given)}, and of this collection, organisation and endpoint it is {right}"
        registers.find(FILE, number, "source-hash", reason, ended=ended, fix=fix)


def _row(registers: Registers, row: Row, *, ended: bool) -> None:
    cell = row.cells.get
    if cell("collection", registers.name) != registers.name:
        reason = f"collection is {short(cell('collection', ''))} in the register of {registers.name}"
        registers.find(FILE, row.number, "other-collection", reason, ended=ended)
    if not cell("organisation", "").strip():
        registers.find(FILE, row.number, "no-organisation", "organisation is blank", ended=ended)
    datasets = cell("datasets", "") or cell("pipelines", "")
    if cell("endpoint", "").strip() and not datasets.strip(" ;"):
        registers.find(
            FILE, row.number, "no-pipelines", "pipelines is blank, so that it is for no dataset", ended=ended
        )


def _again(registers: Registers, row: Row, ids: dict[str, Row], today: dt.date) -> None:
    key = source_id(*(row.cells.get(name, "").strip() for name in ("collection", "organisation", "endpoint")))
    first = ids.setdefault(key, row)
    if first is not row and first.cells != row.cells:
        reason = f"the same collection, organisation and endpoint as row {first.number}, so that both have one id"
        ended = has_ended(row, today) or has_ended(first, today)
        registers.find(FILE, row.number, "duplicate", reason, ended=ended)


def _of_endpoint(
    registers: Registers, row: Row, active: bool | None, elsewhere: Mapping[str, str], today: dt.date
) -> None:
    """Looks at what a source names: an endpoint that is active, has ended, or is not there."""
    ended, end, endpoint = has_ended(row, today), date_in(row, "end-date"), row.cells["endpoint"].strip()
    if active is None:
        where = f"; it is in that of {elsewhere[endpoint]}" if endpoint in elsewhere else ""
        reason = f"endpoint {endpoint[:12]}… is not in endpoint.csv{where}"
        registers.find(FILE, row.number, "unknown-endpoint", reason, ended=ended)
    elif not ended and not active:
        reason = f"endpoint {endpoint[:12]}… has ended, and this source of it has not; give it an end-date"
        registers.find(FILE, row.number, "ended-endpoint", reason)
    if end is not None and end > today:
        registers.find(FILE, row.number, "future-end", f"ends on {end}, which is to come")


def _without_source(registers: Registers, sources: Mapping[str, list[Row]], today: dt.date) -> None:
    for row in registers.rows("endpoint.csv"):
        endpoint, ended = id_in(row), has_ended(row, today)
        if endpoint not in sources:
            reason = f"no row of source.csv names {endpoint[:12]}…; add one with its organisation and dataset"
            registers.find("endpoint.csv", row.number, "no-source", reason, ended=ended)
        elif not ended and all(has_ended(source, today) for source in sources[endpoint]):
            numbers = ", ".join(str(source.number) for source in sources[endpoint])
            reason = f"is active, and its sources have ended (source.csv, rows {numbers}); end it, or add a source"
            registers.find("endpoint.csv", row.number, "only-ended-sources", reason)
