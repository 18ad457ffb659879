"""Following a list of an OAI-PMH repository to its end: token by token, and by date where a token has expired.

Tokens may live for two minutes only, and a harvest that was cut off goes on hours later. A list whose datestamps came
in order is then asked for again from the newest of them on; any other from where it began. What is asked anew overlaps,
and loses nothing. Tokens and pages that come again, and lists that never end, are stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from collect_assets.errors import FetchError
from collect_assets.network.gate import Request
from collect_assets.plugins.oai_answers import EXPIRED, BrokenPageError, ListFacts, ListReader
from collect_assets.plugins.oai_requests import Granularity, Repository, Verb
from collect_assets.plugins.tasks import Task, Tasks

MOST_EMPTY = 10  # pages without a record in a row, each with a token for one more
MOST_ANEW = 2  # times that a part of a list is asked for again without having come further


@dataclass(frozen=True)
class ListRules:
    """What is asked, and how far.

    Attributes:
        since: the date from which on changes are wanted; blank for all.
        most_pages: of the whole list.
        tolerance: share of the declared records that may be missing.
    """

    verb: Verb
    since: str
    granularity: Granularity
    most_pages: int
    tolerance: float = 0.0

    def agrees(self, came: int, declared: int) -> bool:
        """Whether so many are enough."""
        return came >= declared * (1 - self.tolerance)


@dataclass
class Part:
    """A part of a list: from one request without a token to the page where no token follows, or where it expired.

    Attributes:
        since: the date that it was asked for from; blank for all.
        newest: the newest datestamp in it.
        at_newest: how many records have it.
        ordered: whether all came in order of their datestamps.
        gap: the first page whose cursor does not follow what came before.
        stopped: why it was not followed to its end.
    """

    since: str
    pages: list[Task] = field(default_factory=list)
    declared: int | None = None
    newest: str = ""
    at_newest: int = 0
    ordered: bool = True
    expired: bool = False
    gap: str = ""
    stopped: str = ""

    @property
    def records(self) -> int:
        """How many came."""
        return sum(page.records or 0 for page in self.pages)

    @property
    def before_newest(self) -> int:
        """How many came that the next part, which begins with the newest datestamp, does not bring again."""
        return self.records - self.at_newest

    def add(self, page: Task, facts: ListFacts) -> None:
        """Takes a page in."""
        if facts.cursor is not None and facts.cursor != self.records and not self.gap:
            self.gap = f"page {page.key} says that {facts.cursor} records came before it, and {self.records} did"
        self.pages.append(page)
        self.declared = self.declared if facts.declared is None else facts.declared
        if not page.records:
            return
        self.ordered = self.ordered and facts.ordered and facts.newest >= self.newest
        if facts.newest == self.newest:
            self.at_newest += facts.at_newest
        elif facts.newest > self.newest:
            self.newest, self.at_newest = facts.newest, facts.at_newest


class ListPages:
    """The pages of one list, asked for one after the other."""

    def __init__(self, tasks: Tasks, repository: Repository, rules: ListRules) -> None:
        self._tasks = tasks
        self._repository = repository
        self._rules = rules
        self._accept = ListReader(rules.granularity)
        self._asked = 0
        self._parts: list[Part] = []
        self._stopped = ""

    @property
    def pages(self) -> list[Task]:
        """Those with the records, in order."""
        return [page for part in self._parts for page in part.pages]

    @property
    def response_date(self) -> str:
        """When the repository answered the first page."""
        return ListFacts.of(self.pages[0].facts).response_date if self.pages else ""

    @property
    def declared_count(self) -> int | None:
        """How many records the list is declared to have."""
        return self._parts[0].declared if self._parts else None

    @property
    def unproven(self) -> str:
        """Why nobody can tell whether all of the list came, though nothing contradicts it."""
        if len(self._parts) > 1 and self._parts[0].declared is None:
            return "a token expired, so the list was asked for in parts, and the repository does not say how long it is"
        return ""

    def find(self) -> None:
        """Asks for all pages.

        Raises:
            FetchError: not even the first one came.
        """
        since, anew, number = self._rules.since, 0, 1
        while True:
            part = self._walk(since, number)
            number += 1
            if part.expired and (not part.ordered or part.newest <= since):
                anew += 1
                if anew <= MOST_ANEW:
                    continue  # from where this part began; its pages come again
                part.stopped = f"its token expired {anew} times before the end of what changed since {since or 'ever'}"
            self._parts.append(part)
            if not part.expired or part.stopped:
                return
            since = part.newest

    def short(self) -> list[str]:
        """What fell short, in words for people."""
        return [part.stopped for part in self._parts if part.stopped] + list(self._miscounted())

    def _miscounted(self) -> Iterator[str]:
        if self._tasks.failed or self._tasks.enough or any(part.stopped for part in self._parts) or not self._parts:
            return  # which says enough
        first, last = self._parts[0], self._parts[-1]
        came = sum(part.before_newest for part in self._parts[:-1]) + last.records
        counts = [(first.declared, came)] if first is last else [(first.declared, came), (last.declared, last.records)]
        for declared, records in counts:
            if declared is not None and not self._rules.agrees(records, declared):
                gap = next((f": {part.gap}" for part in self._parts if part.gap), "")
                yield f"{records} records came, and the list is declared to have {declared}{gap}"
                return

    def _walk(self, since: str, number: int) -> Part:
        """Follows the tokens of one part.

        Raises:
            FetchError: the very first page of the list did not come.
        """
        part, tokens, digests, empty = Part(since), set[str](), set[str](), 0
        request: Request = self._repository.list(self._rules.verb, since)
        while not part.stopped and not self._tasks.given_up:
            key = f"{'records' if self._rules.verb == 'ListRecords' else 'ids'}-{number:02d}-{len(tokens) + 1:06d}"
            page, token = self._page(key, request, first=number == 1 and not tokens)
            facts = None if page is None else ListFacts.of(page.facts)
            if facts is not None and facts.error == EXPIRED:
                part.expired = bool(tokens)
                part.stopped = "" if tokens else "the repository says of a request without a token that it has expired"
                return part
            if page is not None and facts is not None:
                token = facts.token
                empty = 0 if page.records else empty + 1
                if page.records and facts.digest in digests:
                    part.stopped = f"page {key} had come before, though under another token"
                    return part
                digests.add(facts.digest)
                part.add(page, facts)
                part.stopped = self._endless(key, empty) if token else ""
            if not token:
                return part
            if token in tokens:
                part.stopped = part.stopped or f"page {key} gives a resumption token that came before"
            tokens.add(token)
            request = self._repository.next(self._rules.verb, token)
        return part

    def _page(self, key: str, request: Request, *, first: bool) -> tuple[Task | None, str]:
        """The finished task; without one, the token by which the list goes on all the same, where there is any."""
        self._asked += 1
        try:
            return self._tasks.ask(key, request, self._accept), ""
        except BrokenPageError as error:
            if first and not error.token:
                raise
            return None, "" if self._tasks.given_up else error.token
        except FetchError:
            if first:
                raise
            return None, ""

    def _endless(self, key: str, empty: int) -> str:
        """Why a list that goes on is not followed further; blank where it is."""
        if empty >= MOST_EMPTY:
            return f"{empty} pages in a row, up to {key}, have no records and a token for one more"
        if self._asked >= self._rules.most_pages:
            return f"not asked further, since the harvest has {self._asked} pages (`most-pages`)"
        return ""
