"""The `arcgis` plugin: a layer of an ArcGIS server, page by page, as one GeoJSON document.

How pages are asked for follows esridump, which has met more of these servers than anybody: offsets where the server
supports them, else ranges of the object id, from statistics or from the list of ids, else quarters of the layer's box.
The text is that of digital-land-python's plugin of this name. Under its rule of resources, so are the questions: the
features come in the server's own order, as often as it gives them; and where it counts more, that is only said.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from collect_assets.collection import DAY, HOUR
from collect_assets.errors import FetchError
from collect_assets.network.gate import Fetcher
from collect_assets.plugins import Harvest, HarvestRequest
from collect_assets.plugins.answers import KEPT
from collect_assets.plugins.arcgis_pages import Pages
from collect_assets.plugins.document import Document
from collect_assets.plugins.esri_geojson import BEFORE_FIRST, BEFORE_NEXT, BEGIN, END
from collect_assets.plugins.esri_layer import USUAL_PAGE_SIZE, Layer, LayerUrl, keep_layer
from collect_assets.plugins.parameters import PluginParameters
from collect_assets.plugins.tasks import Tasks
from collect_assets.store.local import storage_errors, temporary

NAME = "arcgis"
_SEEN = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE seen (oid PRIMARY KEY) WITHOUT ROWID;
BEGIN
"""


class PARAMETERS(PluginParameters):
    """How a layer is asked.

    Attributes:
        max_page_size: features per page at most; the layer's own limit holds too.
        timeout: seconds to connect, and to wait for the next bytes.
        retries: attempts after the first; 0 is a single attempt.
        retry_backoff_seconds: before the second attempt; twice that before the third.
    """

    max_page_size: int | None = Field(None, gt=0, le=1_000_000)
    timeout: int | None = Field(None, gt=0, le=DAY)
    retries: int | None = Field(None, ge=0, le=99)
    retry_backoff_seconds: int | None = Field(None, gt=0, le=HOUR)

    def options(self) -> dict[str, Any]:
        """The same for the gate."""
        said = {
            "connect-timeout": self.timeout,
            "read-timeout": self.timeout,
            "attempts": None if self.retries is None else self.retries + 1,
            "backoff": self.retry_backoff_seconds,
        }
        return {key: value for key, value in said.items() if value is not None}


def harvest(request: HarvestRequest, gate: Fetcher) -> Harvest:
    """Fetches the layer; an incomplete harvest where pages failed or the layer says that it has more.

    Raises:
        FetchError: there is no such layer, or nothing of it came.
        StorageError: the disk is full.
    """
    parameters = PARAMETERS.of(request.parameters)
    tasks = Tasks(request.pending, request.work, gate, look=request.look, **_trying(parameters))
    url = LayerUrl.of(request.url)
    tasks.ask("layer", url.about(), keep_layer)
    layer = Layer.of(url.url, json.loads(tasks.page("layer").read_bytes()))
    size = min(parameters.max_page_size or USUAL_PAGE_SIZE, layer.page_size)
    pages = Pages(url, layer, size, tasks, as_esridump=request.resource_rule == "digital-land")
    try:
        keys = pages.find()
    except FetchError as error:
        raise tasks.ended_by(error) from error.__cause__
    if not keys and tasks.error is not None:
        raise tasks.ended_by(tasks.error)
    return _one_document(request, pages, keys)


def _trying(parameters: PARAMETERS) -> dict[str, Any]:
    said = {"attempts": None if parameters.retries is None else parameters.retries + 1,
            "backoff": parameters.retry_backoff_seconds}  # fmt: skip
    return {key: value for key, value in said.items() if value is not None}


def _one_document(request: HarvestRequest, pages: Pages, keys: list[str]) -> Harvest:
    """The features of all pages, each once; again only where esridump gives them again, of all pages but boxes."""
    records = 0
    again = pages.as_esridump and not pages.boxes
    with Document(request.work) as document, _Seen(request.work) as seen:
        document.write(BEGIN)
        for key in keys:
            for number, feature in _lines(pages.tasks.page(key)):
                if (new := seen.is_new(number)) or again:
                    document.write(BEFORE_NEXT if records else BEFORE_FIRST)
                    document.write(feature)
                    records += new
        document.write(END)
        short = _short(pages, records)
        if not short or not pages.as_esridump:
            return document.finish(request.url, pages.tasks, short, pages.counted)
        harvest = document.finish(request.url, pages.tasks, declared_count=pages.counted)
        return replace(harvest, complete=False, note=f"{request.url}: {short}{KEPT}")


def _short(pages: Pages, records: int) -> str:
    """What is missing by the server's count, which is taken again: the layer may have changed meanwhile."""
    tasks = pages.tasks
    if pages.counted is None or records >= pages.counted or tasks.failed or tasks.enough:
        return ""
    try:
        now = pages.count("count-after")
    except FetchError:  # a failed task, which says enough
        return ""
    if now is not None and records >= now:
        return ""
    now = pages.counted if now is None else now
    return f"{records} features came, the service counts {now}"


def _lines(page: Path) -> Iterator[tuple[bytes, bytes]]:
    with storage_errors(page), page.open("rb") as lines:
        for line in lines:
            number, _, feature = line.rstrip(b"\n").partition(b"\t")
            yield number, feature


class _Seen:
    """The object ids that came already: in a file, since a layer may have millions."""

    def __init__(self, work: Path) -> None:
        self._path = temporary(work)

    def __enter__(self) -> Self:
        self._ids = sqlite3.connect(self._path)
        self._ids.executescript(_SEEN)
        return self

    def __exit__(self, *_: object) -> None:
        self._ids.close()
        self._path.unlink(missing_ok=True)

    def is_new(self, number: bytes) -> bool:
        """Whether the feature of this number came for the first time; one without a number always did."""
        if number == b"null":
            return True
        return self._ids.execute("INSERT OR IGNORE INTO seen VALUES (?)", (number,)).rowcount == 1
