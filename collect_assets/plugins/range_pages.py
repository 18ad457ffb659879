"""Paging through ranges of names: which page is asked for next, when a range is at its end, and what fell short.

The rules hold for every protocol that is asked so. Servers say how many records match, whether this was the last page,
and where the next begins; each of these may be missing or wrong. So a page is told from the one before by a digest of
its content, offsets move by what was returned, and of a server that does not go by the offset a range is split until it
fits into one answer. What does not agree makes the harvest incomplete, and is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from collect_assets.network.gate import Request
from collect_assets.plugins.name_ranges import NameRange
from collect_assets.plugins.tasks import Accept, Task, Tasks

MOST_NAMED = 5  # ranges that a message names
NOT_BY_OFFSET = "the provider does not go by the offset: a page came again"


@dataclass(frozen=True)
class PageFacts:
    """What is known of a page, beside how many records are in it. None where the provider does not say.

    Attributes:
        digest: of its content, which headers do not change.
        matched: how many records match the request, on all pages.
        end: whether it is the last page.
        next: the offset of the next page, where the provider names one.
        said: how many records the provider says are in it.
        blank: it has no content at all, not even an empty one.
        dropped: how many records the provider left out of it, though they match.
    """

    digest: str
    matched: int | None = None
    end: bool | None = None
    next: int | None = None
    said: int | None = None
    blank: bool = False
    dropped: int = 0

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> PageFacts:
        """From the facts of a task, which may have others beside these."""
        return cls(**{name: facts[name] for name in cls.__dataclass_fields__ if name in facts})


@dataclass(frozen=True)
class PagingRules:
    """How ranges are paged.

    Attributes:
        limit: records asked for at once.
        split_above: records that match a range; one with more is split rather than paged.
        split_unknown: split a range of one first letter also where the provider does not say how many match.
        most_pages: of all ranges.
        tolerance: share of the records that may be missing.
    """

    limit: int
    split_above: int
    split_unknown: bool = False
    most_pages: int = 20_000
    tolerance: float = 0.0

    def agrees(self, came: int, declared: int) -> bool:
        """Whether so many are enough."""
        return came >= declared * (1 - self.tolerance)


@dataclass
class Walk:
    """One range, and what came of it.

    Attributes:
        pages: in order; without those that had come before.
        doubts: why it is not whole for sure.
        unsure: why it may not be whole, though nothing contradicts it.
        split: it is asked for in parts, and its own pages are of no use.
    """

    range: NameRange
    pages: list[Task] = field(default_factory=list)
    matched: int | None = None
    failed: bool = False
    doubts: list[str] = field(default_factory=list)
    unsure: list[str] = field(default_factory=list)
    split: bool = False

    @property
    def records(self) -> int:
        """How many came."""
        return sum(page.records or 0 for page in self.pages)


Question = Callable[[NameRange, int], Request]


class RangePages:
    """The pages of ranges, asked for one after the other."""

    def __init__(self, tasks: Tasks, name: str, question: Question, accept: Accept, rules: PagingRules) -> None:
        """Nothing is asked yet.

        Args:
            tasks: of the harvest.
            name: of the concept that is partitioned, for keys and messages.
            question: the request for a range from an offset on.
            accept: takes an answer for a page; its facts are those of `PageFacts`.
            rules: how it is paged.
        """
        self._tasks = tasks
        self._name = name
        self._question = question
        self._accept = accept
        self._rules = rules
        self._asked = 0
        self._seen: set[str] = set()
        self._blind = False
        self.walks: list[Walk] = []

    @property
    def pages(self) -> list[Task]:
        """Those that hold the records, in order."""
        return [page for walk in self.walks for page in walk.pages]

    @property
    def records(self) -> int:
        """How many came."""
        return sum(walk.records for walk in self.walks)

    @property
    def unsure(self) -> list[str]:
        """Why it may not be whole, though nothing contradicts it."""
        return [f"{self._name} {walk.range}: {why}" for walk in self.walks for why in walk.unsure]

    def find(self, ranges: Iterable[NameRange], matched: int | None = None) -> None:
        """Asks for all pages of ranges, and of their parts where one has to be split.

        Args:
            ranges: which together hold all.
            matched: how many records the only one of them holds, where that was asked beforehand.
        """
        waiting = list(ranges)
        self._expect(waiting)
        while waiting and not self._tasks.given_up and not self._blind:
            range_ = waiting.pop(0)
            walk = self._walk(Walk(range_, matched=matched))
            matched = None
            if walk.split:
                parts = list(range_.split())
                self._expect(parts)
                waiting[:0] = parts
            else:
                self.walks.append(walk)
                self._seen |= {PageFacts.of(page.facts).digest for page in walk.pages if page.records}

    def short(self) -> list[str]:
        """What fell short, range by range, in words for people."""
        return [f"{self._name} {walk.range}: {why}" for walk in self.walks for why in self._short(walk)]

    def _short(self, walk: Walk) -> Iterator[str]:
        yield from walk.doubts
        if walk.matched is not None and not self._rules.agrees(walk.records, walk.matched):
            dropped = sum(PageFacts.of(page.facts).dropped for page in walk.pages)
            left_out = f", and {dropped} were left out by the provider" if dropped else ""
            yield f"{walk.records} of {walk.matched} records came{left_out}"

    def _expect(self, ranges: Iterable[NameRange]) -> None:
        self._tasks.expect((self._key(range_, 0), self._question(range_, 0)) for range_ in ranges)

    def _key(self, range_: NameRange, start: int) -> str:
        return f"{self._name}-{range_.key}-{start:07d}"

    def _walk(self, walk: Walk) -> Walk:
        range_, start, digests = walk.range, 0, set[str]()
        while not self._is_stopped(walk):
            task = self._tasks.attempt(self._key(range_, start), self._question(range_, start), self._accept)
            self._asked += 1
            facts = None if task is None else PageFacts.of(task.facts)
            if task is None or facts is None:
                walk.failed = True
                after = start + self._step(walk)
            elif self._leads_nowhere(walk, task, facts, digests):
                return walk
            else:
                walk.pages.append(task)
                digests.add(facts.digest)
                after = _after(walk, task, facts, start, self._rules.limit)
            if after < 0 or (facts is None and (walk.matched is None or after >= walk.matched)):
                return walk
            start = after
        return walk

    def _is_stopped(self, walk: Walk) -> bool:
        """Of a provider that gave up, or that never ends, no more is asked."""
        if self._asked >= self._rules.most_pages:
            walk.doubts.append(f"not asked further, since the harvest has {self._asked} pages (`most-pages`)")
            return True
        if walk.matched is not None and walk.records > walk.matched + self._rules.limit:
            walk.doubts.append(f"goes on behind the {walk.matched} records that it counts")
            return True
        if self._tasks.given_up and walk.pages:
            walk.doubts.append(f"given up after {walk.records} records")
        return self._tasks.given_up

    def _step(self, walk: Walk) -> int:
        """Behind a page that failed: as far as the one before led."""
        return (walk.pages[-1].records if walk.pages else 0) or self._rules.limit

    def _has_to_be_split(self, walk: Walk, task: Task, facts: PageFacts) -> bool:
        if walk.pages or walk.failed or not walk.range.can_split:
            return False
        if facts.matched is not None:
            large = facts.matched > self._rules.split_above
        else:
            large = self._rules.split_unknown and len(walk.range.prefix or "") < 2 and facts.end is not True
        walk.split = large and task.records != 0
        return walk.split

    def _leads_nowhere(self, walk: Walk, task: Task, facts: PageFacts, digests: set[str]) -> bool:
        """Whether a page is of no use: there is too much behind it, or it had come before."""
        return (
            self._is_of_another_range(walk, task, facts)
            or self._has_to_be_split(walk, task, facts)
            or self._repeats(walk, task, facts, digests)
        )

    def _is_of_another_range(self, walk: Walk, task: Task, facts: PageFacts) -> bool:
        """A page with records that another range had means that the provider does not go by the filter at all."""
        self._blind = bool(task.records) and facts.digest in self._seen
        if self._blind:
            walk.doubts.append("the provider does not go by the filter: a page of another range came again")
        return self._blind

    def _repeats(self, walk: Walk, task: Task, facts: PageFacts, digests: set[str]) -> bool:
        """Whether a page had come before: then the provider does not go by the offset, and only smaller ranges help."""
        if not task.records or facts.digest not in digests:
            return False
        count = walk.records
        more = 2 * count >= self._rules.limit if facts.matched is None else count < facts.matched
        if more and walk.range.can_split:
            walk.split = True
        elif more and facts.matched is not None:
            walk.doubts.append(NOT_BY_OFFSET)
        elif facts.matched is None:
            walk.unsure.append(f"{NOT_BY_OFFSET}, and nothing says how many match")
        return True


def _after(walk: Walk, task: Task, facts: PageFacts, start: int, limit: int) -> int:
    """The offset of the next page; -1 behind the last. Notes on the walk what is odd about this one."""
    records = task.records or 0
    if facts.matched is not None:
        if walk.matched is not None and facts.matched != walk.matched:
            walk.doubts.append(f"its count went from {walk.matched} to {facts.matched} while it was paged")
        walk.matched = facts.matched
    if facts.said is not None and facts.said > records:
        walk.doubts.append(f"the page from {start} on says that it has {facts.said} records, and has {records}")
    if facts.end is True:
        return -1
    if facts.next is not None:
        return _next(walk, facts.next, start)
    if records:
        done = facts.end is None and walk.matched is not None and start + records >= walk.matched
        return -1 if done else start + records
    return _behind_an_empty_page(walk, facts, start, limit)


def _next(walk: Walk, following: int, start: int) -> int:
    if following > start:
        return following
    walk.doubts.append(f"the page from {start} on names {following} as its next")
    return -1


def _behind_an_empty_page(walk: Walk, facts: PageFacts, start: int, limit: int) -> int:
    """One more page is asked for behind an empty one that is not said to be the last; two empty ones are an end."""
    if facts.matched is not None and walk.records >= facts.matched:
        return -1
    if len(walk.pages) < 2 or walk.pages[-2].records:
        return start + limit
    if facts.blank:
        walk.unsure.append("answered without content, and without saying that nothing more matches")
    elif facts.end is False:
        walk.doubts.append("empty pages that are not the last")
    return -1


def shortfall(reasons: list[str]) -> str:
    """What fell short, in one line; blank where nothing did."""
    more = f"; and {len(reasons) - MOST_NAMED} more" if len(reasons) > MOST_NAMED else ""
    return "; ".join(reasons[:MOST_NAMED]) + more
