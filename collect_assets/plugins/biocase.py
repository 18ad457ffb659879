"""The `biocase` plugin: all units of one dataset of a BioCASe provider, page by page, in one archive of its pages.

The registered URL is the access point of a data source; where it has several datasets, the title of one stands behind
`#` or in parameters. A dataset is asked for as a whole, and paged by what was returned and dropped; by ranges of names
where it is large, or where a provider does not go by the offset. An archive that the provider made of the dataset takes
the place of the first search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from pydantic import Field

from collect_assets.errors import FailedError, FetchError
from collect_assets.network.gate import Fetcher, Request
from collect_assets.plugins import Harvest, HarvestRequest
from collect_assets.plugins.biocase_answers import keep_capabilities, keep_count, keep_datasets, keep_page, offers
from collect_assets.plugins.biocase_archive import ArchiveReader
from collect_assets.plugins.biocase_requests import WAYS, Dialect, Everything, name_path, schema_of
from collect_assets.plugins.document import START, File, harvest_of
from collect_assets.plugins.name_ranges import NameRange
from collect_assets.plugins.page_archive import page_archive, tasks_of
from collect_assets.plugins.parameters import PluginParameters
from collect_assets.plugins.provider_parts import ROWS, access_point
from collect_assets.plugins.range_pages import PageFacts, PagingRules, RangePages, shortfall
from collect_assets.plugins.tasks import Accept, Task, Tasks
from collect_assets.store.local import sha256_of, storage_errors, temporary

NAME = "biocase"
MOST_NAMED = 20


class PARAMETERS(PluginParameters):
    """How a dataset is asked for.

    Attributes:
        dataset: its title; that behind `#` in the URL, or the only one, where it is left out.
        namespace: of the schema, or a version of ABCD; the best that the provider has where it is left out.
        page_size: units asked for at once; a provider may give fewer.
        split_above: units of a dataset; a larger one is asked for by ranges of names.
        archive: when an archive that the inventory names is taken in place of a search.
        count_tolerance: in place of the collection's.
        most_pages: in place of the collection's.
    """

    dataset: str = ""
    namespace: str = ""
    page_size: int = Field(1000, gt=0, le=100_000)
    split_above: int = Field(100_000, gt=0)
    archive: Literal["first", "always", "never"] = "first"
    count_tolerance: float | None = Field(None, ge=0, le=1)
    most_pages: int | None = Field(None, ge=1, le=99_999)


def harvest(request: HarvestRequest, gate: Fetcher) -> Harvest:
    """Fetches the units; an incomplete harvest where pages failed, or fewer came than the provider counts.

    Raises:
        FetchError: nothing came that can be kept, or the provider has no such dataset.
        StorageError: the disk is full.
    """
    given = PARAMETERS.of(request.parameters)
    tasks = tasks_of(request, gate)
    dataset = _Dataset(request, given, tasks)
    try:
        dataset.find()
    except FetchError as error:
        raise tasks.ended_by(error) from error.__cause__
    if dataset.archive is not None:
        kept = _archived(request, tasks, dataset.archive)
        return replace(kept, harvested=dataset.harvested, declared_count=dataset.declared_count)
    if not dataset.pages:
        raise tasks.ended_by(tasks.error or FailedError("empty", f"{request.url}: no page came"))
    kept = page_archive(request, NAME, tasks, dataset.pages, short=shortfall(dataset.short()),
                        note="; ".join(dataset.notes), declared_count=dataset.declared_count)  # fmt: skip
    return replace(kept, harvested=dataset.harvested)


def _archived(request: HarvestRequest, tasks: Tasks, archive: Task) -> Harvest:
    """The harvest whose resource is the provider's own archive."""
    part = temporary(request.work)
    with storage_errors(part):
        tasks.page(archive.key).rename(part)
        with part.open("rb") as file:
            start = file.read(START)
        kept = File(part, sha256_of(part), part.stat().st_size, start)
    return harvest_of(request.url, tasks, kept, "", note="the archive of the provider was taken in place of a search")


