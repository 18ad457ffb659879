"""Records that lack the concept by which a DiGIR resource is partitioned, found through a second concept.

DiGIR cannot ask for what is missing. But a provider that counts can be asked how many records of a range of the second
concept there are, and how many of these have the first one too: where the numbers are the same, nothing is missing
there. Only ranges in which they differ are fetched, as small as they get.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from collect_assets.network.gate import Answer, Request
from collect_assets.plugins.digir_pages import keep_page
from collect_assets.plugins.digir_requests import Dialect, both, range_filter
from collect_assets.plugins.name_ranges import NameRange, all_codes, all_names
from collect_assets.plugins.range_pages import PagingRules, RangePages
from collect_assets.plugins.tasks import Kept, Task, Tasks


class Nameless:
    """The search for records without the first of two concepts."""

    def __init__(self, tasks: Tasks, dialect: Dialect, concepts: tuple[str, str], rules: PagingRules) -> None:
        self._tasks = tasks
        self._dialect = dialect
        self._first, self._second = concepts
        self._rules = rules
        self._ranges = RangePages(tasks, self._second, self._question, keep_page, rules)
        self._named = 0
        self._expected = 0
        self._counts = False

    @property
    def pages(self) -> list[Task]:
        """Those that hold such records, among others."""
        return self._ranges.pages

    def find(self, least: int | None, *, anyway: bool) -> None:
        """Asks for the pages that hold such records.

        Args:
            least: the letters that a bound has at least.
            anyway: page through all of it where the provider does not count.
        """
        everything = all_codes(least or 0)
        waiting = [everything]
        while waiting and not self._tasks.given_up:
            range_ = waiting.pop(0)
            total, named = self._count(range_)
            if total is None or named is None:
                if range_ is everything and anyway:
                    self._ranges.find(everything.split())
                continue
            self._counts = True
            if total <= named:
                continue
            if self._is_to_be_fetched(range_, total, named):
                self._expected += total - named
                self._named += named
                self._ranges.find([replace(range_, prefix=None) if total <= self._rules.limit else range_])
            else:
                waiting[:0] = range_.split()

    def beside(self, first: int) -> int:
        """How many records came that are not among the first ones, of which there are so many."""
        return max(self._ranges.records - (self._named if self._counts else first), 0)

    def short(self) -> list[str]:
        """What fell short, range by range."""
        return self._ranges.short()

    def _is_to_be_fetched(self, range_: NameRange, total: int, named: int) -> bool:
        """Small ranges, those that cannot be made smaller, and those in which most records are such ones."""
        mostly = total - named > named and total <= self._rules.split_above
        return total <= self._rules.limit or not range_.can_split or mostly

    def _question(self, range_: NameRange, start: int) -> Request:
        return self._dialect.search(range_filter(self._second, range_), start, self._rules.limit)

    def _count(self, range_: NameRange) -> tuple[int | None, int | None]:
        """How many records of a range there are, and how many of them have the first concept."""
        second = range_filter(self._second, range_)
        filters = {"all": second, "named": both(second, range_filter(self._first, all_names()))}
        counted = [self._matched(f"count-{self._second}-{range_.key}-{kind}", text) for kind, text in filters.items()]
        return counted[0], counted[1]

    def _matched(self, key: str, filter_: str) -> int | None:
        task = self._tasks.attempt(key, self._dialect.search(filter_, 0, 1), _keep_count)
        if task is None:
            return None
        matched: int | None = task.facts["matched"]
        return matched


def _keep_count(answer: Answer, body: Path) -> Kept:
    kept = keep_page(answer, body)
    return replace(kept, records=None)
