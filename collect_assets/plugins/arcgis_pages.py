"""Which pages of an ArcGIS layer are asked for, and which of them hold its features in the end.

By what servers do, not by what they say: some give fewer features than asked for, some ignore the offset, some do
not say that they held something back. The number that the server counts is what decides whether all came. Only where
the bytes have to be those that esridump makes, servers are taken by their word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import ijson

from collect_assets.errors import FailedError, FetchError
from collect_assets.network.gate import Request
from collect_assets.plugins.esri_layer import Layer, LayerUrl, PageOf, keep_object
from collect_assets.plugins.tasks import Task, Tasks
from collect_assets.store.local import sha256_of

MOST_EMPTY_RANGES = 10  # ranges of ids for each page that the count needs; beyond that the ids themselves are asked for
DEEPEST_BOX = 16
DRAWN = {"returnGeometry": "True", "outSR": "4326"}  # as in the documents that are compared
PRECISE = {"geometryPrecision": 7}


@dataclass(frozen=True)
class Range:
    """Object ids above `after`, up to `last`."""

    after: int
    last: int

    @property
    def key(self) -> str:
        """Its name as a task."""
        return f"oid-{self.after + 1}..{self.last}"

    def where(self, oid: str) -> str:
        """Its condition."""
        return f"{oid} > {self.after} AND {oid} <= {self.last}"

    def halves(self) -> tuple[Range, Range]:
        """The two ranges that make it up."""
        middle = (self.after + self.last) // 2
        return Range(self.after, middle), Range(middle, self.last)


@dataclass
class Pages:
    """The search for all pages of one layer.

    Attributes:
        as_esridump: whether to ask for the pages that esridump asks for, whatever they bring.
        counted: how many features the server says it has.
        boxes: whether the pages are boxes, so that a feature may lie in several.
    """

    url: LayerUrl
    layer: Layer
    size: int
    tasks: Tasks
    as_esridump: bool = False
    counted: int | None = None
    boxes: bool = False
    ranges: dict[str, Range] = field(default_factory=dict)

    def find(self) -> list[str]:
        """The keys of the pages, in order.

        Raises:
            FetchError: the layer cannot be asked page by page.
        """
        self.counted = self.count("count")
        if self.counted == 0:
            return []
        if self.layer.pages and self.counted is not None:
            keys = self._by_offset(self.counted) if not self.as_esridump else self._by_plain_offset(self.counted)
            if keys is not None:
                return keys
        if not self.layer.oid:
            return self._alone()
        ranges = self._ranges()
        return self._by_range(ranges) if ranges is not None else self._by_box()

    def count(self, key: str, where: str = "1=1") -> int | None:
        """How many features the server counts; None where it does not say.

        Raises:
            FetchError: it wants a token.
        """
        asked = self._object(key, self.url.query(where, returnCountOnly="true"))
        number = asked.get("count") if asked else None
        return number if isinstance(number, int) and number >= 0 else None

    def _object(self, key: str, request: Request) -> dict[str, Any] | None:
        """What a question brings that servers need not understand; it is no failed task then."""
        try:
            self.tasks.ask(key, request, keep_object)
        except FetchError as error:
            if error.why != "service-error":
                raise
            self.tasks.forget(key)
            return None
        value: dict[str, Any] = json.loads(self.tasks.page(key).read_bytes())
        return value

    def _page(self, key: str, where: str = "1=1", **asked: object) -> Task | None:
        ordered = self.layer.orders and self.layer.oid and not self.as_esridump
        order = {"orderByFields": self.layer.oid} if ordered else {}
        precise = {} if self.boxes and self.as_esridump else PRECISE  # it asks for all decimals there
        request = self.url.query(where, **precise, **DRAWN, **order, **asked)
        return self.tasks.attempt(key, request, PageOf(self.layer.oid, self.tasks.work))

    def _by_offset(self, counted: int) -> list[str] | None:
        """By what each page brought; None where the server does not go by the offset."""
        keys: list[str] = []
        offset, step, digest = 0, self.size, ""
        while offset < counted and not self.tasks.given_up:
            task = self._page_from(offset)
            if task is None:
                offset += step
                continue
            if not task.records:
                break
            before, digest = digest, sha256_of(self.tasks.page(task.key))
            if digest == before:
                for useless in (*keys, task.key):
                    self.tasks.forget(useless)
                return None
            keys.append(task.key)
            step = task.records
            offset += step
        return keys

    def _by_plain_offset(self, counted: int) -> list[str]:
        """By what the server says that it gives at once."""
        pages = (self._page_from(each) for each in range(0, counted, self.size) if not self.tasks.given_up)
        return [page.key for page in pages if page is not None]

    def _page_from(self, offset: int) -> Task | None:
        return self._page(f"offset-{offset:09d}", resultOffset=offset, resultRecordCount=self.size)

    def _alone(self) -> list[str]:
        """A layer whose features have no numbers: one page, if that is all of it."""
        if self.counted is None or self.counted > self.size:
            raise FailedError("no-paging", f"{self.url.url}: supports no paging and has no object ids, so more than "
                              f"{self.size} features cannot be asked for")  # fmt: skip
        return ["all"] if self._page("all") else []

    def _ranges(self) -> list[Range] | None:
        """Ranges of ids that hold all features; None where the server tells neither its ids nor their bounds."""
        if self.layer.statistics and (bounds := self._bounds()):
            after, last = bounds[0] - 1, bounds[1]
            needed = -(-(self.counted or last - after) // self.size)
            if (last - after) // self.size <= MOST_EMPTY_RANGES * (needed + 1):
                return [Range(a, min(a + self.size, last)) for a in range(after, last, self.size)]
        return self._of_ids()

    def _bounds(self) -> tuple[int, int] | None:
        wanted = [{"statisticType": kind, "onStatisticField": self.layer.oid, "outStatisticFieldName": f"the_{kind}"}
                  for kind in ("min", "max")]  # fmt: skip
        asked = self._object("bounds", self.url.query(outFields="", outStatistics=json.dumps(wanted)))
        try:
            values = [int(value) for value in asked["features"][0]["attributes"].values()] if asked else []
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            return None
        return (min(values), max(values)) if values else None  # some servers name them by the SQL that made them

    def _of_ids(self) -> list[Range] | None:
        request = self.url.query(returnIdsOnly="true")
        try:
            self.tasks.ask("ids", request, keep_object)
        except FetchError as error:
            if error.why != "service-error":
                raise
            self.tasks.forget("ids")
            return None
        with self.tasks.page("ids").open("rb") as file:
            ids = sorted({int(number) for number in ijson.items(file, "objectIds.item")})
        chunks = (ids[start : start + self.size] for start in range(0, len(ids), self.size))
        return [Range(chunk[0] - 1, chunk[-1]) for chunk in chunks] or None

    def _by_range(self, ranges: list[Range]) -> list[str]:
        found = [task for each in ranges for task in self._range(each)]
        brought = sum(task.records or 0 for task in found)
        as_it_is = self.as_esridump or self.tasks.failed or self.tasks.enough
        if self.counted is not None and brought < self.counted and not as_it_is:
            found = [task for short in found for task in self._completed(short)]
        return [task.key for task in found]

    def _range(self, asked: Range) -> Iterator[Task]:
        """The pages of a range: of its halves where the server held something back."""
        if self.tasks.given_up:
            return
        task = self._page(asked.key, asked.where(self.layer.oid))
        exceeded = task is not None and task.facts.get("exceeded") and not self.tasks.enough
        if exceeded and asked.last - asked.after > 1 and not self.as_esridump:
            yield from self._halves(asked)
        elif task is not None:
            self.ranges[task.key] = asked
            yield task

    def _halves(self, asked: Range) -> Iterator[Task]:
        for half in asked.halves():
            yield from self._range(half)

    def _completed(self, task: Task) -> Iterator[Task]:
        """A range that may be short without having said so: its count decides, and then its halves."""
        asked = self.ranges[task.key]
        try:
            there = self.count(f"count-{asked.key}", asked.where(self.layer.oid))
        except FetchError:  # a failed task, for which the harvest is incomplete
            there = None
        if there is None or there <= (task.records or 0) or asked.last - asked.after <= 1:
            yield task
            return
        for half in self._halves(asked):
            yield from self._completed(half)

    def _by_box(self) -> list[str]:
        if self.layer.extent is None:
            raise FailedError("no-paging", f"{self.url.url}: tells neither its object ids nor where it lies, so it "
                              "cannot be asked page by page")  # fmt: skip
        self.boxes = True
        sides = ("xmin", "ymin", "xmax", "ymax")
        return [task.key for task in self._box("box", {side: self.layer.extent[side] for side in sides}, 0)]

    def _box(self, key: str, box: Mapping[str, float], depth: int) -> Iterator[Task]:
        """The pages of a box: of its quarters where it has more than a page."""
        if self.tasks.given_up:
            return
        task = self._page(key, geometry=json.dumps(box), geometryType="esriGeometryEnvelope",
                          spatialRel="esriSpatialRelIntersects")  # fmt: skip
        exceeded = task is not None and task.facts.get("exceeded") and not self.as_esridump
        full = task is not None and (exceeded or (task.records or 0) >= self.size)
        if full and depth < DEEPEST_BOX and not self.tasks.enough:
            for number, quarter in enumerate(_quarters(box, crossed=self.as_esridump)):
                yield from self._box(f"{key}-{number}" if depth == 0 else f"{key}{number}", quarter, depth + 1)
        elif task is not None:
            yield task


def _quarters(box: Mapping[str, float], *, crossed: bool) -> Iterator[dict[str, float]]:
    """Crossed as esridump's are, whose right and upper ones have their corners the wrong way round."""
    x, y = (box["xmin"] + box["xmax"]) / 2, (box["ymin"] + box["ymax"]) / 2
    right, upper = ((box["xmax"], x), (box["ymax"], y)) if crossed else ((x, box["xmax"]), (y, box["ymax"]))
    for ymin, ymax in ((box["ymin"], y), upper):
        for xmin, xmax in ((box["xmin"], x), right):
            yield {"xmin": xmin, "ymin": ymin, "xmax": xmax, "ymax": ymax}
