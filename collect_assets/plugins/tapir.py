"""The `tapir` plugin: all records of a TAPIR provider's resource, page by page, in one archive of its pages.

The registered URL is the access point, such as `…/tapir.php/<resource>`. What the provider can do decides how it is
asked: by a query template that it names, else by an output model with a filter. `next` is followed wherever it leads.
Where its capabilities name an archive, that is the resource of the first harvest. Rules of paging are in `range_pages`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import Field

from collect_assets.errors import FailedError, FetchError
from collect_assets.network.gate import Answer, Fetcher, Request
from collect_assets.plugins import Harvest, HarvestRequest
from collect_assets.plugins.name_ranges import NameRange, all_names
from collect_assets.plugins.page_archive import page_archive, tasks_of
from collect_assets.plugins.parameters import PluginParameters
from collect_assets.plugins.range_pages import PagingRules, RangePages, shortfall
from collect_assets.plugins.tapir_archive import TapirArchiveReader, harvest_of_archive, of_taken
from collect_assets.plugins.tapir_pages import Capabilities, keep_capabilities, keep_other, keep_page
from collect_assets.plugins.tapir_requests import CONTENTS, Content, TapirDialect, Way
from collect_assets.plugins.tasks import Kept, Task, Tasks

NAME = "tapir"
EVERYTHING = NameRange()
NAMELESS = NameRange(absent=True)


class PARAMETERS(PluginParameters):
    """How a provider is asked.

    Attributes:
        page_size: records asked for at once; a provider may give fewer.
        concept: the id of the one that records are partitioned by, in place of the scientific name.
        template: the location or alias of a query template with `lower` and `upper`, in place of those we know.
        model: the location or alias of an output model, in place of those we know.
        archive: false asks for pages also where there is an archive.
        split_above: records that match a range; one with more is asked for in parts.
        count_tolerance: in place of the collection's.
        most_pages: in place of the collection's.
    """

    page_size: int = Field(1000, gt=0, le=100_000)
    concept: str = Field("", pattern=r"^[^\s\"'<>]*$")
    template: str = ""
    model: str = ""
    archive: bool = True
    split_above: int = Field(10_000, gt=0)
    count_tolerance: float | None = Field(None, ge=0, le=1)
    most_pages: int | None = Field(None, ge=1, le=99_999)


def harvest(request: HarvestRequest, gate: Fetcher) -> Harvest:
    """Fetches the records; an incomplete harvest where pages failed, or fewer came than the provider counts.

    Raises:
        FetchError: nothing came that can be kept.
        StorageError: the disk is full.
    """
    given = PARAMETERS.of(request.parameters)
    tasks = tasks_of(request, gate)
    provider = _Provider(request, given, tasks)
    try:
        provider.introduce()
        if request.first and given.archive and not request.look and (archive := provider.archive()):
            return replace(
                harvest_of_archive(request, tasks, archive),
                note=provider.note(),
                declared_count=provider.declared_count,
            )
        provider.find()
    except FetchError as error:
        raise tasks.ended_by(error) from error.__cause__
    if not provider.pages:
        raise tasks.ended_by(tasks.error or FailedError("empty", f"{request.url}: no page came"))
    pages = [*provider.described, *provider.pages]
    kept = page_archive(request, NAME, tasks, pages, short=shortfall(provider.short()), note=provider.note(),
                        declared_count=provider.declared_count)  # fmt: skip
    return kept if provider.is_proven else replace(kept, complete=False, coverage="changes")


class _Provider:
    """The search for all records of a provider."""

    def __init__(self, request: HarvestRequest, given: PARAMETERS, tasks: Tasks) -> None:
        self._request = request
        self._given = given
        self._tasks = tasks
        self._can = Capabilities()
        self._dialect = TapirDialect(request.url, CONTENTS[0])
        self._ranges: RangePages | None = None
        self._total: int | None = None
        self._named: int | None = None
        self._nulls_asked = False
        self._notes: list[str] = []
        self.described: list[Task] = []

    def introduce(self) -> None:
        """Asks what the provider can do, and what it says of itself.

        Raises:
            FetchError: it does not say.
        """
        try:
            capabilities = self._tasks.ask("capabilities", self._dialect.operation("capabilities"), keep_capabilities)
        except FetchError as error:
            self._ping(error)
            raise
        self._can = Capabilities.of(capabilities.facts)
        self._dialect = replace(self._dialect, content=self._content())
        metadata = self._tasks.attempt("metadata", self._dialect.operation("metadata"), keep_other)
        if metadata is None:
            self._tasks.forget("metadata")  # nothing hangs on it
        self.described = [capabilities, *([metadata] if metadata else [])]

    def archive(self) -> Task | None:
        """The newest archive, where one is named, comes, and has the records that it should have."""
        archives = sorted(self._can.archives, key=lambda archive: archive.created, reverse=True)
        for place, archive in enumerate(archives):
            accept = TapirArchiveReader(self._request.work, archive.records, self._rules().tolerance)
            if task := self._tasks.attempt(f"archive-{place:03d}", Request(archive.location), accept):
                self._total = archive.records
                self._notes.append(of_taken(archive.location, task))
                return task
            self._notes.append(f"the archive that the capabilities name is not used: {self._tasks.error}")
            self._tasks.forget(f"archive-{place:03d}")  # the pages are there all the same
        return None

    def find(self) -> None:
        """Finds the way in which a search is taken, and asks for the pages.

        Raises:
            FetchError: there is no way.
        """
        self._dialect = replace(self._dialect, way=self._way())
        rules = self._rules()

        def question(range_: NameRange, start: int) -> Request:
            return self._dialect.search(range_, start, rules.limit)

        self._ranges = RangePages(self._tasks, "name", question, keep_page, rules)
        self._ranges.find(self._first_ranges(rules))

    @property
    def pages(self) -> list[Task]:
        """Those with the records, in order."""
        return self._ranges.pages if self._ranges else []

    @property
    def declared_count(self) -> int | None:
        """How many records the provider says that there are; with a name, where it can count no others."""
        return self._named if self._total is None else self._total

    def short(self) -> list[str]:
        """What does not agree with what the provider counts, in words for people."""
        if self._ranges is None or self._tasks.enough:
            return []
        came, rules = self._ranges.records, self._rules()
        if self._total is not None and rules.agrees(came, self._total):
            return self._ranges.short()
        fewer = [f"{came} of {self._total} records came"] if self._total is not None else []
        return [*fewer, *self._ranges.short(), *self._ranges.unsure]

    @property
    def is_proven(self) -> bool:
        """Whether nothing can lack: records without a name were asked for, or as many came as the provider counts."""
        if self._ranges is None or not self._without_nameless:
            return True
        return self._total is not None and self._rules().agrees(self._ranges.records, self._total)

    def note(self) -> str:
        """What people should know of a harvest in which nothing failed."""
        notes = [shortfall(self._notes)] if self._notes else []
        if self._without_nameless:
            notes.append("records without a name cannot be asked for, and are not among these")
            notes += [] if self.is_proven else ["how many there are is not known, so it proves no deletion"]
        return "; ".join(notes)

    @property
    def _without_nameless(self) -> bool:
        if self._ranges is None or self._nulls_asked:
            return False
        return not self._ranges.walks or self._ranges.walks[0].range != EVERYTHING

    def _ping(self, error: FetchError) -> None:
        """Whether the provider lives although it does not say what it can, for whoever has to ask its owner."""
        if error.why not in {"host-given-up", "connect", "dns"} and self._tasks.attempt(
            "ping", self._dialect.operation("ping"), keep_other
        ):
            error.args = (f"{error}; it answers a ping",)

    def _content(self) -> Content:
        """The first kind of records that networks agreed on, of those that the provider has."""
        names = {self._normal(name): name for name in self._can.names}
        found = next((content for content in CONTENTS if self._normal(content.name) in names), CONTENTS[0])
        name = self._given.concept or names.get(self._normal(found.name), found.name)
        template = self._given.template or self._listed(found.template)
        return Content(name, template, self._given.model or found.model, self._can.concepts)

    @staticmethod
    def _normal(name: str) -> str:
        return name.lower().replace("#", "").replace("//", "/")

    def _listed(self, template: str) -> str:
        """The template as the provider names it: by our location, else by one for ranges of names."""
        ranges = [name for name in self._can.templates if "name_range" in name.lower()]
        return template if template in self._can.templates or not ranges else ranges[0]

    def _way(self) -> Way:
        """The first way in which a search is taken: a template that the provider names, a model, any template.

        A model is one that networks agreed on; else one of our own, of the concepts that the provider has.

        Raises:
            FetchError: none is.
        """
        named = bool(self._given.template) or self._dialect.content.template in self._can.templates
        models: list[Way] = ["model", "model-xml", "model-inline"] if self._can.concepts else ["model", "model-xml"]
        ways: list[Way] = ["template", *models] if named else [*models, "template"]
        probes = {way: replace(self._dialect, way=way).search(EVERYTHING, 0, 1) for way in ways}
        errors: list[FetchError] = []
        for way in sorted(ways, key=lambda way: not self._tasks.finished(f"way-{way}", probes[way])):
            try:
                probe = self._tasks.ask(f"way-{way}", probes[way], _keep_probe)
            except FetchError as error:
                if error.why == "no-resource":
                    raise
                errors.append(error)
            else:
                for task in self._tasks.failed:  # there was another way
                    self._tasks.forget(task.key)
                self._named = probe.facts["matched"]
                self._total = self._named if way != "template" else None  # no template finds what has no name
                return way
        raise errors[0]

    def _rules(self) -> PagingRules:
        given, ours = self._given, self._request.rules
        tolerance = ours.count_tolerance if given.count_tolerance is None else given.count_tolerance
        limit = min(given.page_size, self._can.most or given.page_size)
        return PagingRules(limit, given.split_above, False, given.most_pages or ours.most_pages, tolerance)

    def _first_ranges(self, rules: PagingRules) -> list[NameRange]:
        """Everything at once where it fits into one answer; else by the first letter, and what has no name."""
        if self._total is not None and self._total <= rules.limit:
            return [EVERYTHING]
        letters = list(all_names(self._can.least or 0).split())
        self._nulls_asked = self._can.nulls and self._dialect.way != "template"
        return [*letters, *([NAMELESS] if self._nulls_asked else [])]


def _keep_probe(answer: Answer, body: Path) -> Kept:
    return replace(keep_page(answer, body), records=None)
