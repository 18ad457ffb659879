"""What the endpoints of a scope answered on a day, and whether it has to be compared with the items.

An endpoint answers for itself; a scope with several endpoints answers by the last answers of all who belong to it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb

from collect_assets.items.records import RecordReport

SPEAKS_OF_ALL = ("full", "identifiers")

LAST_SEEN = """
SELECT o.entry_date, o.endpoint_no, e.scope_no, e.endpoint, o.resource, o.canonical_hash, o.reading, NULL, o.complete,
       o.coverage, o.missing, o.records, o.without_id, o.rejected, o.duplicates, o.conflicts, o.readable_whole
FROM observation o JOIN endpoint e USING (endpoint_no) WHERE problem IS NULL
QUALIFY row_number() OVER (PARTITION BY o.endpoint_no ORDER BY o.entry_date DESC) = 1
"""


@dataclass(frozen=True)
class Observation:
    """What an endpoint served on an entry-date."""

    entry_date: dt.date
    endpoint_no: int
    scope_no: int
    endpoint: str
    resource: str
    canonical_hash: str
    reading: str
    reading_problem: str | None
    complete: bool
    coverage: str
    missing: bool


@dataclass(frozen=True)
class Read:
    """An observation with what its resource holds, as far as it can be read."""

    observation: Observation
    report: RecordReport | None
    problem: str
    passing: bool = False
    path: str = ""


@dataclass(frozen=True)
class Seen:
    """A readable observation, and what was in it. `whole`: all of it was readable, and has ids."""

    observation: Observation
    records: int = 0
    without_id: int = 0
    rejected: int = 0
    duplicates: int = 0
    conflicts: int = 0
    whole: bool = False

    @classmethod
    def of(cls, read: Read) -> Seen:
        """By the report of its reading."""
        if read.problem or (r := read.report) is None:
            return cls(read.observation)
        counts = (r.records, r.without_id, r.rejected, r.duplicates, r.conflicts)
        return cls(read.observation, *counts, r.proves_absence)

    @property
    def proves_absence(self) -> bool:
        """Whether what is not in it is not there."""
        return proves_absence(self.observation, self)

    @property
    def nothing(self) -> bool:
        """Whether it says, in good order, that there is nothing at all."""
        o = self.observation
        return self.whole and o.complete and o.coverage in SPEAKS_OF_ALL and self.records == 0


def proves_absence(observation: Observation, seen: Seen) -> bool:
    """An empty answer proves nothing: it is more often a fault than the end of everything."""
    return seen.whole and seen.records > 0 and observation.complete and observation.coverage in SPEAKS_OF_ALL


def cannot_be_read(observation: Observation) -> str:
    """Why the resource of an observation is not even looked at; blank where it is."""
    if observation.reading_problem:
        return observation.reading_problem
    if observation.missing:
        return f"{observation.resource} is missing; restore it from a copy of the collection"
    return ""


@dataclass(frozen=True)
class Place:
    """An endpoint in a scope that it shares, enters or leaves; see `rules.py`."""

    endpoint_no: int
    place: int
    left_on: dt.date | None

    def counts(self, day: dt.date) -> bool:
        """Whether its last answer speaks for the scope on a day."""
        return self.left_on is None or self.left_on > day


class LastSeen(dict[int, Seen]):
    """The last readable observation of each endpoint, by its number."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[int, list[Place]] = {}
        self.again: set[int] = set()  # scopes whose next answer is compared even if it repeats what was served before

    @classmethod
    def load(cls, connection: duckdb.DuckDBPyConnection) -> LastSeen:
        """From the observations that are folded already."""
        found = cls()
        for row in connection.execute(LAST_SEEN).fetchall():
            found[row[1]] = Seen(Observation(*row[:11]), *row[11:])
        members = "SELECT scope_no, endpoint_no, place, left_on FROM member ORDER BY ALL"
        for scope_no, *place in connection.execute(members).fetchall():
            found.places.setdefault(scope_no, []).append(Place(*place))
        found.again = {no for (no,) in connection.execute("SELECT scope_no FROM scope WHERE again").fetchall()}
        return found

    def repeats(self, o: Observation) -> bool:
        """Whether an observation brings nothing that its endpoint has not served last."""
        seen = self.get(o.endpoint_no)
        if cannot_be_read(o) or seen is None or o.coverage == "changes" or o.scope_no in self.again:
            return False
        last = seen.observation
        return (last.canonical_hash, last.reading, last.coverage) == (o.canonical_hash, o.reading, o.coverage)

    def advance(self, repeated: Iterable[Observation], good: Iterable[Read]) -> None:
        """Moves on to a day."""
        for o in repeated:
            self[o.endpoint_no] = replace(self[o.endpoint_no], observation=o)
        for read in good:
            self[read.observation.endpoint_no] = Seen.of(read)

    def applied(self, connection: duckdb.DuckDBPyConnection, scopes: Iterable[int]) -> None:
        """These scopes were compared."""
        if done := self.again & set(scopes):
            connection.execute("UPDATE scope SET again = false WHERE scope_no IN (SELECT unnest(?))", [sorted(done)])
            self.again -= done

    def compare_again(self, connection: duckdb.DuckDBPyConnection, scopes: Iterable[int]) -> None:
        """Items of these scopes ended without an answer: their next one is compared whatever it is."""
        if new := sorted(set(scopes) - self.again):
            connection.execute("UPDATE scope SET again = true WHERE scope_no IN (SELECT unnest(?))", [new])
            self.again |= set(new)


