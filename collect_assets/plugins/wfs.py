"""The `wfs` plugin: what a Web Feature Service answers to GetFeature; in pages, where `page_size` is given.

Without `page_size` it is the plain GET, but that a service's report of an error is no data. With it, pages are asked by
`startIndex` and `count` in order (OGC 09-025r2, 7.6.3), and their members become one document. Everything that the
registered URL says is asked as it stands there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain

from pydantic import Field

from collect_assets.errors import FailedError, FetchError
from collect_assets.network.gate import Fetcher, Request
from collect_assets.plugins import Harvest, HarvestRequest, get
from collect_assets.plugins.answers import KEPT
from collect_assets.plugins.document import Document
from collect_assets.plugins.parameters import PluginParameters
from collect_assets.plugins.tasks import Task, Tasks
from collect_assets.plugins.wfs_pages import PageReader, check_no_error, counts_at_start, keep_hits, merged

NAME = "wfs"
_OURS = re.compile(r"(?:startindex|count|maxfeatures|resulttype)(?:=|$)", re.IGNORECASE)
_PART = re.compile(r"[?&](?:startindex|count|maxfeatures)=", re.IGNORECASE)  # a URL that wants no more than that
_VERSION = re.compile(r"[?&]version=(\d)", re.IGNORECASE)


class PARAMETERS(PluginParameters):
    """How a service is asked.

    Attributes:
        page_size: members per page; all in one answer where it is left out.
    """

    page_size: int | None = Field(None, gt=0, le=1_000_000)


def harvest(request: HarvestRequest, gate: Fetcher) -> Harvest:
    """Fetches the features; an incomplete harvest where pages failed, or the service says that it has more.

    Raises:
        FetchError: nothing came that can be kept, or the service reports an error.
        StorageError: the disk is full.
    """
    size = PARAMETERS.of(request.parameters).page_size
    if size is None:
        return _whole(request, gate)
    tasks = Tasks(request.pending, request.work, gate, look=request.look)
    pages = _Pages(request.url, size, tasks)
    try:
        pages.find()
    except FetchError as error:
        raise tasks.ended_by(error) from error.__cause__
    if not pages.found:
        raise tasks.ended_by(tasks.error or FailedError("empty", f"{request.url}: no page came"))
    with Document(request.work) as document:
        for piece in merged([(tasks.page(page.key), page.facts) for page in pages.found]):
            document.write(piece)
        return document.finish(request.url, tasks, pages.short(), pages.matched)


def _whole(request: HarvestRequest, gate: Fetcher) -> Harvest:
    harvest = get.harvest(request, gate)
    if harvest.part is not None:
        try:
            check_no_error(request.url, harvest.part, harvest.start)
        except FetchError as error:
            if request.resource_rule == "digital-land":
                note = "; ".join(filter(None, (harvest.note, f"{error}{KEPT}")))
                return replace(harvest, complete=False, note=note)
            error.evidence = harvest.answer.evidence
            harvest.part.unlink(missing_ok=True)
            raise
        return _counted(request, harvest, *counts_at_start(harvest.part))
    return harvest


def _counted(request: HarvestRequest, harvest: Harvest, matched: int | None, returned: int | None) -> Harvest:
    """With what the answer says of itself: half a layer is no resource where all of it was asked for.

    Where the URL wants no more, or digital-land-python would take it, it is one, of which the harvest says enough.
    """
    harvest = replace(harvest, declared_count=matched)
    if matched is None or returned is None or returned >= matched:
        return harvest
    if _PART.search(request.url) or request.resource_rule == "digital-land":
        return harvest
    reason = (f"{request.url}: {returned} of {matched} features came; give `page_size` in parameters to ask for all; "
              "what came is kept as partial-resource")  # fmt: skip
    return replace(harvest, complete=False, incomplete=FailedError("incomplete", reason, transient=True))


def page_url(url: str, start: int, size: int) -> str:
    """The registered URL with the words for one page; both spellings of the size where no version is given."""
    version = _VERSION.search(url)
    words = [f"startIndex={start}"]
    if version is None or version[1] != "1":
        words.append(f"count={size}")
    if version is None or version[1] == "1":
        words.append(f"maxFeatures={size}")
    return _with(url, words)


def _with(url: str, words: list[str]) -> str:
    address, _, query = url.partition("#")[0].partition("?")
    kept = [word for word in query.split("&") if word and not _OURS.match(word)]
    return f"{address}?{'&'.join(chain(kept, words))}"


@dataclass
class _Pages:
    """The search for all pages.

    Attributes:
        found: those that hold members, or the only one, in order.
        matched: how many features there are, as far as the service says.
        repeated: what a service that does not go by `startIndex` did.
    """

    url: str
    size: int
    tasks: Tasks
    found: list[Task] = field(default_factory=list)
    matched: int | None = None
    repeated: str = ""

    def find(self) -> None:
        """Asks page after page, until there are as many features as the service says, or a page is empty."""
        start, step = 0, self.size
        digests: set[str] = set()
        while not self.tasks.given_up:
            task = self._page(start)
            if task is None:
                if self.matched is None:
                    return  # nobody knows where it would end
            elif task.facts["digest"] in digests:
                self.repeated = f"the service does not go by startIndex: the page from {start} on had come before"
                return
            elif not task.records:
                self.found = self.found or [task]
                return
            else:
                digests.add(task.facts["digest"])
                self.found.append(task)
                self._note_matched(task)
                step = task.records
            start += step
            if self.matched is not None and start >= self.matched:
                return

    def short(self) -> str:
        """What is missing, in words for people."""
        if self.tasks.enough:
            return ""
        records = sum(task.records or 0 for task in self.found)
        if self.repeated and (self.matched is None or records < self.matched):
            return self.repeated
        if self.matched is not None and records < self.matched and not self.tasks.failed:
            return f"{records} features came, the service counts {self.matched}"
        return ""

    def _page(self, start: int) -> Task | None:
        request = Request(page_url(self.url, start, self.size))
        return self.tasks.attempt(f"start-{start:09d}", request, PageReader(self.tasks.work))

    def _note_matched(self, task: Task) -> None:
        """By the newest page that says it; where the first does not, the service is asked to count."""
        said = task.facts["matched"]
        if said is None and len(self.found) == 1:
            said = self._hits()
        self.matched = self.matched if said is None else said

    def _hits(self) -> int | None:
        request = Request(_with(self.url, ["resultType=hits"]))
        try:
            hits: int | None = self.tasks.ask("hits", request, keep_hits).facts["matched"]
        except FetchError:
            self.tasks.forget("hits")  # it may not know the word; pages go on until one is empty
            return None
        return hits
