"""What registers and decisions say about items: who shares them, which are left alone, what was decided when.

A **scope** is within what ids are unique: an endpoint by itself, or all endpoints of one organisation and dataset,
and either way those that follow one another in `successor.csv`. What people wrote takes effect on a day; each such day
is an event, in a stage of the day: a day begins with what is left alone, then come the answers, then what depends on
them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from collect_assets.collection import Collection
from collect_assets.items.decisions import Decision, read_decisions
from collect_assets.items.item_registers import ManualItem, Successor, joined, read_manual_items, read_successors
from collect_assets.registers import Endpoint, Problem, read_sources

# The stages of a day.
MANUAL, ANSWER, RELEASE, RETIRED, UNTOUCHED, DECISION = range(6)
MAX_AGE = "max-untouched-age"
_DAY = dt.timedelta(1)


@dataclass(frozen=True)
class Member:
    """An endpoint in a scope that others belong to too, or that it enters late or leaves.

    Attributes:
        place: of several records of one item, that of the lowest place counts.
        joined: the day from which on its answers count; None for all.
        left_on: the day from which on they do not.
    """

    scope: str
    endpoint: str
    place: int
    joined: dt.date | None = None
    left_on: dt.date | None = None


@dataclass(frozen=True)
class Event:
    """Something that people wrote takes effect on a day."""

    scope: str
    entry_date: dt.date
    stage: int
    content: str = ""


@dataclass
class ItemRules:
    """All of it, for the endpoints that ever answered. Of what is left alone, `endpoint` is the scope here."""

    scopes: dict[str, str] = field(default_factory=dict)
    ages: dict[str, int] = field(default_factory=dict)
    members: list[Member] = field(default_factory=list)
    manual: list[ManualItem] = field(default_factory=list)
    decisions: list[tuple[str, Decision]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_rules(
    collection: Collection, answered: Mapping[str, Mapping[str, object]], registered: Mapping[str, Endpoint]
) -> ItemRules:
    """The rules as the files stand now.

    Args:
        collection: whose rules.
        answered: the parameters of every endpoint that ever answered.
        registered: the rows of `endpoint.csv`.

    Raises:
        RegisterError: a register is there and cannot be read; what it leaves alone must not be touched then.
        StorageError: the decisions cannot be read.
    """
    rules = ItemRules()
    successors, problems = read_successors(collection.registers)
    rules.problems += problems
    rules.scopes = _scopes(collection, answered, successors)
    rules.ages = _ages(answered, rules.problems)
    _add_members(rules, successors, registered, drop=collection.settings.items.retired == "drop")
    _add_manual(rules, collection)
    _add_decisions(rules, collection)
    rules.events.sort(key=lambda each: (each.scope, each.entry_date, each.stage, each.content))
    return rules


def _scopes(collection: Collection, endpoints: Iterable[str], successors: Iterable[Successor]) -> dict[str, str]:
    """The scope of each endpoint, named after the endpoint that came first, or the organisation and dataset."""
    shared: dict[str, set[str]] = {}
    if collection.settings.items.scope == "organisation-dataset":
        for source in read_sources(collection.registers / "source.csv"):
            names = (f"{source.organisation}|{dataset.strip()}" for dataset in source.datasets.split(";"))
            shared.setdefault(source.endpoint, set()).update(names)
    before: dict[str, list[str]] = {}
    for each in successors:
        before.setdefault(each.new, []).append(each.old)

    def name(endpoint: str) -> str:
        if earlier := before.get(endpoint):
            return min(name(old) for old in earlier)
        own = shared.get(endpoint, set())  # one that feeds several datasets belongs to none of them alone
        return next(iter(own)) if len(own) == 1 else endpoint

    following = {each.old: each.new for each in successors}

    def last(endpoint: str) -> str:
        while endpoint in following:
            endpoint = following[endpoint]
        return endpoint

    return {endpoint: name(last(endpoint)) for endpoint in endpoints}


def _ages(answered: Mapping[str, Mapping[str, object]], problems: list[Problem]) -> dict[str, int]:
    ages = {}
    for endpoint, parameters in answered.items():
        age = parameters.get(MAX_AGE)
        if isinstance(age, int) and not isinstance(age, bool) and 1 <= age <= 36_500:
            ages[endpoint] = age
        elif age is not None:
            reason = f"{endpoint[:12]}: {MAX_AGE} is {age!r}, expected a number of days; nothing is deleted for its age"
            problems.append(Problem("endpoint.csv", 0, reason))
    return ages


def _add_members(
    rules: ItemRules, successors: Iterable[Successor], registered: Mapping[str, Endpoint], *, drop: bool
) -> None:
    left = {each.old: each.first_date for each in successors}
    began: dict[str, dt.date] = {}
    for each in successors:
        began[each.new] = min(each.first_date, began.get(each.new, each.first_date))
    together: dict[str, list[str]] = {}
    for endpoint, scope in rules.scopes.items():
        together.setdefault(scope, []).append(endpoint)
    for scope, endpoints in together.items():
        ends = {e: registered[e].end_date if e in registered else None for e in endpoints}
        several = len(endpoints) > 1
        if drop and (dates := [day for day in ends.values() if day]) and len(dates) == len(endpoints):
            rules.events.append(Event(scope, max(dates), RETIRED))
        leaves = {e: _first(left.get(e), ends[e] if several or drop else None) for e in endpoints}
        if not several and not any((*leaves.values(), *(began.get(e) for e in endpoints))):
            continue
        ordered = sorted(endpoints, key=lambda e: (-_began(e, began, registered).toordinal(), e))
        rules.members += [Member(scope, e, place, began.get(e), leaves[e]) for place, e in enumerate(ordered)]


def _first(*days: dt.date | None) -> dt.date | None:
    return min((day for day in days if day), default=None)


def _began(endpoint: str, joined_on: Mapping[str, dt.date], registered: Mapping[str, Endpoint]) -> dt.date:
    row = registered.get(endpoint)
    return joined_on.get(endpoint) or (row and row.start_date) or dt.date.min


def _add_manual(rules: ItemRules, collection: Collection) -> None:
    items, problems = read_manual_items(collection.registers)
    rules.problems += problems
    within = (replace(each, endpoint=scope) for each in items if (scope := rules.scopes.get(each.endpoint)))
    rules.manual = joined(within)
    for item in rules.manual:
        begins, content = item.first_date or dt.date.min, f"{item.item}|{item.first_date}"
        rules.events.append(Event(item.endpoint, begins, MANUAL, content))
        if item.last_date is not None and item.last_date < dt.date.max:
            rules.events.append(Event(item.endpoint, item.last_date + _DAY, RELEASE, content))


def _add_decisions(rules: ItemRules, collection: Collection) -> None:
    decisions, problems = read_decisions(collection.decisions)
    rules.problems += problems
    for decision in decisions:
        if (scope := rules.scopes.get(decision.endpoint)) is None:
            reason = f"{decision.endpoint[:12]} never answered, so nothing of it is held"
            rules.problems.append(Problem(f"decision/{decision.name}.json", 1, reason))
            continue
        rules.decisions.append((scope, decision))
        rules.events.append(
            Event(scope, decision.entry_date, DECISION, f"{decision.name}\n{decision.to_json().decode()}")
        )
