"""Everything that can happen to items, in any order, against a model in plain Python.

Days, failures, incomplete harvests, lists of changes and of ids, unreadable rows, duplicates, restores, successors,
manual items, endpoints that retire, old age, changed registers and decisions.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collect_assets.collection import Collection
from collect_assets.errors import NoLogsError
from collect_assets.folding.fold import fold
from collect_assets.index.digest import digest
from collect_assets.index.publish import reading
from collect_assets.items.decisions import Decision, write_decisions
from collect_assets.registers import endpoint_id
from collect_assets_tests.folding.item_model import Answer, Member, Rules, Scope
from collect_assets_tests.index.kept import collection_at, day, keep

EXAMPLES = int(os.environ.get("COLLECT_ASSETS_EXAMPLES", "8"))  # some hundreds found nothing more
DAYS = 6
IDS = "abcdef"
TOML = "[items]\nretired = '{retired}'\n[items.guard]\nitems = 1\npast-answers = {past}\n"
OAI = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{}</ListRecords></OAI-PMH>'
RECORD = "<record><header><identifier>{}</identifier></header><metadata><name>{}</name></metadata></record>"
DELETED = '<record><header status="deleted"><identifier>{}</identifier></header></record>'
NO_ID = "<record><header/><metadata><name>x</name></metadata></record>"


@dataclass(frozen=True)
class Served:
    """An answer, and what is wrong with it: a record that cannot be read, or tasks that failed."""

    answer: Answer
    unreadable: bool = False
    complete: bool = True

    def content(self) -> bytes:
        rows = [DELETED.format(i) if value is None else RECORD.format(i, value) for i, value in self.answer.records]
        return OAI.format("".join([*rows, NO_ID] if self.unreadable else rows)).encode()

    @property
    def seen(self) -> Answer:
        return replace(self.answer, whole=self.complete and not self.unreadable)


@dataclass(frozen=True)
class Story:
    """What two endpoints served, and what people wrote."""

    days: Mapping[tuple[int, str], Served]
    rules: Rules
    max_age: int | None = None
    successor_from: int | None = None

    def members(self, name: str) -> list[Member]:
        if self.successor_from is None:
            left = 1000 if self.rules.retired_on is None else self.rules.retired_on
            return [Member(name, left=left, max_age=self.max_age)] if name == "one" else [Member(name)]
        one = Member("one", left=self.successor_from, max_age=self.max_age)
        return [Member("two", joined=self.successor_from), one] if name == "one" else []

    def scope(self, name: str, upto: int) -> Scope:
        """The items of the scope that is named after an endpoint, at the end of a day."""
        quiet = Rules(past_answers=self.rules.past_answers, verdicts=self.rules.verdicts)
        found = Scope(self.members(name), self.rules if name == "one" else quiet)
        days: dict[int, dict[str, Answer]] = {}
        for (number, endpoint), served in self.days.items():
            days.setdefault(number, {})[endpoint] = served.seen
        found.run(days, upto)
        return found


VALUE = st.sampled_from("xy")
RECORDS = st.lists(st.tuples(st.sampled_from(IDS), VALUE), min_size=0, max_size=6).map(tuple)
MOST = st.lists(VALUE, min_size=6, max_size=6).map(lambda values: tuple(zip(IDS, values, strict=True)))
OTHER_IDS = st.lists(VALUE, min_size=6, max_size=6).map(lambda values: tuple(zip("uvwxyz", values, strict=True)))
CHANGED = st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(["x", "y", None])), max_size=4).map(tuple)
LUCK = st.sampled_from([False] * 7 + [True])
FULL = st.builds(Answer, st.one_of(MOST, MOST, RECORDS, OTHER_IDS, CHANGED))
ANSWER = st.one_of(
    FULL,
    FULL,
    st.builds(Answer, CHANGED, st.just("changes")),
    st.builds(Answer, RECORDS, st.just("identifiers")),
)
SERVED = st.one_of(st.builds(Served, ANSWER, LUCK, LUCK.map(lambda bad: not bad)), st.none())
FULLY_SERVED = st.one_of(st.builds(Served, FULL, LUCK, LUCK.map(lambda bad: not bad)), st.none())
SPAN = st.tuples(st.sampled_from(IDS), st.integers(0, DAYS - 1), st.integers(0, 3)).map(
    lambda s: (s[0], s[1], s[1] + s[2])
)
VERDICTS = st.dictionaries(st.integers(0, DAYS - 1), st.sampled_from(["approve", "reject"]), max_size=3)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    successor_from = draw(st.one_of(st.none(), st.none(), st.integers(0, DAYS - 1)))
    served = FULLY_SERVED if successor_from is not None else SERVED
    days = {(n, name): s for name in ("one", "two") for n in range(DAYS) if (s := draw(served)) is not None}
    retired = draw(st.one_of(st.none(), st.none(), st.integers(1, DAYS))) if successor_from is None else None
    rules = Rules(
        manual=tuple(draw(st.lists(SPAN, max_size=2))),
        verdicts=draw(VERDICTS),
        retired_on=retired,
        past_answers=draw(st.sampled_from([2, 100])),
    )
    return Story(days, rules, draw(st.one_of(st.none(), st.none(), st.integers(1, 3))), successor_from)


@contextmanager
def collection_of(story: Story) -> Iterator[Collection]:
    folder = Path(tempfile.mkdtemp())
    retired = "keep" if story.rules.retired_on is None else "drop"
    try:
        yield collection_at(folder / "c", TOML.format(retired=retired, past=story.rules.past_answers))
    finally:
        shutil.rmtree(folder)


def id_of(name: str) -> str:
    return endpoint_id(f"https://example.org/{name}")


def lay(collection: Collection, story: Story, number: int) -> None:
    keep(collection, day(number), "other", b"reference\n1\n")  # so that there is such a day
    for name in ("one", "two"):
        if served := story.days.get((number, name)):
            coverage = served.answer.coverage
            keep(collection, day(number), name, served.content(), partial=not served.complete, coverage=coverage)
        else:
            keep(collection, day(number), name, None)


def write_registers(collection: Collection, story: Story) -> None:
    end = "" if story.rules.retired_on is None else day(story.rules.retired_on)
    parameters = json.dumps({} if story.max_age is None else {"max-untouched-age": story.max_age}).replace('"', '""')
    rows = [f'{id_of("one")},https://example.org/one,"{parameters}",{end}', f"{id_of('two')},https://example.org/two,,"]
    write(collection, "endpoint.csv", "endpoint,endpoint-url,parameters,end-date", rows)
    spans = [f"{item},{id_of('one')},{day(first)},{day(last)},me,so" for item, first, last in story.rules.manual]
    write(collection, "manual-item.csv", "item,endpoint,from,to,who,why", spans)
    if story.successor_from is not None:
        row = f"{id_of('one')},{id_of('two')},{day(story.successor_from)}"
        write(collection, "successor.csv", "old-endpoint,new-endpoint,from", [row])


def write(collection: Collection, name: str, header: str, rows: list[str]) -> None:
    (collection.registers / name).write_text("\n".join([header, *rows, ""]))


def decide(collection: Collection, story: Story, number: int) -> None:
    """Decides on all that is held on a day."""
    if (verdict := story.rules.verdicts.get(number)) is None:
        return
    with reading(collection) as index:
        holds = index.execute(
            "SELECT DISTINCT h.held, h.entry_date, s.scope FROM hold h JOIN scope s USING (scope_no) "
            "JOIN withheld w USING (scope_no, held) WHERE w.last_date IS NULL AND w.reason = 'guard' ORDER BY ALL"
        ).fetchall()
    write_decisions(
        collection.decisions,
        [
            Decision(f"{number}-{place}", verdict, scope, day(number), held, held_on, "me", "so")
            for place, (held, held_on, scope) in enumerate(holds)
        ],
    )


def items_as_of(collection: Collection, when: dt.date) -> dict[tuple[str, str], tuple[str, str, int, str]]:
    with reading(collection) as index:
        rows = index.execute(
            "SELECT s.scope, v.item_id, v.record ->> 'name', e.endpoint, v.first_date, v.change FROM item_version v "
            "JOIN endpoint e USING (endpoint_no) JOIN scope s ON s.scope_no = v.scope_no "
            "WHERE v.first_date <= $1 AND (v.last_date IS NULL OR v.last_date >= $1) AND s.scope <> $2",
            [when, id_of("other")],
        ).fetchall()
    assert len(rows) == len({row[:2] for row in rows}), "an item has two versions on a day"
    return {(scope, item): (value, e, (first - day(0)).days, change) for scope, item, value, e, first, change in rows}


def expected(story: Story, upto: int) -> dict[tuple[str, str], tuple[str, str, int, str]]:
    return {
        (id_of(name), item): (it.value, id_of(it.holder), it.changed, it.change)
        for name in ("one", "two")
        for item, it in story.scope(name, upto).live.items()
    }


def waiting(collection: Collection) -> set[tuple[str, str, str, str, str | None]]:
    with reading(collection) as index:
        rows = index.execute(
            "SELECT s.scope, w.item_id, w.change, w.reason, w.record ->> 'name' FROM withheld w "
            "JOIN scope s USING (scope_no) WHERE w.last_date IS NULL"
        ).fetchall()
    return set(rows)


def expected_waiting(story: Story) -> set[tuple[str, str, str, str, str | None]]:
    found = set()
    for name in ("one", "two"):
        scope = story.scope(name, DAYS - 1)
        for item, (change, reason, value) in scope.held.items():
            found.add((id_of(name), item, change, reason, value.split("@")[0] or None))
        for item, (change, value, _) in scope.differs.items():
            found.add((id_of(name), item, change, "manual", value or None))
    return found


def last_harvested(collection: Collection) -> dict[tuple[str, str], int]:
    with reading(collection) as index:
        rows = index.execute(
            "SELECT endpoint, item_id, last_harvested FROM item WHERE endpoint <> ?", [id_of("other")]
        ).fetchall()
    return {(endpoint, item): (when - day(0)).days for endpoint, item, when in rows}


def expected_last_harvested(story: Story) -> dict[tuple[str, str], int]:
    scopes = [story.scope(name, DAYS - 1) for name in ("one", "two")]
    return {(id_of(it.holder), item): scope.last_seen(item) for scope in scopes for item, it in scope.live.items()}


def full(*records: tuple[str, str | None]) -> Served:
    return Served(Answer(records))


ALL = tuple((item, "x") for item in IDS)
EMPTIED = Story(
    {(0, "one"): full(*ALL), (1, "one"): full(), (2, "one"): full(*ALL[:2])}, Rules(verdicts={1: "approve"}), None, None
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@example(story=EMPTIED, steps=[(True, 1), (False, 1), (True, 0)])
@given(story=stories(), steps=st.lists(st.tuples(st.booleans(), st.integers(0, DAYS - 1)), max_size=6))
def test_any_order_of_days_registers_and_decisions_ends_as_an_undisturbed_fold_and_as_the_model(
    story: Story, steps: list[tuple[bool, int]]
) -> None:
    with collection_of(story) as undisturbed, collection_of(story) as disturbed:
        write_registers(undisturbed, story)
        for number in range(DAYS):
            lay(undisturbed, story, number)
            if number in story.rules.verdicts:
                assert not fold(undisturbed, day(number)).rebuilt
                decide(undisturbed, story, number)
        fold(undisturbed, day(DAYS - 1))
        for number in range(DAYS):
            assert items_as_of(undisturbed, day(number)) == expected(story, number), number
        assert waiting(undisturbed) == expected_waiting(story)
        assert last_harvested(undisturbed) == expected_last_harvested(story)

        disturb(disturbed, undisturbed, story, steps)
        assert digest(disturbed) == digest(undisturbed)


def disturb(disturbed: Collection, undisturbed: Collection, story: Story, steps: list[tuple[bool, int]]) -> None:
    """Lays days and folds as the steps say, and only then writes the registers and decisions; then all the rest."""
    laid = set()
    for half, (lays, number) in enumerate(steps):
        if half == len(steps) // 2:
            write_registers(disturbed, story)
        if lays:
            lay(disturbed, story, number)
            laid.add(number)
        else:
            try:
                assert not fold(disturbed, day(number)).rebuilt
            except NoLogsError:
                assert not any(when <= number for when in laid)
    for number in set(range(DAYS)) - laid:
        lay(disturbed, story, number)
    write_registers(disturbed, story)
    if undisturbed.decisions.is_dir():
        shutil.copytree(undisturbed.decisions, disturbed.decisions)
    fold(disturbed, day(DAYS - 1))
