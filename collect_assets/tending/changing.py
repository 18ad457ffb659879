"""Adding an endpoint to the registers of a collection, and ending one: all other lines stay as they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection as Those
from collections.abc import Mapping
from pathlib import Path

from collect_assets.collection import Collection
from collect_assets.errors import RegisterError
from collect_assets.registers import endpoint_id
from collect_assets.tending.editing import Cells, changed, read_text, with_row, write_text
from collect_assets.tending.findings import source_id

ENDPOINT_HEADER = "endpoint,endpoint-url,parameters,plugin,entry-date,start-date,end-date\r\n"
SOURCE_HEADER = (
    "source,attribution,collection,documentation-url,endpoint,licence,organisation,pipelines,entry-date,start-date,"
    "end-date\r\n"
)

Texts = dict[Path, tuple[str, str]]
"""For each register its text before and after."""


def added(
    collection: Collection,
    url: str,
    *,
    organisation: str,
    datasets: Those[str],
    today: dt.date,
    endpoint_cells: Mapping[str, str] | None = None,
    source_cells: Mapping[str, str] | None = None,
) -> Texts:
    """The registers with one endpoint and its source more. Nothing is written yet.

    Args:
        collection: whose registers; they are begun where they are missing.
        url: exactly as it is to be registered.
        organisation: who publishes it.
        datasets: what it feeds.
        today: the entry-date of both rows.
        endpoint_cells: further cells of endpoint.csv: plugin, parameters, start-date.
        source_cells: further cells of source.csv: documentation-url, licence, attribution, start-date.

    Raises:
        RegisterError: the URL is registered already; the message says in which row, and whether it has ended.
    """
    endpoints, sources = collection.register, collection.registers / "source.csv"
    before = _text(endpoints, ENDPOINT_HEADER)
    endpoint = endpoint_id(url)
    _refuse_known(endpoints, before, endpoint)
    entered = {"endpoint": endpoint, "entry-date": today.isoformat()}
    row = {**(endpoint_cells or {}), **entered, "endpoint-url": url}
    names = ";".join(datasets)
    source = {
        **(source_cells or {}),
        **entered,
        "source": source_id(collection.name, organisation, endpoint),
        "collection": collection.name,
        "organisation": organisation,
        "pipelines": names,
        "datasets": names,
    }
    text = _text(sources, SOURCE_HEADER)
    return {endpoints: (before, with_row(before, row)), sources: (text, with_row(text, source))}


def _text(path: Path, header: str) -> str:
    return read_text(path) if path.is_file() and path.stat().st_size else header


def _refuse_known(path: Path, text: str, endpoint: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if endpoint in line:
            raise RegisterError(
                f"{path}, row {number}: has this URL already; where it has ended, take its end-date away"
            )


def retired(collection: Collection, endpoints: Those[str], date: dt.date) -> Texts:
    """The registers with an end-date for endpoints and their sources, where they have none. Nothing is written yet.

    Args:
        collection: whose registers.
        endpoints: ids.
        date: on this day and after it they are not collected.
    """

    def end(cells: Cells) -> Mapping[str, str]:
        known = cells.get("endpoint") or endpoint_id(cells.get("endpoint-url", ""))
        return {"end-date": date.isoformat()} if known in endpoints and not cells.get("end-date", "").strip() else {}

    paths = [path for path in (collection.register, collection.registers / "source.csv") if path.is_file()]
    return {path: (text := read_text(path), changed(text, end)) for path in paths}


def write(texts: Texts) -> None:
    """Writes what changed, each register whole or not at all.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    for path, (before, after) in texts.items():
        if before != after or not path.exists():
            write_text(path, after)