class _Dataset:
    """The search for all units of a dataset.

    Attributes:
        declared_count: how many units the provider says that the dataset has.
        archive: the task that brought the provider's archive, where that is taken.
        notes: what people should know.
    """

    def __init__(self, request: HarvestRequest, given: PARAMETERS, tasks: Tasks) -> None:
        url, part = access_point(request.url)
        self._request = request
        self._given = given
        self._tasks = tasks
        self._wanted = given.dataset or part
        self._dialect = Dialect(url)
        self._names = True
        self.declared_count: int | None = None
        self._ranges: RangePages | None = None
        self._rules = self._paging_rules()
        self.archive: Task | None = None
        self.notes: list[str] = []

    @property
    def pages(self) -> list[Task]:
        """Those with the units, in order."""
        return self._ranges.pages if self._ranges else []

    @property
    def harvested(self) -> dict[str, str]:
        """What the log keeps: of another dataset or schema, the next harvest is a first one."""
        return {"dataset": self._dialect.title, "namespace": self._dialect.namespace}

    def find(self) -> None:
        """Asks what the provider has, how it wants to be asked, and for the units.

        Raises:
            FetchError: there is no such dataset, or no way to ask for it.
        """
        self._choose_schema()
        inventory = self._choose_dataset()
        counted = self._first_way("count", Dialect.count, keep_count)
        self.declared_count = counted.facts["hits"]
        if inventory is not None and self._wants_archive():
            self._take_archive(inventory)
        if self.archive is None:
            self._ranges = RangePages(self._tasks, "units", self._question, keep_page, self._rules)
            ranges = self._first_ranges()
            self._ranges.find(ranges, self.declared_count if len(ranges) == 1 else None)

    def short(self) -> list[str]:
        """What does not agree with what the provider counts, in words for people."""
        if self._ranges is None or self._tasks.enough:
            return []
        found, came = self._ranges.short(), self._ranges.records
        if self._rules.agrees(came, self.declared_count or 0):
            return found
        if len(self._ranges.walks) > 1:
            dropped = sum(PageFacts.of(page.facts).dropped for page in self.pages)
            left_out = f", and {dropped} were left out by the provider" if dropped else ""
            found.append(f"{came} of {self.declared_count} records came{left_out}")
        return [*found, *self._ranges.unsure]

    def _paging_rules(self) -> PagingRules:
        given, ours = self._given, self._request.rules
        tolerance = ours.count_tolerance if given.count_tolerance is None else given.count_tolerance
        return PagingRules(given.page_size, given.split_above, most_pages=given.most_pages or ours.most_pages,
                           tolerance=tolerance)  # fmt: skip

    def _choose_schema(self) -> None:
        about = self._tasks.ask("capabilities", Request(self._dialect.url), keep_capabilities)
        concepts = about.facts["concepts"]
        namespace = schema_of(concepts, self._given.namespace)
        if not namespace:
            wanted = self._given.namespace or "schema of ABCD"
            raise FailedError("no-schema", f"{self._dialect.url}: has no {wanted}; name one of these as `namespace` in "
                              f"parameters: {', '.join(concepts)}")  # fmt: skip
        self._names = name_path(namespace) in concepts[namespace]
        self._dialect = replace(self._dialect, namespace=namespace)

    def _choose_dataset(self) -> Task | None:
        """The title that is asked for; returns the inventory, where the provider has one."""
        inventory = self._tasks.attempt("inventory", self._dialect.inventory(), keep_datasets)
        titles: list[str] = []
        if inventory is not None:
            titles = inventory.facts["titles"]
        else:
            self._tasks.forget("inventory")  # older providers have none
            titles = self._scanned()
        self._dialect = replace(self._dialect, title=self._title(titles))
        return inventory

    def _scanned(self) -> list[str]:
        try:
            titles: list[str] = self._first_way("titles", Dialect.scan, keep_datasets).facts["titles"]
        except FetchError as error:
            if error.transient:
                raise
            return []  # it has no titles, or does not know how to scan; the search will show what it has
        return titles

    def _title(self, titles: list[str]) -> str:
        """The one that is wanted, as the provider writes it.

        Raises:
            FailedError: it has several, or none that is so named.
        """
        if not titles:
            return self._wanted
        plain = " ".join(self._wanted.split()).casefold()
        found = [title for title in titles if title == self._wanted] or [
            title for title in titles if not plain or title.casefold() == plain
        ]
        if len(found) == 1:
            return found[0]
        named = ", ".join(repr(title) for title in titles[:MOST_NAMED])
        missing = f"no dataset {self._wanted!r}; it may have been renamed" if plain else f"{len(titles)} datasets"
        raise FailedError("no-dataset", f"{self._dialect.url}: has {missing}; name one of them behind `#` in the URL, "
                          f"or as `dataset` in parameters: {named}; {ROWS}")  # fmt: skip

    def _first_way(self, key: str, question: Callable[[Dialect], Request], accept: Accept) -> Task:
        """The first way of asking in which an answer fits; the others requests go the same way.

        Raises:
            FetchError: there is none.
        """
        asked = {way: question(replace(self._dialect, way=way)) for way in WAYS}
        ways = sorted(WAYS, key=lambda w: (not self._tasks.finished(f"{key}-{w}", asked[w]), w != self._dialect.way))
        first: FetchError | None = None
        for way in ways:
            try:
                task = self._tasks.ask(f"{key}-{way}", asked[way], accept)
            except FetchError as error:
                first = first or error
                self._tasks.forget(f"{key}-{way}")
            else:
                self._dialect = replace(self._dialect, way=way)
                return task
        raise first or AssertionError("there is a way")

    def _wants_archive(self) -> bool:
        first = any(self._request.last.get(name) != value for name, value in self.harvested.items())
        if self._request.look:
            return False
        return self._given.archive == "always" or (self._given.archive == "first" and first)

    def _take_archive(self, inventory: Task) -> None:
        offer = offers(inventory.facts, self._dialect.title, self._dialect.namespace)
        if offer is None:
            return
        accept = ArchiveReader(self._request.work, offer.records, self._rules.tolerance)
        self.archive = self._tasks.attempt("archive", Request(offer.url), accept)
        if self.archive is None:
            self.notes.append(f"the archive of the provider is not used: {self._tasks.error}")
            self._tasks.forget("archive")

    def _question(self, range_: NameRange, start: int) -> Request:
        return self._dialect.search(range_, start, self._rules.limit)

    def _first_ranges(self) -> tuple[NameRange, ...]:
        if not self._names:
            return (Everything(prefix=None),)
        return Everything().split() if (self.declared_count or 0) > self._given.split_above else (Everything(),)
