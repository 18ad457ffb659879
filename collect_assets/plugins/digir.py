"""The `digir` plugin: all records of one resource of a DiGIR provider, page by page, in one archive of its pages.

The registered URL is the access point; the code of the resource stands behind `#`, or in parameters. A filter is
mandatory in DiGIR and cannot test for null, so records are asked for by ranges of one concept, and those that lack it
by ranges of a second one: there the provider is asked to count, and only ranges that hold such records are fetched.
Rules of paging are in `range_pages`.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from collect_assets.errors import FailedError, FetchError
from collect_assets.network.gate import Fetcher, Request
from collect_assets.plugins import Harvest, HarvestRequest
from collect_assets.plugins.digir_nameless import Nameless
from collect_assets.plugins.digir_pages import MetadataReader, ResourceMetadata, keep_page, keep_probe
from collect_assets.plugins.digir_requests import FULL, MANIS, WAYS, Dialect, Way, range_filter
from collect_assets.plugins.name_ranges import NameRange, all_names
from collect_assets.plugins.page_archive import page_archive, tasks_of
from collect_assets.plugins.parameters import PluginParameters
from collect_assets.plugins.provider_parts import ROWS, access_point
from collect_assets.plugins.range_pages import PagingRules, Question, RangePages, shortfall
from collect_assets.plugins.tasks import Task, Tasks

NAME = "digir"
CONCEPT = r"^[A-Za-z_][A-Za-z0-9_.-]*$"
MANY = 10_000  # records from which on ranges of one letter are split, of a provider that does not count


class PARAMETERS(PluginParameters):
    """How a resource is asked for.

    Attributes:
        resource: its code at the provider; that behind `#`, or the only one, where it is left out.
        page_size: records asked for at once; a provider may give fewer.
        concept: of Darwin Core 2, that records are partitioned by.
        second_concept: for records without the first; blank for none.
        structure: the location of another record structure than the one of Darwin Core 2, or of MaNIS.
        split_above: records that match a range; one with more is asked for in parts.
        count_tolerance: in place of the collection's.
        most_pages: in place of the collection's.
    """

    resource: str = ""
    page_size: int = Field(1000, gt=0, le=100_000)
    concept: str = Field("ScientificName", pattern=CONCEPT)
    second_concept: str = Field("CatalogNumber", pattern=rf"{CONCEPT}|^$")
    structure: str = ""
    split_above: int = Field(10_000, gt=0)
    count_tolerance: float | None = Field(None, ge=0, le=1)
    most_pages: int | None = Field(None, ge=1, le=99_999)


def harvest(request: HarvestRequest, gate: Fetcher) -> Harvest:
    """Fetches the records; an incomplete harvest where pages failed, or fewer came than the provider counts.

    Raises:
        FetchError: nothing came that can be kept, or the provider has no such resource.
        StorageError: the disk is full.
    """
    given = PARAMETERS.of(request.parameters)
    tasks = tasks_of(request, gate)
    resource = _Resource(request, given, tasks)
    try:
        resource.find()
    except FetchError as error:
        raise tasks.ended_by(error) from error.__cause__
    if not resource.pages:
        raise tasks.ended_by(tasks.error or FailedError("empty", f"{request.url}: no page came"))
    pages = [*filter(None, (resource.described,)), *resource.pages]
    return page_archive(request, NAME, tasks, pages, short=shortfall(resource.short()), note=resource.note(),
                        declared_count=resource.declared_count)  # fmt: skip


class _Resource:
    """The search for all records of a resource."""

    def __init__(self, request: HarvestRequest, given: PARAMETERS, tasks: Tasks) -> None:
        self._given = given
        self._ours = request.rules
        self._tasks = tasks
        url, part = access_point(request.url)
        self._dialect = Dialect(url, given.resource or part)
        self._named: int | None = None
        self._likes = False
        self._metadata = ResourceMetadata()
        self._first: RangePages | None = None
        self._nameless: Nameless | None = None
        self.described: Task | None = None

    def find(self) -> None:
        """Asks what the resource is, how it wants to be asked, and for its pages.

        Raises:
            FetchError: there is no such resource, or no way to ask for it.
        """
        self._describe()
        self._dialect = replace(self._dialect, way=self._way())
        rules = self._rules()
        self._first = RangePages(self._tasks, self._given.concept, self._question(rules), keep_page, rules)
        self._first.find(self._first_ranges(rules))
        if self._may_lack_records() and not self._tasks.given_up:
            concepts = (self._given.concept, self._given.second_concept)
            self._nameless = Nameless(self._tasks, self._dialect, concepts, rules)
            self._nameless.find(self._metadata.least, anyway=self._lacks_records())

    @property
    def pages(self) -> list[Task]:
        """Those with the records, in order."""
        return [page for ranges in (self._first, self._nameless) if ranges for page in ranges.pages]

    @property
    def records(self) -> int:
        """How many came, none counted twice."""
        first = self._first.records if self._first else 0
        return first + (self._nameless.beside(first) if self._nameless else 0)

    @property
    def declared_count(self) -> int | None:
        """How many records the provider says that there are."""
        return self._named if self._metadata.declared is None else self._metadata.declared

    def short(self) -> list[str]:
        """What does not agree with what the provider counts and declares, in words for people."""
        if self._first is None or self._tasks.enough:
            return []
        found: list[str] = []
        ranges = [*self._first.short(), *(self._nameless.short() if self._nameless else ())]
        rules, declared = self._rules(), self._metadata.declared
        if self._named is not None and not rules.agrees(self._first.records, self._named):
            found.append(f"{self._first.records} of {self._named} records with a {self._given.concept} came")
        if declared is None or not rules.agrees(self.records, declared):
            ranges += self._first.unsure
        if declared is not None and not rules.agrees(self.records, declared):
            found.append(f"{self.records} records came, and {declared} are declared; records without a "
                         f"{' or '.join(filter(None, (self._given.concept, self._given.second_concept)))} cannot be "
                         "asked for; where the declared number is old, raise `count_tolerance`")  # fmt: skip
        return [*found, *ranges]

    def note(self) -> str:
        """What people should know of a complete harvest."""
        declared = self._metadata.declared
        if declared is not None and self.records > declared:
            return f"{self.records} records came, and {declared} are declared"
        return ""

    def _describe(self) -> None:
        """Its metadata, where the provider has any: a bare request is answered by that of all its resources."""
        accept = MetadataReader(self._dialect.resource)
        questions = {"metadata": self._dialect.metadata(), "metadata-all": Request(self._dialect.url)}
        for key, question in questions.items():
            self.described = self._tasks.attempt(key, question, accept)
            if self.described:
                break
        facts = self.described.facts if self.described else {"found": None, "codes": [], "count": 0}
        if facts["found"]:
            self._metadata = ResourceMetadata(**facts["found"])
        code = self._dialect.resource or self._metadata.code
        if not code and not self.described and self._tasks.error:
            raise self._tasks.error  # what it would be named after was not to be had: that is to be mended first
        if not code:
            named = f"has {facts['count']} resources; name one of them behind `#` in the URL"
            codes = ", ".join(facts["codes"])
            raise FailedError("no-resource", f"{self._dialect.url}: {named}, or as `resource` in parameters: {codes}; "
                              f"{ROWS}")  # fmt: skip
        structure = self._given.structure or (MANIS if self._metadata.manis else FULL)
        self._dialect = replace(self._dialect, resource=code, structure=structure)

    def _way(self) -> Way:
        """The first way in which a search is taken for one; asked for once, the answer is in the facts of a task.

        Raises:
            FetchError: there is none.
        """
        like = range_filter(self._given.concept, all_names())
        probes = {way: replace(self._dialect, way=way).search(like, 0, 1) for way in WAYS}
        errors: list[FetchError] = []
        for way in sorted(WAYS, key=lambda way: not self._tasks.finished(f"way-{way}", probes[way])):
            try:
                facts = self._tasks.ask(f"way-{way}", probes[way], keep_probe).facts
            except FetchError as error:
                if error.why == "no-resource":
                    raise
                errors.append(error)
            else:
                if facts["taken"]:
                    for task in self._tasks.failed:  # there was another way
                        self._tasks.forget(task.key)
                    self._named, self._likes = facts["matched"], facts["like"]
                    return way
        raise (
            errors[0]
            if errors
            else FailedError(
                "no-search",
                f"{self._dialect.url}: takes no search, neither by GET nor by POST; is it a DiGIR provider?",
            )
        )

    def _rules(self) -> PagingRules:
        given, ours = self._given, self._ours
        tolerance = ours.count_tolerance if given.count_tolerance is None else given.count_tolerance
        limit = min(given.page_size, self._metadata.most or given.page_size)
        many = (self._metadata.declared or 0) > MANY
        return PagingRules(limit, given.split_above, many, given.most_pages or ours.most_pages, tolerance)

    def _question(self, rules: PagingRules) -> Question:
        def question(range_: NameRange, start: int) -> Request:
            return self._dialect.search(range_filter(self._given.concept, range_), start, rules.limit)

        return question

    def _first_ranges(self, rules: PagingRules) -> tuple[NameRange, ...]:
        """All names at once where they fit into one answer, else by their first letter."""
        names = all_names(self._metadata.least or 0)
        count = self._metadata.declared if self._named is None else self._named
        return (names,) if self._likes and count is not None and count <= rules.limit else names.split()

    def _lacks_records(self) -> bool:
        declared = self._metadata.declared
        return declared is not None and self._first is not None and self._first.records < declared

    def _may_lack_records(self) -> bool:
        """Whether there may be records without the first concept, and a second one to ask for them."""
        return self._given.second_concept != "" and (self._metadata.declared is None or self._lacks_records())