@dataclass(frozen=True)
class Source:
    """A file of records that speaks for a scope."""

    scope_no: int
    endpoint_no: int
    observed: dt.date
    path: str
    place: int
    coverage: str
    several: bool


@dataclass
class Answers:
    """What a day's answers come to.

    Attributes:
        sources: of the scopes that have to be compared.
        first: those of scopes that never answered before.
        proving: scope and endpoint whose items are counted absent where they are missing.
        prior: endpoint to when it was seen last before the day.
        proves, nothing: the compared scopes whose answer proves absence, and whose answer is empty.
        stays: endpoints whose items no other endpoint of the scope takes over.
    """

    proving: list[tuple[int, int]] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    first: list[Source] = field(default_factory=list)
    prior: dict[int, dt.date] = field(default_factory=dict)
    proves: set[int] = field(default_factory=set)
    nothing: set[int] = field(default_factory=set)
    stays: set[int] = field(default_factory=set)

    @property
    def scopes(self) -> set[int]:
        """The scopes that are compared."""
        return {source.scope_no for source in self.sources}


Derive = Callable[[Observation], Read]


def gather(
    day: dt.date, repeated: Sequence[Observation], good: Sequence[Read], last_seen: LastSeen, derive: Derive
) -> Answers:
    """What a day's answers come to.

    Args:
        day: the entry-date.
        repeated: observations that repeat what their endpoints served last.
        good: the other ones that could be read.
        last_seen: before the day.
        derive: gives the records of an observation that was read before.
    """
    found = Answers()
    today: dict[int, dict[int, Read | Observation]] = defaultdict(dict)
    for o in repeated:
        today[o.scope_no][o.endpoint_no] = o
    for read in good:
        today[read.observation.scope_no][read.observation.endpoint_no] = read
    for scope_no, answers in today.items():
        places = last_seen.places.get(scope_no)
        if places is None:
            _add_single(found, scope_no, next(iter(answers.values())), last_seen)
        else:
            _add_shared(found, scope_no, day, answers, places, last_seen, derive)
    return found


def _add_single(found: Answers, scope_no: int, answer: Read | Observation, last_seen: LastSeen) -> None:
    seen = _seen(answer, last_seen)
    number = seen.observation.endpoint_no
    if seen.proves_absence:
        found.proving.append((scope_no, number))
    if isinstance(answer, Observation):
        return
    known = number in last_seen
    source = _source(answer, 0, several=seen.duplicates > 0)
    if not known and not source.several and source.coverage != "identifiers":
        found.first.append(source)
        return
    found.sources.append(source)
    _add_meaning(found, scope_no, [seen])
    if known:
        found.prior[number] = last_seen[number].observation.entry_date


def _add_shared(
    found: Answers,
    scope_no: int,
    day: dt.date,
    answers: Mapping[int, Read | Observation],
    places: Sequence[Place],
    last_seen: LastSeen,
    derive: Derive,
) -> None:
    current = [p for p in places if p.counts(day) and (p.endpoint_no in answers or p.endpoint_no in last_seen)]
    latest = {
        p.endpoint_no: _seen(answers[p.endpoint_no], last_seen)
        if p.endpoint_no in answers
        else last_seen[p.endpoint_no]
        for p in current
    }
    if all(seen.proves_absence for seen in latest.values()):
        gone = [p.endpoint_no for p in places if not p.counts(day)]
        found.proving += [(scope_no, number) for number in (*answers, *gone)]
    if not _differs(day, answers, places, current, last_seen):
        return
    _add_meaning(found, scope_no, list(latest.values()))
    for p in current:
        seen, answer = latest[p.endpoint_no], answers.get(p.endpoint_no)
        if seen.observation.coverage == "changes":
            found.stays.add(p.endpoint_no)
            if answer is None:
                continue
        read = answer if isinstance(answer, Read) else derive(seen.observation)
        if not read.problem:
            found.sources.append(_source(read, p.place, several=True))
    for p in places:
        if p.endpoint_no in last_seen:
            found.prior[p.endpoint_no] = last_seen[p.endpoint_no].observation.entry_date


def _differs(
    day: dt.date,
    answers: Mapping[int, Read | Observation],
    places: Sequence[Place],
    current: Sequence[Place],
    last_seen: LastSeen,
) -> bool:
    """Whether anyone brings something else, or others speak for the scope than at its last answer."""
    if any(isinstance(answer, Read) for answer in answers.values()):
        return True
    before = max(last_seen[p.endpoint_no].observation.entry_date for p in places if p.endpoint_no in last_seen)
    return [p for p in places if p.counts(before) and p.endpoint_no in last_seen] != list(current)


def _add_meaning(found: Answers, scope_no: int, latest: Sequence[Seen]) -> None:
    if all(seen.proves_absence for seen in latest):
        found.proves.add(scope_no)
    if all(seen.nothing for seen in latest):
        found.nothing.add(scope_no)


def _seen(answer: Read | Observation, last_seen: LastSeen) -> Seen:
    if isinstance(answer, Observation):
        return replace(last_seen[answer.endpoint_no], observation=answer)
    return Seen.of(answer)


def _source(read: Read, place: int, *, several: bool) -> Source:
    o = read.observation
    return Source(o.scope_no, o.endpoint_no, o.entry_date, read.path, place, o.coverage, several)
