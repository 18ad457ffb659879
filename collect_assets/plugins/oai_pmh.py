"""The `oai-pmh` plugin: the records of an OAI-PMH 2.0 repository, page by page, in one archive of its pages.

The first harvest asks for everything. The next ones ask for what changed since the last good one, as far as its log
says, and overlap with it: repositories put records into their lists hours after the datestamp that they give them.
Where a repository does not keep its deletions, all identifiers are asked for now and then in place of the changes; the
harvest after that goes on from where the last changes ended.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from collect_assets.errors import FailedError, FetchError
from collect_assets.network.gate import Fetcher
from collect_assets.plugins import Coverage, Harvest, HarvestRequest
from collect_assets.plugins.oai_answers import WithErrors, keep_formats, keep_identify
from collect_assets.plugins.oai_lists import ListPages, ListRules
from collect_assets.plugins.oai_requests import Granularity, Repository, Verb, moment
from collect_assets.plugins.page_archive import page_archive, tasks_of
from collect_assets.plugins.parameters import PluginParameters
from collect_assets.plugins.tasks import Task, Tasks

NAME = "oai-pmh"


class PARAMETERS(PluginParameters):
    """What of a repository is wanted.

    Attributes:
        metadata_prefix: of the metadata format; that of the URL, or `oai_dc`, where it is left out.
        set: the specification of a set; that of the URL, or all, where it is left out.
        incremental: false asks for everything every time.
        overlap_hours: that are asked for again before the moment until which the last harvest reached.
        identifiers_every_days: how often all identifiers are asked for, where deletions are not persistent; 0: never.
        count_tolerance: in place of the collection's.
        most_pages: in place of the collection's.
    """

    metadata_prefix: str = Field("", pattern=r"^[A-Za-z0-9\-_.!~*'()]*$")
    set: str = Field("", pattern=r"^\S*$")
    incremental: bool = True
    overlap_hours: int = Field(24, ge=0, le=24 * 366)
    identifiers_every_days: int = Field(7, ge=0, le=3660)
    count_tolerance: float | None = Field(None, ge=0, le=1)
    most_pages: int | None = Field(None, ge=1, le=99_999)


def harvest(request: HarvestRequest, gate: Fetcher) -> Harvest:
    """Fetches what is new, or everything; an incomplete harvest where a page failed, or fewer came than is declared.

    Raises:
        FetchError: nothing came that can be kept, or the repository answers with an error.
        StorageError: the disk is full.
    """
    given = PARAMETERS.of(request.parameters)
    tasks = tasks_of(request, WithErrors(gate, request.work))
    repository = Repository.of(request.url, given.metadata_prefix, given.set)
    if less := Repository.narrower(request.url):
        raise FailedError("no-list", f"{request.url}: asks for {less}, and oai-pmh harvests whole lists; register the "
                          f"base URL or a ListRecords request, such as {repository.list('ListRecords').url}, or leave "
                          "the plugin blank for that one answer")  # fmt: skip
    try:
        about = tasks.ask("identify", repository.about("Identify"), keep_identify)
        plan = _plan(request, given, repository, about.facts)
        if plan.kind == "full":
            _check_format(tasks, repository)
        found = ListPages(tasks, repository, plan.rules(request, given))
        found.find()
    except FetchError as error:
        raise tasks.ended_by(error) from error.__cause__
    if not found.pages:
        raise tasks.ended_by(tasks.error or FailedError("empty", f"{request.url}: no page came"))
    return _archive(request, tasks, about, plan, found)


@dataclass(frozen=True)
class _Plan:
    """What a harvest asks for, and what its log will say of it for the next one.

    Attributes:
        since: the argument `from`; blank where everything is asked for.
        harvested: as the log has it, but for `until`.
        why: what people should know about it.
    """

    kind: Coverage
    granularity: Granularity
    since: str
    harvested: Mapping[str, Any]
    why: str = ""

    def rules(self, request: HarvestRequest, given: PARAMETERS) -> ListRules:
        """The same, for a list."""
        ours = request.rules
        tolerance = ours.count_tolerance if given.count_tolerance is None else given.count_tolerance
        verb: Verb = "ListIdentifiers" if self.kind == "identifiers" else "ListRecords"
        return ListRules(verb, self.since, self.granularity, given.most_pages or ours.most_pages, tolerance)


def _plan(request: HarvestRequest, given: PARAMETERS, repository: Repository, about: Mapping[str, Any]) -> _Plan:
    """By what the last good log says, and the day: so that it is the same again after a crash."""
    granularity = Granularity.of(about.get("granularity", ""))
    wanted = {"metadata-prefix": repository.prefix, "set": repository.set}
    today = request.entry_date.isoformat()
    full = _Plan("full", granularity, "", {**wanted, "listed": today})
    last, until = request.last, moment(str(request.last.get("until", "")))
    if not last or not given.incremental:
        return full
    if any(last.get(name) != value for name, value in wanted.items()):
        return replace(full, why="the metadata prefix or the set is another than in the last harvest")
    if until is None:
        return replace(full, why="the last harvest does not say until when it reached")
    kept = {**wanted, "listed": last.get("listed", "")}
    if about.get("deletedRecord") != "persistent" and _is_due(kept["listed"], request.entry_date, given):
        return _Plan("identifiers", granularity, "", {**wanted, "listed": today, "until": last["until"]})
    now = moment(about.get("responseDate", "")) or until
    since = granularity.written(min(until, now) - dt.timedelta(hours=given.overlap_hours))
    if since <= granularity.datestamp(about.get("earliestDatestamp", "")):
        return full
    return _Plan("changes", granularity, since, {**kept, "since": since})


def _is_due(listed: str, today: dt.date, given: PARAMETERS) -> bool:
    """Whether it is so long since all identifiers came that deletions may have been missed."""
    if not given.identifiers_every_days:
        return False
    try:
        return (today - dt.date.fromisoformat(listed)).days >= given.identifiers_every_days
    except ValueError:
        return True


def _check_format(tasks: Tasks, repository: Repository) -> None:
    """That the repository has the metadata format; it is not asked again before everything is asked for again.

    Raises:
        FailedError: it has other ones, which the message names.
    """
    task = tasks.attempt("formats", repository.about("ListMetadataFormats"), keep_formats)
    if task is None:
        tasks.forget("formats")  # the list itself will say whether it has the format
    elif repository.prefix not in task.facts["formats"]:
        raise FailedError("no-format", f"{repository.url}: has no metadata format {repository.prefix!r}; name one of "
                          f"these as `metadata_prefix` in parameters: {', '.join(task.facts['formats'])}")  # fmt: skip


def _archive(request: HarvestRequest, tasks: Tasks, about: Task, plan: _Plan, found: ListPages) -> Harvest:
    short = found.short()
    coverage = plan.kind
    notes = [plan.why] if plan.why else []
    if found.unproven and plan.kind == "full":
        coverage = "changes"  # all that came counts, and what did not is not taken for gone
        notes.append(f"{found.unproven}; it proves no deletion")
    elif found.unproven and plan.kind == "identifiers":
        short.append(found.unproven)
    until = plan.harvested.get("until") or found.response_date
    if moment(until) is None:
        notes.append(f"the repository gives no usable response date ({until[:40]!r}), so the next harvest asks for all")
    kept = page_archive(request, NAME, tasks, [about, *found.pages], short="; ".join(short), coverage=coverage,
                        note="; ".join(notes),
                        declared_count=None if plan.kind == "changes" else found.declared_count)  # fmt: skip
    return replace(kept, harvested={**plan.harvested, "until": until})
